"""The words of one family of emitters, and one merged dictionary of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from otel_sqlite_exporter.conventions import providers, values

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet

Convert: TypeAlias = Callable[[object], object]
Adjust: TypeAlias = "Callable[[Call, Sheet, SpanFacts], None]"


def _provider(value: object) -> str | None:
    spelling = values.enum_text(value) if isinstance(value, str) and value.startswith("<") else values.text(value)
    return None if spelling is None else providers.canonical(spelling)


CONVERTERS: Final[dict[str, Convert]] = {
    "kind": values.text,
    "step": values.text,
    "component": values.text,
    "provider": _provider,
    "request_model": values.name,
    "model": values.name,
    "response_model": values.name,
    "response_id": values.text,
    "finish_reasons": values.texts,
    "input_tokens": values.count,
    "output_tokens": values.count,
    "total_tokens": values.count,
    "cache_read_tokens": values.count,
    "cache_write_tokens": values.count,
    "reasoning_tokens": values.count,
    "cost_usd": values.amount,
    "first_token_s": values.milliseconds_of_seconds,
    "first_token_ms": values.milliseconds,
    "first_token_time": values.unix_nano,
    "streaming": values.flag,
    "conversation_id": values.text,
    "user_id": values.text,
    "agent_name": values.text,
    "tool_name": values.text,
    "entity_name": values.text,
    "tool_call_id": values.text,
    "error_type": values.class_name,
    "error_message": values.text,
    "error_level": values.text,
    "http_status": values.count,
    "server": values.text,
}
"""Every column an attribute can fill, and how its value is read; None means that the value says nothing."""

CONTENTS: Final = (
    "system",
    "input",
    "output",
    "output_pieces",
    "conversation",
    "events",
    "arguments",
    "result",
    "query",
    "input_documents",
    "documents",
    "tools",
)
"""Every place for message content."""

BODIES: Final = ("usage", "request", "response", "costs", "about", "parameters")
"""Every kind of object that holds facts inside one attribute."""

INDEX: Final = "{i}"
"""Stands in a key for the position in a flattened list; what follows it may be anything."""


@dataclass(frozen=True, slots=True)
class Family:
    """What one family of emitters calls things.

    Args:
        name: What ``spans.convention`` says for it.
        columns: For each column the keys that fill it, in reading order.
        contents: For each place of content the keys that hold it, in reading order; ``prefix.{i}`` is a flattened list.
        bodies: For each kind of object the keys that hold one as JSON. A key may be content as well.
        hidden: Keys that hold content in a form that is not worth reading.
        scopes: Beginnings of its instrumentation scopes' names.
        scoped: Its words are everyday words that mean this only under its own scopes.
        adjust: What a table cannot say; runs last and may change the call.
    """

    name: str
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    contents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    bodies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    scopes: tuple[str, ...] = ()
    scoped: bool = False
    adjust: Adjust | None = None


class Slot:
    """What is done with the value under one key.

    Args:
        rank: Its place in the reading order: lower is read first.
        family: Index of the family it belongs to, -1 for a key that any emitter may use.
        columns: The columns it fills and how its value is read.
        content: The place of content it belongs to; then it is not kept among the attributes.
        body: The kind of object it holds.
        tree: The name of the flattened list it is a leaf of, "" for a plain key.
        path: Where in that list.
        hidden: It is left out of the attributes.
    """

    __slots__ = ("body", "column", "columns", "content", "convert", "hidden", "mask", "path", "plain", "rank", "tree")

    def __init__(
        self,
        rank: int = 0,
        family: int = -1,
        *,
        columns: tuple[tuple[str, Convert], ...] = (),
        content: str | None = None,
        body: str | None = None,
        tree: str = "",
        path: tuple[str | int, ...] = (),
        hidden: bool = False,
    ) -> None:
        self.rank = rank
        self.mask = 0 if family < 0 else 1 << family
        self.columns = columns
        self.content = content
        self.body = body
        self.tree = tree
        self.path = path
        self.hidden = hidden
        # The most frequent kind of key, one column and nothing else, is told by one test.
        self.plain = len(columns) == 1 and content is None and body is None and not hidden
        self.column, self.convert = columns[0] if self.plain else ("", values.text)

    def joined(self, other: Slot) -> Slot:
        """Return a slot that does what both do, for a key that has a meaning in several families."""
        both = Slot(
            self.rank,
            columns=self.columns + other.columns,
            content=self.content or other.content,
            body=self.body or other.body,
            hidden=self.hidden or other.hidden,
        )
        both.mask = self.mask | other.mask
        return both


UNKNOWN: Final = Slot()
EVERY_SPAN: Final = -1
MAX_LEARNT: Final = 20_000
FAMILY_STRIDE: Final = 1_000


class Dictionary:
    """The merged words of all families that mean something under one instrumentation scope.

    Keys of flattened lists are taken apart once and remembered, up to a bound.

    Args:
        families: In reading order.
        shared: Column keys that belong to no family.
        scope_name: The scope.
    """

    __slots__ = ("_trees", "adjusts", "families", "scope_family", "slots")

    def __init__(self, families: Sequence[Family], shared: Mapping[str, Sequence[str]], scope_name: str) -> None:
        self.families = families
        self.slots: dict[str, Slot] = {}
        self._trees: dict[str, Slot] = {}
        of_scope = [bool(family.scopes) and scope_name.startswith(family.scopes) for family in families]
        named = [family.name for family, found in zip(families, of_scope, strict=True) if found]
        self.scope_family = named[-1] if named else None
        self.adjusts = tuple(
            (EVERY_SPAN if found else 1 << index, family.adjust)
            for index, (family, found) in enumerate(zip(families, of_scope, strict=True))
            if family.adjust is not None
        )
        for index, family in enumerate(families):
            self._add_family(index, family)
        for column, keys in shared.items():
            for place, key in enumerate(keys):
                self._add(key, Slot(500 + place, columns=((column, CONVERTERS[column]),)))

    def learn(self, key: str) -> Slot:
        """Return what is done with a key that was not seen before.

        Args:
            key: Any attribute key.
        """
        slot = self._take_apart(key) if isinstance(key, str) else UNKNOWN
        if len(self.slots) < MAX_LEARNT:
            self.slots[key] = slot
        return slot

    def convention(self, mask: int) -> str:
        """Return what ``spans.convention`` says.

        Args:
            mask: Which families' words were found.
        """
        if self.scope_family is not None:
            return self.scope_family
        return self.families[mask.bit_length() - 1].name if mask else "none"

    def _add_family(self, index: int, family: Family) -> None:
        start = index * FAMILY_STRIDE
        for place, column, key in _numbered(family.columns):
            self._add(key, Slot(start + place, index, columns=((column, CONVERTERS[column]),)))
        for place, content, key in _numbered(family.contents):
            slot = Slot(start + place, index, content=content)
            if key.endswith(INDEX):
                self._trees[key.removesuffix("." + INDEX)] = slot
            else:
                self._add(key, slot)
        for place, body, key in _numbered(family.bodies):
            self._add(key, Slot(start + place, index, body=body))
        for key in family.hidden:
            self._add(key, Slot(0, index, hidden=True))

    def _add(self, key: str, slot: Slot) -> None:
        known = self.slots.get(key)
        self.slots[key] = slot if known is None else known.joined(slot)

    def _take_apart(self, key: str) -> Slot:
        words = key.split(".")
        for size in range(1, min(len(words), 6)):
            name = ".".join(words[:size])
            tree = self._trees.get(name)
            if tree is not None and words[size].isdecimal() and len(words[size]) < 6:  # noqa: PLR2004 - absurd index
                path = tuple(int(word) if word.isdecimal() else word for word in words[size:])
                slot = Slot(tree.rank, content=tree.content, tree=name, path=path)
                slot.mask = tree.mask
                return slot
        return UNKNOWN


def _numbered(table: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, str, str]]:
    for name, keys in table.items():
        for place, key in enumerate(keys):
            yield place, name, key
