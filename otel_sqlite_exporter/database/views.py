"""The views: plain SQL that SQLite 3.31 takes.

Computed columns are CAST, so that DuckDB, chDB and pandas see their types. Comments are the source of docs/schema.md, as
those of ``tables`` are.
"""

from __future__ import annotations

from typing import Final

from otel_sqlite_exporter.database.usage_sums import IS_CALL, IS_CALL_OF_S, TOTAL_OF_S, USAGE_VIEWS


def _time(column: str) -> str:
    return f"CAST(strftime('%Y-%m-%dT%H:%M:%fZ', {column} / 1e9, 'unixepoch') AS TEXT)"


def _texts(direction: str) -> str:
    """Return all texts of a direction, in order, with a blank line between two."""
    return f"""CAST((SELECT group_concat(text, char(10) || char(10)) FROM (
    SELECT m.text FROM span_messages sm JOIN messages m ON m.id = sm.message_id
    WHERE sm.span_id = s.id AND sm.direction = '{direction}' AND m.text <> '' ORDER BY sm.position
  )) AS TEXT)"""


def _parts(alias: str, stored: str) -> str:
    """Return a table of the stored parts of a message; what is no JSON, or holds no objects, makes nothing unreadable."""
    return f"json_each(CASE WHEN typeof({stored}) = 'text' AND json_valid({stored}) THEN {stored} END) {alias}"


def _part_field(alias: str, field: str) -> str:
    return f"CASE WHEN {alias}.type = 'object' THEN json_extract({alias}.value, '$.{field}') END"


_LAST_QUESTION: Final = """CAST(coalesce(
    (SELECT m.text FROM span_messages sm JOIN messages m ON m.id = sm.message_id
      WHERE sm.span_id = s.id AND sm.direction = 'input' AND m.role = 'user' AND m.text <> ''
      ORDER BY sm.position DESC LIMIT 1),
    (SELECT group_concat(text, char(10)) FROM (
      SELECT m.text FROM span_messages sm JOIN messages m ON m.id = sm.message_id
      WHERE sm.span_id = s.id AND sm.direction = 'input' AND m.role IS NULL AND m.text <> '' ORDER BY sm.position
    ))
  ) AS TEXT)"""

_TOOL_CALLS: Final = f"""CAST(nullif((SELECT json_group_array(json_object(
      'id', json_extract(value, '$.id'),
      'name', json_extract(value, '$.name'),
      'arguments', json_extract(value, '$.arguments')
    )) FROM (
      SELECT part.value FROM span_messages sm JOIN messages m ON m.id = sm.message_id,
        {_parts("part", "m.parts")}
      WHERE sm.span_id = s.id AND sm.direction = 'output' AND {_part_field("part", "type")} = 'tool_call'
      ORDER BY sm.position, part.key
  )), '[]') AS TEXT)"""

_FINISH_REASON: Final = """CAST(coalesce(
    CASE WHEN json_valid(s.finish_reasons) THEN json_extract(s.finish_reasons, '$[0]') END,
    (SELECT sm.finish_reason FROM span_messages sm
      WHERE sm.span_id = s.id AND sm.direction = 'output' AND sm.finish_reason IS NOT NULL ORDER BY sm.position LIMIT 1)
  ) AS TEXT)"""

# Of several reports of a failed call, the innermost stands for it and may say nothing but the error's type.
_WHAT_WENT_WRONG: Final = """CAST(coalesce(s.status_message, CASE WHEN s.status = 'error' THEN (
    SELECT report.status_message FROM spans report
    WHERE report.duplicate_of = s.id AND report.status = 'error' AND report.status_message IS NOT NULL
    ORDER BY report.id LIMIT 1
  ) END) AS TEXT)"""

_CALL_FACTS: Final = (
    "id, span_id, parent_span_id, name, kind, operation, start_time_unix_nano, end_time_unix_nano, status, status_message, "
    "error_type, convention, provider, request_model, response_model, response_id, finish_reasons, input_tokens, "
    "output_tokens, total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, cost_source, "
    "time_to_first_token_ms, streaming, conversation_id, user_id, agent_name, resource_id, truncated_bytes"
)

