"""One message or body in every shape that emitters use, and how it is read.

A case is a name, the value as emitted, and the messages as ``(role, parts)``; parts are given in short.
"""

from __future__ import annotations

import json
from typing import Any

Short = tuple[str | None, list[Any]]
Case = tuple[str, Any, list[Short]]

PNG = "iVBORw0KGgo="
CALL = ("call_1", "get_weather", {"city": "Paris"})
ARGUMENTS = '{"city": "Paris"}'


def text(content: str) -> dict[str, Any]:
    """Return a text part."""
    return {"type": "text", "content": content}


def reasoning(content: str) -> dict[str, Any]:
    """Return a reasoning part."""
    return {"type": "reasoning", "content": content}


def call(call_id: str | None = "call_1", name: str = "get_weather", arguments: Any = None) -> dict[str, Any]:
    """Return a tool call part."""
    wanted = {"city": "Paris"} if arguments is None else arguments
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": wanted}


def answer(response: Any, call_id: str | None = "call_1", name: str | None = None) -> dict[str, Any]:
    """Return a tool response part."""
    part: dict[str, Any] = {"type": "tool_call_response", "id": call_id, "response": response}
    return {**part, "name": name} if name else part


def lc(name: str, **kwargs: Any) -> dict[str, Any]:
    """Return a LangChain dump of a message."""
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", name], "kwargs": kwargs}


OPENAI_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": ARGUMENTS}}
PNG_BLOB = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": PNG}

