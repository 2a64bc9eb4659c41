"""What a span costs when the file is empty and when it is large, and how many bytes it takes."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Final

from benchmarks.filling import batches, fill
from benchmarks.measure import cpu_seconds, scratch
from benchmarks.report import Figure
from benchmarks.stream import distinct_spans
from benchmarks.workloads import conversation_turn, ended_spans, short_chat
from otel_sqlite_exporter import SQLiteSpanExporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

_MEASURED: Final = 4000
_WARM_UP: Final = 500
_TURNS: Final = 40
_CONVERSATIONS: Final = 10


def run(*, quick: bool) -> list[Figure]:
    """Measure cost per span at several sizes, and bytes per span of single and growing chats."""
    sizes = (50_000, 250_000) if quick else (1_000_000, 5_000_000)
    with scratch() as directory:
        figures = _costs(directory, sizes)
        figures += [_bytes(directory), *(_chat_bytes(directory, characters) for characters in (200, 400, 800))]
    return figures


def _costs(directory: Path, sizes: Sequence[int]) -> list[Figure]:
    """Write to files of every size in turns, checkpoints included."""
    paths = {0: directory / "0.db"}
    for size in sizes:
        path = paths[size] = directory / f"{size}.db"
        previous = paths[max(paths.keys() - {size})]
        if previous.exists():
            shutil.copy(previous, path)  # its mode too: what others may read is refused
        fill(path, size)
    exporters = {size: SQLiteSpanExporter(path) for size, path in paths.items()}
    cpu, wall = dict.fromkeys(paths, 0.0), dict.fromkeys(paths, 0.0)
    for number, batch in enumerate(batches(list(distinct_spans(_WARM_UP + _MEASURED)))):
        for size, exporter in exporters.items():
            start = time.perf_counter()
            used = cpu_seconds(lambda: exporter.export(batch))  # noqa: B023 - called at once
            took = time.perf_counter() - start
            if number >= _WARM_UP // len(batch):
                cpu[size] += used / _MEASURED * 1e6
                wall[size] += took / _MEASURED * 1e6
    for exporter in exporters.values():
        exporter.shutdown()
    return [
        Figure(
            "growth",
            f"{what} per span at {size:,} spans",
            cost[size],
            "us",
            cost[0],
            "an empty file",
            target=1.5 if size == 5_000_000 else None,
        )
        for size in sizes
        for what, cost in (("CPU", cpu), ("wall time", wall))
    ]


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
