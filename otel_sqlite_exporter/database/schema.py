"""The database's columns, and the way from one schema version to the next."""

from __future__ import annotations

import functools
import sqlite3
import time
import uuid
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.essentials import APPLICATION_ID, OLDEST_SQLITE, SCHEMA_VERSION
from otel_sqlite_exporter.database.tables import TABLES
from otel_sqlite_exporter.database.usage_sums import IS_CALL, USAGE_SUMS
from otel_sqlite_exporter.database.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "APPLICATION_ID",
    "COUNT_COLUMNS",
    "DROP_REASONS",
    "IS_CALL",
    "LEDGER_COLUMNS",
    "MAY_BE_NULL",
    "MIGRATIONS",
    "OLDEST_SQLITE",
    "SCHEMA_VERSION",
    "SPAN_COLUMNS",
    "USAGE_SUMS",
    "migrate",
]

SPAN_COLUMNS: Final = (
    "id",
    "trace_id",
    "span_id",
    "parent_span_id",
    "parent_is_remote",
    "trace_state",
    "trace_flags",
    "name",
    "otel_kind",
    "kind",
    "operation",
    "start_time_unix_nano",
    "end_time_unix_nano",
    "status",
    "otel_status",
    "status_message",
    "error_type",
    "convention",
    "provider",
    "request_model",
    "response_model",
    "response_id",
    "finish_reasons",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_usd",
    "cost_source",
    "time_to_first_token_ms",
    "streaming",
    "conversation_id",
    "user_id",
    "agent_name",
    "tool_name",
    "tool_call_id",
    "duplicate_of",
    "shown_in_trace_id",
    "resource_id",
    "scope_id",
    "recorder_id",
    "attributes",
    "events",
    "links",
    "dropped_attributes",
    "attributes_evicted",
    "dropped_events",
    "dropped_links",
    "truncated_bytes",
)
MAY_BE_NULL: Final = frozenset(
    {
        "parent_span_id",
        "parent_is_remote",
        "trace_state",
        "operation",
        "status_message",
        "error_type",
        *SPAN_COLUMNS[SPAN_COLUMNS.index("provider") : SPAN_COLUMNS.index("shown_in_trace_id") + 1],
        "role",
        "text",
        "parts",
        "finish_reason",
        "last_error",
    }
)
"""Columns in which the empty text means the same as NULL."""

DROP_REASONS: Final = ("queue_full", "already_shutdown", "write_error", "conversion_error")
COUNT_COLUMNS: Final = (
    "received",
    "written",
    "skipped",
    *(f"dropped_{reason}" for reason in DROP_REASONS),
    "log_events_received",
    "log_events_unmatched",
    "log_events_dropped",
    "redact_failures",
)
LEDGER_COLUMNS: Final = (*COUNT_COLUMNS, "last_error", "last_heartbeat_unix_nano", "idle")
"""What every batch brings up to date in its process's row of ``recorders``."""


def _create(connection: sqlite3.Connection) -> None:
    for statement in _statements(TABLES + VIEWS):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO file (file_id, created_unix_nano) VALUES (?, ?)", (str(uuid.uuid4()), time.time_ns())
    )


@functools.cache
def _statements(script: str) -> tuple[str, ...]:
    """Split a script, because ``executescript`` would commit the transaction that the migration is part of."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return tuple(statements)


MIGRATIONS: Final[dict[int, Callable[[sqlite3.Connection], None]]] = {0: _create}
"""For each version, the step that makes the next one of it."""


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring the schema from ``version`` to :data:`SCHEMA_VERSION` inside the caller's transaction."""
    for step in range(version, SCHEMA_VERSION):
        MIGRATIONS[step](connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
