"""What a call cost where its instrumentation does not say: computed by ``genai-prices``, when the extra is installed.

The library is imported where a recorder is made, which is the application's thread, and never without the extra. Not
later by the exporter thread: the library brings an HTTP client of which SDKs ask ``sys.modules`` whether it is loaded,
and they would find one half imported; nor is there time for it in a process that ends after its first call.
"""

from __future__ import annotations

import importlib.util
import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_sqlite_exporter.conventions.call import Call

_logger = logging.getLogger(__name__)

COMPUTED: Final = "genai-prices"
"""``cost_source`` of a computed cost."""

# Where the library's name for a provider differs from the GenAI semantic conventions'.
_PROVIDER_IDS: Final = {
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
}


class Prices:
    """Look up prices, once the library has proved to be there."""

    def __init__(self) -> None:
        self._calculate = _calculator()

    def complete(self, call: Call, start_time_unix_nano: int) -> None:
        """Set ``cost_usd`` and ``cost_source`` of a model call that reports tokens and no cost.

        An unknown model or provider leaves them None: no price is not a price of 0.
        """
        if call.cost_usd is not None or call.input_tokens is None:
            return
        if self._calculate is None:
            return
        if call.kind == "embedding" or (call.kind == "llm" and call.output_tokens is not None):
            call.cost_usd = self._calculate(call, start_time_unix_nano)
            call.cost_source = COMPUTED if call.cost_usd is not None else None


def _calculator() -> Callable[[Call, int], float | None] | None:
    if importlib.util.find_spec("genai_prices") is None:
        return None
    try:
        from genai_prices import Usage, calc_price  # noqa: PLC0415 - an extra
    except Exception as error:  # noqa: BLE001 - a broken installation must not stop the recording
        _logger.warning("genai-prices is installed but can't be used, so no costs are computed: %r", error)
        return None

    def calculate(call: Call, start_time_unix_nano: int) -> float | None:
        provider = _PROVIDER_IDS.get(call.provider, call.provider) if call.provider is not None else None
        try:
            when = datetime.fromtimestamp(start_time_unix_nano / 1e9, tz=timezone.utc)
        except (OSError, OverflowError, ValueError):  # no year of the calendar's, so no price of that year's
            return None
        for model in (call.response_model, call.request_model):
            if model is None:
                continue
            try:
                usage = Usage(
                    input_tokens=call.input_tokens,
                    output_tokens=call.output_tokens or 0,
                    cache_read_tokens=call.cache_read_tokens,
                    cache_write_tokens=call.cache_write_tokens,
                )
                return float(calc_price(usage, model, provider_id=provider, genai_request_timestamp=when).total_price)
            except Exception:  # noqa: BLE001, S112 - an unknown model, or counts that the library refuses
                continue
        return None

    return calculate
