"""Costs: reported ones are believed, others computed when the library is there, and never made up."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.calls.cost import Prices
from otel_sqlite_exporter.conventions.call import Call

PRICES = Prices()
NOW = 1_767_225_600_000_000_000


def test_the_library_is_imported_where_a_recorder_is_made(tmp_path: Path) -> None:
    """Importing the package leaves ``genai_prices`` alone; a processor has imported it, if it is there, when made.

    The exporter thread imported it at the first call, and the application's next call failed: the OpenAI SDK looked
    into ``sys.modules`` for the HTTP client that was half imported there.
    """
    script = (
        "import sys, importlib.util\n"
        "from otel_sqlite_exporter import SQLiteSpanProcessor\n"
        "assert 'genai_prices' not in sys.modules\n"
        "SQLiteSpanProcessor(sys.argv[1])\n"
        "assert ('genai_prices' in sys.modules) is (importlib.util.find_spec('genai_prices') is not None)\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "traces.db"], check=True)


def test_a_reported_cost_is_believed() -> None:
    """A cost that the instrumentation reported is left as it is."""
    call = Call(kind="llm", provider="openai", request_model="gpt-4o", input_tokens=9, output_tokens=9, cost_usd=0.25)
    Prices().complete(call, NOW)
    assert call.cost_usd == 0.25


class TestWithTheLibrary:
    """What ``genai-prices`` computes."""

    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("genai_prices", reason="the cost extra is not installed here; tox -e live has it")

    def test_cached_tokens_are_priced_as_cached(self) -> None:
        """Cached input costs less than the same number of fresh tokens."""
        fresh = Call(kind="llm", provider="openai", response_model="gpt-4o", input_tokens=1000, output_tokens=100)
        cached = Call(
            kind="llm",
            provider="openai",
            response_model="gpt-4o",
            input_tokens=1000,
            output_tokens=100,
            cache_read_tokens=900,
        )
        prices = Prices()
        prices.complete(fresh, NOW)
        prices.complete(cached, NOW)
        assert fresh.cost_usd is not None
        assert cached.cost_usd is not None
        assert 0 < cached.cost_usd < fresh.cost_usd
        assert fresh.cost_source == cached.cost_source == "genai-prices"

    @pytest.mark.parametrize(
        ("provider", "model"),
        [
            ("anthropic", "claude-sonnet-4-5"),
            ("aws.bedrock", "anthropic.claude-3-5-sonnet-20240620-v1:0"),
            ("azure.ai.openai", "gpt-4o"),
            ("gcp.gemini", "gemini-2.0-flash"),
            ("mistral_ai", "mistral-large-latest"),
            ("x_ai", "grok-3"),
        ],
    )
    def test_the_conventions_provider_names_are_known(self, provider: str, model: str) -> None:
        """Every canonical provider name finds the library's provider, whatever it is called there."""
        call = Call(kind="llm", provider=provider, response_model=model, input_tokens=1000, output_tokens=100)
        Prices().complete(call, NOW)
        assert call.cost_usd is not None
        assert call.cost_usd > 0

    @pytest.mark.parametrize(
        "call",
        [
            Call(kind="llm", provider="openai", response_model="no-such-model", input_tokens=1, output_tokens=1),
            Call(kind="llm", provider="ollama", response_model="llama3", input_tokens=1, output_tokens=1),
            Call(kind="llm", provider="openai", response_model="gpt-4o", input_tokens=1),
            Call(kind="agent", provider="openai", response_model="gpt-4o", input_tokens=1, output_tokens=1),
        ],
        ids=["unknown model", "local provider", "stream broken off", "sum over an agent"],
    )
    def test_what_has_no_price_costs_null(self, call: Call) -> None:
        """An unknown model, a local provider, a half-known usage and an agent's sum have no cost, rather than 0."""
        Prices().complete(call, NOW)
        assert call.cost_usd is None
        assert call.cost_source is None

    @given(
        fresh=st.integers(0, 100_000),
        read=st.integers(0, 100_000),
        short=st.integers(0, 100_000),
        hour=st.integers(0, 100_000),
        output=st.integers(1, 50_000),
    )
    def test_each_class_of_tokens_is_worth_its_own_price(
        self, fresh: int, read: int, short: int, hour: int, output: int
    ) -> None:
        """Fresh, read from the cache, written for five minutes or for an hour: each token is paid for once."""
        call = Call(
            kind="llm",
            provider="anthropic",
            response_model="claude-haiku-4-5",
            input_tokens=fresh + read + short + hour,
            output_tokens=output,
            cache_read_tokens=read,
            cache_write_tokens=short + hour,
            token_classes={"cache_write_1h_tokens": hour} if hour else None,
        )
        PRICES.complete(call, NOW)
        genai_prices = pytest.importorskip("genai_prices")
        price = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=fresh + read + short + hour,
                output_tokens=output,
                cache_read_tokens=read,
                cache_write_tokens=short + hour,
                cache_write_1h_tokens=hour,
            ),
            "claude-haiku-4-5",
            provider_id="anthropic",
        )
        assert call.cost_usd == pytest.approx(float(price.total_price))

    @pytest.mark.parametrize("tier", ["flex", "priority", "batch", "scale", "one-of-next-year"])
    def test_a_tier_is_worth_its_own_price_or_none(self, tier: str) -> None:
        """What another service tier costs is never told by the standard price."""
        costs = []
        for served in (None, tier):
            call = Call(kind="llm", provider="openai", response_model="gpt-5.4-mini", service_tier=served,
                        input_tokens=1000, output_tokens=100)  # fmt: skip
            Prices().complete(call, NOW)
            costs.append(call.cost_usd)
        assert costs[0]
        assert costs[1] != costs[0]

    @pytest.mark.parametrize("start", [1_795_000_000_000_000_000_000, 1 << 100, -(1 << 70)])
    def test_a_call_at_no_possible_time_is_stored_without_a_cost(self, tmp_path: Path, start: int) -> None:
        """A start in the year 58866 is worth no price, and costs no row."""
        exporter = SQLiteSpanExporter(tmp_path / "traces.db")
        attributes: dict[str, str | int] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.response.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 9,
            "gen_ai.usage.output_tokens": 9,
        }
        context = SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(1))
        span = ReadableSpan("chat", context, attributes=attributes, start_time=start, end_time=start)
        exporter.export([span])
        exporter.shutdown()
        with contextlib.closing(sqlite3.connect(tmp_path / "traces.db")) as connection:
            assert connection.execute("SELECT input_tokens, cost_usd FROM spans").fetchall() == [(9, None)]
