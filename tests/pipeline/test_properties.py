from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.database.connection import open_for_writing
from otel_sqlite_exporter.pipeline.bounded_queue import BoundedQueue, Counter
from otel_sqlite_exporter.scanning.long_strings import KEPT_CHARACTERS, shorten_json
from otel_sqlite_exporter.scanning.notes import NOTE
from tests.support import CHAT, check_file, query, span_of, value

# Each example makes a file.
quick = settings(
    max_examples=settings().max_examples * 2 // 5,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

any_text = st.text(st.characters(codec=None), max_size=300)
any_scalar = (
    any_text | st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=100) | st.just("x" * 5000)
)
any_value = st.recursive(
    any_scalar,
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(any_scalar, inner, max_size=4)
    ),
    max_leaves=20,
)
keys = any_text | st.sampled_from(
    [
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.definitions",
        "gen_ai.request.model",
        "gen_ai.usage.input_tokens",
        "gen_ai.response.finish_reasons",
        "gen_ai.prompt.0.content",
        "gen_ai.prompt",
        "llm.input_messages.0.message.content",
        "llm.token_count.prompt",
        "input.value",
        "output.value",
        "openinference.span.kind",
        "traceloop.entity.input",
        "traceloop.span.kind",
        "langfuse.observation.input",
        "mlflow.spanInputs",
        "error.type",
    ]
)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Return the path of a file in a directory of its own, once for each example."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory) / "traces.db"


@quick
@given(
    spans=st.lists(st.tuples(any_text, st.dictionaries(keys, any_value, max_size=6)), min_size=1, max_size=3),
    limit=st.integers(16, 300),
    capture=st.booleans(),
)
def test_any_span_has_a_row(spans: list[tuple[str, dict[str, object]]], limit: int, *, capture: bool) -> None:
    """Whatever a span's name and attributes are, it is stored; its JSON is valid and its texts keep the limit."""
    with scratch() as path:
        exporter = SQLiteSpanExporter(path, max_text_bytes=limit, capture_content=capture)
        for number, (name, attributes) in enumerate(spans, 1):
            exporter.export([span_of({**CHAT, **attributes}, name=name, span_id=number)])
        exporter.shutdown()
        check_file(path)
        assert value(path, "SELECT count(*) FROM spans") == len(spans)
        assert value(path, "SELECT count(*) FROM llm_calls") == len(spans)
        for row in query(path, "SELECT attributes, events, links FROM spans"):
            for document in row:
                json.loads(str(document), parse_constant=pytest.fail)
        for text, full, kept in query(path, "SELECT CAST(text AS BLOB), full_bytes, kept_bytes FROM messages"):
            assert isinstance(full, int)
            assert isinstance(kept, int)
            assert kept <= full
            if isinstance(text, bytes):
                text.decode()
                assert len(text) <= limit
        if not capture:
            assert value(path, "SELECT count(*) FROM messages") == 0


@quick
@given(st.lists(st.tuples(st.sampled_from(["offer", "large", "take"]), st.integers(1, 9)), max_size=60))
def test_the_queue_is_a_bounded_queue(steps: list[tuple[str, int]]) -> None:
    """It keeps the order, its places add up, and it refuses exactly what does not fit."""
    queue: BoundedQueue[tuple[int, int]] = BoundedQueue(7, lambda item: item[1])
    queue.be_strict()
    model: list[tuple[int, int]] = []
    for number, (step, size) in enumerate(steps):
        if step == "take":
            assert queue.take(size) == model[:size]
            del model[:size]
        else:
            item = (number, min(size if step == "large" else 1, 7))
            fits = sum(places for _, places in [*model, item]) <= 7
            assert queue.offer(item) is fits
            if fits:
                model.append(item)
        assert len(queue) == len(model)
        assert len(queue.permits) == 7 - sum(places for _, places in model)


