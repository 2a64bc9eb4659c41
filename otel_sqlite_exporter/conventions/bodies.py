"""Facts that only the body of a request or a response tells: ids, models, usage, finish reasons, who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from otel_sqlite_exporter.conventions.chunks import joined_chunks
from otel_sqlite_exporter.conventions.messages import finish_of
from otel_sqlite_exporter.conventions.parse import UNREADABLE
from otel_sqlite_exporter.conventions.parts import first
from otel_sqlite_exporter.conventions.providers import canonical
from otel_sqlite_exporter.conventions.usage import read_usage
from otel_sqlite_exporter.conventions.values import flag, identifier, service_tier, text
from otel_sqlite_exporter.scanning.patterns import CACHED_COUNT, SERVICE_TIER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from otel_sqlite_exporter.conventions.sheet import Sheet

_RESPONSE_HOLDERS: Final = (
    "message",
    "kwargs",
    "data",
    "response_metadata",
    "usage_metadata",
    "llm_output",
    "meta",
    "_meta",
    "generation_info",
    "generations",
    "replies",
    "response",
    "raw",
    "raw_response",
    "additional_kwargs",
    "choices",
    "candidates",
    "result",
    "results",
    "output",
)
_USAGE_HOLDERS: Final = ("usage", "usage_metadata", "usageMetadata", "token_usage", "tokenUsage", "tokens")
_COUNTED_BESIDE: Final = frozenset(
    {
        *("prompt_eval_count", "eval_count", "prompt_token_count", "generation_token_count", "prompt_tokens"),
        *("completion_tokens", "input_tokens", "output_tokens", "inputTokenCount", "outputTokenCount"),
    }
)
"""Counts that stand in the body itself: Ollama's, those of models on Bedrock, of an emitter's summary."""
_REQUEST_HOLDERS: Final = ("request", "invocation_params", "kwargs", "config", "model_kwargs", "metadata", "extra_body")
_WHOLE: Final = frozenset({"response_id", "response_model", "finish_reasons", "input_tokens"})
_MAX_DEPTH: Final = 6

_WHO: Final = ("user_id", "conversation_id", "agent_name")
_OF_ANY_SPAN: Final = ("about", "usage")
_OF_CACHED: Final = (
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "cache_exclusive",
    "input_tokens",
)

Facts: TypeAlias = "dict[str, Any]"


def complete(sheet: Sheet, is_model_call: bool) -> None:  # noqa: FBT001 - the one thing asked about the span
    """Fill columns that no attribute named from the bodies; they are decoded only where a column is missing.

    Args:
        sheet: What the span's attributes said.
        is_model_call: Whether the span is a model call; others have no model of their own, and at most sums of tokens.
    """
    if not sheet.bodies:
        return
    columns = sheet.columns
    for body, reader, wanted in _STEPS:
        if not is_model_call and (body not in _OF_ANY_SPAN or (body == "usage" and "input_tokens" in columns)):
            continue
        is_doubtful = body == "request" and columns.get("only_model") == columns.get("request_model") is not None
        if wanted is not None and all(column in columns for column in wanted) and not is_doubtful:
            continue
        for facts in _each(sheet, body, reader):
            told = _of_metadata(facts, columns, is_model_call=is_model_call) if body == "about" else facts
            if (body == "parameters" or is_doubtful) and "request_model" in told:
                _part_models(columns, told["request_model"])
            _merge(columns, told)
    if is_model_call:
        if "service_tier" not in columns:
            _find_tier(sheet)
        if "input_tokens" in columns and "cache_read_tokens" not in columns:
            _find_cached(sheet)


def tell_a_call(sheet: Sheet, *, is_failed: bool) -> bool:
    """Tell whether the bodies of a request and its answer show a span to be a call that no word and no column does.

    A model that was asked, and what the answer used. Of a call that failed there is a request only.

    Args:
        sheet: What the span's attributes said; what the bodies tell of the call is put into its columns.
        is_failed: The span ended in an error.
    """
    if "request" not in sheet.bodies or ("response" not in sheet.bodies and not is_failed):
        return False
    asked = next(_each(sheet, "request", read_request), {})
    answered = next(_each(sheet, "response", read_response), {})
    used = "input_tokens" in answered or "output_tokens" in answered
    if "request_model" not in asked or not (used or (is_failed and "input" in sheet.contents)):
        return False
    _merge(sheet.columns, {**answered, **asked})
    return True


def _of_metadata(facts: Facts, columns: Facts, *, is_model_call: bool) -> Facts:
    """Return what metadata is believed: who asked, and of a call that names no model which one was asked."""
    names_none = is_model_call and columns.keys().isdisjoint(("model", "request_model", "response_model"))
    return {column: facts[column] for column in (*_WHO, *(("request_model",) * names_none)) if column in facts}


def _find_tier(sheet: Sheet) -> None:
    """Take the service tier out of the texts of the bodies: it alone is not worth decoding them."""
    for body in ("response", "parameters", "request"):
        for _, value in sheet.bodies.get(body, ()):
            found = SERVICE_TIER.search(value) if isinstance(value, str) and '"service_tier"' in value else None
            tier = service_tier(found.group(1)) if found is not None else None
            if tier is not None:
                sheet.columns["service_tier"] = tier
                return


def _find_cached(sheet: Sheet) -> None:
    """Take the cached tokens, which cost less, out of the answer's own usage where the emitter passed on the rest."""
    columns = sheet.columns
    texts = [value for _, value in sheet.bodies.get("response", ()) if isinstance(value, str)]
    if not any(CACHED_COUNT.search(text) for text in texts):
        return
    for facts in _each(sheet, "response", read_response):
        told = facts.get("input_tokens", 0)
        cached = facts.get("cache_read_tokens", 0) + facts.get("cache_write_tokens", 0)
        if cached and columns["input_tokens"] in (told, told + cached):  # else it counts something else
            _merge(columns, {column: facts[column] for column in _OF_CACHED if column in facts})
            return


