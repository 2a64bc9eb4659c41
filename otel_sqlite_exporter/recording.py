"""One call for scripts, services and notebooks: ``record()``."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor

from otel_sqlite_exporter.config import resolve_path
from otel_sqlite_exporter.log_processor import SQLiteLogRecordProcessor
from otel_sqlite_exporter.pipeline.termination import Termination
from otel_sqlite_exporter.processor import SQLiteSpanProcessor
from otel_sqlite_exporter.sources import content
from otel_sqlite_exporter.sources.instrumentors import Instrumentors
from otel_sqlite_exporter.sources.providers import Providers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk._logs import LoggerProvider, ReadWriteLogRecord
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from typing_extensions import Self

    from otel_sqlite_exporter.config import Redact, SpanSelection
    from otel_sqlite_exporter.pipeline.counts import Stats
    from otel_sqlite_exporter.reading.database import Database
    from otel_sqlite_exporter.sources.instrumentors import Source

_logger = logging.getLogger("otel_sqlite_exporter")


class Recording:
    """What :func:`record` began: calls are written to :attr:`path` until :meth:`close`, or the end of the process.

    A context manager; leaving it closes the recording. Not made by applications themselves.
    """

    def __init__(self, path: str, processor: SQLiteSpanProcessor) -> None:
        self._path = path
        self._processor = processor
        self._log_processor = SQLiteLogRecordProcessor(processor)
        self._is_closed = False

    @property
    def path(self) -> str:
        """The absolute path of the database file."""
        return self._path

    def stats(self) -> Stats:
        """Return what was received, written, skipped and dropped so far."""
        return self._processor.stats()

    def flush(self, timeout_millis: int = 30000) -> bool:
        """Wait until every call that has ended is in the file.

        Args:
            timeout_millis: Longest time to wait, in milliseconds.

        Returns:
            False when the file could not be written within the timeout, or after :meth:`close`.
        """
        return self._processor.force_flush(timeout_millis)

    def read(self) -> Database:
        """Open the file for reading, with every call that has ended in it.

        Raises:
            ReadingError: There is no file yet, because no call has ended, or it can't be read.
        """
        from otel_sqlite_exporter.reading.database import open_database  # noqa: PLC0415 - most never read here

        self.flush()
        return open_database(self._path)

    def view(self) -> str:
        """Show the file as pages in the browser, served by a thread until the program ends (extra ``web``).

        Returns:
            The pages' address.

        Raises:
            ModuleNotFoundError: The extra is not installed; the message names what to install.
            ReadingError: The file can't be read.
        """
        try:
            from otel_sqlite_exporter.web.serving import open_in_browser  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            needed = f"the pages need {error.name}: pip install 'otel-sqlite-exporter[web]'"
            raise ModuleNotFoundError(needed, name=error.name) from None
        self.flush()
        return open_in_browser(self._path)

    def close(self, timeout_millis: float = 5000) -> None:
        """Write what is queued and close the file; the application's providers and instrumentors stay as they are.

        Args:
            timeout_millis: Longest time to wait, in milliseconds.
        """
        _session.end(self)
        self._is_closed = True
        self._processor.shutdown(timeout_millis)

    def __enter__(self) -> Self:
        """Return the recording."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Say where calls go, and what came of them."""
        state = ", closed" if self._is_closed else ""
        return f"<Recording {self._path}{state}: {self.stats().summary}>"


class _SpanSlot(SpanProcessor):
    """The place of the current recording's processor in every provider that is listened to.

    ``on_end`` is the processor's own bound method, so that a span costs no call more than without ``record()``.
    """

    def __init__(self) -> None:
        self.processor: SQLiteSpanProcessor | None = None

    def fill(self, processor: SQLiteSpanProcessor | None) -> None:
        """Have spans go to a processor from now on, or nowhere."""
        self.processor = processor
        if processor is None:
            vars(self).pop("on_end", None)
        else:
            vars(self)["on_end"] = processor.on_end

    def on_end(self, span: ReadableSpan) -> None:
        """Do nothing: nothing is recorded now."""

    def shutdown(self) -> None:
        """End the recording, as its provider ends."""
        if self.processor is not None:
            self.processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Write what is queued."""
        return self.processor is None or self.processor.force_flush(timeout_millis)


class _LogSlot(LogRecordProcessor):
    """The place of the current recording's log processor, as :class:`_SpanSlot` is that of its span processor."""

    def __init__(self) -> None:
        self.processor: SQLiteLogRecordProcessor | None = None

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Pass a log record on."""
        if self.processor is not None:
            self.processor.on_emit(log_record)

    emit = on_emit
    """The name of :meth:`on_emit` in earlier SDKs."""

    def shutdown(self) -> None:
        """Do nothing: the spans' provider ends the recording."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Write what is queued."""
        return self.processor is None or self.processor.force_flush(timeout_millis)


class _Session:
    """What one process has of recording: two slots in its providers, and at most one recording in them."""

    def __init__(self) -> None:
        self.current: Recording | None = None
        self.lock = threading.RLock()
        self.span_slot = _SpanSlot()
        self.log_slot = _LogSlot()
        self.providers = Providers(self.span_slot, self.log_slot)
        self.instrumentors = Instrumentors(self.providers.listen_to)
        self.termination = Termination(self._end_by_signal, self._hasten)

    def begin(self, recording: Recording) -> None:
        """Fill the slots."""
        previous = self.current
        self.current = recording
        self.span_slot.fill(recording._processor)  # noqa: SLF001 - one module, one secret
        self.log_slot.processor = recording._log_processor  # noqa: SLF001
        if previous is not None:
            previous.close()

    def end(self, recording: Recording) -> None:
        """Empty the slots, if they hold this recording."""
        with self.lock:
            if self.current is recording:
                self.current = None
                self.span_slot.fill(None)
                self.log_slot.processor = None
                self.termination.leave()

    def _hasten(self) -> None:
        recording = self.current
        if recording is not None:
            recording._processor.write_at_once()  # noqa: SLF001 - one module, one secret

    def _end_by_signal(self) -> None:
        recording = self.current
        if recording is None:
            return
        if os.getpid() == 1:  # it may survive the signal
            recording.flush(_SIGNAL_TIMEOUT_MILLIS)
        else:
            recording._processor.shutdown(_SIGNAL_TIMEOUT_MILLIS)  # noqa: SLF001


