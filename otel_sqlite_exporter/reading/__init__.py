"""Questions to the file, answered as plain data: standard library only, read-only, unknown to the recording side.

The terminal, the pages, a notebook, the exports and the sender all ask here: no SQL of theirs, and one meaning of
every filter. From ``database`` only the schema and how a file is opened are known.

:func:`open_database` gives a :class:`Database`; its questions answer with frozen dataclasses (``rows``) in
:class:`Rows`. ``connection`` is the one place that talks to SQLite, ``conditions`` the one that turns filters into SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.lazy import loader

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading.database import Database, open_database
    from otel_sqlite_exporter.reading.failures import (
        FileRefusedError,
        FilterError,
        NotFoundError,
        ReadingError,
        TimeBudgetError,
    )
    from otel_sqlite_exporter.reading.filters import Filters
    from otel_sqlite_exporter.reading.rows.calls import Call, Message
    from otel_sqlite_exporter.reading.rows.errors import Failure, FailureSummary
    from otel_sqlite_exporter.reading.rows.hits import Hit
    from otel_sqlite_exporter.reading.rows.sums import Latency, Usage
    from otel_sqlite_exporter.reading.rows.tools import ToolCall, ToolSummary
    from otel_sqlite_exporter.reading.rows.traces import Conversation, Trace
    from otel_sqlite_exporter.reading.sequence import Rows, Table

__all__ = [
    "Call",
    "Conversation",
    "Database",
    "Failure",
    "FailureSummary",
    "FileRefusedError",
    "FilterError",
    "Filters",
    "Hit",
    "Latency",
    "Message",
    "NotFoundError",
    "ReadingError",
    "Rows",
    "Table",
    "TimeBudgetError",
    "ToolCall",
    "ToolSummary",
    "Trace",
    "Usage",
    "open_database",
]

# Loaded when they are asked for: a command asks one question, and its start has to be quick.
_LAZY: Final = {
    "Call": "rows.calls",
    "Conversation": "rows.traces",
    "Database": "database",
    "Failure": "rows.errors",
    "FailureSummary": "rows.errors",
    "FileRefusedError": "failures",
    "FilterError": "failures",
    "Filters": "filters",
    "Hit": "rows.hits",
    "Latency": "rows.sums",
    "Message": "rows.calls",
    "NotFoundError": "failures",
    "ReadingError": "failures",
    "Rows": "sequence",
    "Table": "sequence",
    "TimeBudgetError": "failures",
    "ToolCall": "rows.tools",
    "ToolSummary": "rows.tools",
    "Trace": "rows.traces",
    "Usage": "rows.sums",
    "open_database": "database",
}

__getattr__ = loader(__name__, _LAZY)
