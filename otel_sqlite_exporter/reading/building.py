"""Rows of SQLite as frozen dataclasses, whatever another program has put into the columns."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What JSON can say."""

Plain: TypeAlias = "bool | int | float | str | None"
"""What a cell of a table can say."""

_Row = TypeVar("_Row")

ONLY_WHERE_SAID: Final = {"is_only_where_said": True}
"""Metadata of a dataclass field that is a column of an answer only where one of its rows says something there."""


def build(row_type: type[_Row], names: Sequence[str], values: Sequence[object], **more: object) -> _Row:
    """Return a dataclass of one row; columns that it does not know are left out.

    Args:
        row_type: The dataclass; fields without a column keep their default.
        names: The columns.
        values: Their values; one of an unexpected type is converted where that loses nothing, else None or 0.
        more: Fields that are no columns.
    """
    for place, name, expected, convert in _plan(row_type, tuple(names)):  # type: ignore[arg-type]
        value = values[place]
        more[name] = value if type(value) in expected else convert(value)
    return row_type(**more)


@lru_cache(maxsize=64)
def _plan(
    row_type: type[object], names: tuple[str, ...]
) -> list[tuple[int, str, frozenset[type], Callable[[object], object]]]:
    """Return for each field its column's place, the types that it takes as they are, and what converts others."""
    # Annotations are texts, because every module defers them.
    types = {field.name: str(field.type) for field in fields(row_type)}  # type: ignore[arg-type]
    return [
        (place, name, _EXPECTED.get(types[name], frozenset()), _CONVERTERS[types[name]])
        for place, name in enumerate(names)
        if types.get(name) in _CONVERTERS
    ]


def as_text(value: object) -> str | None:
    """Return a column as text."""
    if value is None or isinstance(value, str):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def as_int(value: object) -> int | None:
    """Return a column as a whole number, None where it is none."""
    if isinstance(value, int):
        return int(value)
    number = as_float(value)
    return int(number) if number is not None and math.isfinite(number) else None


def as_float(value: object) -> float | None:
    """Return a column as a number, None where it is none."""
    try:
        return None if value is None or isinstance(value, bytes) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def as_bool(value: object) -> bool | None:
    """Return a column as a truth value."""
    return None if value is None else bool(value)


def as_json(value: object) -> Json:
    """Return what a column's JSON says; text that is no JSON as it is."""
    text = as_text(value)
    if text is None:
        return None
    try:
        parsed: Json = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed


_CONVERTERS: Final[dict[str, Callable[[object], object]]] = {
    "str": lambda value: as_text(value) or "",
    "str | None": as_text,
    "int": lambda value: as_int(value) or 0,
    "int | None": as_int,
    "float": lambda value: as_float(value) or 0.0,
    "float | None": as_float,
    "bool": bool,
    "bool | None": as_bool,
    "Json": as_json,
}
_EXPECTED: Final[dict[str, frozenset[type]]] = {
    "str": frozenset({str}),
    "str | None": frozenset({str, type(None)}),
    "int": frozenset({int}),
    "int | None": frozenset({int, type(None)}),
    "float": frozenset({float}),
    "float | None": frozenset({float, type(None)}),
    "bool | None": frozenset({type(None)}),
}


def plain(value: object) -> Json:
    """Return a row, or anything inside of one, as JSON can hold it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(item)
            for field in fields(value)
            if (item := getattr(value, field.name)) is not None or not field.metadata
        }
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float)):
        return value
    # A lone surrogate is no text that could be written.
    return str(value).encode("utf-8", "replace").decode("utf-8")


def json_text(value: object, *, indent: int | None = None) -> str:
    """Return rows as JSON text, non-ASCII characters as they are."""
    return json.dumps(plain(value), ensure_ascii=False, indent=indent)