_SIGNAL_TIMEOUT_MILLIS: Final = 5000
_session: Final = _Session()


def record(
    path: str | os.PathLike[str] | None = None,
    *,
    tracer_provider: TracerProvider | None = None,
    logger_provider: LoggerProvider | None = None,
    instrument: bool = True,
    handle_sigterm: bool = True,
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
) -> Recording:
    """Record every LLM call of this process in a local SQLite file.

    Listens to the application's OpenTelemetry providers beside whatever exporters are there, or makes providers whose
    limits evict nothing; those step back when the application sets up its own later. Every installed GenAI
    instrumentation whose SDK has no active one is switched on when that SDK is imported, with prompts and answers
    reported unless the application has said otherwise. One line at level INFO tells what was found.

    Called again with the same path, or without one, it returns the recording that goes on; with another path, the
    recording moves there.

    Args:
        path: The database file. Default: ``OTEL_EXPORTER_SQLITE_PATH``, else ``llm_traces.db`` in the working
            directory.
        tracer_provider: The provider to listen to, and to instrument with. Default: the global one.
        logger_provider: The provider of log events. Default: the global one.
        instrument: False switches no instrumentation on and leaves the environment alone.
        handle_sigterm: On SIGTERM, write what is queued before the process dies by it. Where somebody else handles the
            signal, that goes on as before, with each call written as soon as it ends. False leaves signals alone.
        max_queue_size: As of :class:`SQLiteSpanProcessor`, like every argument below.
        max_export_batch_size: See there.
        schedule_delay_millis: See there.
        meter_provider: See there.
        max_text_bytes: See there.
        capture_content: See there.
        spans: See there.
        redact: See there.
        busy_timeout_millis: See there.
        retention_days: See there.
        max_database_bytes: See there.
        keep_raw_content: See there.

    Returns:
        The recording, a context manager.

    Raises:
        ValueError: As of :class:`SQLiteSpanProcessor`.
        TypeError: As there, and for a provider that takes no processors.
    """
    with _session.lock:
        current = _session.current
        is_over = current is not None and current._processor.is_shut_down  # noqa: SLF001 - one module, one secret
        if current is not None and not is_over and (path is None or resolve_path(path) == current.path):
            recording = current
        else:
            processor = SQLiteSpanProcessor(
                path,
                max_queue_size=max_queue_size,
                max_export_batch_size=max_export_batch_size,
                schedule_delay_millis=schedule_delay_millis,
                meter_provider=meter_provider,
                max_text_bytes=max_text_bytes,
                capture_content=capture_content,
                spans=spans,
                redact=redact,
                busy_timeout_millis=busy_timeout_millis,
                retention_days=retention_days,
                max_database_bytes=max_database_bytes,
                keep_raw_content=keep_raw_content,
            )
            recording = Recording(processor.path, processor)
        tracers = _session.providers.tracer_provider(tracer_provider)
        loggers = _session.providers.logger_provider(logger_provider)
        sources: Sequence[Source] = ()
        if instrument:
            instrumentors = _session.instrumentors
            sdks = instrumentors.find()
            reported = frozenset(installed.sdk.name for installed in sdks if installed.instrumentations)
            content.switch_on(os.environ, instrumentors.distributions, reported)
            sources = instrumentors.activate(sdks, tracers, loggers)
            if instrumentors.has_found_active and tracer_provider is None:
                _session.providers.listen_to_private_ones()
        if recording is not current:
            _session.begin(recording)
            _say(recording, sources, instrument=instrument)
        if handle_sigterm:
            _session.termination.watch()
        return recording


def _say(recording: Recording, sources: Sequence[Source], *, instrument: bool) -> None:
    """Tell in one line what is recorded; a warning where nothing can be."""
    text = sources_text(sources)
    if not instrument:
        _logger.info("recording to %s; nothing is instrumented here", recording.path)
    elif any(source.state in {"active", "waiting"} for source in sources):
        _logger.info("recording to %s; %s", recording.path, text)
    else:
        _logger.warning(
            "recording to %s, but no instrumentation of an LLM SDK is installed, so no call can be seen; %s",
            recording.path,
            text or "no SDK that is known is installed either",
        )


def sources_text(sources: Sequence[Source]) -> str:
    """Say what is instrumented, what was found but is not, and which SDK has nothing, with what to install."""
    told: list[str] = []
    if active := [f"{source.name} ({source.label})" for source in sources if source.state in {"active", "waiting"}]:
        told.append("instrumented: " + ", ".join(active))
    if idle := [f"{source.label} ({source.reason})" for source in sources if source.state in {"passed over", "broken"}]:
        told.append("found, but not instrumented: " + ", ".join(idle))
    if missing := [source for source in sources if source.state == "missing"]:
        names = ", ".join(source.name for source in missing)
        told.append(f"not instrumented: {names} (pip install {' '.join(source.label for source in missing)})")
    return "; ".join(told)
