"""A program run under observation: which spans it made, which of them are recorded, and why the others are not.

``python -m otel_sqlite_exporter.doctor.watch REPORT SCRIPT ARGUMENTS...`` runs the script as ``python SCRIPT`` does
(``-m MODULE`` in its place: the module) and leaves a JSON report: per tracer provider, whether it records, and per
instrumentation scope, what arrived; which files were written; and what is installed that reports calls.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import sys
import urllib.parse
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from otel_sqlite_exporter.doctor.has_content import has_content
from otel_sqlite_exporter.pipeline.span_filter import SpanFilter
from otel_sqlite_exporter.sources.installed import imported_sdks, installed_instrumentations, installed_sdks

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


@dataclass(slots=True)
class Seen:
    """What arrived of one instrumentation scope at one provider."""

    spans: int = 0
    llm: int = 0
    unsampled: int = 0
    evicted: int = 0
    without_content: int = 0
    examples: list[str] = field(default_factory=list)


class _Watch(SpanProcessor):
    """Counts the spans of one provider by their scope."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self.scopes: dict[str, Seen] = {}
        self._filter = SpanFilter(everything=False)

    def on_end(self, span: ReadableSpan) -> None:
        scope = getattr(span.instrumentation_scope, "name", "") or ""
        seen = self.scopes.setdefault(scope, Seen())
        seen.spans += 1
        if span.context is not None and not span.context.trace_flags.sampled:
            seen.unsampled += 1
            return
        if self._filter.is_llm_span(span):
            seen.llm += 1
            seen.evicted += bool(span.dropped_attributes)
            seen.without_content += not has_content(span.attributes or {})
        elif len(seen.examples) < 3 and span.name not in seen.examples:  # noqa: PLR2004 - enough to know them by
            seen.examples.append(span.name)

    @property
    def is_recording(self) -> bool:
        """Whether the provider has a processor or an exporter of ours."""
        group = getattr(self.provider, "_active_span_processor", None)
        return any(_is_ours(processor) for processor in getattr(group, "_span_processors", ()))


def _is_ours(processor: object) -> bool:
    exporter = getattr(processor, "span_exporter", None) or getattr(
        getattr(processor, "_batch_processor", None), "_exporter", None
    )
    return any(type(part).__module__.startswith("otel_sqlite_exporter") and not isinstance(part, _Watch)
               for part in (processor, exporter))  # fmt: skip


_watches: list[_Watch] = []
_files: dict[str, None] = {}
"""The SQLite files that were opened to be written, in their order."""


def _note_file(event: str, arguments: tuple[object, ...]) -> None:
    """Remember what a recorder opens: the one way to know that holds for every way to record, closed ones as well."""
    if event == "sqlite3.connect" and isinstance(arguments[0], (str, bytes)):  # bytes before Python 3.11
        parts = urllib.parse.urlsplit(os.fsdecode(arguments[0]))
        if parts.scheme == "file" and parts.query == "mode=rw":
            _files[urllib.parse.unquote(parts.path)] = None


def _watch_providers() -> None:
    make: Any = TracerProvider.__init__

    def make_and_watch(self: TracerProvider, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own
        make(self, *args, **kwargs)
        _watch(self)

    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):  # the launcher's, made when Python started
        _watch(provider)
    TracerProvider.__init__ = make_and_watch  # type: ignore[method-assign]  # a program of its own may


def _watch(provider: TracerProvider) -> None:
    watch = _Watch(provider)
    _watches.append(watch)
    TracerProvider.add_span_processor(provider, watch)


def _report(path: str) -> None:
    report = {
        "providers": [
            {
                "kind": f"{type(watch.provider).__module__}.{type(watch.provider).__qualname__}",
                "is_recording": watch.is_recording,
                "scopes": {scope: asdict(seen) for scope, seen in watch.scopes.items()},
            }
            for watch in _watches
        ],
        "imported": [sdk.name for sdk in imported_sdks()],
        "reporters": {
            installed.sdk.name: [one.label for one in installed.instrumentations]
            for installed in installed_sdks()
            if installed.instrumentations or installed.reports_itself
        },
        "files": list(_files),
        "active": [one.label for one in installed_instrumentations() if one.is_active],
    }
    Path(path).write_text(json.dumps(report), encoding="utf-8")


def main(report: str, *target: str) -> None:
    """Run the script or module with its arguments, and leave the report."""
    sys.addaudithook(_note_file)
    _watch_providers()
    atexit.register(_report, report)
    if target[0] == "-m":
        sys.argv = list(target[1:])
        sys.path[0] = str(Path.cwd())
        runpy.run_module(target[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(target)
        sys.path[0] = str(Path(target[0]).resolve().parent)
        runpy.run_path(target[0], run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
