"""One file of a trace or a call that opens anywhere: no server, no script, nothing loaded."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from otel_sqlite_exporter.reading.shares import cost_shares, running_cost, time_shares
from otel_sqlite_exporter.web.charts import staircase
from otel_sqlite_exporter.web.templating import environment, static_file
from otel_sqlite_exporter.web.transcript import Budget, Group, groups_of
from otel_sqlite_exporter.web.waterfall import waterfall

if TYPE_CHECKING:
    from otel_sqlite_exporter.reading import Database
    from otel_sqlite_exporter.reading.changes import Changes
    from otel_sqlite_exporter.reading.shares import CostShare, TimeShare
    from otel_sqlite_exporter.reading.transcript import CallDetail
    from otel_sqlite_exporter.reading.tree import TraceTree

MOST_DETAILS: Final = 300
"""How many steps of a trace have their messages in the file."""


def trace_file(database: Database, trace_id: int | str) -> str:
    """Return a trace as the text of one HTML file: its tree, and the messages of its steps.

    Args:
        database: The recorded file.
        trace_id: The id or its beginning, the id of a call for its trace, -1 for the last trace.

    Raises:
        ReadingError: There is no such trace, or the file can't be read.
    """
    tree = database.trace(trace_id)
    everything = {step.span.id for step in tree.steps()}
    budget = Budget()
    details = []
    for step in list(tree.steps())[:MOST_DETAILS]:
        if step.span.duplicate_of is None:
            found = _with_groups(database, database.call(step.span.id), budget)
            if found[2] or step.span.is_call or step.span.status == "error":
                details.append(found)
    return _file(
        "trace-file.html",
        shown=shown(tree),
        fall=waterfall(tree, everything),
        details=details,
        linked={detail.call.id for detail, _, _ in details},
    )


def call_file(database: Database, call_id: int | str) -> str:
    """Return a call as the text of one HTML file.

    Args:
        database: The recorded file.
        call_id: ``spans.id``; -1 for the last call.

    Raises:
        ReadingError: There is no such call, or the file can't be read.
    """
    detail, changes, groups = _with_groups(database, database.call(call_id), Budget())
    return _file("call-file.html", detail=detail, call=detail.call, changes=changes, groups=groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTrace:
    """What a trace's page and its file both show beside the steps.

    Args:
        tree: The trace.
        time_shares: Where the time went.
        cost_shares: Where the money went.
        cost_path: The running sum of cost as a path, None where no cost is known.
    """

    tree: TraceTree
    time_shares: list[TimeShare]
    cost_shares: list[CostShare]
    cost_path: str | None


def shown(tree: TraceTree) -> ShownTrace:
    """Return what a trace's page and its file both show beside the steps."""
    length = max(tree.end - tree.start, 1)
    costs = running_cost(tree)
    total = costs[-1][1] if costs else 0.0
    points = [((end - tree.start) / length, so_far / total) for end, so_far in costs] if total else []
    return ShownTrace(
        tree=tree,
        time_shares=time_shares(tree),
        cost_shares=cost_shares(tree),
        cost_path=staircase(points) if points else None,
    )


def _with_groups(database: Database, detail: CallDetail, budget: Budget) -> tuple[CallDetail, Changes, list[Group]]:
    changes = database.changes(detail.call.id)
    return detail, changes, groups_of(detail.messages, changes.kept, budget)


def _file(template: str, **values: object) -> str:
    style = static_file("app.css")[0].decode()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        environment()
        .get_template(template)
        .render(
            # The style sheet is this package's own; its digest is all that the file's policy lets through.
            style=Markup(style),  # noqa: S704
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
            **values,
        )
    )
