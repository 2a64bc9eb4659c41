"""No text from outside can make a scan take more than its share: the work for twice the text is twice the work."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import otel_sqlite_exporter
from otel_sqlite_exporter.conventions.call import Message
from otel_sqlite_exporter.conventions.parse import parse_text
from otel_sqlite_exporter.scanning import notes, patterns
from otel_sqlite_exporter.scanning.base64_media import is_base64, may_hold_base64, replace_media
from otel_sqlite_exporter.scanning.long_strings import shorten_json
from otel_sqlite_exporter.scanning.nesting import nests_deeper
from otel_sqlite_exporter.scanning.python_reprs import parse_repr
from otel_sqlite_exporter.texts.policy import TextPolicy

_is_new = sys.version_info >= (3, 11)
constants = importlib.import_module("re._constants" if _is_new else "sre_constants")
parser = importlib.import_module("re._parser" if _is_new else "sre_parse")

PACKAGE = Path(otel_sqlite_exporter.__file__).parent
WITHIN = str(PACKAGE)
ROOMS = {"calls", "conventions", "pipeline", "scanning", "texts"}
"""Where foreign text comes along."""
MANY = 1100
"""More repetitions than this are not bounded."""

TABLE = {
    name if number is None else f"{name}[{number}]": pattern
    for name, value in vars(patterns).items()
    for number, pattern in ([(None, value)] if not isinstance(value, tuple) else enumerate(value))
    if isinstance(pattern, re.Pattern)
} | {"lines_of(76)": patterns.lines_of(76), "NOTE": notes.NOTE}
UNBOUNDED = {"BASE64_RUN", "REPR_TOKEN", "REPR_SPACE"}
ALPHABET = [chr(code) for code in range(128)] + ["é", "\ue000", "\ue001", "\ud83d"]


# Of patterns.


def _characters(node: tuple[Any, Any]) -> frozenset[str]:
    """Return which characters a node that matches one of them takes."""
    operation, argument = node
    if operation is constants.LITERAL:
        return frozenset(c for c in ALPHABET if ord(c) == argument)
    if operation is constants.NOT_LITERAL:
        return frozenset(c for c in ALPHABET if ord(c) != argument)
    if operation is constants.ANY:
        return frozenset(ALPHABET)
    if operation is constants.RANGE:
        return frozenset(c for c in ALPHABET if argument[0] <= ord(c) <= argument[1])
    if operation is constants.CATEGORY:
        shown = {"CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W", "CATEGORY_SPACE": r"\s"}
        return frozenset(c for c in ALPHABET if re.match(shown[str(argument)], c))
    assert operation is constants.IN, operation
    negated = argument[0][0] is constants.NEGATE
    found = frozenset[str]().union(*(_characters(item) for item in argument[negated:]))
    return frozenset(ALPHABET) - found if negated else found


def _is_single(node: tuple[Any, Any]) -> bool:
    return node[0] in {constants.LITERAL, constants.NOT_LITERAL, constants.ANY, constants.IN}


def _first(nodes: list[tuple[Any, Any]]) -> tuple[frozenset[str], bool]:
    """Return with which characters a sequence may begin, and whether it may be empty."""
    found: frozenset[str] = frozenset()
    for operation, argument in nodes:
        may_be_empty = False
        if _is_single((operation, argument)):
            found |= _characters((operation, argument))
        elif operation is constants.MAX_REPEAT:
            inner, may_be_empty = _first(list(argument[2]))
            found |= inner
            may_be_empty = may_be_empty or argument[0] == 0
        elif operation is constants.SUBPATTERN:
            inner, may_be_empty = _first(list(argument[3]))
            found |= inner
        elif operation is constants.BRANCH:
            branches = [_first(list(branch)) for branch in argument[1]]
            found = found.union(*(inner for inner, _ in branches))
            may_be_empty = any(empty for _, empty in branches)
        else:  # looks around, and takes nothing
            assert operation in {constants.AT, constants.ASSERT, constants.ASSERT_NOT}, operation
            may_be_empty = True
        if not may_be_empty:
            return found, False
    return found, True


def _check(nodes: list[tuple[Any, Any]], after: frozenset[str], *, repeats: bool = False) -> bool:
    """Check that no repetition could give anything back to what follows; return whether any is without bound."""
    is_unbounded = False
    for position, (operation, argument) in enumerate(nodes):
        follows, may_end = _first(nodes[position + 1 :])
        follows = follows | after if may_end else follows
        if operation is constants.MAX_REPEAT:
            _, most, body = argument
            body = list(body)
            if most is constants.MAXREPEAT or most > MANY:
                is_unbounded = True
                beginning, may_be_empty = _first(body)
                assert not may_be_empty, "an empty match repeated"
                assert not beginning & follows, f"{sorted(beginning & follows)} may be given back"
                if not (len(body) == 1 and _is_single(body[0])):
                    is_unbounded |= _check(body, follows | beginning, repeats=True)
            else:
                beginning, _ = _first(body)
                is_unbounded |= _check(body, follows | (beginning if most > 1 else frozenset()))
        elif operation is constants.SUBPATTERN:
            is_unbounded |= _check(list(argument[3]), follows, repeats=repeats)
        elif operation is constants.BRANCH:
            branches = [list(branch) for branch in argument[1]]
            beginnings = [first | (follows if empty else frozenset()) for first, empty in map(_first, branches)]
            if repeats:
                assert sum(map(len, beginnings)) == len(frozenset[str]().union(*beginnings)), "two ways for one text"
            is_unbounded |= any([_check(branch, follows, repeats=repeats) for branch in branches])  # noqa: C419 - all
        elif operation in {constants.ASSERT, constants.ASSERT_NOT}:
            assert not _check(list(argument[1]), frozenset()), "looks around without bound"
    return is_unbounded


@pytest.mark.parametrize("name", TABLE)
def test_a_pattern_reads_no_character_twice(name: str) -> None:
    """A repetition without bound can't begin with what follows it, and is only matched, never searched for."""
    pattern = TABLE[name]
    is_unbounded = _check(list(parser.parse(pattern.pattern, pattern.flags)), frozenset())
    assert is_unbounded == (name in UNBOUNDED)
    if is_unbounded:
        uses = [use for file in PACKAGE.rglob("*.py") for use in re.findall(rf"{name}\.(\w+)\(", file.read_text())]
        assert uses
        assert set(uses) == {"match"}


