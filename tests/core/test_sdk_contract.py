"""The contract of OpenTelemetry's own batching processors, as the tests of SDK 1.45 state it, held by this one.

Two policies differ, and are stated in the README: a full queue drops the new span, not the oldest, and ``force_flush``
keeps its timeout.
"""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.core.support import end_spans, query, wait_until

LONG = 60_000


def test_a_full_batch_is_written_without_waiting_for_the_delay(tmp_path: Path) -> None:
    """When as many spans as a batch holds are queued they are written, once, whatever the delay."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", schedule_delay_millis=LONG, max_export_batch_size=15)
    end_spans(processor, 15)
    wait_until(lambda: processor.stats().written == 15, what="the batch is written")
    processor.shutdown()
    assert query(tmp_path / "traces.db", "SELECT count(*) FROM spans") == [(15,)]


def test_a_small_batch_is_written_after_the_delay(tmp_path: Path) -> None:
    """A single span is written when its time is up, once."""
    processor = SQLiteSpanProcessor(tmp_path / "traces.db", schedule_delay_millis=100)
    end_spans(processor, 1)
    wait_until(lambda: processor.stats().written == 1, what="the span is written")
    processor.shutdown()
    assert query(tmp_path / "traces.db", "SELECT count(*) FROM spans") == [(1,)]


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
