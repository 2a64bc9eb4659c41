"""What every SDK asks the stand-in."""

from __future__ import annotations

from typing import Any, Final

SYSTEM: Final = "Answer in one sentence."
LONG_SYSTEM: Final = "You are a careful assistant. " * 200  # long enough to be read from the prompt cache
QUESTION: Final = "What is the capital of France?"
STREAMED_QUESTION: Final = "Why is the sky blue?"
WEATHER_QUESTION: Final = "What is the weather in Paris?"
WEATHER: Final = "21 °C and sunny"

OPENAI_MODEL: Final = "gpt-5.4-mini"
EMBEDDING_MODEL: Final = "text-embedding-3-small"
ANTHROPIC_MODEL: Final = "claude-haiku-4-5"
GEMINI_MODEL: Final = "gemini-2.5-flash"
MISTRAL_MODEL: Final = "mistral-small-latest"
COHERE_MODEL: Final = "command-a-03-2025"

WEATHER_PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER_FUNCTION: Final[dict[str, Any]] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather in a city.",
        "parameters": WEATHER_PARAMETERS,
    },
}


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"{WEATHER} in {city}"
