"""Questions to the file, answered as plain data: standard library only, read-only, unknown to the recording side.

The terminal, the pages, a notebook, the exports and the sender all ask here: no SQL of theirs, and one meaning of
every filter. From ``database`` only the schema and how a file is opened are known.

:func:`open_database` gives a :class:`Database`; its questions answer with frozen dataclasses (``rows``) in
:class:`Rows`. ``connection`` is the one place that talks to SQLite, ``conditions`` the one that turns filters into SQL.
"""

from otel_sqlite_exporter.reading.database import Database, open_database
from otel_sqlite_exporter.reading.failures import (
    FileRefusedError,
    FilterError,
    NotFoundError,
    ReadingError,
    TimeBudgetError,
)
from otel_sqlite_exporter.reading.filters import Filters
from otel_sqlite_exporter.reading.rows import (
    Call,
    Conversation,
    Failure,
    FailureSummary,
    Hit,
    Latency,
    Message,
    ToolCall,
    ToolSummary,
    Trace,
    Usage,
)
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
