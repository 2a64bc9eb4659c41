"""Three lines record a call of each SDK with prompt and answer, under whichever instrumentations are installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from textwrap import dedent

import pytest

pytestmark = pytest.mark.live

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

RECORD = """
from otel_sqlite_exporter import record
record("traces.db")
"""
QUESTION = "What is the capital of France?"
CALLS = {
    "openai": f"""
        import openai
        openai.OpenAI().chat.completions.create(
            model="gpt-5.4-mini", messages=[{{"role": "user", "content": "{QUESTION}"}}])
    """,
    "anthropic": f"""
        import anthropic
        anthropic.Anthropic().messages.create(
            model="claude-haiku-4-5", max_tokens=99, messages=[{{"role": "user", "content": "{QUESTION}"}}])
    """,
    "langchain_openai": f"""
        from langchain_openai import ChatOpenAI
        ChatOpenAI(model="gpt-5.4-mini").invoke("{QUESTION}")
    """,
    "pydantic_ai": f"""
        from pydantic_ai import Agent
        Agent("openai-chat:gpt-5.4-mini").run_sync("{QUESTION}")
    """,
    "agents": f"""
        from agents import Agent, Runner
        Runner.run_sync(Agent(name="Geographer", model="gpt-5.4-mini"), "{QUESTION}")
    """,
    "litellm": f"""
        import litellm
        litellm.completion(model="openai/gpt-5.4-mini", messages=[{{"role": "user", "content": "{QUESTION}"}}])
    """,
    "google.genai": f"""
        from google import genai
        client = genai.Client()
        client.models.generate_content(model="gemini-2.5-flash", contents="{QUESTION}")
    """,
    "mistralai.client": f"""
        import os
        from mistralai.client import Mistral
        Mistral(server_url=os.environ["MISTRAL_SERVER"]).chat.complete(
            model="mistral-small-latest", messages=[{{"role": "user", "content": "{QUESTION}"}}])
    """,
}
"""The calls, each by the module that it needs."""

PEERS = {
    "phoenix.otel": """
        from phoenix.otel import register
        register(endpoint=RECEIVER + "/v1/traces", protocol="http/protobuf", auto_instrument=True, verbose=False)
    """,
    "langfuse": """
        from langfuse import Langfuse
        Langfuse(public_key="pk-lf-1", secret_key="sk-lf-1", host=RECEIVER)
    """,
    "traceloop.sdk": """
        from traceloop.sdk import Traceloop
        Traceloop.init(app_name="x", api_endpoint=RECEIVER, api_key="none", disable_batch=True, telemetry_enabled=False)
    """,
    "logfire": """
        import logfire
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        exporter = OTLPSpanExporter(RECEIVER + "/v1/traces")
        logfire.configure(
            send_to_logfire=False, console=False, additional_span_processors=[SimpleSpanProcessor(exporter)])
    """,
}
"""Other recorders, each by the module that it needs; they send to RECEIVER."""

FLUSH = """
from opentelemetry import trace
trace.get_tracer_provider().force_flush()
"""


def _need(module: str) -> None:
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        pytest.skip(f"{module} is not installed")


def _record(directory: Path, code: str) -> list[tuple[str, str]]:
    """Run a program against the stand-in, and return the questions and answers that were recorded."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        from standin import StandIn
    finally:
        sys.path.pop(0)
    with StandIn() as stand_in:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=directory,
            env={name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
            | {
                "OPENAI_BASE_URL": f"{stand_in.url}/v1",
                "OPENAI_API_BASE": f"{stand_in.url}/v1",
                "OPENAI_API_KEY": "none",
                "ANTHROPIC_BASE_URL": stand_in.url,
                "ANTHROPIC_API_KEY": "none",
                "GOOGLE_GEMINI_BASE_URL": stand_in.url,
                "GEMINI_API_KEY": "none",
                "MISTRAL_SERVER": f"{stand_in.url}/mistral",
                "MISTRAL_API_KEY": "none",
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            },
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    with closing(connect(directory / "traces.db")) as connection:
        return connection.execute("SELECT input_text, output_text FROM llm_calls").fetchall()


@pytest.mark.parametrize("module", CALLS)
def test_three_lines_record_a_call(tmp_path: Path, module: str) -> None:
    """record() and a call of the SDK leave one row with the question and the answer."""
    _need(module)
    assert _record(tmp_path, RECORD + dedent(CALLS[module])) == [(QUESTION, "The capital of France is Paris.")]


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("peer", PEERS)
def test_another_recorder_goes_on_beside_it(tmp_path: Path, peer: str, order: str) -> None:
    """A recorder that is set up before record(), or after it, receives the call, and the file has it too."""
    _need(peer)
    _need("openai")
    from tests.live.receiver import Receiver

    with Receiver() as receiver:
        set_up = f"RECEIVER = {receiver.url!r}\n" + dedent(PEERS[peer])
        first, second = (set_up, RECORD) if order == "before" else (RECORD, set_up)
        recorded = _record(tmp_path, first + second + dedent(CALLS["openai"]) + FLUSH)
    assert recorded == [(QUESTION, "The capital of France is Paris.")]
    assert any(QUESTION.encode() in body for body in receiver.bodies)