# The calls come in two halves, so that a trace's are found by an index both where the trace is the row's own and where it
# is not. The second is told its index, because it must not walk all spans in order of time to find the few that it holds.
# Texts are looked up outside of the halves: SQLite computes every column of those, asked for or not.
_LLM_CALLS: Final = f"""
-- One row per model call: chats, completions and embeddings, each once, however many spans report it.
CREATE VIEW llm_calls AS
SELECT
  s.id AS id,  -- spans.id: in order of commit.
  {_time("s.start_time_unix_nano")} AS start_time,  -- Start, ISO 8601, UTC. 2026-11-26T20:00:00.000Z
  {_time("s.end_time_unix_nano")} AS end_time,  -- End, ISO 8601, UTC.
  CAST((s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 AS REAL) AS duration_ms,  -- How long it took, in milliseconds. 812.4
  s.time_to_first_token_ms AS time_to_first_token_ms,  -- From the start to the first piece of the answer, in milliseconds.
  s.kind AS kind,  -- llm or embedding.
  s.operation AS operation,  -- As the emitter said it. chat
  s.provider AS provider,  -- Canonical name. openai
  CAST(coalesce(s.request_model, s.response_model) AS TEXT) AS model,  -- The model that was asked for, else the one that answered: failed and successful calls of one model are one model. gpt-5.4
  s.input_tokens AS input_tokens,  -- Cached ones included.
  s.output_tokens AS output_tokens,  -- Reasoning included.
  CAST({TOTAL_OF_S} AS INTEGER) AS total_tokens,  -- Reported, else the sum of what is known.
  s.cache_read_tokens AS cache_read_tokens,  -- Of the input, read from the provider's cache.
  s.cache_write_tokens AS cache_write_tokens,  -- Of the input, written into it.
  s.reasoning_tokens AS reasoning_tokens,  -- Of the output.
  s.cost_usd AS cost_usd,  -- In US dollars. 0.0042
  s.cost_source AS cost_source,  -- reported or computed.
  {_texts("system")} AS system_text,  -- The system texts, in order.
  {_LAST_QUESTION} AS input_text,  -- The last user message; where messages have no roles, all of the input.
  {_texts("output")} AS output_text,  -- The answer.
  {_TOOL_CALLS} AS tool_calls,  -- JSON list of the tools that the answer asks for: id, name, arguments; NULL for none.
  {_FINISH_REASON} AS finish_reason,  -- Why the answer ended, as emitted. stop
  s.status AS status,  -- unset, ok or error.
  {_WHAT_WENT_WRONG} AS status_message,  -- What went wrong, whole.
  s.error_type AS error_type,  -- The class of the error. RateLimitError
  s.streaming AS streaming,  -- 1 where streamed, 0 where not; NULL where nobody said.
  s.conversation_id AS conversation_id,  -- The conversation, session or thread.
  s.user_id AS user_id,  -- The end user.
  s.agent_name AS agent_name,  -- Its own agent, else the nearest above.
  CAST((SELECT r.service_name FROM resources r WHERE r.id = s.resource_id) AS TEXT) AS service_name,  -- service.name of the process.
  s.convention AS convention,  -- Whose words the attributes are.
  s.request_model AS request_model,  -- The model that was asked for.
  s.response_model AS response_model,  -- The model that answered.
  s.response_id AS response_id,  -- The provider's id of the response.
  s.shown_trace_id AS trace_id,  -- The trace in which the call is shown: of several that report it, the outermost report's.
  s.span_id AS span_id,  -- The OpenTelemetry span id.
  s.parent_span_id AS parent_span_id,  -- The parent's, NULL for a root.
  s.name AS name,  -- The span's name.
  s.truncated_bytes AS truncated_bytes,  -- Bytes of its texts that max_text_bytes cut.
  s.start_time_unix_nano AS start_time_unix_nano,  -- Start, in Unix nanoseconds.
  s.end_time_unix_nano AS end_time_unix_nano  -- End, in Unix nanoseconds.
FROM (
  SELECT trace_id AS shown_trace_id, {_CALL_FACTS} FROM spans WHERE {IS_CALL} AND shown_in_trace_id IS NULL
  UNION ALL
  SELECT shown_in_trace_id, {_CALL_FACTS} FROM spans INDEXED BY spans_shown_in
    WHERE {IS_CALL} AND shown_in_trace_id IS NOT NULL
) s;
"""

