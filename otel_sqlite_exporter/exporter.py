"""The same recording behind OpenTelemetry's ``SpanExporter`` interface."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import get_tracer_provider

from otel_sqlite_exporter.config import exporter_options
from otel_sqlite_exporter.database.connection import Failure, failure_of
from otel_sqlite_exporter.database.ledger import Counts
from otel_sqlite_exporter.pipeline import process_hooks
from otel_sqlite_exporter.pipeline.fork_mark import fork_mark
from otel_sqlite_exporter.pipeline.passing_spans import PassingSpan, passing_span
from otel_sqlite_exporter.pipeline.pruning import Pruner
from otel_sqlite_exporter.pipeline.recorder import Recorder
from otel_sqlite_exporter.pipeline.silence import Silence
from otel_sqlite_exporter.pipeline.span_filter import SpanFilter
from otel_sqlite_exporter.pipeline.target import with_usable_path
from otel_sqlite_exporter.pipeline.trouble_log import TroubleLog

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.config import Redact, SpanSelection
    from otel_sqlite_exporter.database.batch import Batch

_RETRY_SECONDS: Final = 0.02
_SHUTDOWN_TIMEOUT_SECONDS: Final = 5.0
_PRUNING_SECONDS: Final = 0.1  # of one export; the next one goes on with it


class SQLiteSpanExporter(SpanExporter):
    """Store spans in a local SQLite file, for ``BatchSpanProcessor``, ``OTEL_TRACES_EXPORTER=sqlite`` and their like.

    ``export`` writes before it returns. :class:`SQLiteSpanProcessor` does the same without a second queue, and keeps
    what can't be written now.

    Args:
        path: As for :class:`SQLiteSpanProcessor`, like every other argument.
        max_text_bytes: See there.
        capture_content: See there.
        spans: See there.
        redact: See there; it runs in the thread that exports.
        busy_timeout_millis: Longest time, in milliseconds, that ``export`` waits for a file that another process has
            locked. Default: ``OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT``, else 5000.
        retention_days: See there.
        max_database_bytes: See there.
        keep_raw_content: See there.

    Raises:
        ValueError: As for :class:`SQLiteSpanProcessor`.
        TypeError: ``redact`` is not callable.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        max_text_bytes: int | None = None,
        capture_content: bool | None = None,
        spans: SpanSelection | None = None,
        redact: Redact | None = None,
        busy_timeout_millis: float | None = None,
        retention_days: float | None = None,
        max_database_bytes: int | None = None,
        keep_raw_content: bool = False,
    ) -> None:
        options = exporter_options(
            path=path,
            max_text_bytes=max_text_bytes,
            capture_content=capture_content,
            spans=spans,
            redact=redact,
            busy_timeout_millis=busy_timeout_millis,
            retention_days=retention_days,
            max_database_bytes=max_database_bytes,
            keep_raw_content=keep_raw_content,
        )
        self._options = with_usable_path(options, is_from_environment=path is None)
        self._span_filter = SpanFilter(everything=self._options.spans == "all")
        self._is_shut_down = False
        self._is_forked = False
        self._reset()
        process_hooks.watch(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._busy_threads: set[int] = set()
        """Those that hold the lock or wait for it."""
        self._interrupting: deque[ReadableSpan] = deque()
        self._recorder = Recorder(self._options)
        self._log = TroubleLog()
        self._pruner = Pruner(self._recorder.database, self._recorder.retention, self._log)
        self._counts = Counts()
        self._fork_mark = fork_mark()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write the LLM spans among ``spans`` in one transaction.

        Returns:
            SUCCESS when they are in the file; FAILURE when some are not, or after :meth:`shutdown`.
        """
        if not self._fork_mark[0]:
            self.after_fork_in_child()
        thread = threading.get_ident()
        if thread in self._busy_threads:
            # A signal handler or ``__del__`` ended spans while this very thread holds the lock. It writes them next;
            # waiting for it here would never end.
            self._interrupting.extend(spans)
            return SpanExportResult.FAILURE if self._is_shut_down else SpanExportResult.SUCCESS
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))  # noqa: FBT003 - the key's own value
        self._busy_threads.add(thread)
        try:
            with self._lock:
                result = self._export_unless_shut_down(spans)
        except Exception as error:  # noqa: BLE001 - an exporter must not raise into the processor
            self._log.trouble("export", "%d spans could not be exported (%s)", len(spans), type(error).__name__)
            result = SpanExportResult.FAILURE
        finally:
            self._busy_threads.discard(thread)
            detach(token)
        if self._interrupting:
            self.export([self._interrupting.popleft() for _ in range(len(self._interrupting))])
        return result

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002 - the interface's own signature
        """Return True: ``export`` has written when it returns."""
        return True

    def shutdown(self) -> None:
        """End the ledger and close the file. Later exports fail."""
        if not self._fork_mark[0]:
            self.after_fork_in_child()
        was_shut_down, self._is_shut_down = self._is_shut_down, True
        thread = threading.get_ident()
        if thread in self._busy_threads or not self._lock.acquire(timeout=_SHUTDOWN_TIMEOUT_SECONDS):
            return  # the export that goes on ends with the process
        self._busy_threads.add(thread)
        try:
            self._end()
        finally:
            self._lock.release()
            self._busy_threads.discard(thread)
        counts, without_content = self._counts, self._recorder.calls_without_content
        if not (was_shut_down or self._is_forked) and (counts.received == counts.skipped or without_content):
            with contextlib.suppress(Exception):  # a log handler's
                Silence.report(self._options.path, skipped=counts.skipped, calls_without_content=without_content)

    def __repr__(self) -> str:
        """Say where spans go, and what came of them."""
        counts = self._counts
        lost = sum(counts.dropped.values())
        dropped = f", {lost} dropped" if lost else ""
        return (
            f"<{type(self).__name__} {self._options.path}: {counts.written} written, {counts.skipped} skipped{dropped}>"
        )

    def at_exit(self) -> None:
        """Shut down when the process ends and nobody else has.

        Hooks of ``atexit`` run backwards: a provider that was made before this package was loaded, as declarative
        configuration does, shuts down after this, and still holds its last batch.
        """
        if not self._is_shut_down:
            flush = getattr(get_tracer_provider(), "force_flush", None)
            if flush is not None:
                with contextlib.suppress(Exception):  # another exporter's
                    flush()
        self.shutdown()

    def before_fork(self) -> None:
        """Close the file, so that the child inherits nothing of it (see ``database.forked_connections``)."""
        self._recorder.database.prepare_fork()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._is_forked = True
        self._recorder.database.fork_is_over()

    def after_fork_in_child(self) -> None:
        """Leave an inherited connection alone and start with one of its own."""
        self._recorder.database.abandon()
        self._is_forked = True
        self._reset()

    def _end(self) -> None:
        database = self._recorder.database
        late = self._recorder.settled()
        if late.steps:
            self._write(late, lambda _written, _failed: self._counts)
        deadline = time.monotonic() + self._options.busy_timeout_millis / 1e3
        try:
            while True:
                try:
                    database.end(self._counts, is_clean=True)
                except Exception as error:  # noqa: BLE001 - the ledger then says what is true: no clean end
                    if failure_of(error) is Failure.BUSY and time.monotonic() < deadline:
                        time.sleep(_RETRY_SECONDS)
                        continue
                    self._log.trouble("end", "%s: the ledger could not be ended (%s)", database.path, error)
                else:
                    self._pruner.run_to_end(time.monotonic() + _SHUTDOWN_TIMEOUT_SECONDS)
                return
        finally:
            database.close()

    def _export_unless_shut_down(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.FAILURE if self._is_shut_down else self._export(spans)

    def _export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        wanted: list[ReadableSpan] = []
        passing: list[PassingSpan] = []
        unreadable = 0
        odd: Exception | None = None
        for span in spans:
            try:
                if not _is_sampled(span):
                    continue
                if self._span_filter.is_llm_span(span):
                    wanted.append(span)
                else:
                    passing.append(passing_span(span))
            except Exception as error:  # noqa: BLE001 - anything may be in the batch; it costs itself only
                unreadable += 1
                odd = error
        skipped = len(spans) - len(wanted) - unreadable
        recorder = self._recorder
        batch, unconverted, reason = recorder.convert(wanted, passing)
        if recorder is not self._recorder:  # a child that was forked by redact: the batch is the parent's
            return SpanExportResult.FAILURE
        if recorder.redact_failures:
            withheld = recorder.redact_failures
            self._log.trouble("redact", "redact failed on %d texts so far, which are not stored", withheld)
        unconverted += unreadable
        if unconverted:
            # Its text may quote the span, which nobody has redacted.
            kind = type(reason or odd).__name__
            self._log.trouble("conversion", "%d spans could not be converted and are lost (%s)", unconverted, kind)

        def counts_after(written: int, failed: int) -> Counts:
            counts = self._counts.plus(len(spans), written, skipped, failed, unconverted)
            return replace(counts, redact_failures=recorder.redact_failures)

        failed = self._write(batch, counts_after) if batch.steps else 0
        self._counts = counts_after(len(batch.records) - failed, failed)
        pruning_ends = time.monotonic() + _PRUNING_SECONDS
        self._pruner.run(lambda: time.monotonic() >= pruning_ends)
        return SpanExportResult.FAILURE if failed or unconverted else SpanExportResult.SUCCESS

    def _write(self, batch: Batch, counts_after: Callable[[int, int], Counts]) -> int:
        """Write a batch within the busy timeout and return how many of its records are lost."""
        database = self._recorder.database
        deadline = time.monotonic() + self._options.busy_timeout_millis / 1e3
        while True:
            try:
                return database.write(batch, counts_after).failed
            except Exception as error:  # noqa: BLE001 - classified below
                if failure_of(error) is Failure.BUSY and time.monotonic() < deadline:
                    time.sleep(_RETRY_SECONDS)
                    continue
                count = len(batch.records)
                self._log.trouble("write", "%s: not writable (%s); %d spans are lost", database.path, error, count)
                return count


def _is_sampled(span: ReadableSpan) -> bool:
    context = span.context
    return context is None or context.trace_flags.sampled
