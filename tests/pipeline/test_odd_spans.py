from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.database import batch
from otel_sqlite_exporter.database.batch_statement import Insertion
from otel_sqlite_exporter.database.rows import SpanRecord
from tests.support import (
    CHAT,
    check_books,
    end_spans,
    log_lines,
    provider_with,
    query,
    recording,
    span_of,
    stored,
    value,
)

DROP_TABLE = "'); DROP TABLE spans; --"


def attributes(path: Path) -> dict[str, object]:
    """Return the attributes of the span that was written last, read as strict JSON."""

    def refuse(constant: str) -> float:
        raise AssertionError(f"not valid JSON: {constant}")

    text = str(value(path, "SELECT attributes FROM spans ORDER BY id DESC LIMIT 1"))
    assert value(path, "SELECT json_valid(attributes) FROM spans ORDER BY id DESC LIMIT 1") == 1
    parsed = json.loads(text, parse_constant=refuse)
    assert isinstance(parsed, dict)
    return parsed


def store(path: Path, given: Mapping[object, object], *, through_sdk: bool) -> dict[str, object]:
    """Store one span with these attributes and return what is in the file."""
    with recording(path) as processor:
        if through_sdk:
            end_spans(processor, 1, **given)  # type: ignore[arg-type]
        else:
            processor.on_end(span_of({**CHAT, **given}))  # type: ignore[dict-item]
        assert processor.force_flush()
        assert processor.stats().written == 2
    return attributes(path)


@pytest.mark.parametrize("through_sdk", [True, False], ids=["SDK", "hand-made"])
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("x\ud83d", "x\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\udcff", "\ufffd"),
        (2**70, str(2**70)),
        (-(2**63), -(2**63)),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (1e-300, 1e-300),
        ("ab\0cd", "ab\0cd"),
        ("", ""),
        (DROP_TABLE, DROP_TABLE),
        ("\u2028\u0000\x1f\\\"'", "\u2028\u0000\x1f\\\"'"),
        (("a", "b"), ["a", "b"]),
        ((1.5, float("nan")), [1.5, "nan"]),
        ((True, False), [True, False]),
    ],
)
def test_a_value_that_could_not_be_stored_as_it_is_keeps_its_row(
    tmp_path: Path, given: object, kept: object, *, through_sdk: bool
) -> None:
    """Surrogates, huge integers, NaN, NUL and SQL: the row is stored, and its JSON is valid."""
    assert store(tmp_path / "traces.db", {"value": given}, through_sdk=through_sdk)["value"] == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"\x00\xff", base64.b64encode(b"\x00\xff").decode()),
        (None, None),
        ({"a": (1, {"b": b"x"}), "c": None}, {"a": [1, {"b": "eA=="}], "c": None}),
        ([[[]]], [[[]]]),
        ({1: 2, None: 3}, {"1": 2, "None": 3}),
        (frozenset({1}), [1]),
    ],
)
def test_structures_become_json(tmp_path: Path, given: object, kept: object) -> None:
    """Maps, tuples, None and bytes as values are stored as JSON, bytes as base64."""
    assert store(tmp_path / "traces.db", {"value": given}, through_sdk=False)["value"] == kept


class Hostile:
    """An object whose every method raises."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        raise RuntimeError("no text")

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")


class HostileMapping(Mapping[str, object]):
    """A mapping that raises when it is read."""

    def __getitem__(self, key: str) -> object:
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys")

    def __len__(self) -> int:
        raise RuntimeError("no length")


def deep(levels: int) -> object:
    """Return a list in a list in a list."""
    value: object = "bottom"
    for _ in range(levels):
        value = [value]
    return value


def cyclic() -> object:
    """Return a list that holds itself."""
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize("bad", [Hostile(), HostileMapping(), deep(100_000), cyclic(), object(), lambda: None])
def test_one_hostile_value_costs_one_field(tmp_path: Path, bad: object) -> None:
    """Deep nesting, cycles and objects whose methods raise are guarded per field: the rest of the row is there."""
    stored_attributes = store(tmp_path / "traces.db", {"bad": bad, "good": 1}, through_sdk=False)
    assert stored_attributes["good"] == 1
    assert "bad" in stored_attributes


def test_surrogates_are_replaced_in_names_and_keys_too(tmp_path: Path) -> None:
    """A span's name and its attributes' names may hold anything, as well."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        processor.on_end(span_of({**CHAT, "k\ud83d": 1, DROP_TABLE: 2}, name="n\ud83d\0" + DROP_TABLE))
        assert processor.force_flush()
    assert value(path, "SELECT name FROM spans ORDER BY id DESC LIMIT 1") == "n\ufffd\0" + DROP_TABLE
    assert attributes(path)["k\ufffd"] == 1
    assert attributes(path)[DROP_TABLE] == 2


