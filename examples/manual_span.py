"""Record a model that no instrumentation knows: a span of your own with the GenAI attributes.

Run it:  pip install . && python examples/manual_span.py

The attributes are those of OpenTelemetry's semantic conventions for generative AI. All but the operation are optional.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

from otel_sqlite_exporter import SQLiteSpanProcessor

DATABASE = "llm_traces.db"

LAST_CALL = """
SELECT start_time, provider, model, total_tokens, input_text, output_text FROM llm_calls ORDER BY id DESC LIMIT 1
"""

tracer = trace.get_tracer("manual_span")


def generate(prompt: str) -> str:
    """Stand for your own model."""
    return prompt[::-1]


def traced_generate(prompt: str) -> str:
    """Call the model inside a span that says what was asked and answered."""
    with tracer.start_as_current_span("chat reverser-1", kind=SpanKind.CLIENT) as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.provider.name", "my-model-server")
        span.set_attribute("gen_ai.request.model", "reverser-1")
        span.set_attribute("gen_ai.input.messages", message("user", prompt))
        answer = generate(prompt)
        span.set_attribute("gen_ai.output.messages", message("assistant", answer))
        span.set_attribute("gen_ai.usage.input_tokens", len(prompt.split()))
        span.set_attribute("gen_ai.usage.output_tokens", len(answer.split()))
    return answer


def message(role: str, text: str) -> str:
    """Write a list of one message, as the conventions want it."""
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def main() -> None:
    """Set up recording, make a call, print what was recorded."""
    provider = TracerProvider()
    provider.add_span_processor(SQLiteSpanProcessor(DATABASE))
    trace.set_tracer_provider(provider)

    traced_generate("Hello, local model")
    provider.shutdown()

    with closing(sqlite3.connect(DATABASE)) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute(LAST_CALL).fetchone()
    for column in row.keys():  # noqa: SIM118 - a Row iterates over its values
        print(f"{column:>12}: {row[column]}")


if __name__ == "__main__":
    main()
