"""pytest: a fixture that gives a test the calls that it made. Run it: pytest test_with_calls.py."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from otel_sqlite_exporter import Recording, record


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    """Record the calls of one test into a file of its own."""
    with record(tmp_path / "calls.db") as recording:
        yield recording


def test_the_question_is_asked_once(recording: Recording) -> None:
    """One call, with the question in it."""
    openai.OpenAI().chat.completions.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": "What is the capital of France?"}]
    )
    (call,) = recording.read().calls()
    assert call.input_text == "What is the capital of France?"
    assert call.total_tokens
