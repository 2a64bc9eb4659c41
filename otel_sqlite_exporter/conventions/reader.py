"""From what a span says to one normalised call."""

from __future__ import annotations

from typing import Any, Final

from otel_sqlite_exporter.conventions import bodies, content, events, kinds, outcome, providers, token_rules, values
from otel_sqlite_exporter.conventions.call import Call, SpanFacts
from otel_sqlite_exporter.conventions.registry import dictionary_for
from otel_sqlite_exporter.conventions.sheet import Sheet

MODEL_CALLS: Final = ("llm", "embedding")
_PLAIN: Final = frozenset(
    {
        "request_model",
        "response_model",
        "response_id",
        "finish_reasons",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "streaming",
        "conversation_id",
        "user_id",
        "agent_name",
        "service_tier",
    }
)
_CLASSES: Final = (
    "audio_input_tokens",
    "audio_output_tokens",
    "audio_cache_read_tokens",
    "cache_write_1h_tokens",
    "tool_input_tokens",
)
_COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
_BESIDE_PLAIN_COUNTS: Final = (*_COUNTS[2:], *_CLASSES)


def read(facts: SpanFacts) -> Call:
    """Return the normalised call that a span stands for.

    Pure, and total: whatever an emitter wrote, there is a call; what could not be read stays in ``attributes``.

    Args:
        facts: The span, its events and the log events that belong to it.
    """
    return Reading(facts).call()


class Reading:
    """A span of which all is read but what was said in it: two steps, for whoever reads many spans.

    Args:
        facts: As for :func:`read`.
    """

    __slots__ = ("_call", "_dictionary", "_facts", "_sheet")

    def __init__(self, facts: SpanFacts) -> None:
        dictionary = dictionary_for(facts.scope_name)
        sheet = Sheet(dictionary)
        call = Call(attributes=sheet.add(facts.attributes))
        call.events = events.read_events(sheet, facts.events) if facts.events else []
        if facts.log_events:
            left = events.read_events(sheet, facts.log_events)
            call.events.extend(event for event in left if event.name == events.EVALUATION)
        if "events" in sheet.contents:
            events.offer_listed(sheet)
        call.kind, call.operation = kinds.decide(
            sheet.columns, sheet.contents, facts.name, dictionary.steps, is_failed=facts.status == "error"
        )
        if call.kind == "other" and call.operation is None and sheet.bodies:
            call.kind, call.operation = kinds.by_bodies(sheet, is_failed=facts.status == "error")
        bodies.complete(sheet, call.kind in MODEL_CALLS)
        columns = sheet.columns
        for column, value in columns.items():
            if column in _PLAIN:
                setattr(call, column, value)
        outcome.fill(call, columns, facts)
        call.convention = dictionary.convention(sheet.mask)
        _fill_names(call, columns, facts)
        _fill_models(call, columns, facts)
        _fill_tokens(call, columns, facts)
        _fill_cost(call, sheet)
        _fill_first_token(call, columns, facts)
        self._facts, self._dictionary, self._sheet, self._call = facts, dictionary, sheet, call

    def call(self) -> Call:
        """Read the rest, and return the call. Once only."""
        facts, sheet, call = self._facts, self._sheet, self._call
        content.fill(call, sheet)
        _fill_finish_reasons(call)
        if facts.dropped_attributes:
            call.attributes_evicted = sheet.has_gaps or _is_evicted(call)
        for mask, adjust in self._dictionary.adjusts:
            if mask < 0 or mask & sheet.mask:
                adjust(call, sheet, facts)
        return call


def _fill_names(call: Call, columns: dict[str, Any], facts: SpanFacts) -> None:
    if call.kind == "tool":
        call.tool_name = columns.get("tool_name") or columns.get("entity_name")
        call.tool_call_id = columns.get("tool_call_id")
        if call.tool_name is None and (facts.name.startswith("execute_tool ") or facts.name.isidentifier()):
            call.tool_name = facts.name.removeprefix("execute_tool ")
    elif call.kind == "agent" and call.agent_name is None:
        call.agent_name = columns.get("entity_name")


def _fill_models(call: Call, columns: dict[str, Any], facts: SpanFacts) -> None:
    model = columns.get("model")
    if model is not None:
        if call.request_model is None and not facts.dropped_attributes:
            call.request_model = model  # of what is left after an eviction, the last is what answered
        if call.response_model is None and call.status != "error":
            call.response_model = model
    elif "only_model" in columns and call.kind in MODEL_CALLS and call.status != "error":
        call.response_model = call.response_model or columns["only_model"]
    if call.request_model is None and call.kind in MODEL_CALLS:
        call.request_model = _model_in(facts.name)
    provider = providers.decide(
        columns.get("provider"),
        server=columns.get("server"),
        names=(facts.scope_name, columns.get("component") or facts.name, call.error_type or ""),
        model=(call.request_model or call.response_model) if call.kind in MODEL_CALLS else None,
        is_model_call=call.kind in MODEL_CALLS,
    )
    if provider is not None:
        call.provider = provider
        call.request_model = providers.without_prefix(call.request_model, provider)
        call.response_model = providers.without_prefix(call.response_model, provider)
        if provider == "aws.bedrock":
            call.request_model = providers.with_maker(call.request_model, call.response_model)
            call.response_model = providers.with_maker(call.response_model, call.request_model)


