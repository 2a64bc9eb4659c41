"""The application's side: ``on_end`` looks at a span, and puts it into the queue."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace.status import StatusCode

from otel_sqlite_exporter.pipeline.bounded_queue import BoundedQueue
from otel_sqlite_exporter.pipeline.ended_span import permits_of
from otel_sqlite_exporter.pipeline.foreign_errors import is_of_a_handler
from otel_sqlite_exporter.pipeline.passing_spans import passing_span
from otel_sqlite_exporter.pipeline.room import is_default_limit, make_room
from otel_sqlite_exporter.pipeline.span_filter import SpanFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from otel_sqlite_exporter.calls.log_event import LogEvent
    from otel_sqlite_exporter.config import Redact, SpanSelection
    from otel_sqlite_exporter.pipeline.counts import Stats


class SQLiteSpanProcessor(SpanProcessor):
    """Record every LLM span of the application in a local SQLite file.

    ``on_end`` never blocks, never locks and raises nothing of its own: it puts the span into a bounded queue, from
    which one daemon thread, started by the first span, writes batches. Nothing is opened or created before that.

    Every argument that is None is read from the environment, then has its default.

    Args:
        path: The database file, created with its parent directories when the first span is written. Default:
            ``OTEL_EXPORTER_SQLITE_PATH``, else ``llm_traces.db`` in the working directory.
        max_queue_size: Events that may wait; a full queue drops the new event and counts it. A span takes one more
            place for every 128 Ki characters of its texts. Default: ``OTEL_EXPORTER_SQLITE_MAX_QUEUE_SIZE``,
            else 512.
        max_export_batch_size: Events per transaction. Default: ``OTEL_EXPORTER_SQLITE_MAX_EXPORT_BATCH_SIZE``, else 50.
        schedule_delay_millis: Longest time, in milliseconds, that an event waits for its batch; the first one after
            such a time without any does not wait. Default: ``OTEL_EXPORTER_SQLITE_SCHEDULE_DELAY``, else 500.
        meter_provider: Records the ``otel.sdk.processor.span.*`` metrics of the OpenTelemetry semantic conventions.
            Default: the global one where ``OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED`` is ``true``, else none.
        max_text_bytes: UTF-8 bytes kept of the texts of one message or attribute, at least 16; the structure of JSON
            may take 1 KiB more. Short texts stay whole, names, ids and types always do; of a long one the beginning
            and the end are kept, and between them ``[... 12345 bytes omitted ...]``. Default:
            ``OTEL_EXPORTER_SQLITE_MAX_TEXT_BYTES``, else 65536.
        capture_content: False stores no prompts, answers, tool arguments or results, and no free text anywhere; names
            and ids stay where they are single words of at most 256 characters. Default:
            ``OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT``, else True.
        spans: ``"genai"`` stores LLM spans, ``"all"`` every sampled span. Default: ``OTEL_EXPORTER_SQLITE_SPANS``, else
            ``"genai"``.
        redact: A callable on (key, text) that returns the text to store; one that raises drops the text. It sees every
            text of the application, names, ids and keys included, and runs in the exporter thread.
        busy_timeout_millis: Of :class:`SQLiteSpanExporter`; the processor waits for a locked file for as long as it
            lives, while its queue fills.
        retention_days: Delete whole traces that ended longer ago. Default:
            ``OTEL_EXPORTER_SQLITE_RETENTION_DAYS``, else they are kept.
        max_database_bytes: Delete the oldest traces when the file grows beyond this, at least 1 MiB. Default:
            ``OTEL_EXPORTER_SQLITE_MAX_DATABASE_BYTES``, else it grows.
        keep_raw_content: Also keep message content in ``attributes``, as it was emitted but for base64 media. No effect
            with ``capture_content=False``.

    Raises:
        ValueError: An argument is out of range, or the path can't be a database of ours: a directory, a special file,
            not a database, another application's, or of a newer schema. The message names it.
        TypeError: ``redact`` is not callable, or ``meter_provider`` makes no meters.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        max_queue_size: int | None = None,
        max_export_batch_size: int | None = None,
        schedule_delay_millis: float | None = None,
        meter_provider: MeterProvider | None = None,
        max_text_bytes: int | None = None,
        capture_content: bool | None = None,
        spans: SpanSelection | None = None,
        redact: Redact | None = None,
        busy_timeout_millis: float | None = None,
        retention_days: float | None = None,
        max_database_bytes: int | None = None,
        keep_raw_content: bool = False,
    ) -> None:
        # Not at the top: together they load SQLite and every convention (python -m benchmarks startup).
        from otel_sqlite_exporter.config import batch_options, exporter_options  # noqa: PLC0415
        from otel_sqlite_exporter.pipeline.counts import Tally  # noqa: PLC0415
        from otel_sqlite_exporter.pipeline.exporter_thread import ExporterThread  # noqa: PLC0415
        from otel_sqlite_exporter.pipeline.self_metrics import meter_provider_in_use, record_metrics  # noqa: PLC0415
        from otel_sqlite_exporter.pipeline.target import with_usable_path  # noqa: PLC0415

        batching = batch_options(max_queue_size, max_export_batch_size, schedule_delay_millis)
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
        options = with_usable_path(options, is_from_environment=path is None)
        self._intake: BoundedQueue[ReadableSpan] = BoundedQueue(
            batching.max_queue_size, permits_of, batching.max_export_batch_size
        )
        self._queue = self._intake.queue
        self._permits = self._intake.permits
        self._tally = Tally(self._intake)
        meters = meter_provider_in_use(meter_provider)
        on_write = record_metrics(meters, self._tally, batching.max_queue_size) if meters is not None else None
        self._exporter_thread = ExporterThread(self._intake, self._tally, options, batching, on_write)
        self._pass = self._exporter_thread.passing.note
        self._span_filter = SpanFilter(everything=options.spans == "all")
        self._makes_room = is_default_limit(os.environ)
        self._signal_from = batching.max_export_batch_size - 1

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - OpenTelemetry's
        """Let a span of a model's instrumentation keep a whole conversation; it is recorded when it ends.

        Where the application, or the environment, has set a limit of attributes, that holds.
        """
        if self._makes_room:
            try:
                if self._span_filter.is_llm_scope(span._instrumentation_scope._name):  # type: ignore[union-attr] # noqa: SLF001 - as in on_end
                    make_room(span)
            except Exception as error:  # an exception here would reach the user's `with` statement
                if is_of_a_handler(error):
                    raise

    def on_end(self, span: ReadableSpan) -> None:  # noqa: C901, PLR0911, PLR0912 - a call less is worth a branch more, see below
        """Queue an ended LLM span, or count why not.

        ``python -m benchmarks on_end`` is the judge of every line: it compares with BatchSpanProcessor. Hence the SDK's
        private attributes (each public one is a Python call, a tenth of the whole) and what is written out here instead
        of called: ``SpanFilter.is_llm_span`` and ``BoundedQueue.offer``. Spans built differently take the public way.
        A signal handler may raise between any two steps, and what it raises is the application's: no step is lost or
        counted twice by that, since each is one call into C.
        """
        try:
            if not span._context[3] & 1:  # type: ignore[index] # noqa: SLF001 - .context.trace_flags.sampled
                return
            exporter_thread = self._exporter_thread
            if not exporter_thread.fork_mark[0]:
                exporter_thread.after_fork_in_child()
            span_filter = self._span_filter
            scope_name = span._instrumentation_scope._name  # type: ignore[union-attr] # noqa: SLF001
            if scope_name not in span_filter.llm_scopes:
                keys = span._attributes._dict  # type: ignore[union-attr] # noqa: SLF001
                if (
                    span_filter.plain_keys.issuperset(keys)
                    and scope_name in span_filter.plain_scopes
                    and (keys or span._status._status_code is not StatusCode.ERROR)  # noqa: SLF001
                ):
                    self._pass((span._context, span._parent, None))  # noqa: SLF001
                    self._tally.skipped.raise_by_one()
                    return
                if span_filter.llm_keys.isdisjoint(keys) and not span_filter.is_llm_span(span):
                    self._pass(passing_span(span))
                    self._tally.skipped.raise_by_one()
                    return
        except Exception as error:  # noqa: BLE001 - an exception here would reach the user's `with` block
            odd: Exception | None = error
        else:
            odd = None
        try:
            if odd is not None:
                self._on_odd_span(span, odd)
                return
            queue = self._queue
            depth = len(queue)
            intake = self._intake
            if not depth & intake.look_mask or depth > intake.easy_depth:
                self._offer(span)
                return
            try:
                queue.append((span, self._permits.pop()))
            except IndexError as error:
                self._on_full_queue(error)
                return
        except RecursionError:  # no room for one more call; nothing was queued or counted yet
            for _ in self._tally.unreadable.steps:
                return
        try:
            coordination = exporter_thread.coordination
            if (coordination.is_idle or depth >= self._signal_from) and coordination.wake.locked():
                exporter_thread.signal()
        except RecursionError:  # as above, but the span is queued, and the next one wakes the thread as well
            pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Wait until every span that has ended is in the file.

        Args:
            timeout_millis: Longest time to wait, in milliseconds.

        Returns:
            False when the file could not be written within the timeout, or after :meth:`shutdown`.
        """
        return self._exporter_thread.flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 5000) -> None:
        """Write what is queued, end the ledger and close the file. Later spans are counted and dropped.

        Args:
            timeout_millis: Longest time to wait, in milliseconds; what is not written by then is counted as
                ``write_error``.
        """
        self._exporter_thread.shutdown(timeout_millis)

    def write_at_once(self) -> None:
        """From now on, write each span as soon as it has ended, as where the process may end at any moment.

        Takes no lock and never waits: a signal handler may call it.
        """
        self._exporter_thread.write_at_once()

    def stats(self) -> Stats:
        """Return what was received, written, skipped and dropped so far."""
        return self._tally.stats()

    @property
    def path(self) -> str:
        """The absolute path of the database file."""
        return self._exporter_thread.path

    @property
    def is_shut_down(self) -> bool:
        """Whether :meth:`shutdown` has been called."""
        return self._exporter_thread.coordination.is_closed

    def __repr__(self) -> str:
        """Say where spans go, and what came of them."""
        return f"<{type(self).__name__} {self.path}: {self.stats().summary}>"

    def join_log_events(self) -> Callable[[LogEvent], None]:
        """Look for the log events of each span from now on, and return what queues one (SQLiteLogRecordProcessor)."""
        return self._exporter_thread.join_log_events()

    def _offer(self, span: ReadableSpan) -> None:
        """Queue an LLM span where its size or the end of the processor is of interest."""
        if self._exporter_thread.coordination.is_closed:
            self._tally.already_shutdown.raise_by_one()
        elif not self._intake.offer(span):
            self._tally.queue_full.raise_by_one()
        else:
            coordination = self._exporter_thread.coordination
            is_urgent = coordination.is_idle or len(self._queue) > self._signal_from or not self._intake.look_mask
            if is_urgent and coordination.wake.locked():
                with contextlib.suppress(RecursionError):
                    self._exporter_thread.signal()

    def _on_full_queue(self, error: IndexError) -> None:
        if is_of_a_handler(error):
            raise error
        self._tally.queue_full.raise_by_one()

    def _on_odd_span(self, span: ReadableSpan, error: Exception) -> None:
        """Queue a span that is not built like the SDK's own; count what is no span at all."""
        if is_of_a_handler(error):
            raise error
        try:
            context = span.context
            if context is not None and not context.trace_flags.sampled:
                return
            is_wanted = self._span_filter.is_llm_span(span)
        except Exception as raised:
            if is_of_a_handler(raised):
                raise
            self._tally.unreadable.raise_by_one()
            return
        if is_wanted:
            self._offer(span)
        else:
            self._pass(passing_span(span))
            self._tally.skipped.raise_by_one()
