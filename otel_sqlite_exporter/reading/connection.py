"""One read-only connection: how it is opened, what it may take, and what SQLite's errors mean in words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from otel_sqlite_exporter.database.essentials import APPLICATION_ID, SCHEMA_VERSION
from otel_sqlite_exporter.reading.failures import FileRefusedError, ReadingError, TimeBudgetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Value: TypeAlias = "str | int | float | bytes | None"
"""What SQLite stores."""

_INSTRUCTIONS_PER_LOOK: Final = 20_000
_CACHE_KIB: Final = 64 << 10


class ReadConnection:
    """A file, open for reading; every statement has the same time budget.

    Never ``immutable``: beside a recorder such a connection is frozen, and torn after the next checkpoint.

    Args:
        path: An existing file.
        seconds: How long one question may take; None for as long as it takes.
        search_seconds: How long one question may look into texts; None for as long as ``slices`` finds right.
        busy_seconds: How long to wait for a lock.

    Raises:
        FileRefusedError: There is no such file, or it is not one of ours.
    """

    def __init__(
        self, path: str, *, seconds: float | None, busy_seconds: float, search_seconds: float | None = None
    ) -> None:
        self.path = path
        self.seconds = seconds
        self.search_seconds = search_seconds
        self._deadline: float | None = None
        self._was_late = False
        _check_path(path)
        try:
            self._connection = sqlite3.connect(
                f"file:{urllib.parse.quote(os.fsencode(path))}?mode=ro", uri=True, timeout=busy_seconds
            )
        except sqlite3.Error as error:
            raise FileRefusedError(_in_words(path, error)) from None
        # What another program wrote into a text column need not be text.
        self._connection.text_factory = _decode
        self._connection.set_progress_handler(self._is_late, _INSTRUCTIONS_PER_LOOK)
        try:
            _check_identity(self._connection, path)
            self._connection.execute("PRAGMA query_only = ON")
            self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._connection.execute("PRAGMA mmap_size = 0")
        except sqlite3.Error as error:
            self._connection.close()
            raise FileRefusedError(_in_words(path, error)) from None
        except BaseException:
            self._connection.close()
            raise

    def rows(self, sql: str, values: Sequence[Value] | dict[str, Value] = ()) -> list[tuple[Value, ...]]:
        """Return all rows of a query.

        Raises:
            TimeBudgetError: It took too long.
            ReadingError: As it says.
        """
        return self.table(sql, values)[1]

    def row(self, sql: str, values: Sequence[Value] | dict[str, Value] = ()) -> tuple[Value, ...] | None:
        """Return the first row of a query, None where there is none."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def table(
        self, sql: str, values: Sequence[Value] | dict[str, Value] = (), *, limit: int | None = None
    ) -> tuple[list[str], list[tuple[Value, ...]]]:
        """Return the names of a query's columns and its rows, at most ``limit``."""
        with self._in_words(), self.budget(self.seconds):
            cursor = self._connection.execute(sql, values)
            names = [column[0] for column in cursor.description or ()]
            return names, cursor.fetchall() if limit is None else cursor.fetchmany(limit)

    def define(self, name: str, function: Callable[[object], bool]) -> None:
        """Give statements a function of one value; one of that name that was there before is gone."""
        self._connection.create_function(name, 1, function)

    @contextlib.contextmanager
    def budget(self, seconds: float | None) -> Iterator[None]:
        """Give what is asked inside a time budget of its own; an outer budget goes on."""
        outer = self._deadline
        if seconds is not None and outer is None:
            self._deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = outer

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Answer everything that is asked inside from one state of the file, whatever is written meanwhile."""
        with self._in_words():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.rollback()

    @contextlib.contextmanager
    def only_selects(self) -> Iterator[None]:
        """Take nothing but SELECT inside: no other file, no pragma, no extension, whoever wrote the statement."""
        # A table-valued function declares its columns where it is named first, which looks like CREATE TABLE.
        self._connection.execute("SELECT 1 FROM json_each('[]'), json_tree('[]')").fetchall()
        self._connection.set_authorizer(_is_select)
        try:
            yield
        finally:
            self._connection.set_authorizer(_is_anything)  # None would forbid everything in Python 3.10

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        self._was_late = False
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning) as error:  # a warning is what Python 3.10 makes of two statements
            if "interrupted" in str(error):
                if not self._was_late:
                    # Ctrl-C came within the progress handler, where an exception only ends the statement.
                    raise KeyboardInterrupt from None
                raise TimeBudgetError(
                    f"the question took longer than {self.seconds:g} seconds; narrow it with since=7d or a filter"
                ) from None
            raise ReadingError(_in_words(self.path, error)) from None

    def _is_late(self) -> bool:
        """Tell SQLite, now and then while a statement runs, whether to end it."""
        self._was_late = self._deadline is not None and time.monotonic() > self._deadline
        return self._was_late

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


_SELECTING: Final = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_REACHING_OUT: Final = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})


def _is_select(
    action: int,
    first: str | None,  # noqa: ARG001 - SQLite's signature
    second: str | None,
    database: str | None,  # noqa: ARG001
    trigger: str | None,  # noqa: ARG001
) -> int:
    is_harmless = action in _SELECTING and not (action == sqlite3.SQLITE_FUNCTION and second in _REACHING_OUT)
    return sqlite3.SQLITE_OK if is_harmless else sqlite3.SQLITE_DENY


def _is_anything(*_: str | int | None) -> int:
    return sqlite3.SQLITE_OK


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _check_path(path: str) -> None:
    try:
        info = Path(path).stat()
    except FileNotFoundError:
        raise FileRefusedError(
            f"{path}: no such file; record one first, name another one, or make one with 'otel-sqlite demo'"
        ) from None
    except (OSError, ValueError) as error:
        raise FileRefusedError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if not Path(path).is_file():
        raise FileRefusedError(f"{path} is no regular file; name the file that was recorded")
    if info.st_size == 0:
        raise FileRefusedError(f"{path} is empty: nothing has been recorded in it yet")


def _check_identity(connection: sqlite3.Connection, path: str) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application_id != APPLICATION_ID:
        raise FileRefusedError(f"{path} is an SQLite database of another application; name a file that was recorded")
    if version > SCHEMA_VERSION:
        raise FileRefusedError(
            f"{path} has schema version {version}, newer than the {SCHEMA_VERSION} that this version reads: "
            "pip install --upgrade otel-sqlite-exporter"
        )


_WORDS: Final = (
    ("not a database", "{path} is not an SQLite database; name a file that was recorded"),
    ("malformed", "{path} is damaged ({error}); try: sqlite3 FILE .recover | sqlite3 repaired.db"),
    ("locked", "{path} is locked by another process ({error}); try again"),
    (
        "readonly database",
        (
            "{path}: its directory can't be written to, which reading beside a recorder needs; copy it, or "
            "VACUUM INTO another file"
        ),
    ),
    ("unable to open", "{path} can't be opened ({error}); look at its permissions and those of its directory"),
    ("not authorized", "only SELECT is possible here: {error}"),
    ("no such table", "{path} is no complete recording ({error})"),
)


def _in_words(path: str, error: sqlite3.Error | sqlite3.Warning) -> str:
    text = str(error)
    for fragment, words in _WORDS:
        if fragment in text:
            return words.format(path=path, error=text)
    return f"{path}: {text}"
