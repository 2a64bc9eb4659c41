"""Any exporter of spans that is installed, by its name: with the weaker promise that its interface allows.

An exporter says that it succeeded or that it failed, not why: what its receiver refused in part, or acknowledged by a
redirect, counts as sent; and whether a failure is the spans' fault is found out by trying.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_sqlite_exporter.sending.answers import Answer, Verdict, one_line
from otel_sqlite_exporter.sending.failures import SendingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

_GROUP: Final = "opentelemetry_traces_exporter"

WEAKER_PROMISE: Final = (
    "an exporter does not say what its receiver refused or why: what it calls a success counts as sent "
    "(--to URL speaks to an OTLP receiver itself, and knows)"
)


class ExporterReceiver:
    """Whoever an installed exporter exports to.

    Args:
        name: As in ``OTEL_TRACES_EXPORTER``.

    Raises:
        SendingError: There is no such exporter, or it can't be made.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._exporter = _load(name)

    @staticmethod
    def encode(spans: Sequence[ReadableSpan]) -> bytes:  # noqa: ARG004 - as other receivers
        """Return nothing: the exporter encodes."""
        return b""

    def send(self, spans: Sequence[ReadableSpan], payload: bytes) -> Answer:  # noqa: ARG002 - as other receivers
        """Export spans and return what is known then."""
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - somebody else's code
            return Answer(Verdict.DOUBTFUL, one_line(f"{type(error).__name__}: {error}"))
        if result is SpanExportResult.SUCCESS:
            return Answer(Verdict.TAKEN)
        return Answer(Verdict.DOUBTFUL, f"the exporter {self._name} failed, and does not say why")

    def close(self) -> None:
        """Shut the exporter down."""
        self._exporter.shutdown()


def _load(name: str) -> SpanExporter:
    found = entry_points(group=_GROUP)
    for entry in found:
        if entry.name == name:
            try:
                exporter = entry.load()()
            except Exception as error:  # noqa: BLE001 - as above
                raise SendingError(f"the exporter {name} can't be made: {one_line(str(error))}") from None
            if isinstance(exporter, SpanExporter):
                return exporter
    names = ", ".join(sorted({entry.name for entry in found}))
    raise SendingError(f"there is no exporter {name!r} installed; there are: {names}")
