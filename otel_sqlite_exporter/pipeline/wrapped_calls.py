"""What a span around exactly one model call knows and the call does not: the rest of the call's row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.amendments import Amendment
from otel_sqlite_exporter.database.completion import FACT_COLUMNS
from otel_sqlite_exporter.database.rows import DIRECTION
from otel_sqlite_exporter.database.schema import USAGE_SUMS
from otel_sqlite_exporter.ids import span_key_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_sqlite_exporter.calls.descent import Relative
    from otel_sqlite_exporter.calls.duplicates import RecentCalls
    from otel_sqlite_exporter.conventions.call import Call
    from otel_sqlite_exporter.database.rows import MessageLink, SpanRecord

_COUNTS: Final = frozenset(column for column in USAGE_SUMS if column in FACT_COLUMNS) | {"cost_source"}
_REASON: Final = frozenset({"finish_reasons"})
_SENT: Final = ("system", "input")


def completion_of_wrapped(recent: RecentCalls, wrapper: Relative, call: Call, record: SpanRecord) -> Amendment | None:
    """Return what a span that is no model call adds to the only call inside it, None where that is nothing.

    Token counts and the reason of its end, where none of the call's reports has them, and what was sent, where the call
    failed before anything was said about it: frameworks note a question on the agent's span before they ask the model.

    Args:
        recent: The recent calls.
        wrapper: The span.
        call: What it says.
        record: Its row.
    """
    has_counts = bool(call.input_tokens or call.output_tokens)
    has_reason = call.finish_reasons is not None and len(call.finish_reasons) == 1
    has_question = call.status == "error" and bool(call.input)
    if not (has_counts or has_reason or has_question):
        return None
    inside = recent.descent.only_call_inside(wrapper)
    found = recent.reports_of(inside.key) if inside is not None else None
    if found is None:
        return None
    key, reports = found
    columns: frozenset[str] = frozenset()
    messages: Sequence[MessageLink] = ()
    if has_counts and not any(report.has_counts for report in reports):
        columns |= _COUNTS
    if has_reason and not any(report.has_reason or report.is_failed for report in reports):
        columns |= _REASON
    if has_question and all(report.is_failed and report.prompt is None for report in reports):
        messages = [link for link in record.messages if link[DIRECTION] in _SENT]
    if not columns and not messages:
        return None
    facts = [fact if column in columns else None for column, fact in zip(FACT_COLUMNS, record.facts, strict=True)]
    return Amendment(span_key_text(key), tuple(facts), messages)