def test_a_prompt_of_megabytes_is_cut_and_its_length_recorded(tmp_path: Path) -> None:
    """A huge text costs no more than the limit in the file; how long it was is known."""
    path = tmp_path / "traces.db"
    size = 3_000_000
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "ä" * (size // 2 - 1) + "ß"}]}])
    with recording(path) as processor:
        end_spans(processor, 1, **{"gen_ai.input.messages": messages})
        assert processor.force_flush()
    missing = size - 65_504
    text = f"{'ä' * 16_376}[... {missing} bytes omitted ...]{'ä' * 16_375}ß"
    assert len(text.encode()) == 65_535
    assert query(path, "SELECT text, full_bytes, kept_bytes FROM messages") == [(text, size, 65_504)]
    assert value(path, "SELECT truncated_bytes FROM spans ORDER BY id DESC LIMIT 1") == missing
    assert path.stat().st_size < 1_000_000


def test_a_span_of_another_make_still_links_calls_to_what_is_above(tmp_path: Path) -> None:
    """Spans that other processors have copied pass ids down as the SDK's own do, though they get no row."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        processor.on_end(span_of(CHAT, span_id=3, parent_id=2))
        processor.on_end(span_of({"user.id": "u-7"}, name="POST /ask", span_id=2))
        assert processor.force_flush()
        assert processor.stats().skipped == 1
    assert value(path, "SELECT user_id FROM spans WHERE span_id = '0000000000000003'") == "u-7"


@pytest.mark.parametrize("hold", [dict, lambda given: BoundedAttributes(attributes=given)], ids=["dict", "the SDK's"])
def test_a_class_of_spans_with_properties_of_its_own_is_asked(tmp_path: Path, hold: Callable[[Any], Any]) -> None:
    """What it hides, as an application's redacting span does, is stored nowhere."""

    class Hiding(ReadableSpan):
        @property
        def attributes(self) -> Mapping[str, Any]:
            return {**CHAT, "user.id": "hidden"}

        @property
        def events(self) -> Sequence[Event]:
            return [Event("told", {"said": "hidden"}, 1)]

    path = tmp_path / "traces.db"
    shown = span_of()
    span = Hiding(
        "chat",
        shown.context,
        attributes=hold({**CHAT, "user.id": "a secret"}),
        events=[Event("a secret", {"said": "a secret"}, 1)],
        resource=shown.resource,
        start_time=shown.start_time,
        end_time=shown.end_time,
    )
    with recording(path) as processor:
        processor.on_end(span)
    assert query(path, "SELECT user_id, json_extract(events, '$[0].name') FROM spans WHERE name = 'chat'") == [
        ("hidden", "told")
    ]
    assert b"a secret" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_unsampled_spans_are_neither_stored_nor_counted(tmp_path: Path) -> None:
    """OpenTelemetry's rule: what is not sampled is not there."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        provider = TracerProvider(sampler=ALWAYS_OFF, resource=Resource({}), shutdown_on_exit=False)
        provider.add_span_processor(processor)
        provider.get_tracer("t").start_span("chat", attributes=CHAT).end()
        processor.on_end(span_of(sampled=False))
        assert processor.force_flush()
        assert processor.stats().received == 1


@pytest.mark.parametrize("span", [span_of(trace_id=0), span_of(span_id=0)], ids=["trace_id", "span_id"])
def test_spans_without_ids_are_counted_not_stored(tmp_path: Path, span: ReadableSpan) -> None:
    """There is no row for a span whose ids are zero."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        processor.on_end(span)
        processor.force_flush()
        assert processor.stats().dropped["conversion_error"] == 1
    assert stored(path) == 1


def test_the_same_span_twice_is_one_row(tmp_path: Path) -> None:
    """Writing a span again changes nothing, in one batch or in another, in this process or after a restart."""
    path = tmp_path / "traces.db"
    processors = [SQLiteSpanProcessor(path), SQLiteSpanProcessor(path)]
    for processor in processors:
        for _ in range(3):
            processor.on_end(span_of())
            processor.on_end(span_of(name="changed"))
            assert processor.force_flush()
        processor.shutdown()
        assert processor.stats().written == 6
    assert query(path, "SELECT name FROM spans") == [("chat gpt-4o",)]
    check_books(path, *processors)


def test_what_the_sdk_dropped_is_recorded(tmp_path: Path) -> None:
    """300 events leave 128 and a count; so do attributes and links."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        span = provider_with(processor).get_tracer("t").start_span("chat")
        for number in range(300):
            span.add_event("tick", {"number": number})
            span.set_attribute(f"key{number}", number)
        span.set_attributes(CHAT)
        span.end()
        assert processor.force_flush()
    assert query(
        path,
        "SELECT json_array_length(events), dropped_events, dropped_attributes FROM spans ORDER BY id DESC LIMIT 1",
    ) == [(128, 172, 300 + 2 - 128)]


@pytest.mark.parametrize("position", [0, 25, 49])
@pytest.mark.parametrize("error", [OverflowError("too large"), UnicodeEncodeError("utf-8", "x", 0, 1, "no")])
def test_a_poison_row_costs_itself_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, position: int, error: Exception
) -> None:
    """One record in a batch of fifty that can't be bound: the other 49 are written, and it is counted."""
    path = tmp_path / "traces.db"
    add_span = batch._add_span

    def poisoned(insertion: Insertion, record: SpanRecord, back: int, ids: tuple[int, int, int]) -> None:
        if json.loads(str(record.details[0])).get("number") == position:
            raise error
        add_span(insertion, record, back, ids)

    with recording(path) as processor, log_lines() as lines:
        monkeypatch.setattr(batch, "_add_span", poisoned)
        end_spans(processor, 50)
        processor.force_flush()
        assert processor.stats().written == 50
        assert processor.stats().dropped["write_error"] == 1
        monkeypatch.undo()
    assert stored(path) == 50
    assert len(lines) == 1


def test_a_poison_row_at_the_file_s_own_hand(tmp_path: Path) -> None:
    """A row that the file itself refuses is no different, and one is no reason to log one line each."""
    path = tmp_path / "traces.db"
    with recording(path) as processor, log_lines() as lines:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute(
                "CREATE TRIGGER no_sevens BEFORE INSERT ON spans "
                "WHEN json_extract(NEW.attributes, '$.number') % 10 = 7 "
                "BEGIN SELECT RAISE(ABORT, 'no sevens'); END"
            )
            connection.commit()
        for _ in range(3):
            end_spans(processor, 50)
            processor.force_flush()
        assert processor.stats().dropped["write_error"] == 15
        assert processor.stats().written == 1 + 135
        assert "no sevens" in str(processor.stats().last_error)
    assert stored(path) == 1 + 135
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (Event(5), "5"),  # type: ignore[arg-type]
        (Event(None, {"a": 1}), "None"),  # type: ignore[arg-type]
        (Event(Hostile()), "<Hostile>"),  # type: ignore[arg-type]
        (Event("e", "text"), "e"),  # type: ignore[arg-type]
        (Event("exception", ["a"]), "exception"),  # type: ignore[arg-type]
        (Event("e", {}, timestamp=Hostile()), "e"),  # type: ignore[arg-type]
    ],
    ids=["int", "None", "hostile", "text", "list", "time"],
)
def test_an_odd_event_leaves_its_call_a_call(tmp_path: Path, event: Event, name: str) -> None:
    """Names that are no text, attributes that are no mapping: the event is kept in some form, the call is read."""
    path = tmp_path / "traces.db"
    span = span_of({**CHAT, "gen_ai.request.model": "gpt-4o"})
    span._events = [event]
    with recording(path) as processor:
        processor.on_end(span)
        assert processor.force_flush()
    assert query(
        path,
        "SELECT kind, request_model, json_extract(events, '$[0].name') FROM spans ORDER BY id DESC LIMIT 1",
    ) == [("llm", "gpt-4o", name)]


