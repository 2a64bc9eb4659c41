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
  total_tokens INTEGER,  -- where reported, and not the sum of the two
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

-- Orders the last calls and finds the oldest traces (python -m benchmarks reading).
CREATE INDEX spans_start_time ON spans (start_time_unix_nano);
-- The same expression as in llm_calls: ORDER BY start_time DESC LIMIT 50 then reads 50 rows, not all of them
-- (python -m benchmarks reading).
CREATE INDEX spans_call_start_time ON spans (
  strftime('%Y-%m-%dT%H:%M:%fZ', start_time_unix_nano / 1e9, 'unixepoch')
) WHERE kind IN ('llm', 'embedding') AND duplicate_of IS NULL;
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

-- An index on message_id is half of what a long chat's span_messages take (python -m benchmarks growth);
-- retention, which needs it, adds it.

-- What usage_by_model shows. A sum over a million spans takes a second, even from a covering index; this takes a write
-- per batch (python -m benchmarks reading). The writer adds what it inserts, the triggers follow every later change.
-- The columns *_reports count the calls that reported a number: a sum over none of them is NULL.
CREATE TABLE usage (
  day INTEGER NOT NULL,  -- since 1970-01-01
  provider TEXT NOT NULL,  -- '' for none
  model TEXT NOT NULL,  -- '' for none
  calls INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  input_reports INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  output_reports INTEGER NOT NULL,
  total_tokens INTEGER NOT NULL,
  total_reports INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_read_reports INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cache_write_reports INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  reasoning_reports INTEGER NOT NULL,
  cost_usd REAL NOT NULL,
  cost_reports INTEGER NOT NULL,
  PRIMARY KEY (day, provider, model)
) WITHOUT ROWID;

CREATE VIEW span_usage AS
SELECT
  id,
  start_time_unix_nano / 86400000000000 AS day,
  coalesce(provider, '') AS provider,
  coalesce(response_model, request_model, '') AS model,
  1 AS calls,
  status = 'error' AS errors,
  coalesce(input_tokens, 0) AS input_tokens,
  input_tokens IS NOT NULL AS input_reports,
  coalesce(output_tokens, 0) AS output_tokens,
  output_tokens IS NOT NULL AS output_reports,
  coalesce(input_tokens + output_tokens, total_tokens, input_tokens, output_tokens, 0) AS total_tokens,
  coalesce(input_tokens, output_tokens, total_tokens) IS NOT NULL AS total_reports,
  coalesce(cache_read_tokens, 0) AS cache_read_tokens,
  cache_read_tokens IS NOT NULL AS cache_read_reports,
  coalesce(cache_write_tokens, 0) AS cache_write_tokens,
  cache_write_tokens IS NOT NULL AS cache_write_reports,
  coalesce(reasoning_tokens, 0) AS reasoning_tokens,
  reasoning_tokens IS NOT NULL AS reasoning_reports,
  coalesce(cost_usd, 0.0) AS cost_usd,
  cost_usd IS NOT NULL AS cost_reports
FROM spans
WHERE kind IN ('llm', 'embedding') AND duplicate_of IS NULL;

CREATE VIEW usage_changes AS SELECT *, 1 AS sign FROM span_usage;

