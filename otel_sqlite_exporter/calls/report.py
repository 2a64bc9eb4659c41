"""What one span claims about one model call, and whether two such claims can be about the same call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from otel_sqlite_exporter.scanning.patterns import DATED, ID_SHAPE, VENDOR_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.conventions.call import Call, Message

SpanKey: TypeAlias = tuple[int, int]
"""Trace id and span id."""

CALL_KINDS: Final = frozenset({"llm", "embedding"})
"""The kinds that stand for a model call."""

Text: TypeAlias = "str | int"
"""A text, or in reports that are remembered for long only its hash."""

Rank: TypeAlias = tuple[int, int, int, int, int]
"""How well two reports fit, smallest best: see :func:`likeness`."""

NO_RANK: Final[Rank] = (9, 9, 9, 9, 0)
"""Worse than any fit."""

END_TOLERANCE: Final = 1_000_000
"""Nanoseconds by which an inner report may end after its outer one: their clocks are read one after the other."""

LAZY_START: Final = 250_000_000
"""Nanoseconds after the end of a report without any result in which the stream it opened may really begin."""

MATCH, UNKNOWN, MISMATCH = 0, 1, 2
"""What comparing a fact of two reports may say."""

# Names of an interface that other companies' models are served through: the SDK's layer says the interface, the
# framework's layer the company.
_INTERFACES: Final = frozenset(
    {"openai", "azure.ai.openai", "azure.ai.inference", "aws.bedrock", "gcp.gemini", "gcp.vertex_ai", "gcp.gen_ai"}
)
_COMPARED_CHARACTERS: Final = 2048
_WHITE_SPACE: Final = b"\t\n\v\f\r\x1c\x1d\x1e\x1f "
_TELLING_ANSWER: Final = 16
"""Characters of an answer that two calls hardly have in common by chance."""


@dataclass(slots=True)
class CallReport:
    """The facts of one span of kind ``llm`` or ``embedding`` by which it is recognised in another report.

    Nothing changes one but :meth:`age`; being frozen would triple the time of making one.

    Args:
        key: The span.
        parent_span_id: Its parent, None for a root.
        scope_name: Name of the instrumentation scope: the layer that reports.
        start: Start, in Unix nanoseconds.
        end: End, in Unix nanoseconds.
        kind: ``llm`` or ``embedding``.
        provider: Canonical provider name.
        request_model: As requested.
        response_model: As answered.
        response_id: The provider's id of the response.
        input_tokens: Including cached tokens.
        output_tokens: Including reasoning tokens.
        cached_tokens: By which two layers may disagree about ``input_tokens``.
        reasoning_tokens: By which two layers may disagree about ``output_tokens``.
        is_failed: Whether the call ended in an error.
        has_output: Whether the report holds an answer.
        has_reason: Whether it says why the answer ended.
        prompt: The beginning of the last user text, None where there is none.
        answer: The beginning of the answer's text, None where there is none.
    """

    key: SpanKey
    parent_span_id: int | None
    scope_name: str
    start: int
    end: int
    kind: str = "llm"
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    is_failed: bool = False
    has_output: bool = False
    has_reason: bool = False
    prompt: Text | None = None
    answer: Text | None = None

    @property
    def has_counts(self) -> bool:
        """Whether any token count was reported; 0 is a default more often than a count."""
        return bool(self.input_tokens or self.output_tokens)

    @property
    def is_opener(self) -> bool:
        """Whether it may have ended before the stream began that it opened."""
        return self.prompt is not None and not (self.has_counts or self.is_failed)

    @property
    def characters(self) -> int:
        """How long its texts are, as far as it has them still."""
        prompt, answer = self.prompt, self.answer
        return (len(prompt) if isinstance(prompt, str) else 0) + (len(answer) if isinstance(answer, str) else 0)

    def age(self) -> None:
        """Keep no texts any more, only what tells equal ones."""
        if isinstance(self.prompt, str):
            self.prompt = folded(self.prompt)
        if isinstance(self.answer, str):
            self.answer = folded(self.answer) if is_telling(self.answer) else None


def report_of(
    call: Call, key: SpanKey, *, parent_span_id: int | None, scope_name: str, start: int, end: int
) -> CallReport | None:
    """Return what a normalised span claims about a model call, None when it is not about one.

    Args:
        call: What a convention read.
        key: Trace id and span id.
        parent_span_id: The parent's span id, None for a root.
        scope_name: Name of the instrumentation scope.
        start: Start, in Unix nanoseconds.
        end: End, in Unix nanoseconds.
    """
    if call.kind not in CALL_KINDS:
        return None
    # By position: so many arguments with names go through a dict, which takes as long as the rest of this function.
    return CallReport(
        key,
        parent_span_id or None,
        scope_name,
        start,
        end,
        call.kind,
        call.provider,
        call.request_model,
        call.response_model,
        call.response_id,
        call.input_tokens,
        call.output_tokens,
        (call.cache_read_tokens or 0) + (call.cache_write_tokens or 0),
        call.reasoning_tokens or 0,
        call.status == "error",
        bool(call.output),
        bool(call.finish_reasons),
        _prompt(call.input),
        _text(call.output),
    )


def likeness(outer: CallReport, inner: CallReport) -> Rank | None:
    """Return how well an inner report fits an outer one that is not its ancestor, None when it does not.

    The layers differ, the inner time lies within the outer, and both carry one response id or else agree in provider,
    model and token counts as far as both know them. Of several that fit, the best has the smallest rank: response id,
    prompt, answer, counts and parent in common, then the soonest start. (Taking the soonest start, outer reports in
    the order of their ends, pairs nested intervals completely wherever that is possible.)
    """
    gap = inner.start - outer.start
    if gap < 0 or outer.scope_name == inner.scope_name or not _is_same_kind(outer, inner):
        return None
    if inner.start > outer.end:
        return (2, MATCH, UNKNOWN, UNKNOWN, gap) if _is_opened_by(inner, outer) else None
    is_response = bool(outer.response_id) and outer.response_id == inner.response_id
    counts = MATCH if is_response else counts_agreement(outer, inner)
    if not is_response and (
        inner.end > outer.end + END_TOLERANCE
        or (inner.is_failed and not outer.is_failed)
        or counts == MISMATCH
        or (outer.response_id and inner.response_id and _id_shape(outer.response_id) == _id_shape(inner.response_id))
        or not _is_same_model_call(outer, inner, counts)
    ):
        return None
    prompt = _texts_agreement(outer.prompt, inner.prompt)
    answer = _texts_agreement(outer.answer, inner.answer)
    if is_response:
        return (0, prompt, answer, MATCH, gap)
    # Layers may word a prompt differently, as a template or with a context. Another question with the same short answer
    # is another call.
    if prompt == MISMATCH and not (answer == counts == MATCH and is_telling(inner.answer)):
        return None
    is_sibling = outer.key[0] == inner.key[0] and outer.parent_span_id == inner.parent_span_id
    return (1, prompt, answer, 2 * counts + (not is_sibling), gap)


def is_compatible(outer: CallReport, inner: CallReport) -> bool:
    """Return whether an inner report can be the same call as its ancestor: they don't contradict in everything."""
    return (
        _is_same_kind(outer, inner)
        and outer.start - END_TOLERANCE <= inner.start <= outer.end + LAZY_START
        and (models_agreement(outer, inner) != MISMATCH or counts_agreement(outer, inner) != MISMATCH)
    )


