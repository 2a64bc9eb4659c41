"""What a call cost where its instrumentation does not say: computed by ``genai-prices``, when the extra is installed.

The library is imported where a recorder is made, which is the application's thread, and never without the extra. Not
later by the exporter thread: the library brings an HTTP client of which SDKs ask ``sys.modules`` whether it is loaded,
and they would find one half imported; nor is there time for it in a process that ends after its first call.

It is asked once for each provider, model, day and service tier: what it answers for a few sample counts gives the price
of a token of each class, and a call costs one multiplication for each.
"""

from __future__ import annotations

import importlib.util
import logging
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.calls.rates import Rates, RatesOfModels

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call

_logger = logging.getLogger(__name__)

COMPUTED: Final = "genai-prices"
"""``cost_source`` of a computed cost."""

# Where the library's name for a provider differs from the GenAI semantic conventions'.
_PROVIDER_IDS: Final = {
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "fireworks_ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "together_ai": "together",
    "x_ai": "x-ai",
}
_STANDARD_TIERS: Final = frozenset({"default", "standard", "standard_only", "on_demand"})


class Prices:
    """Look up prices, once the library has proved to be there."""

    def __init__(self) -> None:
        self._rates = _library()

    def complete(self, call: Call, start_time_unix_nano: int) -> None:
        """Set ``cost_usd`` and ``cost_source`` of a model call that reports tokens and no cost.

        An unknown model, provider or service tier leaves them None: no price is not a price of 0.
        """
        if call.cost_usd is not None or call.input_tokens is None:
            return
        if self._rates is None:
            return
        if call.kind == "embedding" or (call.kind == "llm" and call.output_tokens is not None):
            call.cost_usd = _cost(self._rates, call, start_time_unix_nano)
            call.cost_source = COMPUTED if call.cost_usd is not None else None


def _library() -> RatesOfModels | None:
    if importlib.util.find_spec("genai_prices") is None:
        return None
    try:
        return RatesOfModels()
    except Exception as error:  # noqa: BLE001 - a broken installation must not stop the recording
        _logger.warning("genai-prices is installed but can't be used, so no costs are computed: %r", error)
        return None


def _cost(rates_of: RatesOfModels, call: Call, start_time_unix_nano: int) -> float | None:
    provider = _PROVIDER_IDS.get(call.provider, call.provider) if call.provider is not None else None
    tier = call.service_tier
    if tier in _STANDARD_TIERS:
        tier = None
    for model in (call.response_model, call.request_model):
        if model is None:
            continue
        rates = rates_of.at(provider, model, tier, start_time_unix_nano, call.input_tokens or 0)
        cost = _priced(rates, call) if rates is not None else None
        if cost is not None:
            return cost
    return None


def _priced(rates: Rates, call: Call) -> float | None:
    """Return what the counts of a call cost; None where they contradict each other."""
    cached = (call.cache_read_tokens or 0) + (call.cache_write_tokens or 0)
    inputs = call.input_tokens or 0
    if cached > inputs:
        return None
    cost = inputs * rates.input + (call.output_tokens or 0) * rates.output
    if cached:
        cost += (call.cache_read_tokens or 0) * rates.cache_read + (call.cache_write_tokens or 0) * rates.cache_write
    if call.reasoning_tokens:
        cost += call.reasoning_tokens * rates.reasoning
    for name, count in (call.token_classes or {}).items():
        cost += count * rates.classes.get(name, 0.0)
    return cost if cost >= 0 else None
