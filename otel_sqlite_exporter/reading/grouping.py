"""What sums can be grouped by: plain columns for SQLite, which are made the fields of an answer afterwards.

An expression in GROUP BY costs SQLite twice as much as the columns that it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.essentials import DAY_NANOSECONDS
from otel_sqlite_exporter.reading.building import as_text
from otel_sqlite_exporter.reading.conditions import SPANS_OF_SUMMED_TRACES, SPANS_WITHOUT_WINDOW, day_by_day
from otel_sqlite_exporter.reading.failures import FilterError
from otel_sqlite_exporter.reading.moments import date_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from otel_sqlite_exporter.reading.connection import ReadConnection, Value
    from otel_sqlite_exporter.reading.filters import Filters


@dataclass(frozen=True, slots=True)
class Group:
    """One thing to group by.

    Args:
        field: The field of the answer.
        columns: Of ``spans s``; the first one that says something counts.
    """

    field: str
    columns: tuple[str, ...]


GROUPS: Final = {
    "day": Group("day", (f"s.start_time_unix_nano / {DAY_NANOSECONDS}",)),
    "provider": Group("provider", ("s.provider",)),
    "model": Group("model", ("s.request_model", "s.response_model")),
    "agent": Group("agent_name", ("s.agent_name",)),
    "user": Group("user_id", ("s.user_id",)),
    "service": Group("service_name", ("s.resource_id",)),
    "conversation": Group("conversation_id", ("s.conversation_id",)),
    "trace": Group("trace_id", ("coalesce(s.shown_in_trace_id, s.trace_id)",)),
}
"""By name, as ``by`` takes them."""

MERGED: Final = frozenset({"model", "service"})
"""Groups of which one may come in several rows: a service has a resource for each of its versions and hosts."""

MANY: Final = frozenset({"user", "conversation", "trace"})
"""Groups of which there may be as many as calls."""

Key = tuple["str | None", ...]


def check_groups(by: Sequence[str], known: Collection[str]) -> list[str]:
    """Return the names of groups, each once.

    Raises:
        FilterError: One of them is not known, or there is none.
    """
    names = list(dict.fromkeys(by))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise FilterError(f"by: {', '.join(unknown) or 'nothing'} is none of {', '.join(known)}")
    return names


def fields_of(names: Iterable[str]) -> list[str]:
    """Return the fields of an answer that is grouped by these."""
    return [GROUPS[name].field for name in names]


def fields_among(columns: Iterable[str]) -> list[str]:
    """Return those columns of an answer that say which group a row is of."""
    groups = set(fields_of(GROUPS))
    return [column for column in columns if column in groups]


def columns_of(names: Iterable[str]) -> str:
    """Return what SQLite groups by."""
    return ", ".join(column for name in names for column in GROUPS[name].columns)


def best_of(names: Collection[str], order: str, limit: int | None) -> str:
    """Return what has SQLite leave out all but the best groups, where each comes in one row; else nothing.

    Args:
        names: What is grouped by.
        order: What the best are sorted by.
        limit: How many are wanted; None for all.
    """
    is_whole = bool(MANY & set(names)) and not {"day", *MERGED} & set(names)
    return f"ORDER BY {order} LIMIT {limit}" if limit is not None and is_whole else ""


def most_spans(names: Collection[str]) -> int:
    """Return up to how many spans a question with these groups may be about, where it has no period."""
    return SPANS_OF_SUMMED_TRACES if "trace" in names else SPANS_WITHOUT_WINDOW


def parts_of(filters: Filters, names: Collection[str]) -> list[Filters]:
    """Return a period in the parts that are asked for one by one: its days, or all at once where groups are many."""
    return [filters] if MANY & set(names) and "day" not in names else day_by_day(filters)


def keys(
    connection: ReadConnection, names: Sequence[str], rows: Iterable[Sequence[Value]]
) -> list[tuple[Key, Sequence[Value]]]:
    """Return the fields that each row's columns of :func:`columns_of` say, and the rest of the row."""
    services: dict[Value, Value] = {}
    if "service" in names:
        services = {row[0]: row[1] for row in connection.rows("SELECT id, service_name FROM resources")}
    readers: list[tuple[int, Callable[[Sequence[Value]], str | None]]] = []
    for name in names:
        reader = _day if name == "day" else _service(services) if name == "service" else _first
        readers.append((len(GROUPS[name].columns), reader))
    found = []
    for row in rows:
        key: list[str | None] = []
        start = 0
        for width, reader in readers:
            key.append(reader(row[start : start + width]))
            start += width
        found.append((tuple(key), row[start:]))
    return found


def _first(values: Sequence[Value]) -> str | None:
    return as_text(next((value for value in values if value is not None), None))


def _day(values: Sequence[Value]) -> str | None:
    (day,) = values
    try:
        return date_of(day) if isinstance(day, int) else None
    except OverflowError:
        return None


def _service(services: Mapping[Value, Value]) -> Callable[[Sequence[Value]], str | None]:
    return lambda values: as_text(services.get(values[0]))
