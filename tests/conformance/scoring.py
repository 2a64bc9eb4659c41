"""Facts right of facts present: how well recorded calls tell what truly happened.

A fact is present when the capture contains it at all, anywhere; a present fact is right when the row says it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.conformance.corpus import Scenario

Row = dict[str, Any]
"""A row of ``llm_calls``, by its column names."""

PROVIDERS = {
    "aws bedrock": "aws.bedrock",
    "google (Gemini API)": "gcp.gemini",
    "google (Vertex AI)": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
"""Providers as a person says it, and their canonical names."""

COSTS = (
    "operation.cost",
    "gen_ai.cost.total_cost",
    "gen_ai.usage.cost",
    "gen_ai.usage.cost.total",
    "gen_ai.usage.total_cost",
    "litellm.cost.total",
    "llm.cost.total",
    "judgment.usage.total_cost_usd",
)
"""Keys under which emitters report what a call cost."""

ASKED_MODELS = ("gen_ai.request.model", "model", "model_dict.model_name")
"""Keys of models that say nothing about the one that answered."""

MODEL_CALLS = ("chat", "embeddings", "text_completion", "generate_content")
FIELDS = (
    "call_count",
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
    "input_text",
    "system_text",
    "output_text",
    "tool_calls",
    "tool_arguments",
    "tool_runs",
    "agents",
    "finish_reason",
    "status",
    "user_id",
    "conversation_id",
)


@dataclass
class Score:
    """Right and present facts of one scenario or many, by field, and the misses by name."""

    right: Counter[str] = field(default_factory=Counter)
    present: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Count another score in."""
        self.right.update(other.right)
        self.present.update(other.present)
        self.misses.extend(other.misses)

    def note(self, name: str, field_name: str, *, right: bool, detail: str) -> None:
        """Count one present fact."""
        self.present[field_name] += 1
        if right:
            self.right[field_name] += 1
        else:
            self.misses.append(f"{name}: {field_name}: {detail}")


def folded(text: str) -> str:
    """Return a text with its white space folded."""
    return re.sub(r"\s+", " ", text).strip()


