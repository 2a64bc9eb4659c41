"""Calls out of the file as text, one after the other: JSON lines, CSV, fine-tuning lines, Markdown."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.building import json_text
from otel_sqlite_exporter.reading.calls import calls_in_pages
from otel_sqlite_exporter.reading.examples import longest
from otel_sqlite_exporter.reading.failures import FilterError
from otel_sqlite_exporter.reading.markdown_form import call_markdown
from otel_sqlite_exporter.reading.openai_form import fine_tuning_line
from otel_sqlite_exporter.reading.rows.calls import Call
from otel_sqlite_exporter.reading.sequence import Rows
from otel_sqlite_exporter.reading.transcript import call_detail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_sqlite_exporter.reading.connection import ReadConnection
    from otel_sqlite_exporter.reading.filters import Filters
    from otel_sqlite_exporter.reading.transcript import CallDetail

EXPORT_FORMATS: Final = ("jsonl", "csv", "openai", "markdown")
_PAGE: Final = 200


def export(connection: ReadConnection, filters: Filters, form: str, *, every_call: bool = False) -> Iterator[str]:
    """Return one text for each call, oldest first, ready to be written one after the other.

    Args:
        connection: The file.
        filters: Which calls.
        form: ``jsonl`` (the call, its messages, tools and parameters), ``csv`` (the columns of ``llm_calls``, with a
            header before the first), ``openai`` (fine-tuning lines with tools; nothing for a call that has no
            answer, or that a later one sends again as its history) or ``markdown``.
        every_call: Whether ``openai`` has a line for such a call as well.

    Raises:
        FilterError: There is no such form.
    """
    if form not in EXPORT_FORMATS:
        raise FilterError(f"format: {form!r} is none of {', '.join(EXPORT_FORMATS)}")
    if form == "openai" and not every_call:
        return _examples(connection, filters)
    return _csv(connection, filters) if form == "csv" else _each(connection, filters, form)


def _examples(connection: ReadConnection, filters: Filters) -> Iterator[str]:
    chosen = longest(
        call_detail(connection, call.id) for page in calls_in_pages(connection, filters, _PAGE) for call in page
    )
    for call_id in sorted(chosen):
        yield _line(call_detail(connection, call_id))


def _line(detail: CallDetail) -> str:
    line = fine_tuning_line(detail)
    return json_text(line) + "\n" if line is not None else ""


def _each(connection: ReadConnection, filters: Filters, form: str) -> Iterator[str]:
    for page in calls_in_pages(connection, filters, _PAGE):
        for call in page:
            detail = call_detail(connection, call.id)
            if form == "markdown":
                yield call_markdown(call, detail.messages) + "\n---\n\n"
            elif form == "jsonl":
                yield json_text(detail.dict()) + "\n"
            else:
                yield _line(detail)


def _csv(connection: ReadConnection, filters: Filters) -> Iterator[str]:
    columns = Rows(Call, []).columns
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for page in calls_in_pages(connection, filters, _PAGE):
        for row in Rows(Call, page).flat():
            writer.writerow(row)
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    if buffer.getvalue():
        yield buffer.getvalue()
