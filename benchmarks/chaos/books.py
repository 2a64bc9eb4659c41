"""Whether every producer's journal, the ledgers of all files and their rows tell one story."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Life:
    """One producer from its start to its end.

    Args:
        name: Its spans are called ``name.0``, ``name.1``, ...
        pid: Its process.
        journal: When each of its spans had ended, in Unix nanoseconds, one line each.
    """

    name: str
    pid: int
    journal: Path


@dataclass(slots=True)
class _Entry:
    """What the ledgers of all files say of one process, in the order in which it wrote them."""

    rows: list[tuple[int, int, int, int]] = field(default_factory=list)

    @property
    def heartbeat(self) -> int:
        return self.rows[-1][0] if self.rows else 0

    @property
    def settled(self) -> int:
        return sum(written + dropped for _, _, written, dropped in self.rows)

    @property
    def written(self) -> int:
        return sum(row[2] for row in self.rows)

    @property
    def dropped(self) -> int:
        return sum(row[3] for row in self.rows)

    @property
    def received(self) -> int:
        """Each file's row counts from what was settled before it."""
        last = self.rows[-1]
        return self.settled + last[1] - last[2] - last[3]


@dataclass(slots=True)
class Books:
    """What was found.

    Args:
        ended: Spans in all journals.
        rows: Rows in all files.
        twice: Rows that stand in two files, because the file was moved while they were written.
        dropped: Spans that a ledger counts as dropped.
        killed: Spans of killed producers that had ended and are neither stored nor dropped.
        foretold: Those of them that the ledger tells of.
        faults: What does not agree, one line each.
    """

    ended: int = 0
    rows: int = 0
    twice: int = 0
    dropped: int = 0
    killed: int = 0
    foretold: int = 0
    faults: list[str] = field(default_factory=list)


def balance(lives: Iterable[Life], files: Iterable[Path]) -> Books:
    """Compare everything."""
    books = Books()
    names: Counter[str] = Counter()
    entries: dict[int, _Entry] = {}
    for file in files:
        try:
            _read(file, names, entries, books)
        except sqlite3.DatabaseError as error:
            books.faults.append(f"{file.name}: {error}")
    books.rows = names.total()
    stored: Counter[str] = Counter()
    twice: Counter[str] = Counter()
    for name, count in names.items():
        producer = name.rpartition(".")[0]
        stored[producer] += 1
        twice[producer] += count - 1
    books.twice = twice.total()
    for life in lives:
        entry = entries.get(life.pid, _Entry())
        entry.rows.sort()
        _judge(life, entry, stored[life.name], twice[life.name], books)
    return books


def _read(file: Path, names: Counter[str], entries: dict[int, _Entry], books: Books) -> None:
    with closing(sqlite3.connect(file)) as connection:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            books.faults.append(f"{file.name}: integrity_check")
        if connection.execute("PRAGMA user_version").fetchone() == (0,):
            return  # its producer was killed while it made the file
        if connection.execute("SELECT 1 FROM spans GROUP BY trace_id, span_id HAVING count(*) > 1").fetchall():
            books.faults.append(f"{file.name}: a span twice")
        rows = connection.execute(
            "SELECT pid, last_heartbeat_unix_nano, received, written, dropped, "
            "(SELECT count(*) FROM spans WHERE recorder_id = recorders.id) FROM recorders"
        )
        for pid, heartbeat, received, written, dropped, count in rows:
            entries.setdefault(pid, _Entry()).rows.append((heartbeat, received, written, dropped))
            if written != count:
                books.faults.append(
                    f"{file.name}: process {pid} wrote {written} spans by the ledger, {count} are there"
                )
        names.update(name for (name,) in connection.execute("SELECT name FROM spans"))


def _judge(life: Life, entry: _Entry, stored: int, twice: int, books: Books) -> None:
    moments = [int(line) for line in life.journal.read_bytes().split()] if life.journal.exists() else []
    ended = len(moments)
    books.ended += ended
    books.dropped += entry.dropped
    stats_file = life.journal.with_name(f"{life.journal.name}.stats")
    if entry.written != stored + twice:
        books.faults.append(
            f"{life.name}: {entry.written} written by the ledgers, {stored} stored, {twice} of them twice"
        )
    if stats_file.exists():
        stats = json.loads(stats_file.read_text())
        if stats != {"received": ended, "written": stored, "dropped": ended - stored}:
            books.faults.append(f"{life.name}: {ended} ended, {stored} stored, {stats}")
        if entry.rows and (entry.received - twice, entry.dropped) != (ended, ended - stored):
            books.faults.append(f"{life.name}: {ended} ended, {stored} stored, ledgers {entry.rows}, {twice} twice")
        return
    books.killed += max(ended - stored - entry.dropped, 0)
    if not entry.rows:
        return
    books.foretold += max(entry.received - twice - stored - entry.dropped, 0)
    known = sum(moment <= entry.heartbeat for moment in moments)
    if not known <= entry.received - twice <= ended + 1:  # killed between the end of a span and its line in the journal
        books.faults.append(
            f"{life.name}: killed; {ended} ended, {known} of them before the last heartbeat, "
            f"ledgers {entry.rows}, {twice} twice"
        )
