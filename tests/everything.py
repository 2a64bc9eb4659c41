"""One file with every capture of tests/data, for whoever reads files.

Written by ``python -m tests.everything PATH``, so that a reader may be of another process, library or version.
"""

from __future__ import annotations

import sys
from pathlib import Path

from otel_sqlite_exporter import SQLiteSpanProcessor
from tests.conformance.corpus import DATA, load
from tests.conformance.through_file import emit

TABLES = (
    "file",
    "recorders",
    "resources",
    "scopes",
    "spans",
    "messages",
    "span_messages",
    "span_changes",
    "outboxes",
    "usage",
)
VIEWS = (
    "llm_calls",
    "call_messages",
    "tool_calls",
    "errors",
    "traces",
    "conversations",
    "usage_by_model",
    "span_usage",
)


def write(path: Path) -> None:
    """Record every capture, one after the other."""
    processor = SQLiteSpanProcessor(path)
    for scenario in load(DATA):
        emit(scenario, processor)
        processor.force_flush()
    processor.shutdown()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