INPUT: list[Case] = [
    ("plain text", "Hi", [("user", [text("Hi")])]),
    ("text that begins like JSON", "[see below] Hi", [("user", [text("[see below] Hi")])]),
    ("JSON that is no message", '{"country": "France"}', [("user", [text('{"country": "France"}')])]),
    ("a JSON string", '"Hi"', [("user", [text("Hi")])]),
    ("texts", ["one", "two"], [("user", [text("one")]), ("user", [text("two")])]),
    (
        "GenAI",
        '[{"role": "user", "parts": [{"type": "text", "content": "Hi"}], "name": null}]',
        [("user", [text("Hi")])],
    ),
    (
        "GenAI with an emitter's own part among its own",
        [{"role": "assistant", "parts": [{"type": "thinking", "thinking": "Hm", "signature": "s"}, text("Hi")]}],
        [("assistant", [reasoning("Hm"), text("Hi")])],
    ),
    (
        "GenAI with tool calls beside the parts",
        [{"role": "assistant", "parts": [], "tool_calls": [OPENAI_CALL]}],
        [("assistant", [call()])],
    ),
    (
        "GenAI with arguments and results encoded",
        [
            {"role": "assistant", "parts": [{**call(), "arguments": ARGUMENTS}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "result": "21"}]},
        ],
        [("assistant", [call()]), ("tool", [answer("21")])],
    ),
    (
        "OpenAI chat",
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        [("system", [text("Be brief.")]), ("user", [text("Hi")])],
    ),
    (
        "OpenAI content parts",
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                    {"type": "file", "file": {"file_id": "file-1"}},
                ],
            }
        ],
        [
            (
                "user",
                [
                    text("What is it?"),
                    PNG_BLOB,
                    {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
                    {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "AAAA"},
                    {"type": "file", "file_id": "file-1"},
                ],
            )
        ],
    ),
    (
        "OpenAI content parts as text",
        [{"role": "user", "content": '[{"type": "text", "text": "Hi"}]'}],
        [("user", [text("Hi")])],
    ),
    (
        "OpenAI tool round trip",
        [
            {"role": "assistant", "content": None, "tool_calls": [OPENAI_CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"temp": 21}'},
        ],
        [("assistant", [call()]), ("tool", [answer('{"temp": 21}')])],
    ),
    (
        "OpenAI function call of old",
        [
            {"role": "assistant", "function_call": {"name": "get_weather", "arguments": ARGUMENTS}},
            {"role": "function", "name": "get_weather", "content": "21"},
        ],
        [("assistant", [call(None)]), ("tool", [answer("21", None, "get_weather")])],
    ),
    ("OpenAI refusal", [{"role": "assistant", "refusal": "No."}], [("assistant", [text("No.")])]),
    (
        "OpenAI Responses",
        {
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
                {
                    "type": "function_call",
                    "call_id": "call_1",
                    "id": "fc_1",
                    "name": "get_weather",
                    "arguments": ARGUMENTS,
                },
                {"type": "function_call_output", "call_id": "call_1", "output": "21"},
            ],
        },
        [
            ("system", [text("Be brief.")]),
            ("user", [text("Hi")]),
            ("assistant", [reasoning("Hm"), call()]),
            ("tool", [answer("21")]),
        ],
    ),
    ("OpenAI Responses with a text", {"model": "m", "input": "Hi"}, [("user", [text("Hi")])]),
    ("a completion's prompts", {"prompt": ["one", "two"]}, [("user", [text("one")]), ("user", [text("two")])]),
    (
        "Anthropic",
        {
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "Hi"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Hm", "signature": "s"},
                        {"type": "text", "text": "Let me see."},
                        {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Paris"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "21"}]},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                    ],
                },
            ],
        },
        [
            ("system", [text("Be brief.")]),
            ("user", [text("Hi")]),
            ("assistant", [reasoning("Hm"), text("Let me see."), call()]),
            ("user", [answer("21"), PNG_BLOB]),
        ],
    ),
    (
        "Gemini",
        {
            "contents": [
                {"role": "user", "parts": [{"text": "Hi"}, {"inline_data": {"mime_type": "image/png", "data": PNG}}]},
                {
                    "role": "model",
                    "parts": [{"functionCall": {"id": "call_1", "name": "get_weather", "args": {"city": "Paris"}}}],
                },
                {
                    "role": "user",
                    "parts": [{"function_response": {"id": "call_1", "name": "get_weather", "response": {"temp": 21}}}],
                },
            ],
            "config": {"system_instruction": "Be brief."},
        },
        [
            ("system", [text("Be brief.")]),
            ("user", [text("Hi"), PNG_BLOB]),
            ("assistant", [call()]),
            ("user", [answer({"temp": 21}, "call_1", "get_weather")]),
        ],
    ),
    (
        "Gemini with every key of the SDK's dump",
        [
            {
                "role": "user",
                "parts": [
                    {"video_metadata": None, "thought": None, "inline_data": None, "function_call": None, "text": "Hi"}
                ],
            }
        ],
        [("user", [text("Hi")])],
    ),
    ("Gemini with a text", {"contents": "Hi", "model": "m"}, [("user", [text("Hi")])]),
    (
        "Bedrock Converse",
        {
            "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
            "messages": [
                {"role": "user", "content": [{"text": "Hi"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]},
                {
                    "role": "assistant",
                    "content": [
                        {"toolUse": {"toolUseId": "call_1", "name": "get_weather", "input": {"city": "Paris"}}}
                    ],
                },
                {
                    "role": "user",
                    "content": [{"toolResult": {"toolUseId": "call_1", "content": [{"json": {"temp": 21}}]}}],
                },
            ],
        },
        [
            ("system", [text("Be brief.")]),
            ("user", [text("Hi"), PNG_BLOB]),
            ("assistant", [call()]),
            ("user", [answer('{"temp": 21}')]),
        ],
    ),
    ("Bedrock Titan", {"inputText": "Hi", "textGenerationConfig": {}}, [("user", [text("Hi")])]),
    (
        "Cohere of old",
        {"message": "Hi", "chat_history": [{"role": "CHATBOT", "message": "Hello"}], "preamble": "Be brief."},
        [("system", [text("Be brief.")]), ("assistant", [text("Hello")]), ("user", [text("Hi")])],
    ),
    (
        "LangChain",
        {"messages": [[lc("SystemMessage", content="Be brief."), lc("HumanMessage", content="Hi")]]},
        [("system", [text("Be brief.")]), ("user", [text("Hi")])],
    ),
    (
        "LangChain as dictionaries",
        [
            {"type": "human", "data": {"content": "Hi", "type": "human"}},
            {
                "type": "ai",
                "content": "",
                "tool_calls": [{"name": "get_weather", "args": {"city": "Paris"}, "id": "call_1", "type": "tool_call"}],
            },
        ],
        [("user", [text("Hi")]), ("assistant", [call()])],
    ),
    (
        "LangChain wrapped by OpenLLMetry",
        json.dumps({"inputs": {"messages": [lc("HumanMessage", content="Hi")]}, "tags": [], "kwargs": {"name": "x"}}),
        [("user", [text("Hi")])],
    ),
    (
        "LlamaIndex",
        {
            "messages": [
                {"role": "MessageRole.USER", "blocks": [{"block_type": "text", "text": "Hi"}], "additional_kwargs": {}}
            ]
        },
        [("user", [text("Hi")])],
    ),
    (
        "Haystack",
        {
            "messages": [
                {"role": "user", "meta": {}, "name": None, "content": [{"text": "Hi"}]},
                {
                    "role": "assistant",
                    "content": [
                        {"tool_call": {"tool_name": "get_weather", "arguments": {"city": "Paris"}, "id": "call_1"}}
                    ],
                },
                {
                    "role": "tool",
                    "content": [
                        {
                            "tool_call_result": {
                                "result": "21",
                                "origin": {"id": "call_1", "tool_name": "get_weather"},
                                "error": False,
                            }
                        }
                    ],
                },
            ]
        },
        [("user", [text("Hi")]), ("assistant", [call()]), ("tool", [answer("21", "call_1", "get_weather")])],
    ),
    (
        "Vercel",
        json.dumps(
            [
                {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "tool-call",
                            "toolCallId": "call_1",
                            "toolName": "get_weather",
                            "input": {"city": "Paris"},
                        }
                    ],
                },
                {
                    "role": "tool",
                    "content": [
                        {
                            "type": "tool-result",
                            "toolCallId": "call_1",
                            "toolName": "get_weather",
                            "output": {"type": "text", "value": "21"},
                        }
                    ],
                },
            ]
        ),
        [("user", [text("Hi")]), ("assistant", [call()]), ("tool", [answer("21", "call_1", "get_weather")])],
    ),
    (
        "pydantic-ai's own messages",
        [
            {
                "kind": "request",
                "parts": [
                    {"part_kind": "system-prompt", "content": "Be brief."},
                    {"part_kind": "user-prompt", "content": "Hi"},
                ],
            },
            {
                "kind": "response",
                "parts": [
                    {"part_kind": "tool-call", "tool_name": "get_weather", "args": ARGUMENTS, "tool_call_id": "call_1"}
                ],
            },
        ],
        [("system", [text("Be brief.")]), ("user", [text("Hi")]), ("assistant", [call()])],
    ),
    (
        "a flattened list of OpenInference",
        [
            {
                "message": {
                    "role": "user",
                    "contents": [
                        {"message_content": {"type": "text", "text": "Hi"}},
                        {
                            "message_content": {
                                "type": "image",
                                "image": {"image": {"url": f"data:image/png;base64,{PNG}"}},
                            }
                        },
                    ],
                }
            },
            {
                "message": {
                    "role": "assistant",
                    "tool_calls": [
                        {"tool_call": {"id": "call_1", "function": {"name": "get_weather", "arguments": ARGUMENTS}}}
                    ],
                }
            },
        ],
        [("user", [text("Hi"), PNG_BLOB]), ("assistant", [call()])],
    ),
    ("a message that names its role as its key", [{"user": "Hi"}], [("user", [text("Hi")])]),
    ("JSON encoded twice", json.dumps(json.dumps([{"role": "user", "content": "Hi"}])), [("user", [text("Hi")])]),
    ("a Python repr", "[{'role': 'user', 'content': 'Hi', 'name': None}]", [("user", [text("Hi")])]),
    (
        "Ollama's images",
        [{"role": "user", "content": "What is it?", "images": [PNG]}],
        [("user", [text("What is it?"), {"type": "blob", "modality": "image", "content": PNG}])],
    ),
    ("a single message", {"role": "user", "content": "Hi"}, [("user", [text("Hi")])]),
    ("a tuple", ({"role": "user", "content": "Hi"},), [("user", [text("Hi")])]),
    ("arguments of a decorated function", '{"args": ["Hi"], "kwargs": {}}', [("user", [text("Hi")])]),
    ("nothing", None, []),
    ("empty", "[]", []),
]
"""What is sent."""

