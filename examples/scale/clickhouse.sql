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

-- One row per model call, with the names of the file's view. A report that another span stands for is no call: the
-- sender marks it.
CREATE VIEW IF NOT EXISTS llm_calls AS
SELECT
    Timestamp AS start_time,
    Duration / 1e6 AS duration_ms,
    SpanAttributes['gen_ai.operation.name'] AS operation,
    nullIf(SpanAttributes['gen_ai.provider.name'], '') AS provider,
    coalesce(
        nullIf(SpanAttributes['gen_ai.request.model'], ''), nullIf(SpanAttributes['gen_ai.response.model'], '')
    ) AS model,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.input_tokens']) AS input_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.output_tokens']) AS output_tokens,
    toFloat64OrNull(SpanAttributes['gen_ai.usage.cost']) AS cost_usd,
    SpanAttributes['gen_ai.system_instructions'] AS system_messages,
    SpanAttributes['gen_ai.input.messages'] AS input_messages,
    SpanAttributes['gen_ai.output.messages'] AS output_messages,
    lower(StatusCode) AS status,
    StatusMessage AS status_message,
    nullIf(SpanAttributes['error.type'], '') AS error_type,
    nullIf(SpanAttributes['gen_ai.conversation.id'], '') AS conversation_id,
    nullIf(SpanAttributes['user.id'], '') AS user_id,
    nullIf(SpanAttributes['gen_ai.agent.name'], '') AS agent_name,
    ServiceName AS service_name,
    TraceId AS trace_id,
    SpanId AS span_id,
    ParentSpanId AS parent_span_id,
    SpanName AS name
FROM otel_traces FINAL
WHERE SpanAttributes['gen_ai.operation.name'] IN ('chat', 'text_completion', 'generate_content', 'embeddings')
  AND SpanAttributes['otel_sqlite.duplicate_of'] = '';

-- One row per day (UTC), provider and model.
CREATE VIEW IF NOT EXISTS usage_by_model AS
SELECT
    toDate(start_time, 'UTC') AS day,
    provider,
    model,
    count() AS calls,
    countIf(status = 'error' OR error_type IS NOT NULL) AS errors,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(cost_usd) AS cost_usd
FROM llm_calls
GROUP BY day, provider, model;
