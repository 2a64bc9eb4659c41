"""What is done with the keys of emitters that nobody knows: what their last words mean, whatever stands before them.

It is read where no convention claims a key, and believed where nothing else says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.key_words import count_of, counts_else, is_passed_on, words_of
from otel_sqlite_exporter.conventions.slots import UNKNOWN, Slot
from otel_sqlite_exporter.conventions.vocabulary import CONVERTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_sqlite_exporter.conventions.slots import Convert

RANK: Final = 1_000_000
"""Behind every convention."""

_LONGEST_INDEX: Final = 5
_LONGEST_END: Final = 4

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    # Where a word is not known, one that is meant for steps alone is kept as what it says; the others say nothing, and
    # make no call of a span that has nothing else of one.
    "hint": (
        *("span_kind", "span_type", "observation_type", "run_type", "operation_name", "operation_type", "operation"),
        *("step_type", "node_type", "task_type", "call_type", "subtype"),
    ),
    "weak_hint": ("request_type", "event_type", "op", "kind", "type"),
    "weak_word": (
        *("span_kind", "span_type", "observation_type", "run_type", "operation_name", "operation_type", "operation"),
        *("step_type", "node_type"),
    ),
    "provider": (
        *("llm_provider", "model_provider", "provider_name", "provider", "llm_vendor", "model_vendor", "vendor"),
        *("llm_system", "ai_system", "genai_system"),
    ),
    "known_provider": ("system",),
    "request_model": (
        *("request_model", "requested_model", "request_model_name", "request_model_id", "llm_model", "llm_model_name"),
        *("req_model", "input_model", "asked_model", "model_requested", "model_asked"),
        *("llm_model_id", "model_name", "model_id", "embedding_model", "embedding_model_name", "chat_model", "model"),
        *("deployment_name", "deployment", "llm_engine", "model_engine", "request_engine", "ai_engine"),
    ),
    "response_model": (
        *("response_model", "response_model_name", "response_model_id", "output_model", "actual_model"),
        *("served_model", "returned_model", "completion_model", "result_model", "result_model_name", "resp_model"),
        *("used_model", "resolved_model", "model_used", "model_served", "model_returned", "model_resolved"),
    ),
    "response_id": ("response_id", "result_id", "output_id", "completion_id", "generation_id"),
    "finish_reasons": ("finish_reasons", "finish_reason", "stop_reasons", "stop_reason", "finish_reason_type"),
    "cost_usd": ("cost_total", "total_cost", "total_cost_usd", "cost_usd", "cost_amount", "price_total", "cost"),
    "conversation_id": ("session_id", "conversation_id", "thread_id", "chat_id"),
    "user_id": ("user_id", "end_user_id", "enduser_id"),
    "agent_name": ("agent_name",),
    "tool_name": ("tool_name", "function_name", "tool_function"),
    "tool_call_id": ("tool_call_id", "tool_id"),
    "error_type": ("error_type", "exception_type", "error_class", "error_code", "error_name"),
    "error_message": ("error_message", "exception_message", "error_msg", "error_detail", "error_details", "error"),
    "error_told": ("error",),
    "failed": ("status", "status_code", "level", "outcome", "is_error", "failed"),
    "http_status": ("http_status", "http_status_code", "status_code"),
    "streaming": ("is_streaming", "is_stream", "streaming", "streamed", "stream"),
    "first_token_ms": ("time_to_first_token_ms", "first_token_ms", "ttft_ms", "time_to_first_token_millis"),
    "first_token_s": ("time_to_first_token", "time_to_first_chunk", "ttft", "time_to_first_token_seconds"),
    "service_tier": ("service_tier",),
}
"""For each column the ends of the keys that fill it, words joined by underscores, in reading order."""

PLAIN_MODELS: Final = frozenset(
    {
        *("llm_model", "llm_model_name", "llm_model_id", "model_name", "model_id", "embedding_model"),
        *("embedding_model_name", "chat_model", "model"),
    }
)
"""Of the names of models those of emitters that have one word for the model that was asked for and that answered."""

BODIES: Final[dict[str, tuple[str, ...]]] = {
    "usage": (
        *("usage", "token_usage", "tokens_usage", "usage_metadata", "token_counts", "tokens", "usage_details"),
        *("token_count", "metrics", "usage_object", "llm_usage"),
    ),
    "response": ("response_metadata", "output_metadata", "result_metadata", "completion_metadata"),
    "parameters": (
        *("invocation_parameters", "invocation_params", "model_parameters", "request_parameters", "llm_parameters"),
        *("request_params", "model_params", "parameters", "params", "model_settings", "settings", "config", "options"),
    ),
    "about": ("metadata", "model_info", "model_config"),
}
"""For each kind of object the ends of the keys that hold one."""

_RECORDS: Final = frozenset(
    {
        *("data", "payload", "record", "attributes", "details", "event", "info", "call", "span", "step"),
        *("trace", "properties", "props", "fields", "values", "llm", "body"),
    }
)
"""What an object is called in which an emitter packs all that it knows."""

_SYSTEM: Final = frozenset(
    {
        *("system_prompt", "system_instructions", "system_instruction", "system_message", "instructions"),
        *("system_messages", "prompt_system", "input_system", "messages_system", "request_system"),
        *("developer_message", "system_content", "system_text"),
    }
)
_TOOLS: Final = frozenset(
    {
        *("tools", "tool_definitions", "functions", "available_tools", "tool_schemas", "function_definitions"),
        *("tool_specs", "tool_list"),
    }
)
_ARGUMENTS: Final = frozenset(
    {
        *("tool_arguments", "tool_args", "tool_input", "tool_inputs", "tool_parameters", "tool_params", "tool_kwargs"),
        *("tool_call_arguments", "call_arguments", "tool_call_args"),
    }
)
_RESULT: Final = frozenset(
    {
        *("tool_result", "tool_output", "tool_outputs", "tool_response", "tool_call_result"),
        *("call_result", "tool_results"),
    }
)
_USAGES: Final = frozenset(BODIES["usage"])
_CALLS: Final = frozenset({"tool_calls", "toolcalls", "function_calls", "tool_uses", "tool_use", "tool_requests"})
_DOCUMENTS: Final = frozenset(
    {"documents", "retrieved_documents", "contexts", "retrieved_contexts", "retrieved_chunks"}
)
_QUERY: Final = frozenset({"query", "query_text", "search_query", "retrieval_query", "query_string"})
_NAMED: Final = (
    ("system", _SYSTEM),
    ("tools", _TOOLS),
    ("output_calls", _CALLS),
    ("arguments", _ARGUMENTS),
    ("result", _RESULT),
    ("documents", _DOCUMENTS),
    ("query", _QUERY),
)

_HOLDERS: Final = frozenset(
    {
        *("value", "values", "content", "contents", "text", "texts", "body", "json", "payload", "data", "raw", "str"),
        *("string", "message", "messages", "full", "object", "list", "history", "repr"),
    }
)
"""What stands behind the word for a side, and says in what form it is there."""

_INTO: Final[dict[str, int]] = {
    "messages": 0,
    "prompts": 1,
    "prompt": 1,
    "conversation": 2,
    "inputs": 3,
    "input": 3,
    "history": 4,
    "user": 5,
    "question": 5,
    "request": 6,
    "query": 7,
    "kwargs": 8,
    "args": 9,
}
_OUT_OF: Final[dict[str, int]] = {
    "completions": 1,
    "completion": 1,
    "choices": 1,
    "generations": 2,
    "generation": 2,
    "generated": 2,
    "outputs": 3,
    "output": 3,
    "answer": 4,
    "reply": 4,
    "assistant": 4,
    "response": 5,
    "responses": 5,
    "results": 7,
    "result": 7,
    "return": 8,
}
"""Words for what goes in and what comes out, and which of several is read first."""

_MADE: Final = frozenset({"generation", "generations"})
"""What the step is called in which messages are sent."""

_NOT_SAID: Final = frozenset(
    {
        *("cost", "costs", "price", "usage", "token", "tokens", "latency", "duration", "size", "count", "length"),
        *("time", "bytes", "schema", "format", "modalities", "headers", "header", "rate", "audio", "char", "chars"),
    }
)
_BODIES_OF_SIDES: Final = (("request", _INTO), ("response", _OUT_OF))
_TYPES: Final = frozenset({"type", "kind"})
_TYPED: Final = frozenset(
    {"output", "input", "response", "message", "content", "tool", "agent", "api", "mime", "model"}
)
"""What has a type that is none of the span's: ``gen_ai.output.type``, ``acme.agent.type``."""

