"""Score the conversion alone: every scenario's spans through ``conventions.read``, without a database.

Run as ``python -m tests.conformance.direct [directory] [word in the name]``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.conventions import read, summary
from tests.conformance.corpus import DATA, Scenario, load, span_facts
from tests.conformance.scoring import Row, Score, score, table

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call

LAYERED = ("plus_openai", "sdk_tracing_on", "nested", "logfire")
"""Scenarios in which several spans report one call: which of them counts is decided when spans meet, not here."""


def row_of(call: Call) -> Row:
    """Return the columns of ``llm_calls`` for a call."""
    columns = (
        "kind",
        "provider",
        "request_model",
        "response_model",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "cost_usd",
        "status",
        "user_id",
        "conversation_id",
    )
    row: Row = {name: getattr(call, name) for name in columns}
    row["input_text"] = summary.last_user_text(call)
    row["output_text"] = summary.output_text(call)
    row["system_text"] = summary.system_text(call)
    row["tool_calls"] = summary.tool_calls(call)
    row["finish_reason"] = call.finish_reasons[0] if call.finish_reasons else None
    return row


def calls_of(scenario: Scenario) -> list[Call]:
    """Return every span of a scenario as a call, log events joined by their ids, else by the time they came."""
    spans = sorted(scenario.spans, key=lambda span: span["end_time_unix_nano"])
    logs: dict[str, list[dict[str, Any]]] = {span["span_id"]: [] for span in spans}
    for log in scenario.logs:
        owner = log.get("span_id") or _owner(spans, log.get("timestamp") or 0)
        if owner in logs:
            logs[owner].append(log)
    return [read(span_facts(span, logs[span["span_id"]])) for span in spans]


def _owner(spans: list[dict[str, Any]], moment: int) -> str | None:
    around = [span for span in spans if span["start_time_unix_nano"] <= moment <= span["end_time_unix_nano"]]
    model_calls = [span for span in around if read(span_facts(span, [])).kind in ("llm", "embedding")]
    return model_calls[-1]["span_id"] if model_calls else None


def score_directly(scenario: Scenario) -> Score:
    """Return the score of a scenario's model calls."""
    rows = [row_of(call) for call in calls_of(scenario) if call.kind in ("llm", "embedding")]
    layered = any(word in str(scenario) for word in LAYERED)
    return score(scenario, rows, count_calls=not layered)


def main(directory: Path = DATA, word: str = "") -> None:
    """Print the table and every miss."""
    scores: dict[str, Score] = {}
    for scenario in load(directory):
        if word in str(scenario):
            scores.setdefault(scenario.instrumentation, Score()).add(score_directly(scenario))
    print("\n".join(miss for part in scores.values() for miss in part.misses))  # noqa: T201
    print(table(scores))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA, *sys.argv[2:3])
