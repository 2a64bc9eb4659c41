"""The "model" behind the stand-in: what was asked, what is answered, and a count of both in tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

JSON: TypeAlias = dict[str, Any]

ANSWERS: Final = {
    "What is the capital of France?": "The capital of France is Paris.",
    "Write a haiku about SQLite.": "One file holds it all,\nrows asleep in quiet pages.\nA query wakes them.",
    "Why is the sky blue?": "Air scatters short waves of light more than long ones, so blue reaches us from all sides.",
}
"""What the model knows by heart."""

ARGUMENTS: Final = {"city": "Paris", "unit": "celsius"}
"""What the model passes for a tool's parameters of these names; other strings are ``"42"``."""

SNAPSHOTS: Final = {
    "gpt-5.4-mini": "gpt-5.4-mini-2026-03-17",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "mistral-small-latest": "mistral-small-2506",
}
"""The dated model that answers for an undated name."""

CACHED_SYSTEM_CHARACTERS: Final = 4000
"""A system prompt from this length on is read from the prompt cache."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called."""

    id: str
    name: str
    arguments: JSON


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request, whatever API it came through.

    Args:
        model: The model that was asked for.
        question: The last user text; of embeddings, the first input.
        system: The system prompt, "" where there is none.
        tools: Tools offered: name to JSON schema of the parameters.
        tool_result: The last tool result, where the last message is one.
        stream: Whether the answer is to be streamed.
        text: The whole input, for counting.
        inputs: Of embeddings, how many texts there are.
    """

    model: str
    question: str
    system: str = ""
    tools: dict[str, JSON] = field(default_factory=dict)
    tool_result: str | None = None
    stream: bool = False
    text: str = ""
    inputs: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. ``input_tokens`` includes ``cached_tokens``."""

    id: str
    model: str
    text: str
    tool_calls: tuple[ToolCall, ...]
    input_tokens: int
    output_tokens: int
    cached_tokens: int

    @property
    def words(self) -> list[str]:
        """The text in the pieces in which it is streamed."""
        return [word + " " for word in self.text.split(" ")[:-1]] + self.text.split(" ")[-1:]


def answer(prompt: Prompt, number: int) -> Answer:
    """Answer a prompt: with a tool call where tools are offered, else with what is known by heart.

    Args:
        prompt: What was asked.
        number: Makes the ids of this answer unique.
    """
    text = ""
    calls: tuple[ToolCall, ...] = ()
    if prompt.tool_result is not None:
        text = f"The tool says: {prompt.tool_result}"
    elif prompt.tools:
        name, schema = next(iter(prompt.tools.items()))
        calls = (ToolCall(f"call_{number:04}", name, _arguments(schema)),)
    elif not prompt.inputs:
        text = ANSWERS.get(prompt.question, f"You asked: {prompt.question}")
    said = text + "".join(call.name + json.dumps(call.arguments) for call in calls)
    return Answer(
        id=f"{number:08}",
        model=SNAPSHOTS.get(prompt.model, prompt.model),
        text=text,
        tool_calls=calls,
        input_tokens=_tokens(prompt.system + prompt.text),
        output_tokens=_tokens(said) if said else 0,
        cached_tokens=_tokens(prompt.system) if len(prompt.system) >= CACHED_SYSTEM_CHARACTERS else 0,
    )


def _arguments(schema: JSON) -> JSON:
    """Arguments that satisfy a JSON schema of plain parameters."""
    return {
        name: ARGUMENTS.get(name, "42") if str(kind.get("type", "string")).lower() == "string" else 42
        for name, kind in schema.get("properties", {}).items()
    }


def _tokens(text: str) -> int:
    """Count tokens as the rule of thumb has it: four characters each."""
    return len(text) // 4 + 1
