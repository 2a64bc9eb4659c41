-- Schema version 1. Tables, views and columns named here are a public API: changes are additive, bump user_version
-- and come with a migration (schema.py).

CREATE TABLE recorders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pid INTEGER NOT NULL,
  version TEXT NOT NULL,
  started_unix_nano INTEGER NOT NULL,
  last_heartbeat_unix_nano INTEGER NOT NULL,
  ended_unix_nano INTEGER,
  clean_exit INTEGER NOT NULL DEFAULT 0,
  received INTEGER NOT NULL DEFAULT 0,
  written INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  dropped_queue_full INTEGER NOT NULL DEFAULT 0,
  dropped_already_shutdown INTEGER NOT NULL DEFAULT 0,
  dropped_write_error INTEGER NOT NULL DEFAULT 0,
  dropped_conversion_error INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER GENERATED ALWAYS AS (
    dropped_queue_full + dropped_already_shutdown + dropped_write_error + dropped_conversion_error
  ) VIRTUAL,
  log_events_received INTEGER NOT NULL DEFAULT 0,
  log_events_unmatched INTEGER NOT NULL DEFAULT 0,
  log_events_dropped INTEGER NOT NULL DEFAULT 0,
  last_error TEXT
);

CREATE TABLE resources (
  id INTEGER PRIMARY KEY,
  attributes TEXT NOT NULL UNIQUE,
  schema_url TEXT,
  service_name TEXT
);

CREATE TABLE scopes (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  schema_url TEXT NOT NULL,
  attributes TEXT NOT NULL,
  UNIQUE (name, version, schema_url, attributes)
);

CREATE TABLE spans (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  trace_id TEXT NOT NULL,
  span_id TEXT NOT NULL,
  parent_span_id TEXT,
  trace_state TEXT,
  name TEXT NOT NULL,
  otel_kind TEXT NOT NULL,
  kind TEXT NOT NULL,
  operation TEXT,
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL,
  status TEXT NOT NULL,
  status_message TEXT,
  error_type TEXT,
  convention TEXT NOT NULL,
  provider TEXT,
  request_model TEXT,
  response_model TEXT,
  response_id TEXT,
  finish_reasons TEXT,
  input_tokens INTEGER,
  output_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  reasoning_tokens INTEGER,
  cost_usd REAL,
  cost_source TEXT,
  time_to_first_token_ms REAL,
  streaming INTEGER,
  conversation_id TEXT,
  user_id TEXT,
  agent_name TEXT,
  tool_name TEXT,
  tool_call_id TEXT,
  duplicate_of INTEGER,
  resource_id INTEGER NOT NULL REFERENCES resources (id),
  scope_id INTEGER NOT NULL REFERENCES scopes (id),
  recorder_id INTEGER NOT NULL REFERENCES recorders (id),
  attributes TEXT NOT NULL,
  events TEXT NOT NULL,
  links TEXT NOT NULL,
  dropped_attributes INTEGER NOT NULL DEFAULT 0,
  dropped_events INTEGER NOT NULL DEFAULT 0,
  dropped_links INTEGER NOT NULL DEFAULT 0,
  truncated_bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (trace_id, span_id)
);