_CALL_MESSAGES: Final = """
-- One row per message of a span, in reading order: system, input, output. Join it with llm_calls by span_id = id.
CREATE VIEW call_messages AS
SELECT
  sm.span_id AS span_id,  -- spans.id, which is llm_calls.id; not the OpenTelemetry span id.
  sm.direction AS direction,  -- system, input or output.
  sm.position AS position,  -- The message's place in that direction, from 0.
  m.role AS role,  -- system, user, assistant, tool, tool_definitions, ...; NULL where the emitter gave none.
  m.text AS text,  -- The plain text of its text parts; NULL where there is none.
  CAST(coalesce(
    CASE WHEN typeof(m.parts) = 'text' THEN m.parts END,
    json_array(json_object('type', 'text', 'content', CAST(m.text AS TEXT)))
  ) AS TEXT) AS parts,  -- JSON list of GenAI message parts. [{"type":"text","content":"Hi"}]
  sm.finish_reason AS finish_reason,  -- Of an output message, as emitted.
  m.full_bytes AS full_bytes,  -- UTF-8 bytes of all its texts.
  m.kept_bytes AS kept_bytes,  -- How many of them are stored.
  m.id AS message_id  -- messages.id: the same for a message that is sent again.
FROM span_messages sm JOIN messages m ON m.id = sm.message_id
ORDER BY sm.span_id, CASE sm.direction WHEN 'system' THEN 0 WHEN 'input' THEN 1 ELSE 2 END, sm.position;
"""


def _asking_call(condition: str) -> str:
    """Return the id of the call of the tool's trace whose answer asked for the tool."""
    return f"""(SELECT c.id FROM (
      SELECT id, start_time_unix_nano FROM spans
        WHERE trace_id = coalesce(s.shown_in_trace_id, s.trace_id) AND {IS_CALL}
          AND start_time_unix_nano <= s.start_time_unix_nano
      UNION ALL
      SELECT id, start_time_unix_nano FROM spans INDEXED BY spans_shown_in
        WHERE shown_in_trace_id = coalesce(s.shown_in_trace_id, s.trace_id) AND {IS_CALL}
          AND start_time_unix_nano <= s.start_time_unix_nano
    ) c JOIN span_messages sm ON sm.span_id = c.id AND sm.direction = 'output'
      JOIN messages m ON m.id = sm.message_id, {_parts("part", "m.parts")}
    WHERE {_part_field("part", "type")} = 'tool_call' AND {condition}
    ORDER BY c.start_time_unix_nano DESC LIMIT 1)"""


def _tool_field(direction: str, kind: str, field: str) -> str:
    """Return what a tool was given or gave back, from the one message that holds it."""
    return f"""CAST((SELECT coalesce(
      (SELECT {_part_field("part", field)} FROM {_parts("part", "m.parts")}
        WHERE {_part_field("part", "type")} = '{kind}' LIMIT 1), m.text)
    FROM span_messages sm JOIN messages m ON m.id = sm.message_id
    WHERE sm.span_id = s.id AND sm.direction = '{direction}' ORDER BY sm.position LIMIT 1) AS TEXT)"""