class Capture:
    """Everything a capture says, for asking whether a fact is in it at all."""

    def __init__(self, scenario: Scenario) -> None:
        self.words: set[str] = set()
        self.texts: list[str] = []
        self.finishes = False
        self.called: set[str] = set()
        self.answered: set[str] = set()
        self.costs: list[float] = []
        self._collect([span["attributes"] for span in scenario.spans])
        self._collect([[event["attributes"] for event in span["events"]] for span in scenario.spans])
        self._collect([[log["attributes"], log["body"]] for log in scenario.logs])
        self.text = folded("\n".join(self.texts))

    def says_text(self, text: str) -> bool:
        """Tell whether a text is in the capture, white space folded."""
        return folded(text) in self.text

    def says(self, value: object) -> bool:
        """Tell whether a value is in the capture as a value of its own."""
        return str(value) in self.words

    def says_values(self, value: object) -> bool:
        """Tell whether all that a structure holds is in the capture."""
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return self.says_text(str(value)) if inner is None else all(map(self.says_values, inner))

    def _look(self, key: str, value: Any, holder: dict[str, Any]) -> None:
        if isinstance(value, str) and "model" in key and key not in ASKED_MODELS:
            self.answered.add(value)
        if key in COSTS and isinstance(value, (int, float)) and value > 0:
            self.costs.append(value)
        if isinstance(value, (str, list)) and value and value != "unknown":
            if "finish_reason" in key.lower() or key.lower().endswith(("finishreason", "stop_reason", "stopreason")):
                self.finishes = True
            if (
                key.endswith("name")
                and isinstance(value, str)
                and (
                    holder.keys() & {"arguments", "args", "input", "toolUseId"}
                    or "function" in key
                    or ".tool_calls." in key
                )
            ):
                self.called.add(value)

    def _collect(self, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                self._collect(item)
                self._look(str(key), item, value)
        elif isinstance(value, list):
            for item in value:
                self._collect(item)
        elif isinstance(value, str):
            self.texts.append(value)
            self.words.add(value)
            try:
                decoded = json.loads(value)
            except (ValueError, RecursionError):
                return
            if not isinstance(decoded, (int, float)):
                self._collect(decoded)
            else:
                self.words.add(str(decoded))
        elif value is not None:
            self.words.add(str(value))


def score(scenario: Scenario, rows: Sequence[Row], steps: Sequence[Row] = (), *, count_calls: bool = True) -> Score:
    """Return how many of a scenario's present facts some rows tell.

    Args:
        scenario: The capture and its truth.
        rows: Of ``llm_calls``.
        steps: Of the agents' and the tools' spans: ``kind``, ``agent_name``, ``tool_name`` and all they ``said``.
        count_calls: Whether the number of rows is a fact as well.
    """
    result = Score()
    capture = Capture(scenario)
    truth = [call for call in scenario.expected["llm_calls"] if call.get("operation", "chat") in MODEL_CALLS]
    reported = scenario.expected.get("reported_calls", len(truth))
    unseen = not truth and scenario.expected.get("expect_error")  # a call that never reached the server
    if count_calls and not unseen:
        expected = min(reported, len(truth)) if truth else 0
        result.note(
            str(scenario), "call_count", right=len(rows) == expected, detail=f"{len(rows)} rows, {expected} calls"
        )
    for name, right, detail in _step_facts(scenario, steps, capture):
        result.note(str(scenario), name, right=right, detail=detail)
    for number, (call, row) in enumerate(pairs(scenario, truth, rows, capture)[:reported]):
        for name, right, detail in facts(scenario, call, row, capture):
            result.note(f"{scenario}#{number}", name, right=right, detail=detail)
    return result


def pairs(
    scenario: Scenario, truth: Sequence[dict[str, Any]], rows: Sequence[Row], capture: Capture
) -> list[tuple[dict[str, Any], Row]]:
    """Pair each true call with the row most like it, the surest pairs first; a call without a row gets an empty one."""
    ranked = sorted(
        (
            (sum(right for _, right, _ in facts(scenario, call, row, capture)), -abs(at - place), at, place)
            for at, call in enumerate(truth)
            for place, row in enumerate(rows)
        ),
        reverse=True,
    )
    calls: dict[int, int] = {}
    for _, _, at, place in ranked:
        if at not in calls and place not in calls.values():
            calls[at] = place
    found = [(truth[at], rows[place]) for at, place in sorted(calls.items())]
    return found + [(call, {}) for at, call in enumerate(truth) if at not in calls]


def facts(scenario: Scenario, call: dict[str, Any], row: Row, capture: Capture) -> Iterable[tuple[str, bool, str]]:
    """Yield the facts of a true call that the capture contains: field, right or not, what was wanted and found."""
    for name, value, compare in _wanted(scenario, call, capture):
        found = row.get("tool_calls" if name == "tool_arguments" else name)
        yield name, compare(value, found), f"wanted {value!r:.120}, found {found!r:.120}"


def _step_facts(scenario: Scenario, steps: Sequence[Row], capture: Capture) -> Iterable[tuple[str, bool, str]]:
    """Yield the facts of the agents and tools that ran: their names, and what went into the tools and came out."""
    extra = scenario.expected.get("extra") or {}
    for agent in extra.get("agents") or ():
        if capture.says(agent):
            yield "agents", any(step["agent_name"] == agent for step in steps), f"no step of {agent}"
    for tool in extra.get("tools") or ():
        if not capture.says(tool["name"]):
            continue
        runs = [folded(step["said"] or "") for step in steps if step["tool_name"] == tool["name"]]
        told = [text for key in ("arguments", "result") if capture.says_text(text := str(tool.get(key) or ""))]
        right = any(all(folded(text) in said for text in told) for said in runs)
        yield "tool_runs", right, f"no run of {tool['name']} with {told!r:.80}"


def _wanted(
    scenario: Scenario, call: dict[str, Any], capture: Capture
) -> Iterable[tuple[str, Any, Callable[[Any, Any], bool]]]:
    yield "kind", "embedding" if call.get("operation") == "embeddings" else "llm", _same
    provider = call.get("provider")
    yield "provider", PROVIDERS.get(provider or "", provider), _same
    for name in ("request_model", "response_model"):
        if call.get(name) and capture.says(call[name]) and not _says_only_the_other(name, call, capture):
            yield name, call[name], _same
    yield from _wanted_counts(call, capture)
    if not call.get("error") and len(capture.costs) >= len(scenario.expected["llm_calls"]):
        yield "cost_usd", capture.costs, _one_of
    yield from _wanted_texts(call, capture)
    yield "status", bool(call.get("error")), _same_status
    for name, sources in (("user_id", ("user_id",)), ("conversation_id", ("conversation_id", "session_id"))):
        values = [holder[source] for holder in (call, scenario.expected) for source in sources if holder.get(source)]
        if values and capture.says(values[0]):
            yield name, values, _one_of


def _says_only_the_other(name: str, call: dict[str, Any], capture: Capture) -> bool:
    """Tell whether a capture that names one model for both names it as the requested one only."""
    if name != "response_model" or call["response_model"] != call.get("request_model"):
        return False
    return call["response_model"] not in capture.answered


def _wanted_counts(call: dict[str, Any], capture: Capture) -> Iterable[tuple[str, Any, Callable[[Any, Any], bool]]]:
    if not call.get("usage_sent_to_client", True) or call.get("stream_usage_sent") is False:
        return
    for name, value in _counts(call):
        if value is not None and (value == 0 or capture.says(value) or _is_derived(name, value, call, capture)):
            yield name, value, _count


def _is_derived(name: str, value: int, call: dict[str, Any], capture: Capture) -> bool:
    """Tell whether a capture says a sum by its parts only: an input count beside its caches, an output its thoughts."""
    subsets = {
        "input_tokens": ("cache_read_tokens", "cache_write_tokens"),
        "output_tokens": ("reasoning_tokens",),
    }.get(name, ())
    parts = [count for subset in subsets if (count := call.get(subset))]
    return bool(parts) and value > sum(parts) and all(map(capture.says, [value - sum(parts), *parts]))


def _wanted_texts(call: dict[str, Any], capture: Capture) -> Iterable[tuple[str, Any, Callable[[Any, Any], bool]]]:
    for name, source in (
        ("input_text", "last_user_text"),
        ("system_text", "system_instructions"),
        ("output_text", "output_text"),
    ):
        text = call.get(source)
        if isinstance(text, str) and text.strip() and capture.says_text(text):
            yield name, text, _contained
    names = [tool["name"] for tool in call.get("tool_calls") or ()]
    if names and all(name in capture.called for name in names):
        yield "tool_calls", names, _same_names
        arguments = [_decoded(tool.get("arguments")) for tool in call["tool_calls"]]
        if all(capture.says_values(given) for given in arguments):
            yield "tool_arguments", arguments, _same_arguments
    reason = call.get("finish_reason")
    if reason and not call.get("error") and (capture.finishes or capture.says(reason)):
        yield "finish_reason", reason, _reported


def _counts(call: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    inclusive = call.get("input_tokens_including_cache")
    yield "input_tokens", call.get("input_tokens") if inclusive is None else inclusive
    yield "output_tokens", call.get("output_tokens")
    for name in ("cache_read_tokens", "cache_write_tokens", "reasoning_tokens"):
        yield name, call.get(name)


def _same(wanted: Any, found: Any) -> bool:
    return bool(wanted == found)


def _count(wanted: int, found: int | None) -> bool:
    return found == wanted or (wanted == 0 and found is None)


def _contained(wanted: str, found: str | None) -> bool:
    return found is not None and folded(wanted) in folded(found)


def _same_names(wanted: list[str], found: Any) -> bool:
    return [tool["name"] for tool in found or ()] == wanted


def _same_arguments(wanted: list[Any], found: Any) -> bool:
    return [_decoded(tool["arguments"]) or {} for tool in found or ()] == [given or {} for given in wanted]


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _reported(_: Any, found: Any) -> bool:
    return bool(found)


def _same_status(wanted: bool, found: Any) -> bool:
    return found is not None and (found == "error") == wanted


def _one_of(wanted: list[Any], found: Any) -> bool:
    return found in wanted


def table(scores: dict[str, Score]) -> str:
    """Return the table instrumentation x field, right of present, with totals."""
    names = [name for name in FIELDS if any(score.present[name] for score in scores.values())]
    total = Score()
    for part in scores.values():
        total.add(part)
    lines = ["| instrumentation | " + " | ".join([*names, "all"]) + " |", "|---" * (len(names) + 2) + "|"]
    for title, part in [*scores.items(), ("all", total)]:
        cells = [f"{part.right[name]}/{part.present[name]}" if part.present[name] else "" for name in names]
        right, present = sum(part.right.values()), sum(part.present.values())
        cells.append(f"{right}/{present} ({right / present:.1%})" if present else "")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
