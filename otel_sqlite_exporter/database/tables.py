"""The tables, indexes and triggers of a file: plain SQL that SQLite 3.31 takes.

The text is part of a module, so that it is there from a zip, a frozen application or a changed root. Its comments are
the source of docs/schema.md (``python docs/generate_schema.py``) and go into the file, where ``.schema`` shows them. A column's
comment says what it holds, its unit, and an example.
"""

from __future__ import annotations

from typing import Final

# Tables, views and columns named here are a public API: from the first release on changes are additive, bump
# user_version and come with a migration (schema.py).
TABLES: Final = """
-- Which file this is. One row. Ids start at 1 again in a new file: only this tells one file from its successor.
CREATE TABLE file (
  file_id TEXT NOT NULL,  -- A random UUID. 3f1c8a52-7a4e-4b52-9d0e-6f5b0a1c2d3e
  created_unix_nano INTEGER NOT NULL  -- When the file was made, in Unix nanoseconds. 1764187200000000000
);

-- The ledger: one row for each process that recorded into this file, with what it received, wrote, skipped and lost.
-- `received = written + skipped + dropped` once nothing is queued. A row without `clean_exit` whose heartbeat is old
-- belongs to a process that was killed.
CREATE TABLE recorders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- Referred to by spans.recorder_id.
  uuid TEXT NOT NULL UNIQUE,  -- A random UUID: tells the row from those of other files after a merge.
  pid INTEGER NOT NULL,  -- The process id. 4711
  host_name TEXT NOT NULL,  -- The machine's name. web-1
  version TEXT NOT NULL,  -- The version of otel-sqlite-exporter. 0.1.0
  settings TEXT NOT NULL,  -- JSON: capture_content, max_text_bytes, spans, redact and keep_raw_content as true or false, and the versions of OpenTelemetry's SDK, Python and SQLite. Why a prompt is missing. {"capture_content":false}
  started_unix_nano INTEGER NOT NULL,  -- When the process began to record, in Unix nanoseconds.
  last_heartbeat_unix_nano INTEGER NOT NULL,  -- When it wrote last, with every batch and every 30 s, in Unix nanoseconds. The counts know of all that ended before.
  idle INTEGER NOT NULL DEFAULT 0,  -- 1 when nothing was queued then, nor had been for a while: what came later was to be written at once.
  ended_unix_nano INTEGER,  -- When it shut down, in Unix nanoseconds; NULL while it runs, and for ever when it was killed.
  clean_exit INTEGER NOT NULL DEFAULT 0,  -- 1 when everything that was queued at the end is in the file, else 0.
  received INTEGER NOT NULL DEFAULT 0,  -- Sampled spans that ended.
  written INTEGER NOT NULL DEFAULT 0,  -- Spans that are in the file.
  skipped INTEGER NOT NULL DEFAULT 0,  -- Spans that are no LLM spans.
  dropped_queue_full INTEGER NOT NULL DEFAULT 0,  -- Spans lost because the queue was full.
  dropped_already_shutdown INTEGER NOT NULL DEFAULT 0,  -- Spans lost because they ended after the shutdown.
  dropped_write_error INTEGER NOT NULL DEFAULT 0,  -- Spans lost because the file could not be written.
  dropped_conversion_error INTEGER NOT NULL DEFAULT 0,  -- Spans lost because nothing could be made of them.
  dropped INTEGER GENERATED ALWAYS AS (
    dropped_queue_full + dropped_already_shutdown + dropped_write_error + dropped_conversion_error
  ) VIRTUAL,  -- Spans lost, whatever the reason.
  log_events_received INTEGER NOT NULL DEFAULT 0,  -- GenAI log events that arrived.
  log_events_unmatched INTEGER NOT NULL DEFAULT 0,  -- Those whose span was not found.
  log_events_dropped INTEGER NOT NULL DEFAULT 0,  -- Those lost because their queue was full.
  redact_failures INTEGER NOT NULL DEFAULT 0,  -- Texts that were withheld because the `redact` callable failed on them.
  last_error TEXT  -- The last thing that went wrong, NULL where nothing did.
);

-- What the spans' processes said about themselves: OpenTelemetry resources.
CREATE TABLE resources (
  id INTEGER PRIMARY KEY,  -- Referred to by spans.resource_id.
  attributes TEXT NOT NULL,  -- JSON object of the resource's attributes. {"service.name":"shop"}
  schema_url TEXT NOT NULL,  -- The resource's schema URL, '' for none.
  service_name TEXT,  -- service.name. shop
  UNIQUE (attributes, schema_url)
);

-- Who made the spans: OpenTelemetry instrumentation scopes.
CREATE TABLE scopes (
  id INTEGER PRIMARY KEY,  -- Referred to by spans.scope_id.
  name TEXT NOT NULL,  -- The scope's name. openinference.instrumentation.openai
  version TEXT NOT NULL,  -- Its version, '' for none. 0.1.41
  schema_url TEXT NOT NULL,  -- Its schema URL, '' for none.
  attributes TEXT NOT NULL,  -- JSON object of its attributes.
  UNIQUE (name, version, schema_url, attributes)
);

-- One row per recorded span: model calls, and the agent, tool and retrieval steps around them. What people query are
-- the views; here is everything.
CREATE TABLE spans (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- In order of commit; a gap is a span that was deleted.
  trace_id TEXT NOT NULL,  -- The 128-bit trace id as a UUID. 4bf92f35-77b3-4da6-a3ce-929d0e0e4736
  span_id TEXT NOT NULL,  -- The 64-bit span id, 16 hex digits. 00f067aa0ba902b7
  parent_span_id TEXT,  -- The parent's span id; NULL for a root.
  parent_is_remote INTEGER,  -- 1 where the parent is in another process, 0 where it is not; NULL for a root.
  trace_state TEXT,  -- The W3C tracestate header; NULL where it is empty.
  trace_flags INTEGER NOT NULL,  -- The W3C trace flags. 1
  name TEXT NOT NULL,  -- The span's name. chat gpt-5.4
  otel_kind TEXT NOT NULL,  -- OpenTelemetry's span kind: INTERNAL, SERVER, CLIENT, PRODUCER or CONSUMER.
  kind TEXT NOT NULL,  -- What the step is: llm, embedding, agent, tool, chain, retrieval, reranker, guardrail, evaluator, ... or other.
  operation TEXT,  -- The operation as the emitter said it, by GenAI's gen_ai.operation.name where there is one. chat
  start_time_unix_nano INTEGER NOT NULL,  -- Start, in Unix nanoseconds.
  end_time_unix_nano INTEGER NOT NULL,  -- End, in Unix nanoseconds.
  status TEXT NOT NULL,  -- How it ended, judged by status, error attributes and events: unset, ok or error.
  otel_status TEXT NOT NULL,  -- The span's status as emitted: unset, ok or error.
  status_message TEXT,  -- What went wrong, whole, with a traceback where there is one.
  error_type TEXT,  -- The class of the error, by error.type or the exception event. RateLimitError
  convention TEXT NOT NULL,  -- Whose words the attributes are: genai, openinference, openllmetry, langfuse, ...
  provider TEXT,  -- The canonical name of the provider. openai
  request_model TEXT,  -- The model that was asked for. gpt-5.4
  response_model TEXT,  -- The model that answered. gpt-5.4-2026-03-05
  response_id TEXT,  -- The provider's id of the response. resp_0a1b2c
  finish_reasons TEXT,  -- JSON list of the finish reasons as emitted. ["stop"]
  input_tokens INTEGER,  -- Tokens of the input, cached ones included.
  output_tokens INTEGER,  -- Tokens of the output, reasoning included.
  total_tokens INTEGER,  -- The total where it was reported and is not the sum of the two; else NULL.
  cache_read_tokens INTEGER,  -- Tokens of the input that were read from the provider's cache.
  cache_write_tokens INTEGER,  -- Tokens of the input that were written into it.
  reasoning_tokens INTEGER,  -- Tokens of the output that were reasoning.
  cost_usd REAL,  -- What the call cost, in US dollars. 0.0042
  cost_source TEXT,  -- Where the cost is from: reported (by the emitter) or computed (by genai-prices).
  time_to_first_token_ms REAL,  -- From the start to the first piece of the answer, in milliseconds.
  streaming INTEGER,  -- 1 where the answer was streamed, 0 where it was not; NULL where nobody said.
  conversation_id TEXT,  -- The conversation, session or thread. thread-42
  user_id TEXT,  -- The end user. user-7
  agent_name TEXT,  -- The agent; of calls and tools that name none, that of the nearest agent above. researcher
  tool_name TEXT,  -- The tool that was run. get_weather
  tool_call_id TEXT,  -- The id under which the model asked for it. call_0a1b2c
  duplicate_of INTEGER,  -- The id of the row that stands for this call, where another span reports it too; NULL for a row that counts.
  shown_in_trace_id TEXT,  -- The trace in which the row is shown where that is not trace_id: of a call that is reported in several traces, the outermost report's.
  resource_id INTEGER NOT NULL REFERENCES resources (id),  -- Its resource.
  scope_id INTEGER NOT NULL REFERENCES scopes (id),  -- Its instrumentation scope.
  recorder_id INTEGER NOT NULL REFERENCES recorders (id),  -- The process that recorded it.
  attributes TEXT NOT NULL,  -- JSON object of the attributes as emitted, without those that hold messages.
  events TEXT NOT NULL,  -- JSON list of the span's events: name, timestamp, attributes; without those that hold messages.
  links TEXT NOT NULL,  -- JSON list of the span's links: trace_id, span_id, trace_state, trace_flags, attributes.
  dropped_attributes INTEGER NOT NULL DEFAULT 0,  -- How many attributes the SDK's limits dropped.
  attributes_evicted INTEGER NOT NULL DEFAULT 0,  -- 1 where the SDK's limit took attributes that a column or a message needed (OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT).
  dropped_events INTEGER NOT NULL DEFAULT 0,  -- How many events the SDK's limits dropped.
  dropped_links INTEGER NOT NULL DEFAULT 0,  -- How many links the SDK's limits dropped.
  truncated_bytes INTEGER NOT NULL DEFAULT 0,  -- Bytes of texts that max_text_bytes cut from this span, marks of what is missing not counted.
  UNIQUE (trace_id, span_id)
);

-- Orders everything by time, and finds the oldest traces (python -m benchmarks reading).
CREATE INDEX spans_start_time ON spans (start_time_unix_nano);
-- The same expression as in llm_calls: ORDER BY start_time DESC LIMIT 50 then reads 50 rows, not all of them.
CREATE INDEX spans_call_start_time ON spans (
  CAST(strftime('%Y-%m-%dT%H:%M:%fZ', start_time_unix_nano / 1e9, 'unixepoch') AS TEXT)
) WHERE kind IN ('llm', 'embedding') AND duplicate_of IS NULL;
-- Covers sums and percentiles of calls over a window of time. Plain columns only, the conditions' among them: else SQLite
-- does not take it for covering.
CREATE INDEX spans_calls ON spans (
  start_time_unix_nano, kind, duplicate_of, provider, request_model, response_model, end_time_unix_nano, cost_usd,
  input_tokens, output_tokens, total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
  time_to_first_token_ms, status, agent_name, user_id, conversation_id, resource_id
) WHERE kind IN ('llm', 'embedding') AND duplicate_of IS NULL;
CREATE INDEX spans_agent ON spans (agent_name, start_time_unix_nano) WHERE agent_name IS NOT NULL;
CREATE INDEX spans_user ON spans (user_id, start_time_unix_nano) WHERE user_id IS NOT NULL;
CREATE INDEX spans_tool ON spans (tool_name, start_time_unix_nano, end_time_unix_nano, status)
  WHERE kind = 'tool' AND duplicate_of IS NULL;
CREATE INDEX spans_conversation ON spans (conversation_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX spans_duplicate_of ON spans (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX spans_shown_in ON spans (shown_in_trace_id) WHERE shown_in_trace_id IS NOT NULL;
CREATE INDEX spans_errors ON spans (start_time_unix_nano) WHERE status = 'error';
-- Finds the failing children of a failing span.
CREATE INDEX spans_failed ON spans (trace_id, parent_span_id) WHERE status = 'error';

-- Every message once, however many calls send it.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,  -- Referred to by span_messages.message_id.
  hash BLOB NOT NULL UNIQUE,  -- BLAKE2b, 16 bytes, of role and whole content before any cut (see database/rows.py): the key by which files are merged.
  role TEXT,  -- system, user, assistant, tool, tool_definitions, ...; NULL where the emitter gave none.
  text TEXT,  -- The plain text of its text parts; NULL where there is none. Of more than max_text_bytes the beginning and the end, with [... 12345 bytes omitted ...] between them.
  parts TEXT,  -- JSON list of GenAI message parts, where they say more than `text`; else NULL. [{"type":"tool_call","id":"1","name":"f","arguments":{}}]
  full_bytes INTEGER NOT NULL,  -- UTF-8 bytes of all its texts.
  kept_bytes INTEGER NOT NULL  -- How many of them are stored, marks of what is missing not counted. Of two versions the one with more is kept.
);

-- Which messages a span sent and received.
CREATE TABLE span_messages (
  span_id INTEGER NOT NULL REFERENCES spans (id),  -- spans.id, not the OpenTelemetry span id.
  direction TEXT NOT NULL,  -- system, input or output.
  position INTEGER NOT NULL,  -- The message's place in that direction, from 0.
  message_id INTEGER NOT NULL REFERENCES messages (id),  -- messages.id.
  finish_reason TEXT,  -- Of an output message, as emitted. stop
  PRIMARY KEY (span_id, direction, position)
) WITHOUT ROWID;

-- An index on message_id is half of what a long chat's span_messages take (python -m benchmarks growth);
-- retention, which needs it, adds it.

-- What changed after it was written, in order: what a reader that follows the file must look at again. The last 8,192
-- changes are kept, and all that an outbox has not seen.
CREATE TABLE span_changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- Grows with every change.
  span_id INTEGER NOT NULL  -- spans.id of the row that changed. It may have been deleted since.
);

CREATE TRIGGER span_changes_note AFTER UPDATE ON spans BEGIN
  INSERT INTO span_changes (span_id) VALUES (NEW.id);
END;

CREATE TRIGGER span_changes_trim AFTER INSERT ON span_changes WHEN NEW.seq % 1024 = 0 BEGIN
  DELETE FROM span_changes
    WHERE seq <= NEW.seq - 8192 AND seq <= coalesce((SELECT min(last_change_seq) FROM outboxes), NEW.seq);
END;

-- Who sends this file on (`otel-sqlite send`), and how far each has come. What is deleted undelivered is counted.
CREATE TABLE outboxes (
  name TEXT NOT NULL PRIMARY KEY,  -- The name given by --name. collector
  destination TEXT NOT NULL,  -- Where it sends to. http://localhost:4318
  created_unix_nano INTEGER NOT NULL,  -- When it was made, in Unix nanoseconds.
  last_span_id INTEGER NOT NULL DEFAULT 0,  -- spans.id up to which everything was acknowledged.
  last_change_seq INTEGER NOT NULL DEFAULT 0,  -- span_changes.seq up to which everything was acknowledged.
  last_success_unix_nano INTEGER,  -- When something was acknowledged last, in Unix nanoseconds.
  sent INTEGER NOT NULL DEFAULT 0,  -- Spans that were acknowledged, amendments included.
  rejected INTEGER NOT NULL DEFAULT 0,  -- Spans that the receiver refused in a partial success.
  set_aside INTEGER NOT NULL DEFAULT 0,  -- Spans that no request with them was taken for.
  lost INTEGER NOT NULL DEFAULT 0,  -- Spans that were deleted before they were sent, by retention or by hand.
  last_error TEXT  -- The last thing that went wrong, NULL where nothing did.
) WITHOUT ROWID;

CREATE TRIGGER outboxes_count_lost AFTER DELETE ON spans BEGIN
  UPDATE outboxes SET lost = lost + 1 WHERE last_span_id < OLD.id;
END;

-- What usage_by_model shows. A sum over a million spans takes a second, even from a covering index; this takes a write
-- per batch (python -m benchmarks reading). The writer adds what it inserts, the triggers follow every later change.
-- The columns *_reports count the calls that reported a number: a sum over none of them is NULL in the view.
CREATE TABLE usage (
  day INTEGER NOT NULL,  -- Days since 1970-01-01, by UTC.
  provider TEXT NOT NULL,  -- The provider, '' for none.
  model TEXT NOT NULL,  -- The model that was asked for, else the one that answered, '' for none.
  calls INTEGER NOT NULL,  -- Calls.
  errors INTEGER NOT NULL,  -- Those that failed.
  input_tokens INTEGER NOT NULL,  -- Sum.
  input_reports INTEGER NOT NULL,  -- Calls that reported it.
  output_tokens INTEGER NOT NULL,  -- Sum.
  output_reports INTEGER NOT NULL,  -- Calls that reported it.
  total_tokens INTEGER NOT NULL,  -- Sum.
  total_reports INTEGER NOT NULL,  -- Calls that reported it.
  cache_read_tokens INTEGER NOT NULL,  -- Sum.
  cache_read_reports INTEGER NOT NULL,  -- Calls that reported it.
  cache_write_tokens INTEGER NOT NULL,  -- Sum.
  cache_write_reports INTEGER NOT NULL,  -- Calls that reported it.
  reasoning_tokens INTEGER NOT NULL,  -- Sum.
  reasoning_reports INTEGER NOT NULL,  -- Calls that reported it.
  cost_usd REAL NOT NULL,  -- Sum, in US dollars.
  cost_reports INTEGER NOT NULL,  -- Calls with a cost.
  PRIMARY KEY (day, provider, model)
) WITHOUT ROWID;
"""