def test_counters_count_exactly_in_every_thread() -> None:
    """Eight threads that count at once, while another reads, lose nothing."""
    counter = Counter()
    seen: list[int] = []

    def count() -> None:
        for _ in range(20_000):
            counter.raise_by_one()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append(counter.value())
    assert counter.value() == 160_000
    assert seen == sorted(seen)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=50) | st.sampled_from(["\\", '"', "\ud83d\ude00"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
)


@quick
@example(document=None, ascii_only=False, seed="aaa")  # of base64's characters alone
@given(json_values, st.booleans(), st.text(st.sampled_from(['"', "\\", "\n", "é", "\U0001f600", "a", " "]), min_size=3))
def test_shortening_json_keeps_all_but_long_strings(document: object, ascii_only: bool, seed: str) -> None:
    """Short strings stay as they are, long ones keep both ends, counted exactly, and it is the same JSON otherwise."""
    text = json.dumps(document, ensure_ascii=ascii_only)
    assert json.loads(shorten_json(text)) == json.loads(text)
    long = seed * (KEPT_CHARACTERS * 5 // 4 // len(seed))
    shortened = json.loads(shorten_json(json.dumps([document, long], ensure_ascii=ascii_only)))
    assert shortened[0] == json.loads(text)
    start, missing, end = NOTE.split(shortened[1])
    assert long.startswith(start)
    assert long.endswith(end)
    assert int(missing) == len(long.encode()) - len((start + end).encode())
    assert min(len(start), len(end)) >= KEPT_CHARACTERS // 2 // 12 - 1


class Recording(RuleBasedStateMachine):
    """Any interleaving of spans, flushes, forks, locks, file changes and shutdown, against a model of the counts."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "traces.db"
        self.processor: SQLiteSpanProcessor | None = None
        self.next_id = 1
        self.received = 0
        self.expected_rows: set[str] = set()
        self.is_shut_down = False

    @initialize(batch=st.integers(1, 60), delay=st.sampled_from([1, 5, 3_600_000]))
    def make(self, batch: int, delay: int) -> None:
        """Make a processor whose queue holds all that one example ends."""
        self.processor = SQLiteSpanProcessor(
            self.path, max_queue_size=10_000, max_export_batch_size=batch, schedule_delay_millis=delay
        )

    def end(self, count: int) -> set[str]:
        """End some spans and return their ids."""
        assert self.processor is not None
        ids = range(self.next_id, self.next_id + count)
        self.next_id += count
        for number in ids:
            self.processor.on_end(span_of(span_id=number))
        return {f"{number:016x}" for number in ids}

    @rule(count=st.integers(1, 120))
    def end_spans(self, count: int) -> None:
        """End spans: kept before the shutdown, counted after it."""
        ids = self.end(count)
        self.received += count
        if not self.is_shut_down:
            self.expected_rows |= ids

    @rule()
    def flush(self) -> None:
        """Flush: everything that ended before the shutdown is in the file."""
        assert self.processor is not None
        assert self.processor.force_flush() is not self.is_shut_down
        if self.expected_rows:
            assert {row[0] for row in query(self.path, "SELECT span_id FROM spans")} >= self.expected_rows

    @rule(count=st.integers(0, 60), ending=st.sampled_from(["flush", "shutdown"]))
    def fork(self, count: int, ending: str) -> None:
        """Fork a child that records some spans of its own and flushes or shuts down."""
        assert self.processor is not None
        first = self.next_id
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                self.end(count)
                if ending == "flush":
                    is_stored = self.processor.force_flush()
                else:
                    self.processor.shutdown()
                    is_stored = True
                stats = self.processor.stats()
                is_right = stats.received == count and stats.written == (0 if self.is_shut_down else count)
                code = 0 if is_right and is_stored is not (self.is_shut_down and ending == "flush") else 2
            finally:
                os._exit(code)
        self.next_id = first + count
        assert os.waitpid(pid, 0)[1] == 0
        if not self.is_shut_down:
            self.expected_rows |= {f"{number:016x}" for number in range(first, first + count)}

    @rule(count=st.integers(1, 60))
    def lock(self, count: int) -> None:
        """End spans and flush while another connection holds the write lock."""
        assert self.processor is not None
        if not self.path.exists():
            return
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None, timeout=20)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            self.end_spans(count)
            assert self.processor.force_flush(5) is False
            connection.execute("ROLLBACK")

    @rule()
    def shut_down(self) -> None:
        """Shut down, for the first time or again."""
        assert self.processor is not None
        self.processor.shutdown()
        self.is_shut_down = True

    @invariant()
    def books_are_right(self) -> None:
        """Whatever goes on, every span that ended has been received."""
        if self.processor is not None:
            assert self.processor.stats().received == self.received

    def teardown(self) -> None:
        """Check the whole file in the end."""
        if self.processor is not None:
            self.processor.shutdown()
            stats = self.processor.stats()
            assert stats.received == stats.written + sum(stats.dropped.values())
            assert stats.dropped["write_error"] == stats.dropped["queue_full"] == 0
            rows = query(self.path, "SELECT span_id FROM spans") if self.path.exists() else []
            assert sorted(str(row[0]) for row in rows) == sorted(self.expected_rows)
            if self.path.exists():
                self.check_ledger()
        self.directory.cleanup()

    def check_ledger(self) -> None:
        """Check each process's row against its spans; one that only flushed has not ended."""
        assert value(self.path, "PRAGMA integrity_check") == "ok"
        assert (
            query(
                self.path,
                "SELECT id FROM recorders r WHERE written <> (SELECT count(*) FROM spans WHERE recorder_id = r.id) "
                "OR (clean_exit AND received <> written + skipped + dropped)",
            )
            == []
        )


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
class TestRecording(Recording.TestCase):  # type: ignore[valid-type,misc]
    """Run :class:`Recording` with few and short examples."""

    settings = settings(max_examples=settings().max_examples // 5, stateful_step_count=10)


def test_reopening_any_number_of_times_is_the_same_database(tmp_path: Path) -> None:
    """Opening is idempotent: the schema is made once."""
    path = str(tmp_path / "traces.db")
    for _ in range(5):
        open_for_writing(path)[1].close()
    schemas = {tuple(query(path, "SELECT name, sql FROM sqlite_master ORDER BY name")) for _ in range(2)}
    assert len(schemas) == 1
