"""One trace as a tree, each step with the sums of what is inside of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import Json, as_text, build, json_text, plain
from otel_sqlite_exporter.reading.conditions import TOTAL_TOKENS
from otel_sqlite_exporter.reading.failures import NotFoundError
from otel_sqlite_exporter.reading.markdown_form import trace_markdown
from otel_sqlite_exporter.reading.steps import Span, Step, grow
from otel_sqlite_exporter.reading.traces import find_trace_id, trace_row
from otel_sqlite_exporter.reading.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_sqlite_exporter.reading.connection import ReadConnection
    from otel_sqlite_exporter.reading.rows.traces import Trace

MOST_STEPS: Final = 5000
"""How many steps of a trace are shown; of more, the first ones."""

_STEPS: Final = f"""
SELECT s.id, s.trace_id, s.span_id, s.parent_span_id, s.name, s.kind, s.operation, s.start_time_unix_nano,
  s.end_time_unix_nano, (s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 AS duration_ms, s.status,
  s.error_type, s.status_message, s.provider, coalesce(s.request_model, s.response_model) AS model, s.input_tokens,
  s.output_tokens, {TOTAL_TOKENS} AS total_tokens, s.cost_usd, s.agent_name, s.tool_name, s.duplicate_of
FROM spans s WHERE {{condition}} ORDER BY s.start_time_unix_nano, s.id LIMIT {MOST_STEPS}"""


@dataclass(frozen=True, kw_only=True)
class TraceTree:
    """One trace.

    Args:
        trace: Its sums.
        roots: The steps without a parent in the file, each with those inside of it.
        is_cut: Whether there are more steps than are shown.
    """

    trace: Trace
    roots: tuple[Step, ...]
    is_cut: bool

    def steps(self) -> Iterator[Step]:
        """Return all steps in the order in which they are shown: each before those inside of it."""
        waiting = list(reversed(self.roots))
        while waiting:
            step = waiting.pop()
            yield step
            waiting += reversed(step.children)

    @property
    def start(self) -> int:
        """When the first step starts, in Unix nanoseconds."""
        return min((step.span.start_time_unix_nano for step in self.steps()), default=0)

    @property
    def end(self) -> int:
        """When the last step ends, in Unix nanoseconds."""
        return max((step.span.end_time_unix_nano for step in self.steps()), default=0)

    def dict(self) -> dict[str, Json]:
        """Return the trace as JSON can hold it: the columns of ``traces``, and ``steps`` in the order of the tree."""
        row = plain(self.trace)
        steps: list[Json] = [{"depth": step.depth, **step.dict()} for step in self.steps()]
        return {**(row if isinstance(row, dict) else {}), "is_cut": self.is_cut, "steps": steps}

    def markdown(self) -> str:
        """Return it as Markdown."""
        return trace_markdown(self.trace, self.steps())

    def html(self) -> str:
        """Return it as one self-contained page."""
        from otel_sqlite_exporter.reading.html import page  # noqa: PLC0415 - only where it is asked for

        return page(f"trace {self.trace.trace_id}", self._repr_html_())

    def json(self, *, indent: int | None = None) -> str:
        """Return the trace as JSON text."""
        return json_text(self.dict(), indent=indent)

    def _repr_html_(self) -> str:
        from otel_sqlite_exporter.reading.html import trace_html  # noqa: PLC0415 - only a notebook needs it

        return trace_html(self.trace, list(self.steps()), is_cut=self.is_cut)

    def __repr__(self) -> str:
        return f"<trace {self.trace.trace_id}: {self.trace.name}, {counted(self.trace.spans, 'span')}>"


def trace_tree(connection: ReadConnection, wanted: int | str) -> TraceTree:
    """Return one trace; :meth:`Database.trace` says more."""
    trace_id = find_trace_id(connection, wanted)
    trace = trace_row(connection, trace_id)
    if trace is None:
        row = connection.row(
            "SELECT shown_in_trace_id FROM spans WHERE trace_id = ? AND shown_in_trace_id IS NOT NULL", [trace_id]
        )
        raise NotFoundError(f"all of trace {trace_id} is shown in trace {as_text(row[0]) if row else 'another one'}")
    spans: dict[int, Span] = {}
    for condition in ("s.trace_id = ?", "s.shown_in_trace_id = ?"):
        names, rows = connection.table(_STEPS.format(condition=condition), [trace_id])
        spans.update((span.id, span) for span in (build(Span, names, row) for row in rows))
    ordered = sorted(spans.values(), key=lambda span: (span.start_time_unix_nano, span.id))[:MOST_STEPS]
    return TraceTree(trace=trace, roots=tuple(grow(ordered)), is_cut=len(ordered) < (trace.spans or 0))