_TOOL_CALLS_VIEW: Final = f"""
-- One row per tool execution.
CREATE VIEW tool_calls AS
SELECT
  s.id AS id,  -- spans.id.
  {_time("s.start_time_unix_nano")} AS start_time,  -- Start, ISO 8601, UTC.
  s.tool_name AS tool_name,  -- The tool. get_weather
  {_tool_field("input", "tool_call", "arguments")} AS arguments,  -- What it was given: JSON, or text where the emitter gave text. {{"city":"Oslo"}}
  {_tool_field("output", "tool_call_response", "response")} AS result,  -- What it gave back: text, or JSON.
  CAST((s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 AS REAL) AS duration_ms,  -- How long it took, in milliseconds.
  s.status AS status,  -- unset, ok or error.
  s.error_type AS error_type,  -- The class of the error.
  s.status_message AS status_message,  -- What went wrong, whole.
  s.agent_name AS agent_name,  -- Its own agent, else the nearest above.
  s.tool_call_id AS tool_call_id,  -- The id under which the model asked for it.
  CAST(coalesce(
    CASE WHEN s.tool_call_id IS NOT NULL THEN {_asking_call(f"{_part_field('part', 'id')} = s.tool_call_id")} END,
    {_asking_call(f"{_part_field('part', 'name')} = s.tool_name AND s.tool_call_id IS NULL")}
  ) AS INTEGER) AS call_id,  -- llm_calls.id of the call that asked for it, by its id, else by the tool's name; NULL where that can't be told.
  s.conversation_id AS conversation_id,  -- The conversation, session or thread.
  s.user_id AS user_id,  -- The end user.
  CAST(coalesce(s.shown_in_trace_id, s.trace_id) AS TEXT) AS trace_id,  -- The trace.
  s.span_id AS span_id,  -- The OpenTelemetry span id.
  s.parent_span_id AS parent_span_id,  -- The parent's, NULL for a root.
  s.start_time_unix_nano AS start_time_unix_nano,  -- Start, in Unix nanoseconds.
  s.end_time_unix_nano AS end_time_unix_nano  -- End, in Unix nanoseconds.
FROM spans s
WHERE s.kind = 'tool' AND s.duplicate_of IS NULL;
"""

# A failure passed through a span where a child failed too and no other child began after that: where one did, the span
# had gone on, and failed of itself. Spans between the two may be no LLM spans, which are not in the file: then the same
# error within the span's time tells.
_PASSED_THROUGH: Final = """EXISTS (
    SELECT 1 FROM spans child INDEXED BY spans_failed
    WHERE child.trace_id = s.trace_id AND child.parent_span_id = s.span_id AND child.status = 'error'
      AND NOT EXISTS (
        SELECT 1 FROM spans later WHERE later.trace_id = s.trace_id AND later.parent_span_id = s.span_id
          AND later.start_time_unix_nano >= child.end_time_unix_nano AND later.id <> child.id
      )
  ) OR EXISTS (
    SELECT 1 FROM spans inner_span INDEXED BY spans_failed
    WHERE inner_span.trace_id = s.trace_id AND inner_span.status = 'error' AND inner_span.id <> s.id
      AND inner_span.parent_span_id <> s.span_id
      AND inner_span.start_time_unix_nano >= s.start_time_unix_nano
      AND inner_span.end_time_unix_nano <= s.end_time_unix_nano
      AND (inner_span.status_message = s.status_message OR (inner_span.error_type = s.error_type
        AND coalesce(inner_span.status_message, s.status_message) IS NULL))
      AND NOT EXISTS (
        SELECT 1 FROM spans parent
        WHERE parent.trace_id = s.trace_id AND parent.span_id = inner_span.parent_span_id
      )
  )"""

_FIRST_LINE: Final = f"CAST(substr({_WHAT_WENT_WRONG}, 1, instr({_WHAT_WENT_WRONG} || char(10), char(10)) - 1) AS TEXT)"

