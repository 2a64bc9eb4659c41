"""From an ended span to the rows that stand for it: pure, apart from small caches of what repeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from opentelemetry.trace.status import StatusCode

from otel_sqlite_exporter.conventions import values
from otel_sqlite_exporter.conventions.call import Call, EventFacts, Message, Shared, SpanFacts
from otel_sqlite_exporter.conventions.reader import Reading, read
from otel_sqlite_exporter.conventions.recognise import ID_KEYS
from otel_sqlite_exporter.database.rows import SpanRecord
from otel_sqlite_exporter.ids import trace_id_text
from otel_sqlite_exporter.pipeline.ended_span import attributes_of, events_of, links_of
from otel_sqlite_exporter.pipeline.known_rows import KnownRows
from otel_sqlite_exporter.pipeline.provenance import Provenance
from otel_sqlite_exporter.texts.cleaning import describe, encode_json
from otel_sqlite_exporter.texts.known_words import WORDS
from otel_sqlite_exporter.texts.policy import TextPolicy
from otel_sqlite_exporter.texts.privacy import telling_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import Event, ReadableSpan

    from otel_sqlite_exporter.config import ExporterOptions
    from otel_sqlite_exporter.conventions.call import JSONValue
    from otel_sqlite_exporter.database.rows import MessageLink, MessageRow

_STATUSES: Final = {StatusCode.OK: "ok", StatusCode.ERROR: "error"}
_MAX_TIME: Final = (1 << 63) - 1
_MIN_TIME: Final = -(1 << 63)
_MAX_COST_USD: Final = 1e9
"""More for one call is a mistake, and sums of such mistakes overflow."""

# What a redactor is told about a message's place: the GenAI attribute that holds it.
_CONTENT_KEYS: Final = {
    "system": "gen_ai.system_instructions",
    "input": "gen_ai.input.messages",
    "output": "gen_ai.output.messages",
}
_ID_KEYS: Final = ("gen_ai.conversation.id", "user.id")
_SHORT_LIST: Final = 1024
_FINISH_REASONS_KEY: Final = "gen_ai.response.finish_reasons"
_TOOL_DEFINITIONS_KEY: Final = "gen_ai.tool.definitions"


class InvalidSpanError(ValueError):
    """The span has no valid ids, so there is no row for it to be."""


class Converter:
    """Convert spans as the exporter options say. Used by one thread at a time."""

    def __init__(self, options: ExporterOptions) -> None:
        self._options = options
        self._keeps_raw_content = options.keep_raw_content and options.capture_content
        self._policy = TextPolicy(options.max_text_bytes, options.redact, capture_content=options.capture_content)
        self._provenance = Provenance(self._policy)
        self._known_definitions = KnownRows(self._definitions_row)

    def facts(self, span: ReadableSpan, log_events: Sequence[EventFacts] = ()) -> SpanFacts:
        """Return what a convention may look at."""
        scope = span.instrumentation_scope
        name = span.name
        events = events_of(span)
        status = span.status
        code = status.status_code
        start = span.start_time or 0
        # By position: so many arguments with names would be a quarter of this method.
        return SpanFacts(
            name if isinstance(name, str) else describe(name),
            (scope.name or "") if scope is not None else "",
            (scope.version or "") if scope is not None else "",
            attributes_of(span),
            [_event_facts(event) for event in events] if events else (),
            log_events,
            "unset" if code is StatusCode.UNSET else _STATUSES.get(code, "unset"),
            status.description,
            start,
            span.end_time or start,
            span.dropped_attributes,
        )

    @property
    def redact_failures(self) -> int:
        """How many texts were withheld because ``redact`` failed on them."""
        return self._policy.redact_failures

    @staticmethod
    def reading(facts: SpanFacts) -> Reading | None:
        """Return a span half read, None where that fails."""
        try:
            return Reading(facts)
        except Exception:  # noqa: BLE001 - as below
            return None

    def call(self, facts: SpanFacts, reading: Reading | None = None) -> Call:
        """Return the normalised call; what no convention can read is kept as a plain span.

        Args:
            facts: The span.
            reading: What :meth:`reading` returned for it.
        """
        try:
            call = read(facts) if reading is None else reading.call()
        except Exception:  # noqa: BLE001 - any attribute may be anything; the row matters more than its reading
            if not self._options.capture_content:  # what is content among the attributes, nobody can tell
                return Call(status=facts.status)
            return Call(
                status=facts.status,
                status_message=facts.status_message,
                attributes=dict(facts.attributes),
                events=list(facts.events),
            )
        if call.cost_usd is not None and not 0 <= call.cost_usd <= _MAX_COST_USD:
            call.cost_usd = call.cost_source = None
        return call

    def record(self, span: ReadableSpan, facts: SpanFacts, call: Call) -> SpanRecord:
        """Return the rows of a span.

        Raises:
            InvalidSpanError: The span's ids are missing or zero.
        """
        context = span.context
        trace_id, span_id = (context.trace_id, context.span_id) if context is not None else (0, 0)
        if context is None or not trace_id or not span_id:
            raise InvalidSpanError("the span has no valid trace id and span id")
        parent = span.parent
        policy = self._policy
        messages, cut = self._messages(call)
        attributes: Mapping[str, object] = facts.attributes if self._keeps_raw_content else call.attributes
        status_message = call.status_message
        name = policy.name
        if self._options.capture_content:
            span_name = name("name", facts.name)
        else:
            span_name, _ = policy.text("name", telling_name(facts.name, call))
            status_message = None
        document, attributes_cut = policy.document(attributes, facts.scope_name)
        told = _all_events(facts, call) if self._keeps_raw_content else call.events
        events, events_cut = self._events(told, facts.scope_name)
        links_json, links_cut = self._links(span, facts.scope_name)
        cut += attributes_cut + events_cut + links_cut
        if call.replayed is not None:
            cut += call.replayed.truncated_bytes
        if status_message is not None:
            status_message, status_cut = policy.text("status_message", status_message)
            cut += status_cut
        identity = (
            f"{parent.span_id:016x}" if parent is not None and parent.span_id else None,
            int(parent.is_remote) if parent is not None and parent.span_id else None,
            name("trace_state", context.trace_state.to_header() or None) if context.trace_state else None,
            int(context.trace_flags),
            span_name or "",
            span.kind.name,
            call.kind,
            name("gen_ai.operation.name", call.operation),
            _storable(facts.start_time_unix_nano),
            _storable(facts.end_time_unix_nano),
            call.status,
            facts.status,
            status_message,
            name("error.type", call.error_type),
            call.convention,
        )
        return SpanRecord(
            trace_id=trace_id_text(trace_id),
            span_id=f"{span_id:016x}",
            identity=identity,
            facts=self.completing_facts(call),
            details=(
                document,
                encode_json(events) if events else "[]",
                links_json,
                facts.dropped_attributes,
                int(call.attributes_evicted),
                span.dropped_events,
                span.dropped_links,
                cut,
            ),
            resource=self._provenance.resource(span.resource),
            scope=self._provenance.scope(span.instrumentation_scope),
            messages=messages,
        )

    def ids_of_any_span(self, attributes: Mapping[str, object]) -> tuple[str | None, str | None, None]:
        """Return the conversation and the user that a span that is stored nowhere tells of, as they are stored."""
        ids: list[str | None] = [None, None]
        for key, column in ID_KEYS.items():
            value = values.identifier(attributes.get(key))
            if value is not None and ids[column] is None:
                ids[column] = self._policy.name(_ID_KEYS[column], value)
        return ids[0], ids[1], None

    def completing_facts(self, call: Call) -> tuple[object, ...]:
        """Return the columns ``provider`` to ``tool_call_id``: what another report of the call may complete."""
        name = self._policy.name
        return (
            name("gen_ai.provider.name", call.provider),
            name("gen_ai.request.model", call.request_model),
            name("gen_ai.response.model", call.response_model),
            name("gen_ai.response.id", call.response_id),
            self._finish_reasons(call.finish_reasons) if call.finish_reasons else None,
            call.input_tokens,
            call.output_tokens,
            call.total_tokens,
            call.cache_read_tokens,
            call.cache_write_tokens,
            call.reasoning_tokens,
            call.cost_usd,
            call.cost_source,
            call.time_to_first_token_ms,
            None if call.streaming is None else int(call.streaming),
            # What most spans lack: a call that returns None takes longer than not to make it.
            None if call.conversation_id is None else name(_ID_KEYS[0], call.conversation_id),
            None if call.user_id is None else name(_ID_KEYS[1], call.user_id),
            None if call.agent_name is None else name("gen_ai.agent.name", call.agent_name),
            None if call.tool_name is None else name("gen_ai.tool.name", call.tool_name),
            None if call.tool_call_id is None else name("gen_ai.tool.call.id", call.tool_call_id),
        )

    def _finish_reasons(self, reasons: Sequence[str]) -> str | None:
        if len(reasons) == 1 and reasons[0] in WORDS:
            return f'["{reasons[0]}"]'  # nearly always; an encoder takes as long as the rest of this method
        name = self._policy.name
        kept: list[JSONValue] = [word for reason in reasons if (word := name(_FINISH_REASONS_KEY, reason)) is not None]
        document = encode_json(kept) if kept else None
        return document if document is None or len(document) < _SHORT_LIST else encode_json(self._policy.fitted(kept))

    def messages(self, call: Call) -> list[MessageLink]:
        """Return a call's messages as rows, none when content is not captured."""
        return self._messages(call)[0]

    def _messages(self, call: Call) -> tuple[list[MessageLink], int]:
        if not self._options.capture_content:
            return [], 0
        links: list[MessageLink] = []
        row_of, name = self._policy.message, self._policy.name
        for direction, messages in (("system", call.system), ("input", call.input), ("output", call.output)):
            key = _CONTENT_KEYS[direction]
            for position, message in enumerate(messages):
                row = row_of(key, message)
                finish_reason = message.finish_reason
                if finish_reason is not None:
                    finish_reason = name(key, finish_reason)
                links.append((direction, position, row, finish_reason))
        if call.tool_definitions:
            is_known = type(call.tool_definitions) is Shared and self._options.redact is None  # which sees all texts
            row = (self._known_definitions.of if is_known else self._definitions_row)(call.tool_definitions)
            links.append(("system", len(call.system), row, None))
        return links, sum([full_bytes - kept_bytes for _, _, (_, _, _, _, full_bytes, kept_bytes), _ in links])

    def _definitions_row(self, tools: list[JSONValue]) -> MessageRow:
        definitions = Message("tool_definitions", [{"type": "tool_definitions", "tools": list(tools)}])
        return self._policy.message(_TOOL_DEFINITIONS_KEY, definitions)

    def events(self, call: Call, scope_name: str) -> list[str]:
        """Return a call's span events as JSON objects."""
        return [encode_json(event) for event in self._events(call.events, scope_name)[0]]

    def _events(self, events: Sequence[EventFacts], scope_name: str) -> tuple[list[dict[str, object]], int]:
        items: list[dict[str, object]] = []
        total = 0
        for event in events:
            cleaned, cut = self._policy.clean(event.attributes, scope_name)
            name = self._policy.name("event.name", describe(event.name)) or ""
            item: dict[str, object] = {"name": name, "timestamp": event.timestamp, "attributes": cleaned}
            if event.body is not None and self._options.capture_content:
                item["body"], body_cut = self._policy.value("body", event.body)
                cut += body_cut
            items.append(item)
            total += cut
        return items, total

    def _links(self, span: ReadableSpan, scope_name: str) -> tuple[str, int]:
        links = links_of(span)
        if not links:
            return "[]", 0
        items = []
        total = 0
        for link in links:
            cleaned, cut = self._policy.clean(link.attributes or {}, scope_name)
            items.append(
                {
                    "trace_id": trace_id_text(link.context.trace_id),
                    "span_id": f"{link.context.span_id:016x}",
                    "trace_state": self._policy.name("trace_state", link.context.trace_state.to_header() or None),
                    "trace_flags": int(link.context.trace_flags),
                    "attributes": cleaned,
                }
            )
            total += cut
        return encode_json(items), total


def _storable(moment: int) -> int:
    """Return the moment nearest to one that SQLite can hold."""
    return moment if _MIN_TIME <= moment <= _MAX_TIME else max(min(moment, _MAX_TIME), _MIN_TIME)


def _event_facts(event: Event) -> EventFacts:
    """Return an event as conventions may rely on it, whatever the application made it of."""
    name, attributes, timestamp = event.name, event.attributes, event.timestamp
    if type(name) is not str:
        name = describe(name)
    if not isinstance(attributes, Mapping):
        attributes = {}
    return EventFacts(name, attributes, None, timestamp if isinstance(timestamp, int) else None)


def _all_events(facts: SpanFacts, call: Call) -> list[EventFacts]:
    """Return the span's events, those that hold content among them, and what else the call has."""
    emitted = list(map(id, facts.events))
    return [*facts.events, *(event for event in call.events if id(event) not in emitted)]
