"""The contract of OpenTelemetry's own batching processors, as the tests of SDK 1.45 state it, held by this one.

Where the policies differ, on purpose:

- a full queue drops the new span, not the oldest, and has its own size (512) and environment variables;
- the first span after a pause is written at once, the delay is for those that follow;
- ``force_flush`` keeps its timeout, and answers False when something was lost, where the SDK's waits without a bound;
- there is no exporter behind it that a shutdown could interrupt: a transaction in progress ends by itself, and the
  shutdown comes back in time all the same;
- its self-metrics carry the name of this package as their scope.
"""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, SynchronousMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.support import end_spans, provider_with, query, wait_until

LONG = 60_000


def test_a_full_batch_is_written_without_waiting_for_the_delay(tmp_path: Path) -> None:
    """When as many spans as a batch holds are queued they are written, once, whatever the delay."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", schedule_delay_millis=LONG, max_export_batch_size=15)
    end_spans(processor, 1)
    assert processor.force_flush()
    end_spans(processor, 15)
    wait_until(lambda: processor.stats().written == 16, what="the batch is written")
    processor.shutdown()
    assert query(tmp_path / "traces.db", "SELECT count(*) FROM spans") == [(16,)]


def test_a_small_batch_is_written_after_the_delay(tmp_path: Path) -> None:
    """A span that comes soon after another one is written when its time is up, once."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", schedule_delay_millis=100)
    end_spans(processor, 1)
    assert processor.force_flush()
    end_spans(processor, 1)
    wait_until(lambda: processor.stats().written == 2, what="the span is written")
    processor.shutdown()
    assert query(tmp_path / "traces.db", "SELECT count(*) FROM spans") == [(2,)]


def test_a_shutdown_writes_what_is_queued_and_later_spans_are_dropped(tmp_path: Path) -> None:
    """Spans before the shutdown are in the file, a span after it is not."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", schedule_delay_millis=LONG)
    end_spans(processor, 1)
    processor.shutdown()
    end_spans(processor, 1)
    assert query(tmp_path / "traces.db", "SELECT count(*) FROM spans") == [(1,)]
    assert processor.stats().dropped["already_shutdown"] == 1


def test_a_flush_writes_what_is_queued(tmp_path: Path) -> None:
    """After ``force_flush`` every span that has ended is in the file; after a shutdown it answers False."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", schedule_delay_millis=LONG)
    end_spans(processor, 10)
    assert processor.force_flush()
    assert query(tmp_path / "traces.db", "SELECT count(*) FROM spans") == [(10,)]
    processor.shutdown()
    assert not processor.force_flush()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # the test runner's own threads
@pytest.mark.parametrize("is_forking", [False, True], ids=["alone", "with a fork afterwards"])
def test_a_processor_that_was_shut_down_is_collected(tmp_path: Path, is_forking: bool) -> None:
    """Nothing keeps it alive, and its fork hooks do not miss it."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db")
    end_spans(processor, 1)
    reference = weakref.ref(processor)
    processor.shutdown()
    del processor
    gc.collect()
    assert reference() is None
    if is_forking:
        child = os.fork()
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the test runner's own threads
def test_a_fork_writes_what_each_process_queued(tmp_path: Path) -> None:
    """Nine spans queued before a fork are the parent's to write, a hundred that end in the child are the child's."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, schedule_delay_millis=LONG, max_export_batch_size=10)
    end_spans(processor, 1)
    assert processor.force_flush()
    end_spans(processor, 9)
    child = os.fork()
    if child == 0:
        end_spans(processor, 100)
        is_flushed = processor.force_flush()
        os._exit(0 if is_flushed and processor.stats().written == 100 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert query(path, "SELECT count(*) FROM spans") == [(101,)]
    assert processor.force_flush()
    assert processor.stats().written == 10
    processor.shutdown()
    assert query(path, "SELECT written, clean_exit FROM recorders ORDER BY written") == [(10, 1), (100, 0)]


def test_spans_of_a_sampler_that_says_no_are_not_written(tmp_path: Path) -> None:
    """What is not sampled never reaches the file."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", spans="all")
    provider = TracerProvider(sampler=ALWAYS_OFF, resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    with provider.get_tracer("t").start_as_current_span("foo"):
        pass
    assert provider.force_flush()
    provider.shutdown()
    assert processor.stats().received == 0


def test_children_are_written_before_their_parents(tmp_path: Path) -> None:
    """Spans are written in the order in which they ended, whether or not they were ever active."""
    path = tmp_path / "traces.db"
    processor = SQLiteSpanProcessor(path, spans="all")
    tracer = provider_with(processor).get_tracer("t")
    with tracer.start_as_current_span("foo"), tracer.start_span("bar"), tracer.start_as_current_span("xxx"):
        pass
    processor.shutdown()
    assert query(path, "SELECT name FROM spans ORDER BY id") == [("xxx",), ("bar",), ("foo",)]


def test_it_is_one_among_other_processors(tmp_path: Path) -> None:
    """It works as a member of the SDK's synchronous and concurrent groups, which pass on flushes and shutdowns."""
    groups = (SynchronousMultiSpanProcessor(), ConcurrentMultiSpanProcessor(2))  # type: ignore[no-untyped-call]
    for number, group in enumerate(groups):
        processors = [SQLiteSpanProcessor(tmp_path / f"{number}{part}.db") for part in range(3)]
        for processor in processors:
            group.add_span_processor(processor)  # type: ignore[attr-defined]
        end_spans(group, 5)
        assert group.force_flush(30_000)
        assert [processor.stats().written for processor in processors] == [5] * 3
        group.shutdown()
        assert not group.force_flush(100)
