"""One pass over a span's attributes: every value lands where its key says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from otel_sqlite_exporter.conventions.parse import NOT_JSON, Plain, parse_text, plain, to_json
from otel_sqlite_exporter.conventions.values import is_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from otel_sqlite_exporter.conventions.plans import Plan, Planner
    from otel_sqlite_exporter.conventions.slots import Slot
    from otel_sqlite_exporter.conventions.step_words import Step

_LEAVES: Final = (str, int, float, bool, type(None))
_RECORD_OFFSET: Final = 100_000  # what stands under a key of its own is read first
_DEEPEST_RECORD: Final = 3
_MOST_FIELDS: Final = 256  # more are data: a span has no more attributes


class Sheet:
    """What a span's attributes said, sorted by what they are about.

    Args:
        known: What is done with each key.
    """

    __slots__ = ("_known", "bodies", "columns", "contents", "has_gaps", "mask", "ranks")

    def __init__(self, known: Planner) -> None:
        self._known = known
        self.columns: dict[str, Any] = {}
        self.ranks: dict[str, int] = {}
        self.contents: dict[str, list[tuple[int, object]]] = {}
        self.bodies: dict[str, list[tuple[int, object]]] = {}
        self.mask = 0
        self.has_gaps = False
        """Whether a flattened list lacks its first items."""

    @property
    def steps(self) -> Mapping[str, Step]:
        """What the names of spans and events stand for under the span's scope."""
        return self._known.steps

    @property
    def is_unknown(self) -> bool:
        """Whether the span's scope is no known emitter's."""
        return self._known.scope_family is None

    def add(self, attributes: Mapping[str, object], offset: int = 0) -> dict[str, object]:
        """Sort attributes in; return those that are not message content.

        Args:
            attributes: Of the span, or of an event that completes it.
            offset: Added to their place in the reading order.
        """
        return self._take(attributes, self._known.plan(attributes), offset)

    def _take(self, attributes: Mapping[str, object], plan: Plan, offset: int) -> dict[str, object]:
        self.mask |= plan.mask
        columns, ranks = self.columns, self.ranks
        for fill in plan.fills:
            column, rank = fill.column, fill.rank + offset
            if column in ranks and rank >= ranks[column]:
                continue
            value = attributes[fill.key]
            last, read = fill.last
            if type(value) is not str or value != last:  # else it says what it said in the span before
                read = fill.read(value)
            if read is not None:
                columns[column] = read
                ranks[column] = rank
        for body, rank, key in plan.bodies:
            self.bodies.setdefault(body, []).append((rank + offset, attributes[key]))
        for content, rank, key in plan.contents:
            self.contents.setdefault(content, []).append((rank + offset, attributes[key]))
        if plan.leaves:
            self._grow(plan.leaves, attributes, offset)
        kept = dict(attributes)
        for key in plan.left_out:
            del kept[key]
        if plan.spoken or plan.records:
            self._read_by_value(plan, kept, offset)
        return kept

    def _read_by_value(self, plan: Plan, kept: dict[str, object], offset: int) -> None:
        for content, rank, key in plan.spoken:
            if is_sentence(kept[key]):
                self.offer(content, rank + offset, kept.pop(key))
        for key in plan.records:
            self._open(key, kept, offset)

    def _open(self, key: str, kept: dict[str, object], offset: int) -> None:
        """Read the fields of an object as attributes, and keep of it what is no content."""
        value = kept[key]
        record = parse_text(value) if isinstance(value, str) else plain(value)
        if not isinstance(record, dict) or len(record) > _MOST_FIELDS:
            return
        if offset < _DEEPEST_RECORD * _RECORD_OFFSET:
            head = f"{key}." if key.lower().endswith("model") else key[: key.rfind(".") + 1]
            fields = {f"{head}{name}": item for name, item in record.items() if item is not None}
            rest = self._take(fields, self._known.plan_of_fields(fields), offset + _RECORD_OFFSET)
            if len(rest) < len(fields):
                kept[key] = to_json({name[len(head) :]: item for name, item in rest.items()})

    def _grow(self, leaves: Sequence[tuple[Slot, str]], attributes: Mapping[str, object], offset: int) -> None:
        """Put flattened lists together again, and offer each."""
        trees: dict[str, tuple[Slot, int, dict[str | int, Any]]] = {}
        for slot, key in leaves:
            _, _, tree = trees.setdefault(slot.tree, (slot, slot.rank + offset, {}))
            _add_leaf(tree, slot.path, attributes[key])
        for slot, rank, tree in trees.values():
            if 0 not in tree and any(type(key) is int for key in tree):
                self.has_gaps = True
            whole = listed(tree)
            if slot.content is not None:
                self.offer(slot.content, rank, whole)
            if slot.body is not None:
                self.bodies.setdefault(slot.body, []).append((rank, whole))

    def offer(self, content: str, rank: int, value: object) -> None:
        """Add content that is not an attribute's value.

        Args:
            content: The place it belongs to.
            rank: Its place in the reading order.
            value: What the reader of that place understands.
        """
        self.contents.setdefault(content, []).append((rank, value))

    def candidates(self, *contents: str) -> list[tuple[int, object]]:
        """Return the content offered for some places, in reading order."""
        if len(contents) == 1:
            found = self.contents.get(contents[0]) or []
        else:
            found = [candidate for content in contents for candidate in self.contents.get(content, ())]
        if len(found) > 1:
            found.sort(key=_rank)
        return found

    def objects(self, body: str) -> Iterator[object]:
        """Yield the objects of one kind, in reading order, decoded one by one."""
        for _, value in sorted(self.bodies.get(body, ()), key=_rank):
            decoded = parse_text(value) if isinstance(value, str) else plain(value)
            if decoded is not NOT_JSON:
                yield decoded


def _add_leaf(node: dict[str | int, Any], path: Sequence[str | int], value: object) -> None:
    for word in path[:-1]:
        inner = node.get(word)
        if not isinstance(inner, dict):
            inner = node[word] = {}
        node = inner
    if type(value) not in _LEAVES:
        value = plain(value)
    node.setdefault(path[-1], value)


def _rank(candidate: tuple[int, object]) -> int:
    return candidate[0]


def listed(tree: Any) -> Any:  # noqa: ANN401 - a tree's leaves are an emitter's values
    """Return a tree whose positions were keys with lists in their place, gaps closed."""
    if type(tree) is not dict:
        return tree
    numbers = [key for key in tree if type(key) is int]
    if numbers and len(numbers) == len(tree):
        numbers.sort()
        return Plain(listed(tree[key]) for key in numbers)
    return {str(key): listed(value) for key, value in tree.items()}
