"""Captured scenarios: what real instrumentations handed to the SDK's processors, and what was true."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.conventions.call import EventFacts, SpanFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parent.parent / "data"


@dataclass
class Scenario:
    """One capture.

    Args:
        instrumentation: Package and version.
        name: Mode and scenario.
        spans: As dumped.
        logs: As dumped.
        expected: The ground truth.
    """

    instrumentation: str
    name: str
    spans: list[dict[str, Any]]
    logs: list[dict[str, Any]]
    expected: dict[str, Any]
    resource: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the name that tests and tables show."""
        return f"{self.instrumentation}/{self.name}"


def load(data: Path = DATA) -> Iterator[Scenario]:
    """Yield every scenario of a directory: compressed collections, or directories of one JSON file per scenario."""
    for path in sorted(data.iterdir()):
        if path.name.endswith(".jsonl.gz"):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    yield _scenario(path.name.removesuffix(".jsonl.gz"), json.loads(line))
        elif path.is_dir():
            for file in sorted(path.glob("*.json")):
                capture = json.loads(file.read_text(encoding="utf-8"))
                yield _scenario(path.name, {**capture, "name": file.stem})


def _scenario(instrumentation: str, capture: dict[str, Any]) -> Scenario:
    return Scenario(
        instrumentation,
        capture["name"],
        capture["spans"],
        capture["logs"],
        capture["expected"],
        capture.get("resource", {}),
    )


def native(value: Any) -> Any:
    """Return a dumped value as it was: bytes are dumped as ``{"$bytes": base64}``."""
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return base64.b64decode(value["$bytes"] + "==")
        return {key: native(item) for key, item in value.items()}
    return [native(item) for item in value] if isinstance(value, list) else value


def span_facts(span: dict[str, Any], logs: list[dict[str, Any]]) -> SpanFacts:
    """Return what a convention may look at for one dumped span and the log events that belong to it."""
    scope = span["scope"] or {}
    status = span["status"] or {}
    return SpanFacts(
        name=span["name"],
        scope_name=scope.get("name") or "",
        scope_version=scope.get("version") or "",
        attributes=native(span["attributes"] or {}),
        events=[
            EventFacts(event["name"], native(event["attributes"] or {}), None, _time(event)) for event in span["events"]
        ],
        log_events=[event_facts(log) for log in logs],
        status=(status.get("code") or "UNSET").lower(),
        status_message=status.get("description"),
        start_time_unix_nano=span["start_time_unix_nano"],
        end_time_unix_nano=span["end_time_unix_nano"],
    )


def event_facts(log: dict[str, Any]) -> EventFacts:
    """Return a dumped log record as an event."""
    attributes = native(log["attributes"] or {})
    name = log.get("event_name") or attributes.get("event.name") or ""
    return EventFacts(name, attributes, native(log.get("body")), log.get("timestamp"))


def _time(event: dict[str, Any]) -> int | None:
    return event.get("timestamp_unix_nano") or event.get("time_unix_nano") or event.get("timestamp")
