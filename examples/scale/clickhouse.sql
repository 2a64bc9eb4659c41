-- A Collector's table of spans, with a key that makes a span that comes twice one row: the sender delivers at least
-- once, and sends a span again when it was amended. Views read it with FINAL, so that they never see both.
CREATE TABLE IF NOT EXISTS otel_traces
(
    Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration UInt64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    Events Nested
    (
        Timestamp DateTime64(9),
        Name LowCardinality(String),
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    Links Nested
    (
        TraceId String,
        SpanId String,
        TraceState String,
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), TraceId, SpanId)
SETTINGS index_granularity = 8192;

-- Spans with the names of the file's columns. The sender says in words of its own (otel_sqlite.*) what the GenAI
-- conventions have none for; spans that an application sends itself do without them.
CREATE VIEW IF NOT EXISTS spans AS
SELECT
    coalesce(
        nullIf(SpanAttributes['otel_sqlite.shown_in_trace_id'], ''),
        concat(
            substring(TraceId, 1, 8), '-', substring(TraceId, 9, 4), '-', substring(TraceId, 13, 4), '-',
            substring(TraceId, 17, 4), '-', substring(TraceId, 21)
        )
    ) AS trace_id,
    SpanId AS span_id,
    nullIf(ParentSpanId, '') AS parent_span_id,
    SpanName AS name,
    nullIf(
        if(
            mapContains(SpanAttributes, 'otel_sqlite.operation'),
            SpanAttributes['otel_sqlite.operation'], SpanAttributes['gen_ai.operation.name']
        ), ''
    ) AS operation,
    multiIf(
        SpanAttributes['otel_sqlite.kind'] != '', SpanAttributes['otel_sqlite.kind'],
        operation IN ('chat', 'text_completion', 'generate_content'), 'llm',
        operation = 'embeddings', 'embedding',
        operation = 'execute_tool', 'tool',
        operation IN ('invoke_agent', 'create_agent'), 'agent',
        operation = 'retrieval', 'retriever',
        'other'
    ) AS kind,
    mapContains(SpanAttributes, 'otel_sqlite.duplicate_of') AS is_duplicate,
    kind IN ('llm', 'embedding') AND NOT is_duplicate AS is_call,
    Timestamp AS start_time,
    Timestamp + toIntervalNanosecond(Duration) AS end_time,
    Duration / 1e6 AS duration_ms,
    coalesce(
        nullIf(SpanAttributes['otel_sqlite.status'], ''), lower(replaceOne(StatusCode, 'STATUS_CODE_', ''))
    ) AS status,
    coalesce(nullIf(SpanAttributes['otel_sqlite.status_message'], ''), nullIf(StatusMessage, '')) AS status_message,
    nullIf(SpanAttributes['error.type'], '') AS error_type,
    nullIf(SpanAttributes['gen_ai.provider.name'], '') AS provider,
    nullIf(SpanAttributes['gen_ai.request.model'], '') AS request_model,
    nullIf(SpanAttributes['gen_ai.response.model'], '') AS response_model,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.input_tokens']) AS input_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.output_tokens']) AS output_tokens,
    coalesce(
        input_tokens + output_tokens, toUInt64OrNull(SpanAttributes['gen_ai.usage.total_tokens']), input_tokens,
        output_tokens
    ) AS total_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.cache_read.input_tokens']) AS cache_read_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.cache_creation.input_tokens']) AS cache_write_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.reasoning.output_tokens']) AS reasoning_tokens,
    toFloat64OrNull(SpanAttributes['gen_ai.usage.cost']) AS cost_usd,
    nullIf(SpanAttributes['otel_sqlite.cost_source'], '') AS cost_source,
    SpanAttributes['gen_ai.system_instructions'] AS system_messages,
    SpanAttributes['gen_ai.input.messages'] AS input_messages,
    SpanAttributes['gen_ai.output.messages'] AS output_messages,
    nullIf(SpanAttributes['gen_ai.conversation.id'], '') AS conversation_id,
    nullIf(SpanAttributes['user.id'], '') AS user_id,
    nullIf(SpanAttributes['gen_ai.agent.name'], '') AS agent_name,
    nullIf(SpanAttributes['gen_ai.tool.name'], '') AS tool_name,
    SpanAttributes['gen_ai.tool.call.arguments'] AS arguments,
    SpanAttributes['gen_ai.tool.call.result'] AS result,
    nullIf(ServiceName, '') AS service_name
FROM otel_traces FINAL;

-- One row per model call, however many spans report it.
CREATE VIEW IF NOT EXISTS llm_calls AS
SELECT * EXCEPT (is_duplicate, is_call, tool_name, arguments, result), coalesce(request_model, response_model) AS model
FROM spans
WHERE is_call;

-- One row per tool execution.
CREATE VIEW IF NOT EXISTS tool_calls AS
SELECT
    start_time, tool_name, arguments, result, duration_ms, status, error_type, status_message, agent_name,
    conversation_id, user_id, service_name, trace_id, span_id, parent_span_id
FROM spans
WHERE kind = 'tool' AND NOT is_duplicate;

-- One row per trace.
CREATE VIEW IF NOT EXISTS traces AS
SELECT
    s.trace_id AS trace_id,
    argMin(s.name, (s.parent_span_id IS NOT NULL, s.start_time)) AS name,
    min(s.start_time) AS start_time,
    count() AS spans,
    countIf(s.is_call) AS llm_calls,
    sumIf(s.input_tokens, s.is_call) AS input_tokens,
    sumIf(s.output_tokens, s.is_call) AS output_tokens,
    sumIf(s.total_tokens, s.is_call) AS total_tokens,
    sumIf(s.cost_usd, s.is_call) AS cost_usd,
    countIf(s.status = 'error' AND NOT s.is_duplicate) AS errors,
    max(s.conversation_id) AS conversation_id,
    max(s.user_id) AS user_id
FROM spans AS s
GROUP BY s.trace_id;

-- One row per day (UTC), provider and model.
CREATE VIEW IF NOT EXISTS usage_by_model AS
SELECT
    toDate(start_time, 'UTC') AS day,
    provider,
    model,
    count() AS calls,
    countIf(status = 'error') AS errors,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(total_tokens) AS total_tokens,
    sum(cost_usd) AS cost_usd
FROM llm_calls
GROUP BY day, provider, model;
