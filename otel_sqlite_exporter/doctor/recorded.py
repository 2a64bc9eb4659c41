"""What the file says of itself: whether it can be written, and what is missing in it."""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.connection import check_existing
from otel_sqlite_exporter.doctor.findings import KEEP_ATTRIBUTES, Finding
from otel_sqlite_exporter.reading.database import open_database
from otel_sqlite_exporter.reading.failures import ReadingError
from otel_sqlite_exporter.reading.nearby import recorded_files
from otel_sqlite_exporter.reading.units import counted
from otel_sqlite_exporter.sources.content import GENAI_CAPTURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_sqlite_exporter.reading.database import Database
    from otel_sqlite_exporter.reading.status import Recorder

_ANOTHER: Final = "name another file with -d or OTEL_EXPORTER_SQLITE_PATH"
_NOT_YET: Final = "the first call makes it; if one was made, 'otel-sqlite doctor --run app.py' tells where it went"
_OTHERS: Final = 0o077
_LOOKED_AT: Final = 1000

_REPORTED: Final = f"""
SELECT provider, scopes.name, count(*)
FROM (
  SELECT provider, scope_id FROM spans WHERE kind IN ('llm', 'embedding') ORDER BY id DESC LIMIT {_LOOKED_AT}
) AS spans JOIN scopes ON scopes.id = spans.scope_id
GROUP BY provider, scopes.name ORDER BY count(*) DESC
"""

_GAPS: Final = f"""
SELECT count(*), coalesce(sum(NOT EXISTS (SELECT 1 FROM span_messages WHERE span_id = spans.id)), 0)
FROM (
  SELECT id FROM spans
  WHERE kind IN ('llm', 'embedding') AND duplicate_of IS NULL AND recorder_id NOT IN (
    SELECT id FROM recorders
    WHERE CASE WHEN json_valid(settings) THEN json_extract(settings, '$.capture_content') IS 0 END
  ) ORDER BY id DESC LIMIT {_LOOKED_AT}
) AS spans
"""


@dataclass(frozen=True, slots=True)
class Reported:
    """Calls of a file that came the same way.

    Args:
        provider: Who answered them, "" where that is not said.
        scope: The instrumentation scope that reported them.
        calls: How many.
    """

    provider: str
    scope: str
    calls: int


def reported(path: str) -> list[Reported]:
    """Return who reported the last calls of a file; nothing where it can't be read."""
    try:
        with closing(open_database(path)) as database:
            rows = database.sql(_REPORTED)
            return [Reported(str(provider or ""), str(scope), int(str(calls))) for provider, scope, calls in rows]
    except ReadingError:
        return []


def recorded(
    path: str, environment: Mapping[str, str], *, is_named: bool, written: Sequence[str] = ()
) -> list[Finding]:
    """Look at a file: path, rights, schema, size, and what its ledger and its last calls tell.

    Args:
        path: The file.
        environment: The variables.
        is_named: Whether somebody asked for this very file, so that it should be there.
        written: The files that a program wrote meanwhile.
    """
    if not os.path.exists(path):  # noqa: PTH110 - no resolving, and no opening
        return _missing(path, written, is_named=is_named)
    try:
        check_existing(path)
        database = open_database(path)
    except (ValueError, ReadingError) as error:
        return [Finding("file", "problem", f"{path}: {error}", _ANOTHER)]
    with closing(database):
        try:
            return [*_rights(path), *_contents(database, environment)]
        except ReadingError as error:
            return [Finding("file", "problem", f"{path}: {error}", "copy it away, and begin a new one")]


def _missing(path: str, written: Sequence[str], *, is_named: bool) -> list[Finding]:
    directory = Path(path).parent
    existing = next(parent for parent in (directory, *directory.parents) if parent.exists())
    try:
        # Rights alone do not tell: root has all of them, and some file systems take nothing from anybody.
        with tempfile.TemporaryDirectory(dir=existing):
            pass
    except OSError as error:
        text = f"{path} can't be made: nothing can be written into {existing} ({error.strerror})"
        return [Finding("file", "problem", text, _ANOTHER)]
    others = written or recorded_files(Path.cwd())
    remedy = f"look at {others[0]} with -d" if others else _NOT_YET
    text = f"{path} does not exist: no call was recorded there"
    if existing != directory:
        text = f"{path} does not exist, nor does its directory: no call was recorded there"
    return [Finding("file", "problem" if is_named else "note", text, remedy)]


def _rights(path: str) -> list[Finding]:
    found = []
    if not os.access(path, os.W_OK) or not os.access(Path(path).parent, os.W_OK):
        text = f"{path} is not writable for this user, or its directory is not: SQLite needs both"
        found.append(Finding("file", "problem", text, "let the application's user own the file and its directory"))
    mode = Path(path).stat().st_mode
    if mode & _OTHERS:
        text = f"{path} may be read by other users (mode {mode & 0o777:o}); it holds prompts"
        found.append(Finding("file", "problem", text, f"chmod 600 {path}"))
    return found


def _contents(database: Database, environment: Mapping[str, str]) -> list[Finding]:
    status = database.status()
    size = f"{status.size_bytes / 1e6:,.1f} MB"
    found = [Finding("file", "ok", f"{status.path}: {counted(status.calls, 'call')}, {status.errors:,} failed, {size}")]
    found += [Finding("file", "problem", line, _remedy_of(line)) for line in status.problems]
    unmatched = sum(recorder.log_events_unmatched for recorder in status.recorders)
    if unmatched:
        text = f"{unmatched:,} log events belong to no span: their calls lack prompts or answers"
        remedy = "give the instrumentor both providers, tracer_provider and logger_provider, or use record()"
        found.append(Finding("content", "problem", text, remedy))
    if status.recorders:
        found += _of_last(status.recorders[0])
    looked_at, silent = (int(str(value)) for value in database.sql(_GAPS)[0])
    if silent:
        text = f"neither prompt nor answer in {silent:,} of the last {counted(looked_at, 'call')}"
        events = environment.get(GENAI_CAPTURE, "").strip().upper() == "EVENT_ONLY"
        remedy = (
            "EVENT_ONLY sends them as log events: add SQLiteLogRecordProcessor, or use record()"
            if events
            else "the instrumentation does not report them: see content above, or use record()"
        )
        found.append(Finding("content", "problem" if silent == looked_at else "note", text, remedy))
    return found


def _of_last(recorder: Recorder) -> list[Finding]:
    found = []
    if _setting(recorder, "capture_content") is False:
        text = "the last process stored no prompts and answers: capture_content was False"
        found.append(Finding("content", "note", text, "leave capture_content out to store them"))
    if recorder.last_error:
        found.append(Finding("file", "note", f"the last process met: {recorder.last_error}"))
    return found


def _setting(recorder: Recorder, name: str) -> object:
    return recorder.settings.get(name) if isinstance(recorder.settings, dict) else None


_REMEDIES: Final = (
    ("were lost", "see 'What can be lost' in the documentation: each reason has its remedy"),
    ("without an end", "let them shut down: SIGTERM instead of SIGKILL, record() handles it"),
    ("took attributes", KEEP_ATTRIBUTES),
    ("withheld", "find out what redact raises: it must return text for any text"),
)


def _remedy_of(line: str) -> str:
    return next((remedy for word, remedy in _REMEDIES if word in line), "see 'What can be lost' in the documentation")