CREATE INDEX spans_start_time ON spans (start_time_unix_nano);
CREATE INDEX spans_duplicate_of ON spans (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX spans_conversation ON spans (conversation_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX spans_errors ON spans (start_time_unix_nano) WHERE status = 'error';

-- `parts` of a message that is one plain text is computed, not stored: storing it would double most rows.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  role TEXT,
  text TEXT,
  stored_parts TEXT,
  full_bytes INTEGER NOT NULL,
  kept_bytes INTEGER NOT NULL,
  parts TEXT GENERATED ALWAYS AS (
    coalesce(stored_parts, json_array(json_object('type', 'text', 'content', text)))
  ) VIRTUAL
);

CREATE TABLE span_messages (
  span_id INTEGER NOT NULL REFERENCES spans (id),
  direction TEXT NOT NULL,
  position INTEGER NOT NULL,
  message_id INTEGER NOT NULL REFERENCES messages (id),
  finish_reason TEXT,
  PRIMARY KEY (span_id, direction, position)
) WITHOUT ROWID;

CREATE INDEX span_messages_message ON span_messages (message_id);

CREATE VIEW llm_calls AS
SELECT
  s.id,
  strftime('%Y-%m-%dT%H:%M:%fZ', s.start_time_unix_nano / 1e9, 'unixepoch') AS start_time,
  strftime('%Y-%m-%dT%H:%M:%fZ', s.end_time_unix_nano / 1e9, 'unixepoch') AS end_time,
  (s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 AS duration_ms,
  s.time_to_first_token_ms,
  s.kind,
  s.operation,
  s.provider,
  coalesce(s.response_model, s.request_model) AS model,
  s.input_tokens,
  s.output_tokens,
  coalesce(s.input_tokens + s.output_tokens, s.input_tokens, s.output_tokens) AS total_tokens,
  s.cache_read_tokens,
  s.cache_write_tokens,
  s.reasoning_tokens,
  s.cost_usd,
  s.cost_source,
  (SELECT group_concat(text, char(10) || char(10)) FROM (
    SELECT m.text FROM span_messages sm JOIN messages m ON m.id = sm.message_id
    WHERE sm.span_id = s.id AND sm.direction = 'system' AND m.text <> '' ORDER BY sm.position
  )) AS system_text,
  coalesce(
    (SELECT m.text FROM span_messages sm JOIN messages m ON m.id = sm.message_id
      WHERE sm.span_id = s.id AND sm.direction = 'input' AND m.role = 'user' AND m.text <> ''
      ORDER BY sm.position DESC LIMIT 1),
    (SELECT group_concat(text, char(10)) FROM (
      SELECT m.text FROM span_messages sm JOIN messages m ON m.id = sm.message_id
      WHERE sm.span_id = s.id AND sm.direction = 'input' AND m.role IS NULL AND m.text <> '' ORDER BY sm.position
    ))
  ) AS input_text,
  (SELECT group_concat(text, char(10) || char(10)) FROM (
    SELECT m.text FROM span_messages sm JOIN messages m ON m.id = sm.message_id
    WHERE sm.span_id = s.id AND sm.direction = 'output' AND m.text <> '' ORDER BY sm.position
  )) AS output_text,
  (SELECT json_group_array(json_object(
      'id', json_extract(value, '$.id'),
      'name', json_extract(value, '$.name'),
      'arguments', json_extract(value, '$.arguments')
    )) FROM (
      SELECT part.value FROM span_messages sm JOIN messages m ON m.id = sm.message_id, json_each(m.stored_parts) part
      WHERE sm.span_id = s.id AND sm.direction = 'output' AND json_extract(part.value, '$.type') = 'tool_call'
      ORDER BY sm.position, part.key
  ) HAVING count(*) > 0) AS tool_calls,
  coalesce(
    json_extract(s.finish_reasons, '$[0]'),
    (SELECT sm.finish_reason FROM span_messages sm
      WHERE sm.span_id = s.id AND sm.direction = 'output' AND sm.finish_reason IS NOT NULL ORDER BY sm.position LIMIT 1)
  ) AS finish_reason,
  s.status,
  s.status_message,
  s.error_type,
  s.streaming,
  s.conversation_id,
  s.user_id,
  s.agent_name,
  r.service_name,
  s.convention,
  s.request_model,
  s.response_model,
  s.response_id,
  s.trace_id,
  s.span_id,
  s.parent_span_id,
  s.name,
  s.truncated_bytes,
  s.start_time_unix_nano,
  s.end_time_unix_nano
FROM spans s LEFT JOIN resources r ON r.id = s.resource_id
WHERE s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL;

CREATE VIEW traces AS
SELECT
  s.trace_id,
  (SELECT root.name FROM spans root WHERE root.trace_id = s.trace_id
    ORDER BY root.parent_span_id IS NOT NULL, root.start_time_unix_nano, root.id LIMIT 1) AS name,
  strftime('%Y-%m-%dT%H:%M:%fZ', min(s.start_time_unix_nano) / 1e9, 'unixepoch') AS start_time,
  (max(s.end_time_unix_nano) - min(s.start_time_unix_nano)) / 1e6 AS duration_ms,
  count(*) AS spans,
  count(CASE WHEN s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL THEN 1 END) AS llm_calls,
  sum(CASE WHEN s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL THEN s.input_tokens END) AS input_tokens,
  sum(CASE WHEN s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL THEN s.output_tokens END) AS output_tokens,
  sum(CASE WHEN s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL
    THEN coalesce(s.input_tokens + s.output_tokens, s.input_tokens, s.output_tokens) END) AS total_tokens,
  sum(CASE WHEN s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL THEN s.cost_usd END) AS cost_usd,
  count(CASE WHEN s.status = 'error' AND s.duplicate_of IS NULL THEN 1 END) AS errors,
  max(s.conversation_id) AS conversation_id,
  max(s.user_id) AS user_id,
  min(s.start_time_unix_nano) AS start_time_unix_nano,
  max(s.end_time_unix_nano) AS end_time_unix_nano
FROM spans s
GROUP BY s.trace_id;

CREATE VIEW conversations AS
SELECT
  s.conversation_id,
  max(s.user_id) AS user_id,
  strftime('%Y-%m-%dT%H:%M:%fZ', min(s.start_time_unix_nano) / 1e9, 'unixepoch') AS start_time,
  strftime('%Y-%m-%dT%H:%M:%fZ', max(s.end_time_unix_nano) / 1e9, 'unixepoch') AS end_time,
  count(DISTINCT s.trace_id) AS traces,
  count(CASE WHEN s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL THEN 1 END) AS llm_calls,
  sum(CASE WHEN s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL THEN s.input_tokens END) AS input_tokens,
  sum(CASE WHEN s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL THEN s.output_tokens END) AS output_tokens,
  sum(CASE WHEN s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL THEN s.cost_usd END) AS cost_usd,
  count(CASE WHEN s.status = 'error' AND s.duplicate_of IS NULL THEN 1 END) AS errors
FROM spans s
WHERE s.conversation_id IS NOT NULL
GROUP BY s.conversation_id;

CREATE VIEW errors AS
SELECT
  s.id,
  strftime('%Y-%m-%dT%H:%M:%fZ', s.start_time_unix_nano / 1e9, 'unixepoch') AS start_time,
  s.kind,
  s.name,
  s.provider,
  coalesce(s.response_model, s.request_model) AS model,
  s.error_type,
  s.status_message,
  (s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 AS duration_ms,
  s.trace_id,
  s.span_id,
  s.start_time_unix_nano
FROM spans s
WHERE s.status = 'error' AND s.duplicate_of IS NULL;

CREATE VIEW usage_by_model AS
SELECT
  date(s.start_time_unix_nano / 1000000000, 'unixepoch') AS day,
  s.provider,
  coalesce(s.response_model, s.request_model) AS model,
  count(*) AS calls,
  sum(s.status = 'error') AS errors,
  sum(s.input_tokens) AS input_tokens,
  sum(s.output_tokens) AS output_tokens,
  sum(coalesce(s.input_tokens + s.output_tokens, s.input_tokens, s.output_tokens)) AS total_tokens,
  sum(s.cache_read_tokens) AS cache_read_tokens,
  sum(s.cache_write_tokens) AS cache_write_tokens,
  sum(s.reasoning_tokens) AS reasoning_tokens,
  sum(s.cost_usd) AS cost_usd
FROM spans s
WHERE s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL
GROUP BY 1, 2, 3;
