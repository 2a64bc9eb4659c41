"""Lines for fine-tuning: a conversation is learned from once."""

from __future__ import annotations

import json
from pathlib import Path

from otel_sqlite_exporter import Database, open_database
from otel_sqlite_exporter.reading.building import Json
from tests.support import provider_with, recording


def messages_of(line: str) -> list[Json]:
    """Return the messages of a line."""
    found: list[Json] = json.loads(line)["messages"]
    return found


def test_no_line_is_the_beginning_of_another(demo: Database) -> None:
    """What a later call sends again has no line of its own, and nothing else is left out."""
    every = [messages_of(line) for line in demo.export("openai", every_call=True) if line]
    once = [messages_of(line) for line in demo.export("openai") if line]
    assert 0 < len(once) < len(every)
    assert all(any(line[: len(other)] == other for line in once) for other in every)
    for place, line in enumerate(once):
        assert not any(line == other[: len(line)] for other in once[:place] + once[place + 1 :])


def test_a_changed_history_is_an_example_of_its_own(tmp_path: Path) -> None:
    """Turns of one chat are one line; a turn whose first answer was edited, and a failed turn, cover nothing."""
    path = tmp_path / "chat.db"

    def turn(prompt: list[tuple[str, str]], answer: str | None) -> None:
        attributes = {"gen_ai.operation.name": "chat"}
        for place, (role, content) in enumerate(prompt):
            attributes |= {f"gen_ai.prompt.{place}.role": role, f"gen_ai.prompt.{place}.content": content}
        if answer is None:
            attributes["error.type"] = "Timeout"
        else:
            attributes |= {"gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": answer}
        tracer.start_span("chat", attributes=attributes).end()

    with recording(path) as processor:
        tracer = provider_with(processor).get_tracer("tests")
        first = [("user", "one?")]
        turn(first, "1")
        second = [*first, ("assistant", "1"), ("user", "two?")]
        turn(second, "2")
        turn([*second, ("assistant", "2"), ("user", "three?")], None)
        turn([*first, ("assistant", "uno"), ("user", "two?")], "dos")
    with open_database(path) as database:
        answers = [messages_of(line)[-1] for line in database.export("openai") if line]
        assert answers == [{"role": "assistant", "content": "2"}, {"role": "assistant", "content": "dos"}]
        assert len([line for line in database.export("openai", every_call=True) if line]) == 3
