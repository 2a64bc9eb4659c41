"""Streams of which two spans tell: the request that opened one, and a span of zero length with what it brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_sqlite_exporter.calls.report import is_tail, joined_with_tail
from otel_sqlite_exporter.calls.shelf import Shelf

if TYPE_CHECKING:
    from otel_sqlite_exporter.calls.report import CallReport
    from otel_sqlite_exporter.calls.report_keys import Key
    from otel_sqlite_exporter.calls.report_node import Node


class StreamTails:
    """Requests without an answer, and answers without a request."""

    def __init__(self) -> None:
        self._requests = Shelf()
        self._tails = Shelf()

    def note(self, node: Node) -> None:
        """Remember a report that may be half of one."""
        report = node.own
        if report.start == report.end:
            self._tails.add(node, _keys(report, report.parent_span_id))
        elif not (report.has_output or report.output_tokens or report.is_failed or report.kind == "embedding"):
            keys = _keys(report, report.parent_span_id) + _keys(report, report.key[1])
            self._requests.add(node, tuple(dict.fromkeys(keys)))

    def request_of(self, tail: Node) -> Node | None:
        """Return the request whose stream a report of zero length concludes."""
        key, told = _keys(tail.own, tail.own.parent_span_id)
        found = [*self._requests.until(told, tail.own.start), *self._requests.until(key, tail.own.start)]
        fits = [node for node in found if is_tail(node.report, tail.own) and node.root is not tail]
        return max(fits, key=lambda node: (node.report.prompt == tail.own.prompt, node.order), default=None)

    def tail_of(self, request: Node) -> Node | None:
        """Return what concludes the stream that a request opened."""
        if request not in self._requests:
            return None
        found = [
            node
            for parent in (request.own.parent_span_id, request.own.key[1])
            for key in _keys(request.own, parent)
            for node in self._tails.since(key, request.own.end)
        ]
        fits = [node for node in found if is_tail(request.report, node.own) and node.root is not request]
        return min(fits, key=lambda node: (node.own.prompt != request.own.prompt, node.order), default=None)

    def join(self, request: Node, tail: Node) -> None:
        """Take two halves for one report."""
        request.report = joined_with_tail(request.report, tail.own)
        self._requests.remove(request)
        self._tails.remove(tail)

    def forget(self, node: Node) -> None:
        """Forget a report."""
        self._requests.remove(node)
        self._tails.remove(node)


def _keys(report: CallReport, parent_span_id: int | None) -> tuple[Key, Key]:
    """Return where a request and its tail meet: wherever they are in one trace, and with one prompt."""
    trace_id = report.key[0] if parent_span_id is not None else None
    place = (report.scope_name, trace_id, parent_span_id)
    return (place, (*place, report.prompt))
