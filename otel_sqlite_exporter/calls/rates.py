"""The price of one token of each class, taken from the price list by sample counts and remembered."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DAY: Final = 86_400_000_000_000
_HALF_HOUR: Final = 1_800_000_000_000
_REMEMBERED: Final = 4096
_SAMPLE: Final = 100_000

CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "cache_read": ("cache_read_tokens",),
    "cache_write": ("cache_write_tokens",),
    "reasoning": ("output_reasoning_tokens",),
    "audio_input_tokens": ("input_audio_tokens",),
    "audio_output_tokens": ("output_audio_tokens",),
    "audio_cache_read_tokens": ("input_audio_tokens", "cache_read_tokens", "cache_audio_read_tokens"),
    "cache_write_1h_tokens": ("cache_write_tokens", "cache_write_1h_tokens"),
    "tool_input_tokens": ("input_tool_tokens",),
}
"""For each class of tokens the library's names for it and for what it is a part of."""

_PARTS_OF: Final = {
    "audio_cache_read_tokens": ("audio_input_tokens", "cache_read"),
    "cache_write_1h_tokens": ("cache_write",),
}


@dataclass(slots=True)
class Rates:
    """Prices in US dollars: of a token of input and output, and how much more one of a class within these costs."""

    input: float
    output: float
    cache_read: float = 0.0
    cache_write: float = 0.0
    reasoning: float = 0.0
    classes: dict[str, float] = field(default_factory=dict)


class RatesOfModels:
    """Rates by provider, model, day, service tier and the size of the input where the list has prices by size.

    Raises:
        ImportError: The library is broken.
    """

    def __init__(self) -> None:
        from genai_prices import Usage, calc_price  # noqa: PLC0415 - only a recorder that computes costs imports it

        self._usage: Callable[..., Any] = Usage
        self._calc_price: Callable[..., Any] = calc_price
        self._known: OrderedDict[tuple[object, ...], tuple[tuple[int, ...], dict[int, Rates]] | None] = OrderedDict()

    def at(self, provider: str | None, model: str, tier: str | None, moment: int, inputs: int) -> Rates | None:
        """Return the rates of a model, None where the list has none.

        Args:
            provider: The library's id of the provider, None to go by the model.
            model: The model's name.
            tier: A service tier other than the standard one.
            moment: When it was called, in Unix nanoseconds.
            inputs: The input tokens, by which some prices are graded.
        """
        # Prices by the time of day change at full or half hours.
        key = (provider, model, tier, moment // _HALF_HOUR if provider == "deepseek" else moment // _DAY)
        try:
            grades, rates = self._known[key] or ((), None)
        except KeyError:
            found = self._look_up(provider, model, tier, moment)
            self._known[key] = found
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
            grades, rates = found or ((), None)
        if rates is None:
            return None
        grade = 0
        for start in grades:
            if inputs > start:
                grade = start
        return rates[grade]

    def _look_up(
        self, provider: str | None, model: str, tier: str | None, moment: int
    ) -> tuple[tuple[int, ...], dict[int, Rates]] | None:
        try:
            when = datetime.fromtimestamp(moment / 1e9, tz=timezone.utc)
            asked = {"provider_id": provider, "genai_request_timestamp": when}
            standard = self._calc_price(self._usage(input_tokens=1, output_tokens=0), model, **asked).model_price
            price = standard if tier is None else self._price_of_tier(model, asked, tier, standard)
            if price is None:
                return None
            grades = _grades(price)
            return grades, {grade: self._rates(price, grade) for grade in (0, *grades)}
        except Exception:  # noqa: BLE001 - an unknown model or provider, or a year that has no prices
            return None

    def _price_of_tier(self, model: str, asked: Mapping[str, Any], tier: str, standard: object) -> Any:  # noqa: ANN401
        """Return the prices of a service tier; None where the list does not tell it from the standard one."""
        context = {"processing": "batch"} if tier == "batch" else {"service_tier": tier}
        usage = self._usage(input_tokens=1, output_tokens=0)
        price = self._calc_price(usage, model, price_context=context, **asked).model_price
        return None if price == standard else price

    def _rates(self, price: Any, grade: int) -> Rates:  # noqa: ANN401 - the library's class
        sample = grade + _SAMPLE if grade else _smallest(price)

        def cost(**counts: int) -> float:
            return float(
                price.calc_price(self._usage(**{"input_tokens": sample, "output_tokens": sample, **counts}))[
                    "total_price"
                ]
            )

        whole = cost()
        inputs = cost(output_tokens=0)
        rates = Rates(inputs / sample, (whole - inputs) / sample)
        more: dict[str, float] = {}
        for name, counts in CLASSES.items():
            try:
                costs = cost(**dict.fromkeys(counts, sample))
            except Exception:  # noqa: BLE001, S112 - an older library, which does not know the class
                continue
            more[name] = (costs - whole) / sample - sum(more.get(part, 0.0) for part in _PARTS_OF.get(name, ()))
        rates.cache_read = more.pop("cache_read", 0.0)
        rates.cache_write = more.pop("cache_write", 0.0)
        rates.reasoning = more.pop("reasoning", 0.0)
        rates.classes = more
        return rates


def _grades(price: Any) -> tuple[int, ...]:  # noqa: ANN401 - the library's class
    """Return the input sizes from which another price holds."""
    tiers = [tier for value in vars(price).values() for tier in getattr(value, "tiers", ())]
    return tuple(sorted({int(tier.start) for tier in tiers}))


def _smallest(price: Any) -> int:  # noqa: ANN401 - the library's class
    """Return a number of input tokens below the first grade."""
    return min((_SAMPLE, *_grades(price)))