CREATE TRIGGER usage_changes_apply INSTEAD OF INSERT ON usage_changes BEGIN
  INSERT INTO usage VALUES (
    NEW.day,
    NEW.provider,
    NEW.model,
    NEW.sign * NEW.calls,
    NEW.sign * NEW.errors,
    NEW.sign * NEW.input_tokens,
    NEW.sign * NEW.input_reports,
    NEW.sign * NEW.output_tokens,
    NEW.sign * NEW.output_reports,
    NEW.sign * NEW.total_tokens,
    NEW.sign * NEW.total_reports,
    NEW.sign * NEW.cache_read_tokens,
    NEW.sign * NEW.cache_read_reports,
    NEW.sign * NEW.cache_write_tokens,
    NEW.sign * NEW.cache_write_reports,
    NEW.sign * NEW.reasoning_tokens,
    NEW.sign * NEW.reasoning_reports,
    NEW.sign * NEW.cost_usd,
    NEW.sign * NEW.cost_reports
  ) ON CONFLICT (day, provider, model) DO UPDATE SET
    calls = calls + excluded.calls,
    errors = errors + excluded.errors,
    input_tokens = input_tokens + excluded.input_tokens,
    input_reports = input_reports + excluded.input_reports,
    output_tokens = output_tokens + excluded.output_tokens,
    output_reports = output_reports + excluded.output_reports,
    total_tokens = total_tokens + excluded.total_tokens,
    total_reports = total_reports + excluded.total_reports,
    cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
    cache_read_reports = cache_read_reports + excluded.cache_read_reports,
    cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
    cache_write_reports = cache_write_reports + excluded.cache_write_reports,
    reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
    reasoning_reports = reasoning_reports + excluded.reasoning_reports,
    cost_usd = cost_usd + excluded.cost_usd,
    cost_reports = cost_reports + excluded.cost_reports;
  DELETE FROM usage WHERE day = NEW.day AND provider = NEW.provider AND model = NEW.model AND calls = 0;
END;

CREATE TRIGGER usage_before_delete BEFORE DELETE ON spans BEGIN
  INSERT INTO usage_changes SELECT *, -1 FROM span_usage WHERE id = OLD.id;
END;

CREATE TRIGGER usage_before_update BEFORE UPDATE OF
  start_time_unix_nano, kind, status, provider, request_model, response_model, input_tokens, output_tokens,
  total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, duplicate_of ON spans BEGIN
  INSERT INTO usage_changes SELECT *, -1 FROM span_usage WHERE id = OLD.id;
END;

CREATE TRIGGER usage_after_update AFTER UPDATE OF
  start_time_unix_nano, kind, status, provider, request_model, response_model, input_tokens, output_tokens,
  total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, duplicate_of ON spans BEGIN
  INSERT INTO usage_changes SELECT *, 1 FROM span_usage WHERE id = NEW.id;
END;

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
  coalesce(s.input_tokens + s.output_tokens, s.total_tokens, s.input_tokens, s.output_tokens) AS total_tokens,
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
      -- One row that is no JSON, or a part that is no object, must not make the whole view unreadable.
      SELECT part.value FROM span_messages sm JOIN messages m ON m.id = sm.message_id,
        json_each(CASE WHEN typeof(m.stored_parts) = 'text' AND json_valid(m.stored_parts) THEN m.stored_parts END) part
      WHERE sm.span_id = s.id AND sm.direction = 'output'
        AND CASE WHEN part.type = 'object' THEN json_extract(part.value, '$.type') END = 'tool_call'
      ORDER BY sm.position, part.key
  ) HAVING count(*) > 0) AS tool_calls,
  coalesce(
    CASE WHEN json_valid(s.finish_reasons) THEN json_extract(s.finish_reasons, '$[0]') END,
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
    THEN coalesce(s.input_tokens + s.output_tokens, s.total_tokens, s.input_tokens, s.output_tokens) END
  ) AS total_tokens,
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
  date(day * 86400, 'unixepoch') AS day,
  nullif(provider, '') AS provider,
  nullif(model, '') AS model,
  calls,
  errors,
  CASE WHEN input_reports > 0 THEN input_tokens END AS input_tokens,
  CASE WHEN output_reports > 0 THEN output_tokens END AS output_tokens,
  CASE WHEN total_reports > 0 THEN total_tokens END AS total_tokens,
  CASE WHEN cache_read_reports > 0 THEN cache_read_tokens END AS cache_read_tokens,
  CASE WHEN cache_write_reports > 0 THEN cache_write_tokens END AS cache_write_tokens,
  CASE WHEN reasoning_reports > 0 THEN reasoning_tokens END AS reasoning_tokens,
  CASE WHEN cost_reports > 0 THEN cost_usd END AS cost_usd
FROM usage;
