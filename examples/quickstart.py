"""Record every call of the OpenAI SDK in a SQLite file, and read it back.

Run it:  pip install ".[examples]" && python examples/quickstart.py

With OPENAI_API_KEY set the calls go to the real API (they cost a fraction of a cent); without, to a stand-in on this
machine. The SDK and its instrumentation are the real ones either way.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import nullcontext

import openai
from show import show
from standin import StandIn

from otel_sqlite_exporter import record

DATABASE = "llm_traces.db"
CHAT_MODEL = "gpt-5.4-mini"
EMBEDDING_MODEL = "text-embedding-3-small"


def main() -> None:
    """Set up recording, make calls, print what was recorded."""
    os.environ.setdefault("OTEL_SERVICE_NAME", "quickstart")
    recording = record(DATABASE)  # this line is all that recording takes
    started = time.time_ns()
    with nullcontext() if "OPENAI_API_KEY" in os.environ else StandIn(pause=0.02) as stand_in:
        if stand_in is None:
            print("Calling the OpenAI API.")
            client = openai.OpenAI(max_retries=0)
        else:
            print(f"OPENAI_API_KEY is not set: calling a stand-in for the API at {stand_in.url}.")
            client = openai.OpenAI(base_url=f"{stand_in.url}/v1", api_key="none", max_retries=0)
        chat(client)
        streamed_chat(client)
        tool_call(client)
        client.embeddings.create(model=EMBEDDING_MODEL, input="SQLite is a small, fast, full-featured database.")
        failing_call(client, stand_in)
    recording.close()

    show(DATABASE, since=started)


def chat(client: openai.OpenAI) -> None:
    """Ask a question."""
    client.chat.completions.create(
        model=CHAT_MODEL,
        messages=[
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "What is the capital of France?"},
        ],
    )


def streamed_chat(client: openai.OpenAI) -> None:
    """Read an answer while it is written. ``include_usage`` asks the API to count the tokens of a stream."""
    for _chunk in client.chat.completions.create(
        model=CHAT_MODEL,
        messages=[{"role": "user", "content": "Write a haiku about SQLite."}],
        stream=True,
        stream_options={"include_usage": True},
    ):
        pass


def tool_call(client: openai.OpenAI) -> None:
    """Let the model call a function, and tell it the result."""
    weather: openai.types.chat.ChatCompletionToolParam = {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Tell the weather in a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
    messages: list[openai.types.chat.ChatCompletionMessageParam] = [
        {"role": "user", "content": "What is the weather in Paris?"},
    ]
    reply = client.chat.completions.create(model=CHAT_MODEL, messages=messages, tools=[weather]).choices[0].message
    for call in reply.tool_calls or ():
        if call.type == "function":
            city = json.loads(call.function.arguments)["city"]
            messages += [
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": call.id,
                            "type": "function",
                            "function": {"name": call.function.name, "arguments": call.function.arguments},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": call.id, "content": f"21 °C and sunny in {city}."},
            ]
    client.chat.completions.create(model=CHAT_MODEL, messages=messages, tools=[weather])


def failing_call(client: openai.OpenAI, stand_in: StandIn | None) -> None:
    """Fail: the stand-in is told to limit the rate; the real API, which can't be, is asked for no model of its."""
    model = CHAT_MODEL
    if stand_in is not None:
        stand_in.refuse_next()
    else:
        model = "no-such-model"
    try:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Why is the sky blue?"}])
    except openai.APIStatusError as error:
        print(f"One call failed, as it should: {error.status_code} {type(error).__name__}.")


if __name__ == "__main__":
    main()