def test_on_end_raises_for_nothing_at_all(tmp_path: Path) -> None:
    """Whatever somebody passes to ``on_end``, no exception reaches the application, and it is counted."""
    with recording(tmp_path / "traces.db") as processor:
        things: list[object] = [None, 1, "span", object(), Hostile(), HostileMapping(), ReadableSpan("bare"), type]
        for thing in things:
            processor.on_end(thing)  # type: ignore[arg-type]
        processor.force_flush()
        stats = processor.stats()
        assert stats.received == 1 + len(things)
        assert stats.received == stats.written + stats.skipped + sum(stats.dropped.values())


def test_on_end_at_the_recursion_limit_raises_nothing(tmp_path: Path) -> None:
    """A span that ends at the bottom of the stack does not make the stack's overflow the processor's."""
    with recording(tmp_path / "traces.db") as processor:
        spans = [span_of(span_id=number) for number in range(1, 3000)]
        raised: list[BaseException] = []

        def descend(level: int) -> None:
            try:
                processor.on_end(spans[level])
            except BaseException as error:  # noqa: BLE001 - what is looked for
                raised.append(error)
            descend(level + 1)

        with pytest.raises(RecursionError):
            descend(0)
        assert len(raised) <= 1  # the call itself may find no room, before it is a call of ours
        assert processor.stats().received > sys.getrecursionlimit() // 2