def is_twin(one: CallReport, other: CallReport) -> bool:
    """Return whether two reports of one layer with one response id are about one call: they are of one time."""
    return (
        one.start <= other.end
        and other.start <= one.end
        and _is_same_kind(one, other)
        and _texts_agreement(one.prompt, other.prompt) != MISMATCH
    )


def is_part(call: CallReport, step: CallReport) -> bool:
    """Return whether a report inside another one of its layer is of a step of that call, such as a piece of a stream.

    It names nothing that only a call has, while the other one names a model.
    """
    return (
        step.scope_name == call.scope_name
        and not (step.request_model or step.response_model or step.response_id or step.has_counts or step.has_output)
        and not step.is_failed
        and bool(call.request_model or call.response_model)
    )


def is_tail(request: CallReport, tail: CallReport) -> bool:
    """Return whether ``tail`` is the zero-length report of how the stream that ``request`` opened went on."""
    return (
        tail.start == tail.end >= request.end > request.start
        and tail.scope_name == request.scope_name
        and _is_same_kind(request, tail)
        and not (request.is_failed or request.has_output or request.output_tokens)
        and (tail.has_output or tail.has_counts or tail.prompt is not None)
        and tail.parent_span_id in (request.parent_span_id, request.key[1])
        and (tail.key[0] == request.key[0] or tail.parent_span_id is None)
        and models_agreement(request, tail) != MISMATCH
        and _texts_agreement(request.prompt, tail.prompt) != MISMATCH
    )


def joined_with_tail(request: CallReport, tail: CallReport) -> CallReport:
    """Return the one report that a stream's request and its tail make together."""
    return replace(
        request,
        end=tail.end,
        response_model=request.response_model or tail.response_model,
        response_id=request.response_id or tail.response_id,
        input_tokens=tail.input_tokens,
        output_tokens=tail.output_tokens,
        cached_tokens=tail.cached_tokens,
        reasoning_tokens=tail.reasoning_tokens,
        has_output=True,
        answer=tail.answer,
    )