_NOBODYS_MODELS: Final = frozenset({"device", "data", "hardware", "vehicle", "car", "printer"})


def slot_of(key: str) -> Slot:
    """Return what is done with the value under a key.

    Args:
        key: An attribute key that no convention knows.
    """
    name, path = _parted(key)
    words = words_of(name)
    if path:
        content = _content_of(words)
        if content is None:
            return UNKNOWN
        place, rank = content
        return Slot(RANK + rank, content=place, tree=name, path=path)
    ends = ["_".join(words[-size:]) for size in range(min(_LONGEST_END, len(words)), 0, -1)]
    columns = _columns_of(words, ends) if words and not is_passed_on(words) else None
    if columns:
        rank, filled = columns
        # What tells an error may be told in words: they are a message, and no content.
        spoken = "system" if words[-1] == "system" else None
        usage = "usage" if any(end in _USAGES for end in ends) else None  # a number, or an object of several
        return Slot(RANK + rank, columns=filled, body=usage, spoken=spoken, is_record=words[-1] == "model")
    body = next((kind for kind, known in BODIES.items() if any(end in known for end in ends)), None)
    if body is not None:
        is_limit = body == "usage" and counts_else(name)  # gen_ai.request.max_tokens
        return UNKNOWN if is_limit else Slot(RANK + len(words), body=body)
    content = _content_of(words)
    if content is None:
        return Slot(RANK, is_record=True) if words and words[-1] in _RECORDS else UNKNOWN
    place, rank = content
    return Slot(RANK + rank, content=place, body=_body_of(words))


