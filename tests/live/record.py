"""Run one SDK under one set of instrumentations, record it, print what the stand-in knows to be true.

Usage: ``python -m tests.live.record SETUP SDK DATABASE``. Each in a process of its own: instrumentations patch
modules for good.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import warnings

from opentelemetry import _logs, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider
from standin import Exchange, StandIn

import otel_sqlite_exporter
from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.live.setups import SETUPS


def main(setup_name: str, sdk: str, database: str) -> None:
    """Record every scenario of the SDK, print the truth as JSON."""
    warnings.simplefilter("ignore")
    setup = SETUPS[setup_name]
    os.environ.update(setup.environment)
    spans, logs = TracerProvider(), LoggerProvider()
    processor = SQLiteSpanProcessor(database)
    spans.add_span_processor(processor)
    if setup.events:
        logs.add_log_record_processor(otel_sqlite_exporter.SQLiteLogRecordProcessor(processor))
    if setup.registered:
        trace.set_tracer_provider(spans)
        _logs.set_logger_provider(logs)
    for name in setup.instrumentors[sdk]:
        _instrument(name, spans, logs)

    driver = importlib.import_module(f"tests.live.drive_{sdk}")
    truth = []
    loop = asyncio.new_event_loop()
    with StandIn() as stand_in:
        for scenario in driver.SCENARIOS:
            before = len(stand_in.exchanges)
            pending = scenario(stand_in)
            if pending is not None:
                loop.run_until_complete(pending)
            for made in stand_in.exchanges[before:]:
                facts = _facts(driver.PROVIDER, made)
                told = {fact: facts[fact] for fact in facts.keys() - getattr(driver, "UNTOLD", set())}
                moment = made.received_unix_nano
                truth.append({"scenario": scenario.__name__, "received_unix_nano": moment, "facts": told})
    logs.shutdown()
    spans.shutdown()
    print(json.dumps(truth))  # noqa: T201 - this is how the test is told


def _instrument(name: str, spans: TracerProvider, logs: LoggerProvider) -> None:
    module, _, attribute = name.partition(":")
    instrumentor = getattr(importlib.import_module(module), attribute)
    if attribute == "Agent":
        settings = importlib.import_module("pydantic_ai.models.instrumented").InstrumentationSettings
        instrumentor.instrument_all(settings(tracer_provider=spans))
    else:
        instrumentor().instrument(tracer_provider=spans, logger_provider=logs, raise_exception_on_conflict=True)


def _facts(provider: str, made: Exchange) -> dict[str, object]:
    """Say what a row of ``llm_calls`` must hold for one exchange; a missing key is not checked."""
    prompt, answer = made.prompt, made.answer
    facts: dict[str, object] = {
        "kind": "embedding" if prompt.inputs else "llm",
        "provider": provider,
        "request_model": prompt.model,
        "input_text": prompt.question,
        "failed": answer is None,
    }
    if prompt.system:
        facts["system_text"] = prompt.system
    if answer is not None:
        facts |= {"response_model": answer.model, "input_tokens": answer.input_tokens}
        if not prompt.inputs:
            facts |= {"output_tokens": answer.output_tokens, "finished": True}
            facts["tool_calls"] = [[call.name, call.arguments] for call in answer.tool_calls]
        if answer.text:
            facts["output_text"] = answer.text
        if answer.cached_tokens:
            facts["cache_read_tokens"] = answer.cached_tokens
    return facts


if __name__ == "__main__":
    main(*sys.argv[1:])