@pytest.mark.parametrize("pattern", [r"(a+)+b", r"[a-z\s]{24,}={0,2}\s*", r"(?:\w+\s?)*:", r"(a|aa)*c", r"\d+\d"])
def test_patterns_that_backtrack_are_found(pattern: str) -> None:
    """The check above can fail."""
    with pytest.raises(AssertionError):
        _check(list(parser.parse(pattern)), frozenset())


def test_every_pattern_stands_in_the_table() -> None:
    """No other module compiles one, and none hands text to a parser that recurses."""
    for file in PACKAGE.rglob("*.py"):
        if file.name == "patterns.py" or ROOMS.isdisjoint(file.relative_to(PACKAGE).parts):
            continue
        text = file.read_text()
        assert not re.search(r"\bre\.(compile|match|search|sub|split|findall|finditer|fullmatch)\b", text), file
        assert not re.search(
            r"^\s*(import|from) (ast|tokenize|pickle|xml)\b|literal_eval|\beval\(", text, re.MULTILINE
        ), file


# Of scanners.


class Work:
    """How many characters were read and how many lines were run."""

    def __init__(self) -> None:
        self.units = 0


class Text(str):
    """A text that counts what is read of it in C."""

    __slots__ = ("work",)
    work: Work

    def find(self, part: str, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        """Count, and do as the original."""
        end = len(self) if end is None else end
        found = str.find(self, part, start, end)
        self.work.units += max((end if found < 0 else found) - start, 0)
        return found

    def rfind(self, part: str, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        """Count, and do as the original."""
        end = min(len(self), len(self) if end is None else end)
        found = str.rfind(self, part, start, end)
        self.work.units += end - max(found, start)
        return found

    def count(self, part: str, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        """Count, and do as the original."""
        end = len(self) if end is None else end
        self.work.units += end - start
        return str.count(self, part, start, end)


class Counted:
    """A pattern that counts what it reads; that it does so within a bound for each position is checked above."""

    def __init__(self, pattern: re.Pattern[str], work: Work) -> None:
        self.pattern = pattern
        self.work = work

    def _seen(self, match: re.Match[str] | None, start: int, end: int, *, moves: bool) -> re.Match[str] | None:
        self.work.units += (match.end() if match else end if moves else start + 1) - start + 1
        return match

    def match(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Count, and do as the original."""
        return self._seen(self.pattern.match(text, start, end), start, min(end, len(text)), moves=False)

    def fullmatch(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Count, and do as the original."""
        return self._seen(self.pattern.fullmatch(text, start, end), start, min(end, len(text)), moves=False)

    def search(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Count, and do as the original."""
        return self._seen(self.pattern.search(text, start, end), start, min(end, len(text)), moves=True)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Count, and do as the original."""
        self.work.units += len(text)
        return self.pattern.finditer(text)

    def sub(self, replacement: str, text: str) -> str:
        """Count, and do as the original."""
        self.work.units += len(text)
        return self.pattern.sub(replacement, text)

    def split(self, text: str, most: int = 0) -> list[str | Any]:
        """Count, and do as the original."""
        self.work.units += len(text)
        return self.pattern.split(text, most)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Count what every pattern of the package reads."""
    counted = Work()
    for module in [module for name, module in sys.modules.items() if name.startswith("otel_sqlite_exporter")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, re.Pattern):
                monkeypatch.setattr(module, name, Counted(value, counted))
            elif isinstance(value, tuple) and value and all(isinstance(item, re.Pattern) for item in value):
                monkeypatch.setattr(module, name, tuple(Counted(item, counted) for item in value))
    return counted


def _run(scan: Callable[[str], object], text: str, work: Work) -> int:
    """Return the work of a scan: characters read in C, and lines run in this package."""
    work.units = 0
    counted = Text(text)
    counted.work = work

    def trace(frame: Any, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(WITHIN):
            return None
        work.units += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        scan(counted)
    finally:
        sys.settrace(before)
    return work.units


def _message(text: str) -> object:
    part = {
        "type": "image",
        "format": "text",
        "content": text,
        "data": text,
        "nested": {"mime_type": "a", "data": text},
    }
    return TextPolicy(4096, None).message("gen_ai.input.messages", Message("user", [part]))  # type: ignore[list-item]


def _value(text: str) -> object:
    return TextPolicy(4096, None).value("key", {"format": "text", "content": text})


SCANNERS: dict[str, Callable[[str], object]] = {
    scan.__name__: scan
    for scan in (
        replace_media,
        may_hold_base64,
        is_base64,
        shorten_json,
        parse_repr,
        parse_text,
        _message,
        _value,
    )
} | {"nests_deeper": lambda text: nests_deeper(text, 64)}

HOSTILE: dict[str, Callable[[int], str]] = {
    "spaces": lambda n: " " * n + "!",
    "breaks": lambda n: "\n" * n + "!",
    "one letter": lambda n: "a" * n,
    "base64": lambda n: "Ab1+" * (n // 4) + "!",
    "base64 and spaces": lambda n: ("Ab1+" * 300 + " ") * (n // 1201),
    "lines": lambda n: ("Ab1/" * 19 + "\n") * (n // 77) + "!",
    "uneven lines": lambda n: "\n".join("Ab1" * (20 + i % 5) for i in range(n // 66)),
    "escaped lines": lambda n: ("Ab1/" * 19 + "\\n") * (n // 78) + "!",
    "short runs after escapes": lambda n: ("\\n" + "a" * 59) * (n // 61),
    "data URIs without end": lambda n: "data:" * (n // 5),
    "data URIs with parameters": lambda n: "data:a/b" + ";a=b" * (n // 4),
    "many data URIs": lambda n: "data:a/b;base64,Ab1= " * (n // 21),
    "semicolons": lambda n: ";base64," * (n // 8),
    "quotes": lambda n: "['a" + "'" * n + "]",
    "double quotes": lambda n: '["a' + '"' * n + "]",
    "backslashes": lambda n: '["' + "\\" * n + '"]',
    "escaped quotes": lambda n: '["' + '\\"' * (n // 2) + "'a']",
    "escaped quotes in a repr": lambda n: "['" + "\\'" * (n // 2) + "]",
    "unclosed strings": lambda n: "['" + "'a\\" * (n // 3) + "]",
    "brackets": lambda n: "[" * n + "'a'" + "]",
    "braces": lambda n: "{'a':" * (n // 5) + "1}",
    "closed brackets": lambda n: "[" * (n // 2) + "'a'" + "]" * (n // 2),
    "calls": lambda n: "['a'," + "a(" * (n // 2) + "]",
    "minus": lambda n: "['a'," + "-" * n + "1]",
    "not": lambda n: "['a'," + "not " * (n // 4) + "1]",
    "lambda": lambda n: "['a'," + "lambda:" * (n // 7) + "1]",
    "angles": lambda n: "['a'," + "<a " * (n // 3) + "]",
    "angles and colons": lambda n: "['a'," + "<a: '" * (n // 5) + "]",
    "closed angles": lambda n: "['a'," + "<a " * (n // 4) + ">" * (n // 4) + "]",
    "names": lambda n: "['a'," + "a." * (n // 2) + "]",
    "digits": lambda n: "['a'," + "1" * n + "]",
    "points": lambda n: "['a'," + "1." * (n // 2) + "]",
    "strings in a row": lambda n: "[" + "'a' " * (n // 4) + "]",
    "keys": lambda n: "{" + "'a':1," * (n // 6) + "}",
    "escapes": lambda n: "['" + "\\x41" * (n // 4) + "']",
    "unknown escapes": lambda n: "['" + "\\N{" * (n // 3) + "']",
    "surrogates": lambda n: "\ud83d" * n,
    "notes": lambda n: "\ue0001\ue001" * (n // 3),
    "roles": lambda n: "user: a\n" * (n // 8),
}


@pytest.mark.parametrize("scanner", SCANNERS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_twice_the_text_is_twice_the_work(scanner: str, hostile: str, work: Work) -> None:
    """For every scanner and every kind of hostile text, characters read and lines run double at most."""
    scan, make = SCANNERS[scanner], HOSTILE[hostile]
    scan(make(100))  # what is made once
    small, large = (_run(scan, make(size), work) for size in (5000, 10_000))
    assert large <= 2.3 * small + 500


@pytest.mark.parametrize("filling", ['\\"', "\\n", '\\\\\\"', "a"])
def test_escapes_take_no_steps_of_their_own(filling: str, work: Work) -> None:
    """A JSON document inside a string has an escaped quote at every word, and is as much work as any other text."""
    text = '["' + filling * (300_000 // len(filling)) + '", "b"]'
    assert shorten_json(text).endswith('"b"]')
    assert _run(shorten_json, text, work) < 3 * len(text)