_ERRORS: Final = f"""
-- One row per failure, not one per span that it passed through: the innermost span that failed.
CREATE VIEW errors AS
SELECT
  s.id AS id,  -- spans.id.
  {_time("s.start_time_unix_nano")} AS start_time,  -- Start of the span that failed, ISO 8601, UTC.
  s.kind AS kind,  -- What the step is: llm, tool, agent, ...
  s.name AS name,  -- The span's name.
  s.tool_name AS tool_name,  -- The tool that failed.
  s.agent_name AS agent_name,  -- Its own agent, else the nearest above.
  s.provider AS provider,  -- The provider whose call failed.
  CAST(coalesce(s.request_model, s.response_model) AS TEXT) AS model,  -- The model that was asked for, else the one that answered.
  s.error_type AS error_type,  -- The class of the error. RateLimitError
  {_FIRST_LINE} AS message,  -- The first line of what went wrong.
  {_WHAT_WENT_WRONG} AS status_message,  -- What went wrong, whole, with a traceback where there is one.
  CAST((s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 AS REAL) AS duration_ms,  -- How long it took to fail, in milliseconds.
  s.conversation_id AS conversation_id,  -- The conversation, session or thread.
  CAST(coalesce(s.shown_in_trace_id, s.trace_id) AS TEXT) AS trace_id,  -- The trace.
  s.span_id AS span_id,  -- The OpenTelemetry span id.
  s.start_time_unix_nano AS start_time_unix_nano  -- Start, in Unix nanoseconds.
FROM spans s
WHERE s.status = 'error' AND s.duplicate_of IS NULL AND NOT ({_PASSED_THROUGH});
"""


def _sums(trace_id: str, condition: str) -> str:
    """Return what the spans of each trace add up to."""
    return f"""SELECT {trace_id} AS trace_id, count(*) AS spans,
      count(CASE WHEN duplicate_of IS NULL THEN 1 END) AS standing,
      count(CASE WHEN {IS_CALL} THEN 1 END) AS llm_calls,
      sum(CASE WHEN {IS_CALL} THEN input_tokens END) AS input_tokens,
      sum(CASE WHEN {IS_CALL} THEN output_tokens END) AS output_tokens,
      sum(CASE WHEN {IS_CALL} THEN {TOTAL_OF_S.replace("s.", "")} END) AS total_tokens,
      sum(CASE WHEN {IS_CALL} THEN cost_usd END) AS cost_usd,
      count(CASE WHEN status = 'error' AND duplicate_of IS NULL THEN 1 END) AS errors,
      max(conversation_id) AS conversation_id, max(user_id) AS user_id,
      min(start_time_unix_nano) AS start_nano, max(end_time_unix_nano) AS end_nano
    FROM spans WHERE {condition} GROUP BY {trace_id}"""


def _both(column: str) -> str:
    """Return the sum of a trace's own rows and of those shown in it; NULL where neither has any."""
    return f"coalesce(own.{column} + shown.{column}, own.{column}, shown.{column})"


_STARTED: Final = "min(own.start_nano, coalesce(shown.start_nano, own.start_nano))"
_ENDED: Final = "max(own.end_nano, coalesce(shown.end_nano, own.end_nano))"

