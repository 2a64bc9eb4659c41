"""What the file tells of captured calls is true, and every exception has a name and a reason."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from tests.conformance.corpus import Scenario, load
from tests.conformance.scoring import FIELDS, Score, table
from tests.conformance.support_table import PAGE, STREAMS, support_table
from tests.conformance.through_file import leaks, score_through_file

THREADS = 8
"""Each scenario has a file of its own, and most of its time is spent waiting for the disk."""

KNOWN = {
    "the answer's tool calls are told by the spans of the tools or the next request only": [
        "agentops@0.4.21/openai__decorators#0: tool_arguments",
        "agentops@0.4.21/openai__decorators#0: tool_calls",
        "agentops@0.4.21/openai__tools#0: tool_arguments",
        "agentops@0.4.21/openai__tools#0: tool_calls",
        "agentops@0.4.21/openai__tools_stream#0: tool_arguments",
        "agentops@0.4.21/openai__tools_stream#0: tool_calls",
        "litellm@1.108.7/proxy_otel_v2__tools#0: tool_calls",
    ],
    "the tool's or the agent's span says it in another form: a class, or JSON of another shape": [
        "agentops@0.4.21/openai_agents_chat_completions__agent_one_tool#0: tool_arguments",
        "agentops@0.4.21/openai_agents_chat_completions__agent_one_tool#0: tool_calls",
        "agentops@0.4.21/openai_agents_chat_completions__handoff#0: tool_arguments",
        "agentops@0.4.21/openai_agents_chat_completions__handoff#0: tool_calls",
        "agentops@0.4.21/openai_agents_responses__agent_one_tool: tool_runs",
    ],
    "the reason is on no span of the call": [
        "agentops@0.4.21/openai_agents_responses__agent_one_tool#0: finish_reason",
        "agentops@0.4.21/openai_agents_responses__handoff#0: finish_reason",
    ],
    "the arguments are wrapped in another object": [
        "logfire@3.14.0/anthropic_tools#0: tool_arguments",
    ],
    "a tool that the program ran by itself has no span with its arguments": [
        "logfire@5.4.0/fake_cli__client_two_turns: tool_runs",
    ],
    "the call succeeded, and what the emitter made of its answer failed: the span is that failure": [
        "mirascope@2.8.2/anthropic__structured#0: output_text",
        "mirascope@2.8.2/anthropic__structured#0: status",
    ],
    "a traced function is told from no other": [
        "mirascope@2.8.2/anthropic__tools: tool_runs",
        "mirascope@2.8.2/openai_completions__tools: tool_runs",
        "mirascope@2.8.2/openai_responses__tools: tool_runs",
    ],
    "the whole answer stands on the surrounding chain only, not on the call": [
        "mlflow@3.17.2/langchain_autolog__create_agent#0: response_model",
        "mlflow@3.17.2/langchain_autolog__create_agent#1: response_model",
        "mlflow@3.17.2/langchain_autolog__structured#0: finish_reason",
        "mlflow@3.17.2/langchain_autolog__structured#0: response_model",
        "mlflow@3.17.2/langchain_autolog_responses__create_agent#1: response_model",
        "mlflow@3.17.2/langchain_autolog_responses__structured#0: finish_reason",
        "mlflow@3.17.2/langchain_autolog_responses__structured#0: response_model",
    ],
    "an error that names neither a provider nor a model of one": [
        "mlflow@3.17.2/openai__otel_genai_semconv__error_429#0: provider",
    ],
    "the emitter says `google` for both of Google's APIs": [
        "openinference-instrumentation-google-genai@1.4.14/content__vertex_chat#0: provider",
    ],
    "the answer's text beside a tool call is only repeated in the next request": [
        "opentelemetry-instrumentation-botocore@0.66b2/default_semconv__converse_tools#0: output_text",
    ],
    "the reason is said by the next request, or by a task beside the call": [
        "opentelemetry-instrumentation-langchain@0.62.4/content__chain#0: finish_reason",
        "opentelemetry-instrumentation-langchain@0.62.4/content__tools_round_trip#0: finish_reason",
        "opentelemetry-instrumentation-langchain@0.62.4/events__agent#0: finish_reason",
        "opentelemetry-instrumentation-langchain@0.62.4/events__tools_round_trip#0: finish_reason",
    ],
    "content capture is off: the system text is on the agent's span only": [
        "opentelemetry-instrumentation-langchain@0.62.4/no_content__agent#0: system_text",
        "opentelemetry-instrumentation-langchain@0.62.4/no_content__agent#1: system_text",
    ],
    "the answer's tool calls, and the model that answered, are told by the next request only": [
        "pipecat-ai@1.14.0/own_otel__tools#0: response_model",
        "pipecat-ai@1.14.0/own_otel__tools#0: tool_arguments",
        "pipecat-ai@1.14.0/own_otel__tools#0: tool_calls",
        "pipecat-ai@1.14.0/own_otel__tools: tool_runs",
    ],
}


@cache
def scored() -> list[tuple[Scenario, Score]]:
    """Return every scenario, recorded through the real processors, with its score."""
    scenarios = list(load())
    with ThreadPoolExecutor(THREADS) as pool:
        return list(zip(scenarios, pool.map(score_through_file, scenarios), strict=True))


def scores(word: str = "") -> dict[str, Score]:
    """Return the score of each instrumentation, over the scenarios with a word in their name."""
    result: dict[str, Score] = defaultdict(Score)
    for scenario, score in scored():
        if word in scenario.name:
            result[scenario.instrumentation].add(score)
    return dict(result)


@pytest.mark.conformance
class TestConformance:
    """Facts right of facts present, over every capture."""

    def test_every_miss_is_known_by_name(self) -> None:
        """Every fact that a capture contains is in ``llm_calls``, but for the listed ones, and these really are not."""
        found = sorted(": ".join(miss.split(": ")[:2]) for score in scores().values() for miss in score.misses)
        assert found == sorted(miss for misses in KNOWN.values() for miss in misses)

    def test_at_least_99_percent_of_the_facts_are_right(self) -> None:
        """Over all instrumentations, 99 % and more; the table shows each."""
        print(table(scores()))  # noqa: T201 - shown by pytest -s
        right = sum(sum(score.right.values()) for score in scores().values())
        present = sum(sum(score.present.values()) for score in scores().values())
        assert present > 10_000
        assert right / present >= 0.99

    def test_every_call_is_one_row(self) -> None:
        """No call is missing or counted twice, whatever the number of its reporters."""
        for name, score in scores().items():
            assert score.right["call_count"] == score.present["call_count"], name

    def test_every_field_is_covered(self) -> None:
        """The captures contain facts of every field that is scored."""
        total = Score()
        for score in scores().values():
            total.add(score)
        assert [name for name in FIELDS if not total.present[name]] == []

    def test_without_content_no_text_is_anywhere_in_the_file(self) -> None:
        """With ``capture_content=False`` no prompt, system text or answer is in any byte of the files."""
        with ThreadPoolExecutor(THREADS) as pool:
            assert [leak for found in pool.map(leaks, load()) for leak in found] == []

    def test_the_readme_shows_this_run(self) -> None:
        """The support table of the documentation is the one that this run gives."""
        assert support_table(scores(), scores(STREAMS)) in PAGE.read_text(encoding="utf-8")