def side_of(words: tuple[str, ...]) -> str | None:
    """Return ``input``, ``output`` or ``system`` for words that name what is said on a side, None for others.

    Args:
        words: Of an event's name.
    """
    content = _content_of(words)
    return content[0] if content is not None and content[0] in ("input", "output", "system") else None


def _columns_of(words: tuple[str, ...], ends: list[str]) -> tuple[int, tuple[tuple[str, Convert], ...]] | None:
    counted = count_of(words)
    if counted is not None:
        return len(words), ((counted, CONVERTERS[counted]),)
    if not _NOBODYS_MODELS.isdisjoint(words[-3:-1]) and words[-1] in ("model", "name", "id"):
        return None
    if words[-1] in _TYPES and not _TYPED.isdisjoint(words[-2:-1]):
        return None
    for end in ends:
        found = _BY_END.get(end)
        if found is not None:
            rank, filled = found
            if end in PLAIN_MODELS:
                filled = (*filled, "only_model")
            return 100 * rank + len(words), tuple((_UNDER.get(column, column), CONVERTERS[column]) for column in filled)
    return None


def _content_of(words: tuple[str, ...]) -> tuple[str, int] | None:
    """Return the place of content that words name, and its rank there."""
    if not words or not _NOT_SAID.isdisjoint(words[-3:]):
        return None
    for size in (3, 2, 1):
        end = "_".join(words[-size:])
        for place, known in _NAMED:
            if end in known and (place != "query" or len(words) == 1 or words[-2:-1] != ("user",)):
                return place, len(words)
    left = list(words)
    forms = 0
    while left and left[-1] in _HOLDERS and left[-1] not in _OUT_OF:
        is_said = left.pop() in ("messages", "message")
        forms += not is_said
        if is_said and not left:
            return "input", 0
        if is_said and left[-1] in _MADE:
            return "input", 0  # what was said in it, not what it said
        if is_said and (not left or (left[-1] not in _INTO and left[-1] not in _OUT_OF)):
            return ("input", 0) if words[-1] == "messages" else None
    return _side_of(left, is_list=words[-1] == "messages", forms=forms)


def _side_of(left: list[str], *, is_list: bool, forms: int) -> tuple[str, int] | None:
    if not left:
        return None
    for place, known in (("input", _INTO), ("output", _OUT_OF)):
        rank = known.get(left[-1])
        if rank is not None:
            return place, (0 if is_list else 100 * rank) + 10 * forms + len(left)
    return None


def _body_of(words: tuple[str, ...]) -> str | None:
    for kind, known in _BODIES_OF_SIDES:
        if any(word in known for word in words[-2:]) and words[-1] not in ("text", "prompt", "question"):
            return kind
    return None


def _parted(key: str) -> tuple[str, tuple[str | int, ...]]:
    """Return the name of a flattened list, and where in it a key is: ``a.messages[0].role``; no path for plain keys."""
    segments = key.replace("[", ".").replace("]", "").replace("/", ".").split(".")
    for place, segment in enumerate(segments):
        if place and segment.isdecimal() and len(segment) <= _LONGEST_INDEX:
            path = tuple(int(word) if word.isdecimal() else word for word in segments[place:])
            return ".".join(segments[:place]), path
    return key, ()


def _by_end(table: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[int, tuple[str, ...]]]:
    found: dict[str, tuple[int, tuple[str, ...]]] = {}
    for column, ends in table.items():
        for rank, end in enumerate(ends):
            known = found.get(end)
            found[end] = (rank, (column,)) if known is None else (min(rank, known[0]), (*known[1], column))
    return found


_BY_END: Final = _by_end(COLUMNS)
_UNDER: Final = {"known_provider": "provider"}

_ENDS: Final = (
    *_BY_END,
    *(end for ends in BODIES.values() for end in ends),
    *(end for _, ends in _NAMED for end in ends),
)

FIRST_WORDS: Final = frozenset(
    {
        *(end.partition("_")[0] for end in _ENDS),
        *(*_INTO, *_OUT_OF, *_RECORDS, "cached", "cache", "usage", "reasoning", "thinking", "num"),
    }
)
"""What keys begin with that have no name of an emitter or of an application before these words."""