def _model_in(name: str) -> str | None:
    """Return the model that a span's name tells."""
    model = None
    for prefix, _ in kinds.NAME_PREFIXES:
        if prefix.endswith(" ") and name.startswith(prefix):
            model = name[len(prefix) :].strip() or None
    return providers.model_of_name(name) if model is None and "/" in name else model


def _fill_tokens(call: Call, columns: dict[str, Any], facts: SpanFacts) -> None:
    if columns.keys().isdisjoint(_BESIDE_PLAIN_COUNTS):  # as for most calls: no rule has anything to say
        if columns.get("input_tokens") or columns.get("output_tokens"):
            call.input_tokens = columns.get("input_tokens") or None
            call.output_tokens = columns.get("output_tokens")
        return
    counts: dict[str, int] = {column: columns[column] for column in _COUNTS if column in columns}
    token_rules.complete(counts, is_embedding=call.kind == "embedding")
    if not counts.get("input_tokens") and not counts.get("output_tokens"):
        call.total_tokens = counts.get("total_tokens") or None
        # Nothing was counted: zeros beside it are defaults.
        call.cache_read_tokens = call.cache_write_tokens = call.reasoning_tokens = None
        return
    exclusive = False
    if call.cache_read_tokens or call.cache_write_tokens:
        exclusive = bool(columns.get("cache_exclusive")) or token_rules.leaves_caches_out(
            counts, facts.scope_name, call.provider, facts.attributes, is_normalised="normalised" in columns
        )
    call.input_tokens = token_rules.inclusive_input(counts, exclusive=exclusive) or None
    call.output_tokens = token_rules.inclusive_output(counts, call.input_tokens)
    if "total_tokens" in counts:
        _use_total(call, counts)
    if not columns.keys().isdisjoint(_CLASSES):
        call.token_classes = {column: columns[column] for column in _CLASSES if columns.get(column)}


def _use_total(call: Call, counts: dict[str, int]) -> None:
    more = token_rules.tool_input(counts["total_tokens"], call.input_tokens, call.output_tokens, call.provider)
    if more:
        call.input_tokens = (call.input_tokens or 0) + more
    call.total_tokens = token_rules.unsplit_total(counts, call.input_tokens, call.output_tokens)
    if call.total_tokens is not None:
        call.output_tokens = call.output_tokens or None  # a 0 beside it is a default


def _fill_cost(call: Call, sheet: Sheet) -> None:
    cost = sheet.columns.get("cost_usd")
    if cost is None:
        for decoded in sheet.objects("costs") if "costs" in sheet.bodies else ():
            if isinstance(decoded, dict):
                cost = values.amount(decoded.get("total") or decoded.get("total_cost"))
    if cost is not None:
        call.cost_usd = cost
        call.cost_source = "reported"


def _fill_first_token(call: Call, columns: dict[str, Any], facts: SpanFacts) -> None:
    waited = columns.get("first_token_s")
    if waited is not None:
        duration = (facts.end_time_unix_nano - facts.start_time_unix_nano) / 1e6
        if 0 < duration < waited and waited / 1000 <= duration:
            waited /= 1000  # some emitters write milliseconds where seconds are due
    elif "first_token_ms" in columns:
        waited = columns["first_token_ms"]
    elif "first_token_time" in columns or facts.events:
        moment = columns.get("first_token_time") or _first_chunk(facts.events)
        if moment is not None and facts.start_time_unix_nano and moment >= facts.start_time_unix_nano:
            waited = (moment - facts.start_time_unix_nano) / 1e6
    call.time_to_first_token_ms = waited


def _first_chunk(span_events: Any) -> int | None:  # noqa: ANN401 - a sequence of EventFacts
    moments = [event.timestamp for event in span_events if event.name in events.FIRST_TOKEN and event.timestamp]
    return min(moments, default=None)


def _is_evicted(call: Call) -> bool:
    """Tell whether something is missing that such a span has: the SDK evicts what was set first."""
    return (call.kind in MODEL_CALLS and call.request_model is None) or bool(call.output and not call.input)


def _fill_finish_reasons(call: Call) -> None:
    if call.finish_reasons is None:
        reasons = [message.finish_reason for message in call.output if message.finish_reason]
        call.finish_reasons = reasons or None
    if not all(message.parts for message in call.output):
        call.output = [message for message in call.output if message.parts]