def counts_agreement(outer: CallReport, inner: CallReport) -> int:
    """Compare the token counts that both know: cached and reasoning tokens may be counted by only one of them."""
    found = UNKNOWN
    one, other = outer.input_tokens, inner.input_tokens
    if one and other:
        if one != other and abs(one - other) not in (outer.cached_tokens, inner.cached_tokens):
            return MISMATCH
        found = MATCH
    one, other = outer.output_tokens, inner.output_tokens
    if one and other:
        if one != other and abs(one - other) not in (outer.reasoning_tokens, inner.reasoning_tokens):
            return MISMATCH
        found = MATCH
    return found


def models_agreement(outer: CallReport, inner: CallReport) -> int:
    """Compare the models: one name in common is enough, with or without vendor prefix and date."""
    return _compare_models(outer.request_model, outer.response_model, inner.request_model, inner.response_model)


@lru_cache(maxsize=1024)
def model_stem(name: str) -> str:
    """Return a model's name without its vendor and its date: the same for all names that stand for one model."""
    bare = VENDOR_PREFIX.sub("", name.lower())
    dated = DATED.search(bare)
    return bare[: dated.start()] if dated is not None else bare


@lru_cache(maxsize=1024)
def _compare_models(*names: str | None) -> int:
    ours, theirs = ([VENDOR_PREFIX.sub("", name.lower()) for name in side if name] for side in (names[:2], names[2:]))
    if not ours or not theirs:
        return UNKNOWN
    return MATCH if any(_is_same_model(one, other) for one in ours for other in theirs) else MISMATCH


def _is_same_kind(outer: CallReport, inner: CallReport) -> bool:
    """Return whether both are of one kind; a layer that does not say may be mistaken, but one model has one kind."""
    return outer.kind == inner.kind or models_agreement(outer, inner) == MATCH


def _is_same_model_call(outer: CallReport, inner: CallReport, counts: int) -> bool:
    """Return whether provider and model agree; one unknown model is made up for by equal counts or equal failures."""
    if not _is_same_provider(outer.provider, inner.provider):
        return False
    models = models_agreement(outer, inner)
    if models == UNKNOWN:
        return counts == MATCH or (outer.is_failed and inner.is_failed and outer.provider == inner.provider is not None)
    return models == MATCH


def _is_opened_by(inner: CallReport, outer: CallReport) -> bool:
    """Return whether ``outer`` only opened the stream that ``inner`` reports: it ended when the opener returned.

    Such a report knows no counts. It may still have got the answer, when its end was noted before its attributes.
    """
    return (
        inner.start - outer.end <= LAZY_START
        and inner.start < inner.end
        and not (outer.has_counts or outer.is_failed)
        and _texts_agreement(outer.prompt, inner.prompt) == MATCH
        and (not outer.has_output or _texts_agreement(outer.answer, inner.answer) == MATCH)
        and models_agreement(outer, inner) == MATCH
    )


def _texts_agreement(one: Text | None, other: Text | None) -> int:
    """Compare two texts without their white space: layers differ in that."""
    if one is None or other is None:
        return UNKNOWN
    return MATCH if one == other or folded(one) == folded(other) else MISMATCH


def folded(text: Text) -> int:
    """Return what is the same for all texts that differ in white space only, and for what is left of them with time."""
    if isinstance(text, int):
        return text
    if not text.isascii():
        text = "".join(text.split())
    # Every call's texts come here once there are many: splitting them into words takes six times as long.
    return hash(text.encode("utf-8", "surrogatepass").translate(None, _WHITE_SPACE))


def is_telling(answer: Text | None) -> bool:
    """Return whether an answer is one that two calls hardly have in common by chance."""
    return isinstance(answer, int) or (answer is not None and len(answer) >= _TELLING_ANSWER)


def _is_same_provider(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other or one in _INTERFACES or other in _INTERFACES


def _is_same_model(one: str, other: str) -> bool:
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    return long.startswith(short) and (len(short) == len(long) or DATED.match(long, len(short)) is not None)


def _id_shape(response_id: str) -> tuple[str, int]:
    prefix = ID_SHAPE.match(response_id)
    return (prefix.group() if prefix else "", len(response_id))


def _prompt(messages: Sequence[Message]) -> str | None:
    """Return the text of the last message that a user sent."""
    for message in reversed(messages):
        if message.role in ("user", None):
            return _text((message,))
    return None


def _text(messages: Sequence[Message]) -> str | None:
    """Return the beginning of what messages say, as it is: comparing is for the few reports that have a counterpart."""
    texts: list[str] = []
    for message in messages:
        for part in message.parts:
            if part.get("type") == "text" and isinstance(content := part.get("content"), str):
                texts.append(content[:_COMPARED_CHARACTERS])  # noqa: PERF401 - a comprehension is a call
    text = texts[0] if len(texts) == 1 else " ".join(texts)
    return None if not text or text.isspace() else text
