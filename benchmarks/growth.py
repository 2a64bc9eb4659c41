"""What a span costs when the file is empty and when it is large, and how many bytes it takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.json.file import FileSpanExporter

from benchmarks.filling import batches, fill
from benchmarks.measure import cpu_seconds, scratch
from benchmarks.report import Figure
from benchmarks.workloads import conversation_turn, ended_spans, short_chat
from otel_sqlite_exporter import SQLiteSpanExporter

if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

_MEASURED: Final = 2000
_WARM_UP: Final = 500
_TURNS: Final = 40
_CONVERSATIONS: Final = 10


def run(*, quick: bool) -> list[Figure]:
    """Measure cost per span at several sizes, and bytes per span of single and growing chats."""
    sizes = (50_000, 200_000) if quick else (1_000_000, 5_000_000)
    figures = []
    with scratch() as directory:
        yardstick = FileSpanExporter(directory / "otlp.jsonl")
        empty = _cost(directory / "empty.db", yardstick)
        path = directory / "growing.db"
        for size in sizes:
            fill(path, size)
            cost = _cost(path, yardstick)
            target = 1.5 if size == 5_000_000 else None
            figures.append(
                Figure("growth", f"CPU per span at {size:,} spans", cost, "us", empty, "an empty file", target=target)
            )
        figures += [_bytes(directory), *(_chat_bytes(directory, characters) for characters in (200, 400, 800))]
        yardstick.shutdown()
    return figures


def _cost(path: Path, yardstick: FileSpanExporter) -> float:
    """Return microseconds per span, checkpoints included, for a machine on which the yardstick takes 50."""
    exporter = SQLiteSpanExporter(path)
    for batch in batches(ended_spans(short_chat, _WARM_UP)):
        exporter.export(batch)
    ours = peer = 0.0
    for batch in batches(ended_spans(short_chat, _MEASURED)):
        ours += cpu_seconds(lambda batch=batch: exporter.export(batch))  # type: ignore[misc]
        peer += cpu_seconds(lambda batch=batch: yardstick.export(batch))  # type: ignore[misc]
    exporter.shutdown()
    return ours / peer * 50


def _bytes(directory: Path) -> Figure:
    spans = ended_spans(short_chat, 2000)
    return Figure(
        "growth",
        "bytes per span, short chats",
        _stored(directory / "short.db", spans) / 2000,
        "bytes",
        _raw(spans) / 2000,
        "raw attributes",
    )


def _chat_bytes(directory: Path, characters: int) -> Figure:
    """Store chats of 40 turns, each turn sending all that was said before."""
    spans = []
    for conversation in range(1, _CONVERSATIONS + 1):
        for turn in range(_TURNS):
            spans += ended_spans(lambda _, t=turn, c=conversation: conversation_turn(t, c, characters), 1)  # type: ignore[misc]
    stored = _stored(directory / f"chat{characters}.db", spans) / _CONVERSATIONS
    raw = _raw(spans) / _CONVERSATIONS
    name = f"bytes of a 40-turn chat, {characters} characters a message"
    return Figure("growth", name, stored, "bytes", raw, "raw attributes", target=0.15 if characters == 400 else None)


def _stored(path: Path, spans: list[ReadableSpan]) -> float:
    """Return by how much a file with the schema and one span grows."""
    exporter = SQLiteSpanExporter(path)
    exporter.export(ended_spans(short_chat, 1))
    exporter.shutdown()
    before = path.stat().st_size
    exporter = SQLiteSpanExporter(path)
    for batch in batches(spans):
        exporter.export(batch)
    exporter.shutdown()
    return path.stat().st_size - before


def _raw(spans: list[ReadableSpan]) -> float:
    return sum(len(json.dumps(dict(span.attributes or {})).encode()) for span in spans)
