"""One merged dictionary of the words of all families."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions import key_words, telling_values, unknown_keys
from otel_sqlite_exporter.conventions.kinds import known_step, unknown_word
from otel_sqlite_exporter.conventions.plans import Plan
from otel_sqlite_exporter.conventions.recognise import KEY_ROOTS, is_genai_scope
from otel_sqlite_exporter.conventions.slots import UNKNOWN, Slot
from otel_sqlite_exporter.conventions.usage import column_of
from otel_sqlite_exporter.conventions.vocabulary import CONVERTERS, FIELD, FIELDS_OF, FLATTENED, INDEX, Family
from otel_sqlite_exporter.scanning.patterns import NO_LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from otel_sqlite_exporter.conventions.slots import Convert
    from otel_sqlite_exporter.conventions.step_words import Step

ANY_MARK: Final = key_words.STRONG | key_words.MODEL | key_words.SAID | key_words.STEP | key_words.COUNT
EVERY_SPAN: Final = -1
MAX_LEARNT: Final = 20_000
MAX_PLANNED_KEYS: Final = 4_000
"""Keys of all shapes that are remembered: flattened lists make a shape of every number of messages."""

_STEP_COLUMNS: Final = frozenset({"kind", "step", "hint", "component"})

FAMILY_STRIDE: Final = 1_000
SHORTEST_NAME: Final = 4
NOBODYS: Final = frozenset(
    {"opentelemetry", "instrumentation", "tracer", "tracing", "python", "http", "server", "service"}
)
"""Words of scopes' names that are no emitter's own."""

USAGE_WORDS: Final = ("usage.", "token_usage.", "token_count.", "tokens.")
"""What stands in a key before the name of a count, whoever made the key."""


class Dictionary:
    """The merged words of all families that mean something under one instrumentation scope.

    Keys of flattened lists are taken apart once and remembered, up to a bound.

    Args:
        families: In reading order.
        shared: Column keys that belong to no family.
        scope_name: The scope.
    """

    __slots__ = (
        "_objects",
        "_own_names",
        "_planned_keys",
        "_plans",
        "_speaks_plainly",
        "_step_keys",
        "_trees",
        "adjusts",
        "families",
        "scope_family",
        "slots",
        "steps",
    )

    def __init__(self, families: Sequence[Family], shared: Mapping[str, Sequence[str]], scope_name: str) -> None:
        self.families = families
        self.slots: dict[str, Slot] = {}
        self._trees: dict[str, Slot] = {}
        self._objects: dict[str, Slot] = {}
        self._plans: dict[tuple[object, ...], Plan] = {}
        self._step_keys: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._planned_keys = 0
        of_scope = [bool(family.scopes) and scope_name.startswith(family.scopes) for family in families]
        named = [family.name for family, found in zip(families, of_scope, strict=True) if found]
        self.scope_family = named[-1] if named else None
        self.adjusts = tuple(
            (EVERY_SPAN if found else 1 << index, family.adjust)
            for index, (family, found) in enumerate(zip(families, of_scope, strict=True))
            if family.adjust is not None
        )
        self.steps: Mapping[str, Step] = {
            word: step
            for family, found in zip(families, of_scope, strict=True)
            if found
            for word, step in family.steps.items()
        }
        self._own_names = own_names(scope_name) if self.scope_family is None else ()
        self._speaks_plainly = is_genai_scope(scope_name)
        for index, family in enumerate(families):
            self._add_family(index, family)
        for column, keys in shared.items():
            for place, key in enumerate(keys):
                self._add(key, Slot(500 + place, columns=((column, CONVERTERS[column]),)))

    def plan(self, attributes: Mapping[str, object]) -> Plan:
        """Return what is done with attributes of these keys.

        Args:
            attributes: Of a span or an event.
        """
        keys = tuple(attributes)
        plan = self._plans.get(keys)
        if plan is not None:
            return plan
        steps = self._step_keys.get(keys)
        if steps is None:
            self._make_room(len(keys))
            steps = () if self.scope_family is not None else self._doubtful(keys)
        if not steps:
            plan = self._plans[keys] = Plan(keys, self.slot_of if self.scope_family else self._with_words(keys))
            return plan
        self._step_keys[keys] = steps
        told = tuple(key for key in steps if telling_values.tells_of_model(key, attributes))
        plan = self._plans.get((keys, told))
        if plan is None:
            self._make_room(len(keys))
            plan = self._plans[keys, told] = Plan(keys, self._with_words(keys, told))
        return plan

    def plan_of_fields(self, fields: Mapping[str, object]) -> Plan:
        """Return what is done with the fields of an object in which a model's emitter packed what it knows.

        Args:
            fields: Each under the key that it would have as an attribute.
        """
        keys = tuple(fields)
        plan = self._plans.get((keys, keys))
        if plan is None:
            self._make_room(len(keys))
            plan = self._plans[keys, keys] = Plan(keys, self._with_words(keys, keys))
        return plan

    def slot_of(self, key: str) -> Slot:
        """Return what is done with the value under a key."""
        return self.slots.get(key) or self.learn(key)

    def learn(self, key: str) -> Slot:
        """Return what is done with a key that was not seen before.

        Args:
            key: Any attribute key.
        """
        slot = self.take_apart(key) if isinstance(key, str) else UNKNOWN
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

    def _make_room(self, keys: int) -> None:
        self._planned_keys += keys
        if self._planned_keys > MAX_PLANNED_KEYS:
            self._plans.clear()
            self._step_keys.clear()
            self._planned_keys = keys

    def _add_family(self, index: int, family: Family) -> None:
        start = index * FAMILY_STRIDE
        for place, column, key in _numbered(family.columns):
            spoken = "system" if column == "provider" and key.endswith("system") else None
            self._add(key, Slot(start + place, index, columns=self._filled(column), spoken=spoken))
        for place, content, key in _numbered(family.contents):
            self._add_content(key, Slot(start + place, index, content=content))
        for place, body, key in _numbered(family.bodies):
            slot = Slot(start + place, index, body=body)
            if key.endswith(FIELD):
                self._flatten(self._objects, key.removesuffix("." + FIELD), slot)
            else:
                self._add(key, slot)
        for key in family.hidden:
            self._add(key, Slot(0, index, hidden=True))

    def _add_content(self, key: str, slot: Slot) -> None:
        if key.endswith(INDEX):
            self._trees[key.removesuffix("." + INDEX)] = slot
        elif key.endswith(FIELD):
            self._flatten(self._objects, key.removesuffix("." + FIELD), slot)
        else:
            self._add(key, slot)
            if slot.content in FLATTENED:
                self._trees.setdefault(key, slot)
            elif slot.content in FIELDS_OF:
                self._objects.setdefault(key, slot)

    def _flatten(self, trees: dict[str, Slot], name: str, slot: Slot) -> None:
        known = trees.get(name)
        trees[name] = slot if known is None else known.joined(slot)

    def _filled(self, column: str) -> tuple[tuple[str, Convert], ...]:
        """Return what a key fills: one that says what a span is fills another column where its word is not known."""
        if column not in ("kind", "step"):
            return ((column, CONVERTERS[column]),)
        own = self.steps
        if not own:
            return ((column, known_step), ("word", unknown_word))

        def step(word: object) -> Step | None:
            return (own.get(word.lower()) if isinstance(word, str) else None) or known_step(word)

        return ((column, step), ("word", unknown_word))

    def _add(self, key: str, slot: Slot) -> None:
        known = self.slots.get(key)
        self.slots[key] = slot if known is None else known.joined(slot)

    def take_apart(self, key: str) -> Slot:
        """Return what is done with an item of a flattened list, a field of a flattened object, or a count.

        Args:
            key: A key that is no word as a whole.
        """
        words = key.split(".")
        for size in range(1, min(len(words), 6)):
            name = ".".join(words[:size])
            tree = self._objects.get(name)
            if tree is None and words[size].isdecimal() and len(words[size]) < 6:  # noqa: PLR2004 - absurd index
                tree = self._trees.get(name)
            if tree is not None:
                path = tuple(int(word) if word.isdecimal() else word for word in words[size:])
                slot = Slot(tree.rank, content=tree.content, body=tree.body, tree=name, path=path)
                slot.mask = tree.mask
                return slot
        return self._slot_of_count(key)

    def _with_words(self, keys: Sequence[str], telling: Sequence[str] = ()) -> Callable[[str], Slot]:
        """Return what reads the keys of a span whose emitter nobody knows: by its words what no convention claims.

        Only keys are read so that begin as one that tells of a model: an application has keys of its own.

        Args:
            keys: Of the span.
            telling: Of these the ones whose values say that it is a model's.
        """
        marks = self._marks(keys)
        tells = key_words.STRONG | (key_words.SAID if self._is_claimed(keys) else 0)
        if telling or key_words.is_telling(reduce(or_, marks.values(), 0)):
            tells = ANY_MARK
        holders = {*self._own_names, *(key_words.words_of(key)[0] for key, mark in marks.items() if mark & tells)}
        holders.update(key_words.words_of(key)[0] for key in telling)
        if tells == ANY_MARK:
            holders |= unknown_keys.FIRST_WORDS

        def slot_of(key: str) -> Slot:
            slot = self.slot_of(key)
            if slot is not UNKNOWN or not isinstance(key, str):
                return slot
            is_own = self._speaks_plainly or not holders.isdisjoint(key_words.words_of(key)[:1])
            return (self._named_as_known(key) or unknown_keys.slot_of(key)) if is_own else slot

        return slot_of

    def _named_as_known(self, key: str) -> Slot | None:
        """Return what a convention does with the words behind an emitter's name: ``acme.llm.model_name``."""
        known = self.slots.get(key.partition(".")[2])
        if known is None or known is UNKNOWN or not known.mask:
            return None
        rank = unknown_keys.RANK + known.rank
        body = known.body or unknown_keys.slot_of(key).body
        return Slot(
            rank, columns=known.columns, content=known.content, body=body, hidden=known.hidden, spoken=known.spoken
        )

    def _doubtful(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Return the keys whose values decide whether a span is a model's, none where its keys tell it."""
        marks = self._marks(keys)
        if self._names_step(keys) or key_words.is_telling(reduce(or_, marks.values(), 0)):
            return ()
        return tuple(key for key, mark in marks.items() if mark & key_words.TOLD_BY_VALUE)

    def _marks(self, keys: Sequence[str]) -> dict[str, int]:
        unclaimed = (key for key in keys if isinstance(key, str) and self._is_unclaimed(self.slot_of(key)))
        return {key: mark for key in unclaimed if (mark := key_words.marks_of(key))}

    @staticmethod
    def _is_unclaimed(slot: Slot) -> bool:
        return slot is UNKNOWN or slot.rank >= unknown_keys.RANK

    def _names_step(self, keys: Sequence[str]) -> bool:
        return any(column in _STEP_COLUMNS for key in keys for column, _ in self.slot_of(key).columns)

    def _is_claimed(self, keys: Sequence[str]) -> bool:
        return any(self.slot_of(key).mask for key in keys)

    def _slot_of_count(self, key: str) -> Slot:
        """Return what is done with a count that an emitter writes in words of its own: any usage's names tell it."""
        for word in USAGE_WORDS:
            before, found, name = key.rpartition(word)
            column = column_of(name) if found and before[-1:] in ("", ".") else None
            if column is not None and not key_words.counts_else(before):
                return Slot(unknown_keys.RANK, columns=((column, CONVERTERS[column]),))
        return UNKNOWN


def own_names(scope_name: str) -> tuple[str, ...]:
    """Return the words of a scope's name that may be the emitter's own, as no convention has them."""
    words = NO_LETTERS.split(scope_name.lower())
    return tuple(word for word in words if len(word) >= SHORTEST_NAME and word not in KEY_ROOTS | NOBODYS)


def _numbered(table: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, str, str]]:
    for name, keys in table.items():
        for place, key in enumerate(keys):
            yield place, name, key
