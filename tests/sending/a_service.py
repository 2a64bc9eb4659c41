"""A process that records what an agent's service would: ``python -m tests.sending.a_service FILE NAME RUNS``."""

from __future__ import annotations

import json
import random
import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_span_in_context
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import AnyValue

from otel_sqlite_exporter import SQLiteSpanProcessor

_MODELS = (("openai", "gpt-5.4"), ("openai", "gpt-5.4-mini"), ("anthropic", "claude-sonnet-4-6"))


def main(path: str, name: str, runs: int) -> None:
    """Record runs of an agent: a tool, two calls that an SDK reports as well, and a failure now and then."""
    provider = TracerProvider(resource=Resource({"service.name": name}), shutdown_on_exit=False)
    provider.add_span_processor(SQLiteSpanProcessor(path))
    framework, sdk = provider.get_tracer("framework"), provider.get_tracer("sdk")
    dice = random.Random(name)
    for run in range(runs):
        agent = framework.start_span(
            "invoke_agent helper",
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "helper",
                "gen_ai.conversation.id": f"{name}-{run // 3}",
                "user.id": f"user-{run % 7}",
            },
        )
        inside = set_span_in_context(agent)
        framework.start_span(
            "execute_tool look_up",
            context=inside,
            attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look_up"},
        ).end()
        for turn in range(2):
            vendor, model = dice.choice(_MODELS)
            said = [{"role": "user", "parts": [{"type": "text", "content": f"Question {run}.{turn}"}]}]
            facts: dict[str, AnyValue] = {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": vendor,
                "gen_ai.request.model": model,
                "gen_ai.response.id": f"resp-{name}-{run}-{turn}",
                "gen_ai.usage.input_tokens": dice.randint(100, 9_000),
                "gen_ai.usage.output_tokens": dice.randint(1, 900),
                "gen_ai.usage.cache_read.input_tokens": dice.randint(1, 90),
                "gen_ai.usage.cost": dice.randint(1, 900) / 1e5,
                "gen_ai.input.messages": json.dumps(said),
            }
            outer = framework.start_span(f"chat {model}", context=inside, attributes=facts)
            inner = sdk.start_span(f"chat {model}", context=set_span_in_context(outer), attributes=facts)
            if run % 10 == 9:
                inner.set_attribute("error.type", "RateLimitError")
                inner.set_status(Status(StatusCode.ERROR, "slow down"))
            inner.end()
            outer.end()
        agent.end()
        if run % 10 == 9:
            provider.force_flush()
    provider.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