OUTPUT: list[Case] = [
    ("plain text", "Hello", [("assistant", [text("Hello")])]),
    (
        "OpenAI",
        {
            "id": "1",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
        },
        [("assistant", [text("Hello")])],
    ),
    (
        "OpenAI choices alone",
        "[{'finish_reason': 'stop', 'message': {'content': 'Hello', 'role': 'assistant', 'tool_calls': None}}]",
        [("assistant", [text("Hello")])],
    ),
    ("a completion", {"choices": [{"text": "Hello", "finish_reason": "stop"}]}, [("assistant", [text("Hello")])]),
    (
        "OpenAI Responses",
        {
            "object": "response",
            "status": "completed",
            "output": [
                {"type": "reasoning", "summary": []},
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
                },
                {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": ARGUMENTS},
            ],
        },
        [("assistant", [text("Hello"), call()])],
    ),
    (
        "Anthropic",
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "Hello"}],
            "stop_reason": "end_turn",
        },
        [("assistant", [text("Hello")])],
    ),
    (
        "Gemini",
        {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": "Hm", "thought": True}, {"text": "Hello"}]},
                    "finishReason": "STOP",
                }
            ]
        },
        [("assistant", [reasoning("Hm"), text("Hello")])],
    ),
    (
        "Bedrock Converse",
        {
            "output": {
                "message": {
                    "role": "assistant",
                    "content": [{"reasoningContent": {"reasoningText": {"text": "Hm"}}}, {"text": "Hello"}],
                }
            },
            "stopReason": "end_turn",
        },
        [("assistant", [reasoning("Hm"), text("Hello")])],
    ),
    (
        "Bedrock Titan",
        {"results": [{"outputText": "Hello", "completionReason": "FINISH"}]},
        [("assistant", [text("Hello")])],
    ),
    ("Bedrock Llama", {"generation": "Hello", "stop_reason": "stop"}, [("assistant", [text("Hello")])]),
    (
        "Cohere",
        {
            "id": "1",
            "message": {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]},
            "finish_reason": "COMPLETE",
        },
        [("assistant", [text("Hello")])],
    ),
    (
        "Cohere of old",
        {"text": "Hello", "generation_id": "g", "finish_reason": "COMPLETE"},
        [("assistant", [text("Hello")])],
    ),
    (
        "Ollama",
        {"model": "m", "message": {"role": "assistant", "content": "Hello"}, "done_reason": "stop"},
        [("assistant", [text("Hello")])],
    ),
    (
        "LangChain",
        {"generations": [[{"text": "Hello", "message": lc("AIMessage", content="Hello")}]], "llm_output": {}},
        [("assistant", [text("Hello")])],
    ),
    (
        "LangChain with a tool call",
        {
            "generations": [
                [
                    {
                        "text": "",
                        "message": lc(
                            "AIMessage",
                            content="",
                            tool_calls=[
                                {"name": "get_weather", "args": {"city": "Paris"}, "id": "call_1", "type": "tool_call"}
                            ],
                            additional_kwargs={"tool_calls": [OPENAI_CALL]},
                        ),
                    }
                ]
            ]
        },
        [("assistant", [call()])],
    ),
    (
        "Haystack",
        {"replies": [{"role": "assistant", "content": [{"text": "Hello"}], "meta": {"finish_reason": "stop"}}]},
        [("assistant", [text("Hello")])],
    ),
    (
        "DeepSeek's reasoning",
        {"choices": [{"message": {"role": "assistant", "reasoning_content": "Hm", "content": "Hello"}}]},
        [("assistant", [reasoning("Hm"), text("Hello")])],
    ),
    (
        "a tool call alone",
        {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": ARGUMENTS},
        [("assistant", [call()])],
    ),
    (
        "arguments that are not JSON",
        {"tool_calls": [{"id": "call_1", "name": "get_weather", "arguments": '{"city": '}], "role": "assistant"},
        [("assistant", [call(arguments='{"city": ')])],
    ),
    ("a vector", [0.1, 0.2, 0.3], [("assistant", [text("[0.1, 0.2, 0.3]")])]),
]
"""What comes back."""