def test_other_processors_run_after_ours(tmp_path: Path) -> None:
    """Nothing that our processor meets keeps the span from those that come after it."""
    seen: list[str] = []

    class After(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            seen.append(span.name)

    processor = SQLiteSpanProcessor(tmp_path / "traces.db", max_queue_size=1)
    provider = provider_with(processor)
    provider.add_span_processor(After())
    for number in range(5):
        provider.get_tracer("t").start_span(f"{number}", attributes=CHAT).end()
    provider.shutdown()
    assert seen == ["0", "1", "2", "3", "4"]


def test_everything_is_stored_when_asked_for(tmp_path: Path) -> None:
    """``spans="all"`` stores spans that have nothing to do with LLMs."""
    path = tmp_path / "traces.db"
    with recording(path, spans="all") as processor:
        processor.on_end(span_of({"http.method": "GET"}, name="GET /"))
        assert processor.force_flush()
    assert query(path, "SELECT name, kind, convention FROM spans ORDER BY id DESC LIMIT 1") == [
        ("GET /", "other", "none")
    ]


def test_other_spans_with_ids_of_the_file_are_counted_as_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A script that seeds the random module makes the same ids in every run; the file says that it lacks the second."""
    path = tmp_path / "traces.db"
    for start in (1, 2):
        processor = SQLiteSpanProcessor(path)
        for span_id in (1, 2, 3):
            span = span_of(span_id=span_id)
            span._start_time = start
            processor.on_end(span)
            processor.on_end(span)
        processor.on_end(span_of(span_id=10 + start))
        processor.shutdown()
    stats = processor.stats()
    assert (stats.received, stats.written, stats.dropped["write_error"]) == (7, 1, 6)
    assert value(path, "SELECT count(*) FROM spans") == 5
    assert query(path, "SELECT received, written, dropped FROM recorders ORDER BY id") == [(7, 7, 0), (7, 1, 6)]
    assert [line for line in caplog.messages if "same ids" in line] != []
