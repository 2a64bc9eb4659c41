"""What each call adds to the table ``usage``, the triggers that keep its sums, and the view that shows them."""

from __future__ import annotations

from typing import Final

IS_CALL: Final = "kind IN ('llm', 'embedding') AND duplicate_of IS NULL"
"""Which rows of ``spans`` are model calls that count."""

IS_CALL_OF_S: Final = "s.kind IN ('llm', 'embedding') AND s.duplicate_of IS NULL"
"""The same where ``spans`` is called ``s``."""

TOTAL_OF_S: Final = "coalesce(s.input_tokens + s.output_tokens, s.total_tokens, s.input_tokens, s.output_tokens)"
"""All tokens of a call: what was reported, else the sum of what is known."""

MEASURES: Final = ("input", "output", "total", "cache_read", "cache_write", "reasoning")
"""The token counts that ``usage`` sums, as ``<measure>_tokens``."""

USAGE_SUMS: Final = (
    "calls",
    "errors",
    *(column for measure in MEASURES for column in (f"{measure}_tokens", f"{measure}_reports")),
    "cost_usd",
    "cost_reports",
)

_USAGE_KEY: Final = ("day", "provider", "model")
_USAGE_COLUMNS: Final = ", ".join((*_USAGE_KEY, *USAGE_SUMS))

# What a call's row in `usage` depends on.
_USAGE_SOURCES: Final = (
    "start_time_unix_nano, kind, status, provider, request_model, response_model, input_tokens, output_tokens, "
    "total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, duplicate_of"
)


_MEASURE_SUMS: Final = "".join(
    f"  CAST(CASE WHEN {measure}_reports > 0 THEN {measure}_tokens END AS INTEGER) AS {measure}_tokens,"
    "  -- Sum over the calls that reported it; NULL where none did.\n"
    for measure in MEASURES
)

_USAGE_BY_MODEL: Final = f"""
-- One row per day (UTC), provider and model.
CREATE VIEW usage_by_model AS
SELECT
  CAST(date(day * 86400, 'unixepoch') AS TEXT) AS day,  -- The day, by UTC. 2026-11-26
  CAST(nullif(provider, '') AS TEXT) AS provider,  -- Canonical name. openai
  CAST(nullif(model, '') AS TEXT) AS model,  -- The model that was asked for, else the one that answered. gpt-5.4
  calls AS calls,  -- Model calls.
  errors AS errors,  -- Those that failed.
{_MEASURE_SUMS}  CAST(CASE WHEN cost_reports > 0 THEN cost_usd END AS REAL) AS cost_usd  -- Sum, in US dollars; NULL where no cost is known.
FROM usage;
"""

_MEASURES_OF_A_CALL: Final = "".join(
    f"  coalesce({value}, 0) AS {measure}_tokens,  -- 0 where not reported.\n"
    f"  {value} IS NOT NULL AS {measure}_reports,  -- 1 where reported.\n"
    for measure, value in (
        (measure, TOTAL_OF_S if measure == "total" else f"s.{measure}_tokens") for measure in MEASURES
    )
)

_SPAN_USAGE: Final = f"""
-- What each call adds to `usage`: how the sums are defined.
CREATE VIEW span_usage AS
SELECT
  s.id AS id,  -- spans.id.
  s.start_time_unix_nano / 86400000000000 AS day,  -- Days since 1970-01-01.
  CAST(coalesce(s.provider, '') AS TEXT) AS provider,  -- '' for none.
  CAST(coalesce(s.request_model, s.response_model, '') AS TEXT) AS model,  -- '' for none.
  1 AS calls,  -- One.
  s.status = 'error' AS errors,  -- 1 where it failed.
{_MEASURES_OF_A_CALL}  coalesce(s.cost_usd, 0.0) AS cost_usd,  -- 0 where not known.
  s.cost_usd IS NOT NULL AS cost_reports  -- 1 where known.
FROM spans s
WHERE {IS_CALL_OF_S};
"""


def _changed(sign: int, row: str) -> str:
    sums = ", ".join(f"{column} * {sign}" for column in USAGE_SUMS)
    return f"""
  INSERT INTO usage_changes ({_USAGE_COLUMNS})
    SELECT {", ".join(_USAGE_KEY)}, {sums} FROM span_usage WHERE id = {row}.id;"""


_USAGE_TRIGGERS: Final = f"""
-- Rows inserted here are added to `usage`.
CREATE VIEW usage_changes AS SELECT {_USAGE_COLUMNS} FROM span_usage;

CREATE TRIGGER usage_changes_apply INSTEAD OF INSERT ON usage_changes BEGIN
  INSERT INTO usage ({_USAGE_COLUMNS})
    VALUES ({", ".join(f"NEW.{column}" for column in (*_USAGE_KEY, *USAGE_SUMS))})
    ON CONFLICT (day, provider, model) DO UPDATE SET
      {", ".join(f"{column} = {column} + excluded.{column}" for column in USAGE_SUMS)};
  DELETE FROM usage WHERE day = NEW.day AND provider = NEW.provider AND model = NEW.model AND calls = 0;
END;

CREATE TRIGGER usage_before_delete BEFORE DELETE ON spans BEGIN{_changed(-1, "OLD")}
END;

CREATE TRIGGER usage_before_update BEFORE UPDATE OF {_USAGE_SOURCES} ON spans BEGIN{_changed(-1, "OLD")}
END;

CREATE TRIGGER usage_after_update AFTER UPDATE OF {_USAGE_SOURCES} ON spans BEGIN{_changed(1, "NEW")}
END;
"""

USAGE_VIEWS: Final = _USAGE_BY_MODEL + _SPAN_USAGE + _USAGE_TRIGGERS