def _each(sheet: Sheet, body: str, reader: Callable[[object], Mapping[str, Any]]) -> Iterator[Facts]:
    if body in sheet.bodies:
        for decoded in sheet.objects(body):
            try:
                yield dict(reader(decoded))
            except UNREADABLE:
                continue


def _merge(columns: Facts, found: Facts) -> None:
    if found.pop("cache_exclusive", False) and columns.get("input_tokens") in (None, found.get("input_tokens")):
        columns["cache_exclusive"] = True
    provider = found.pop("provider", None)
    if provider is not None and "provider" not in columns and (known := canonical(provider)) is not None:
        columns["provider"] = known
    for column, value in found.items():
        columns.setdefault(column, value)


def _part_models(columns: Facts, asked: str) -> None:
    """Take the model that was asked for from the parameters where an emitter has overwritten it with what answered."""
    named = columns.get("request_model")
    if named is None or columns.get("response_model", named) != named:
        return
    if named.rpartition("/")[2] != asked.rpartition("/")[2]:
        columns["request_model"], columns["response_model"] = asked, named


def read_response(body: object) -> Facts:
    """Return the columns that a response body tells.

    Args:
        body: The decoded body, of any provider or framework.
    """
    facts: Facts = {}
    _response(body, facts, 0)
    return facts


def _response(body: object, facts: Facts, depth: int) -> None:
    if isinstance(body, list):
        if body and depth < _MAX_DEPTH:
            _response(joined_chunks(body)[0], facts, depth + 1)
        return
    if not isinstance(body, dict) or depth > _MAX_DEPTH:
        return
    _note(facts, "response_id", _response_id(body))
    _note(facts, "response_model", text(first(body, "model", "modelVersion", "model_version", "model_name", "modelId")))
    reason = finish_of(body)
    _note(facts, "finish_reasons", None if reason is None else [reason])
    _usage(body, facts)
    for holder in _RESPONSE_HOLDERS:
        if holder in body:
            if facts.keys() >= _WHOLE:
                return
            _response(body[holder], facts, depth + 1)
    about = body.get("metadata")
    if isinstance(about, dict) and "model" in about and "usage" in about:  # others have anything under it
        _response(about, facts, depth + 1)


def _usage(body: Facts, facts: Facts) -> None:
    for holder in _USAGE_HOLDERS:
        usage = body.get(holder)
        if isinstance(usage, dict):
            for column, counted in read_usage(usage).items():
                if facts.setdefault(column, counted) is counted and _leaves_cached_out(body):
                    facts["cache_exclusive"] = True

    if not _COUNTED_BESIDE.isdisjoint(body):
        for column, counted in read_usage({key: body[key] for key in _COUNTED_BESIDE if key in body}).items():
            facts.setdefault(column, counted)


def _leaves_cached_out(body: Mapping[str, Any]) -> bool:
    """Tell an Anthropic or a Bedrock Converse body: their input count leaves cached tokens out."""
    return body.get("type") == "message" or "stopReason" in body


def _response_id(body: Mapping[str, Any]) -> str | None:
    found = first(body, "id", "response_id", "responseId")
    # Dumped classes have a path for an id, message items and runs have ids of their own.
    return (
        found if isinstance(found, str) and not found.startswith(("run-", "lc_run-", "fc_", "rs_", "call_")) else None
    )


def _note(facts: Facts, column: str, value: object) -> None:
    if value is not None:
        facts.setdefault(column, value)


def read_request(body: object) -> Facts:
    """Return the columns that a request body, or its parameters alone, tell.

    Args:
        body: The decoded body.
    """
    facts: Facts = {}
    _request(body, facts, 0)
    return facts


def _request(body: object, facts: Facts, depth: int) -> None:
    if not isinstance(body, dict) or depth > 2:  # noqa: PLR2004 - parameters are no deeper in any known dump
        return
    _note(facts, "request_model", text(first(body, "model", "model_name", "modelId", "model_id", "deployment_name")))
    if "created_at" in body:  # the answer, which repeats the parameters
        _note(facts, "response_model", facts.get("request_model"))
        _note(facts, "response_id", _response_id(body))
    _note(facts, "streaming", flag(first(body, "stream", "streaming")))
    _note(facts, "user_id", identifier(first(body, "user", "user_id", "langfuse_user_id")))
    _note(
        facts,
        "conversation_id",
        identifier(first(body, "session_id", "thread_id", "conversation_id", "langfuse_session_id")),
    )
    if "lc_agent_name" in body:
        _note(facts, "agent_name", identifier(body["lc_agent_name"]))
    provider = first(body, "ls_provider", "custom_llm_provider")
    _note(facts, "provider", text(provider))
    for holder in _REQUEST_HOLDERS:
        _request(body.get(holder), facts, depth + 1)


_STEPS: Final[tuple[tuple[str, Callable[[object], Mapping[str, Any]], tuple[str, ...] | None], ...]] = (
    ("about", read_request, _WHO),
    ("usage", read_usage, None),
    (
        "response",
        read_response,
        ("response_model", "response_id", "finish_reasons", "input_tokens", "output_tokens"),
    ),
    ("parameters", read_request, ("request_model", "user_id")),
    ("request", read_request, ("request_model",)),
)
"""Which bodies are read, and in want of which columns; None is always."""
