"""Write docs/schema.md from the schema, whose comments say what every table, view and column holds.

Run it after a change of the schema: ``python docs/generate_schema.py``. A test compares.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from otel_sqlite_exporter.database.schema import APPLICATION_ID, OLDEST_SQLITE, SCHEMA_VERSION
from otel_sqlite_exporter.database.tables import TABLES
from otel_sqlite_exporter.database.views import VIEWS

PAGE: Final = Path(__file__).with_name("schema.md")

_CREATE: Final = re.compile(r"CREATE (TABLE|VIEW|INDEX) (\w+)(?: ON (\w+))?")
_COLUMN: Final = re.compile(r"  (\w+) [A-Z]+")
_COMMENT: Final = re.compile(r"(?: AS (\w+))?,?  -- (.+)$")
_CAST: Final = re.compile(r" AS (TEXT|INTEGER|REAL)\s*\) AS (\w+),?  -- ")
_INTERNAL: Final = {"usage_changes"}

_INTRODUCTION: Final = """# The schema

<!-- Made by `python docs/generate_schema.py` from the comments in the schema. -->

Version {version} (`PRAGMA user_version`), `PRAGMA application_id` {application_id:#x} ("OTLL"). Every table and view
can be read by SQLite {oldest} and newer. Tables, views and columns named here are a public API: from the first release
on changes are additive. Ask the views; the tables hold everything. `.schema` in the `sqlite3` shell says the same.
"""


@dataclass
class Described:
    """A table or view, as its comments describe it."""

    kind: str
    name: str
    about: str
    columns: dict[str, str] = field(default_factory=dict)
    indexes: list[tuple[str, str]] = field(default_factory=list)


def described(script: str) -> dict[str, Described]:
    """Return what the comments of a script say, by name of table or view."""
    found: dict[str, Described] = {}
    about: list[str] = []
    current: Described | None = None
    column = ""
    for line in script.splitlines():
        if line.startswith("-- "):
            about.append(line.removeprefix("-- "))
            continue
        created = _CREATE.match(line)
        if created:
            kind, name, table = created.groups()
            text = " ".join(about)
            if kind == "INDEX":
                found[table].indexes.append((name, text))
                current = None
            else:
                current = found[name] = Described(kind.lower(), name, text)
        elif current is not None:
            begun = _COLUMN.match(line)
            column = begun.group(1) if begun else column
            commented = _COMMENT.search(line)
            if commented:
                current.columns[commented.group(1) or column] = commented.group(2)
        about = []
        if line.endswith(";"):
            current = None
    return found


def page() -> str:
    """Return the page."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(TABLES + VIEWS)
    every = described(TABLES + VIEWS)
    oldest = ".".join(map(str, OLDEST_SQLITE[:2]))
    parts = [_INTRODUCTION.format(version=SCHEMA_VERSION, application_id=APPLICATION_ID, oldest=oldest)]
    for kind, heading in (("view", "## Views"), ("table", "## Tables")):
        parts.append(f"\n{heading}\n")
        shown = (item for item in every.values() if item.kind == kind and item.name not in _INTERNAL)
        parts.extend(_section(connection, item) for item in shown)
    return "".join(parts)


def _section(connection: sqlite3.Connection, item: Described) -> str:
    casts = {name: kind for kind, name in _CAST.findall(_source(connection, item.name))}
    lines = [f"\n### {item.name}\n\n{item.about}\n\n| column | type | what it holds |\n|---|---|---|\n"]
    for _, name, told, *_ in connection.execute(f"PRAGMA table_xinfo({item.name})"):
        # From 3.41 on SQLite tells what it makes of an expression, INT among it; before, nothing.
        kind = "INTEGER" if told == "INT" else told.removesuffix(" GENERATED ALWAYS")
        declared = kind or casts.get(name) or _uncast(name)
        lines.append(f"| `{name}` | {declared} | {item.columns[name].replace('|', chr(92) + '|')} |\n")
    if item.indexes:
        lines.append("\nIndexes: " + ", ".join(f"`{name}`" for name, _ in item.indexes) + ".\n")
    return "".join(lines)


def _uncast(name: str) -> str:
    return "REAL" if name.endswith("_usd") else "INTEGER"


def _source(connection: sqlite3.Connection, name: str) -> str:
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    return str(sql)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
