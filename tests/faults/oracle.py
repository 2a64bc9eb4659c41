"""What has to be true after every fault, whatever it was.

The application was never blocked and saw no exception; nothing hangs; every span is accounted for, in the statistics,
in the ledger and in the rows; each kind of trouble is one line in the log; the next span is stored; the file is sound.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from otel_sqlite_exporter import SQLiteSpanProcessor, Stats

LONGEST_ON_END_SECONDS = 0.5  # what waits for a fault waits longer, and a busy machine less
_CONTROL_STEPS = 40


class Lines(logging.Handler):
    """Count log lines by their kind: the text before its values are filled in."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: Counter[str] = Counter()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.kinds[str(record.msg)] += 1
        self.lines.append(record.getMessage())


class Application(SpanProcessor):
    """A processor that is recorded with and watched.

    Every ``on_end`` is timed, and so is as long a piece of work that has nothing to do with it: on a busy machine any
    code may be put aside for a while, and what happens to the control says nothing about the processor.

    Args:
        path: The database file.
        options: Of the processor.
    """

    def __init__(self, path: Path | str, **options: object) -> None:
        self.path = Path(path)
        self.processor = SQLiteSpanProcessor(path, **options)  # type: ignore[arg-type]
        self.provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
        self.provider.add_span_processor(self)
        self.log = Lines()
        logging.getLogger("otel_sqlite_exporter").addHandler(self.log)
        self.slow_calls = self.slow_controls = 0
        self.slowest = 0.0

    def on_end(self, span: ReadableSpan) -> None:
        """Pass a span on, and see how long that takes."""
        started = time.perf_counter()
        self.processor.on_end(span)
        ended = time.perf_counter()
        sum(range(_CONTROL_STEPS))
        self.slow_controls += time.perf_counter() - ended > LONGEST_ON_END_SECONDS
        self.slow_calls += ended - started > LONGEST_ON_END_SECONDS
        self.slowest = max(self.slowest, ended - started)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the processor."""
        return self.processor.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 5000) -> None:
        """Shut the processor down."""
        self.processor.shutdown(timeout_millis)

    def close_file(self) -> None:
        """Close the connection; the next batch opens another one."""
        self.processor._exporter_thread._loop.delivery._recorder.database.close()

    def stats(self) -> Stats:
        """Return the processor's statistics."""
        return self.processor.stats()

    def call(self, name: str = "chat", **attributes: object) -> None:
        """End one LLM span."""
        tracer = self.provider.get_tracer("app")
        tracer.start_span(name, attributes={"gen_ai.operation.name": "chat", **attributes}).end()  # type: ignore[dict-item]

    def calls(self, count: int, name: str = "chat", **attributes: object) -> None:
        """End some LLM spans."""
        for _ in range(count):
            self.call(name, **attributes)

    def finish(self, *, is_clear: bool = True, is_readable: bool = True) -> Stats:
        """Check everything that has to be true in the end.

        Args:
            is_clear: Whether the fault is gone, so that the next span must be stored and the ledger must end cleanly.
            is_readable: Whether this process may read the file as well; else the test does, from outside.
        """
        last = f"after fault {uuid.uuid4()}"
        if is_clear:
            self.call(last)
            wait_until(lambda: self.force_flush(1000), what="everything is written once the fault is gone")
        self.shutdown()
        stats = self.stats()
        assert stats.received == stats.written + stats.skipped + sum(stats.dropped.values()), stats
        self.check_calls()
        repeated = {kind: count for kind, count in self.log.kinds.items() if count > 1}
        assert repeated == {}, self.log.lines
        if is_clear and is_readable:
            assert names(self.path)[last] == 1
            check_file(self.path)
        return stats

    def check_calls(self) -> None:
        """Check that no ``on_end`` took too long, apart from what the machine did to the control as well."""
        assert self.slow_calls <= self.slow_controls, f"{self.slow_calls} calls of on_end, up to {self.slowest:.3f} s"


@contextlib.contextmanager
def application(path: Path, **options: object) -> Iterator[Application]:
    """Run an application in this process while a fault comes and goes; check everything afterwards."""
    app = Application(path, **options)
    try:
        yield app
    except BaseException:
        app.shutdown(100)
        raise
    app.finish()


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        return connection.execute(sql).fetchall()


def names(path: Path) -> Counter[str]:
    """Return how many spans of each name are stored."""
    return Counter(str(name) for (name,) in query(path, "SELECT name FROM spans"))


def check_file(path: Path) -> None:
    """Check that the file is sound, that no span is in it twice, and that every process's books are balanced."""
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA foreign_key_check") == []
    assert query(path, "SELECT 1 FROM spans GROUP BY trace_id, span_id HAVING count(*) > 1") == []
    assert query(path, "SELECT * FROM recorders WHERE clean_exit AND received <> written + skipped + dropped") == []
    assert (
        query(path, "SELECT * FROM recorders r WHERE written <> (SELECT count(*) FROM spans WHERE recorder_id = r.id)")
        == []
    )


def wait_until(condition: Callable[[], object], *, what: str, seconds: float = 30.0) -> None:
    """Wait for something that happens elsewhere; fail with a name for it when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.005)