# A trace in which a call is shown holds a report of that call, so that it has a row of its own. What is grouped by the
# plain column is found by its index when one trace is asked for.
_TRACES: Final = f"""
-- One row per trace, with all that is shown in it. To see the newest of many, ask `spans` for the newest trace ids first.
CREATE VIEW traces AS
SELECT
  own.trace_id AS trace_id,  -- The trace id as a UUID.
  CAST((SELECT root.name FROM spans root WHERE root.trace_id = own.trace_id
    ORDER BY root.parent_span_id IS NOT NULL, root.start_time_unix_nano, root.id LIMIT 1) AS TEXT) AS name,  -- The root's name, else that of the first span.
  {_time(_STARTED)} AS start_time,  -- Start of the first span, ISO 8601, UTC.
  CAST(({_ENDED} - {_STARTED}) / 1e6 AS REAL) AS duration_ms,  -- From the first start to the last end, in milliseconds.
  CAST({_both("spans")} AS INTEGER) AS spans,  -- Spans that are shown in it, duplicates included.
  CAST({_both("llm_calls")} AS INTEGER) AS llm_calls,  -- Model calls.
  CAST({_both("input_tokens")} AS INTEGER) AS input_tokens,  -- Sum over the calls.
  CAST({_both("output_tokens")} AS INTEGER) AS output_tokens,  -- Sum over the calls.
  CAST({_both("total_tokens")} AS INTEGER) AS total_tokens,  -- Sum over the calls.
  CAST({_both("cost_usd")} AS REAL) AS cost_usd,  -- Sum over the calls, in US dollars.
  CAST({_both("errors")} AS INTEGER) AS errors,  -- Spans that failed, those that a failure passed through included.
  CAST(coalesce(own.conversation_id, shown.conversation_id) AS TEXT) AS conversation_id,  -- The conversation, session or thread.
  CAST(coalesce(own.user_id, shown.user_id) AS TEXT) AS user_id,  -- The end user.
  CAST({_STARTED} AS INTEGER) AS start_time_unix_nano,  -- Start, in Unix nanoseconds.
  CAST({_ENDED} AS INTEGER) AS end_time_unix_nano  -- End, in Unix nanoseconds.
FROM ({_sums("trace_id", "shown_in_trace_id IS NULL")}) own
LEFT JOIN ({_sums("shown_in_trace_id", "shown_in_trace_id IS NOT NULL")}) shown ON shown.trace_id = own.trace_id
WHERE own.standing + coalesce(shown.standing, 0) > 0;
"""

_CONVERSATIONS: Final = f"""
-- One row per conversation, session or thread.
CREATE VIEW conversations AS
SELECT
  s.conversation_id AS conversation_id,  -- Its id. thread-42
  CAST(max(s.user_id) AS TEXT) AS user_id,  -- The end user.
  {_time("min(s.start_time_unix_nano)")} AS start_time,  -- Start of the first span, ISO 8601, UTC.
  {_time("max(s.end_time_unix_nano)")} AS end_time,  -- End of the last span, ISO 8601, UTC.
  CAST(count(DISTINCT CASE WHEN s.duplicate_of IS NULL THEN coalesce(s.shown_in_trace_id, s.trace_id) END) AS INTEGER) AS traces,  -- Traces.
  CAST(count(CASE WHEN {IS_CALL_OF_S} THEN 1 END) AS INTEGER) AS llm_calls,  -- Model calls.
  CAST(sum(CASE WHEN {IS_CALL_OF_S} THEN s.input_tokens END) AS INTEGER) AS input_tokens,  -- Sum over the calls.
  CAST(sum(CASE WHEN {IS_CALL_OF_S} THEN s.output_tokens END) AS INTEGER) AS output_tokens,  -- Sum over the calls.
  CAST(sum(CASE WHEN {IS_CALL_OF_S} THEN {TOTAL_OF_S} END) AS INTEGER) AS total_tokens,  -- Sum over the calls.
  CAST(sum(CASE WHEN {IS_CALL_OF_S} THEN s.cost_usd END) AS REAL) AS cost_usd,  -- Sum over the calls, in US dollars.
  CAST(count(CASE WHEN s.status = 'error' AND s.duplicate_of IS NULL THEN 1 END) AS INTEGER) AS errors,  -- Spans that failed.
  CAST(min(s.start_time_unix_nano) AS INTEGER) AS start_time_unix_nano,  -- Start, in Unix nanoseconds.
  CAST(max(s.end_time_unix_nano) AS INTEGER) AS end_time_unix_nano  -- End, in Unix nanoseconds.
FROM spans s
WHERE s.conversation_id IS NOT NULL
GROUP BY s.conversation_id;
"""

VIEWS: Final = _LLM_CALLS + _CALL_MESSAGES + _TOOL_CALLS_VIEW + _ERRORS + _TRACES + _CONVERSATIONS + USAGE_VIEWS
