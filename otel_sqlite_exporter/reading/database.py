"""A recorded file, and every question that can be asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_sqlite_exporter.config import resolve_path
from otel_sqlite_exporter.reading.connection import ReadConnection
from otel_sqlite_exporter.reading.failures import FileRefusedError
from otel_sqlite_exporter.reading.filters import Filters, FilterValues
from otel_sqlite_exporter.reading.limits import BUSY_SECONDS, MOST_NAMES, MOST_ROWS, QUESTION_SECONDS

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from otel_sqlite_exporter.reading.changes import Changes, Comparison
    from otel_sqlite_exporter.reading.connection import Value
    from otel_sqlite_exporter.reading.conversations import Chat
    from otel_sqlite_exporter.reading.distribution import Bucket
    from otel_sqlite_exporter.reading.neighbours import Neighbours
    from otel_sqlite_exporter.reading.rows.calls import Call, Message
    from otel_sqlite_exporter.reading.rows.errors import Failure, FailureSummary
    from otel_sqlite_exporter.reading.rows.hits import Hit
    from otel_sqlite_exporter.reading.rows.sums import Latency, Usage
    from otel_sqlite_exporter.reading.rows.tools import ToolCall, ToolSummary
    from otel_sqlite_exporter.reading.rows.traces import Conversation, Trace
    from otel_sqlite_exporter.reading.sequence import Rows, Table
    from otel_sqlite_exporter.reading.status import Status
    from otel_sqlite_exporter.reading.transcript import CallDetail
    from otel_sqlite_exporter.reading.tree import TraceTree


def open_database(
    path: str | os.PathLike[str] | None = None,
    *,
    seconds: float | None = QUESTION_SECONDS,
    search_seconds: float | None = None,
    busy_seconds: float = BUSY_SECONDS,
) -> Database:
    """Open a recorded file for reading, beside whatever records into it.

    Args:
        path: The file; else ``OTEL_EXPORTER_SQLITE_PATH``, else ``llm_traces.db`` in the working directory.
        seconds: How long one question may take; None for as long as it takes.
        search_seconds: How long one question may look into texts (``text``, ``tool``, :meth:`Database.search`), in CPU
            time; by default 0.1, and with ``since="all"`` as long as a question may take. An answer whose search was
            over before its end says so: :attr:`Rows.is_partial`, and its note.
        busy_seconds: How long to wait for a lock.

    Raises:
        FileRefusedError: There is no such file, or it is not one of ours.
    """
    resolved = path_of(path)
    return Database(ReadConnection(resolved, seconds=seconds, search_seconds=search_seconds, busy_seconds=busy_seconds))


def path_of(path: str | os.PathLike[str] | None) -> str:
    """Return the absolute path of the file that is meant, which need not be there.

    Args:
        path: As for :func:`open_database`.

    Raises:
        FileRefusedError: No file can be meant by it: it is empty, or a directory.
    """
    try:
        return resolve_path(path)
    except ValueError as error:
        raise FileRefusedError(str(error)) from None


class Database:
    """A recorded file, open for reading in the thread that opened it. A context manager.

    Every question that takes filters takes them as :class:`Filters`, by name, or both:
    ``database.calls(model="gpt-*", since="2h")``. A question about all of a file of more than 100,000 spans is about
    its last seven days, and about its newest 100,000 spans where those are fewer, unless ``since`` says otherwise
    (``since="all"``); the answer's ``note`` tells.

    All questions raise :class:`ReadingError` and its kinds, with one line that says what to do.

    Args:
        connection: The open file; :func:`open_database` makes it.
    """

    def __init__(self, connection: ReadConnection) -> None:
        self._connection = connection

    @property
    def path(self) -> str:
        """The path that was opened."""
        return self._connection.path

    def calls(
        self,
        filters: Filters | None = None,
        *,
        limit: int | None = 100,
        sort: str = "time",
        before: int | None = None,
        **named: Unpack[FilterValues],
    ) -> Rows[Call]:
        """Return LLM and embedding calls, newest or largest first.

        Args:
            filters: Which ones.
            limit: How many; None for all.
            sort: ``time``, ``cost``, ``duration`` or ``tokens``.
            before: Go on after the call of this id: the last one of the page before.
            **named: Filters by name.
        """
        from otel_sqlite_exporter.reading.calls import list_calls

        return list_calls(self._connection, _combined(filters, named), limit=limit, sort=sort, before=before)

    def all_calls(
        self, filters: Filters | None = None, *, page: int = 200, **named: Unpack[FilterValues]
    ) -> Iterator[list[Call]]:
        """Return all calls, oldest first, in pages; the file is not held between two of them."""
        from otel_sqlite_exporter.reading.calls import calls_in_pages

        return calls_in_pages(self._connection, _combined(filters, named), page)

    def count_calls(self, filters: Filters | None = None, **named: Unpack[FilterValues]) -> int:
        """Return how many calls there are."""
        from otel_sqlite_exporter.reading.calls import count_calls

        return count_calls(self._connection, _combined(filters, named))

    def calls_after(self, last_id: int, filters: Filters | None = None, **named: Unpack[FilterValues]) -> Rows[Call]:
        """Return the calls that were written after a span (see :meth:`last_id`), in the order of their writing."""
        from otel_sqlite_exporter.reading.calls import calls_after

        return calls_after(self._connection, _combined(filters, named), last_id)

    def export(
        self,
        form: str,
        filters: Filters | None = None,
        *,
        every_call: bool = False,
        **named: Unpack[FilterValues],
    ) -> Iterator[str]:
        """Return one text for each call, oldest first, ready to be written one after the other.

        Args:
            form: ``jsonl``, ``csv``, ``openai`` (fine-tuning lines: whole conversations, each once) or ``markdown``.
            filters: Which calls.
            every_call: Whether ``openai`` has a line also for a call that a later one sends again as its history.
            **named: Filters by name.
        """
        from otel_sqlite_exporter.reading.exporting import export

        return export(self._connection, _combined(filters, named), form, every_call=every_call)

    def last_id(self) -> int:
        """Return the id of the span that was written last; it tells cheaply whether there is anything new."""
        from otel_sqlite_exporter.reading.calls import last_id

        return last_id(self._connection)

    def call(self, call_id: int | str) -> CallDetail:
        """Return one call, or another step, with all that is known about it.

        Args:
            call_id: ``spans.id``; -1 for the last call, -2 for the one before.
        """
        from otel_sqlite_exporter.reading.transcript import call_detail

        return call_detail(self._connection, call_id)

    def messages(self, call_id: int | str, *, limit: int | None = None) -> Rows[Message]:
        """Return a call's messages in reading order: system, input, output.

        Args:
            call_id: As of :meth:`call`.
            limit: How many of each direction, the last ones; None for all.
        """
        from otel_sqlite_exporter.reading.calls import find_call_id
        from otel_sqlite_exporter.reading.transcript import messages_of

        return messages_of(self._connection, find_call_id(self._connection, call_id), limit=limit)

    def changes(self, call_id: int | str) -> Changes:
        """Return what is new in a call's prompt against the previous call of its conversation, agent or trace."""
        from otel_sqlite_exporter.reading.changes import changes_of

        return changes_of(self._connection, call_id)

    def compare(self, left: int | str, right: int | str) -> Comparison:
        """Return two calls side by side."""
        from otel_sqlite_exporter.reading.changes import compare

        return compare(self.call(left), self.call(right))

    def traces(
        self,
        filters: Filters | None = None,
        *,
        limit: int = 50,
        sort: str = "time",
        before: str | None = None,
        **named: Unpack[FilterValues],
    ) -> Rows[Trace]:
        """Return the traces with a step that is wanted, those with the newest steps first, or the largest.

        Args:
            filters: Which ones.
            limit: How many.
            sort: ``time``, ``cost``, ``duration``, ``tokens`` or ``started``. But for ``time``, a question without
                ``since`` about a file of more than 50,000 spans is about these at most.
            before: Go on after this trace id: the last one of the page before.
            **named: Filters by name.
        """
        from otel_sqlite_exporter.reading.traces import list_traces

        return list_traces(self._connection, _combined(filters, named), limit=limit, sort=sort, before=before)

    def trace(self, trace_id: int | str) -> TraceTree:
        """Return one trace as a tree, each step with the sums of what is inside of it.

        Args:
            trace_id: The id or its beginning, the id of a call for its trace, -1 for the last trace.
        """
        from otel_sqlite_exporter.reading.tree import trace_tree

        return trace_tree(self._connection, trace_id)

    def conversations(
        self,
        filters: Filters | None = None,
        *,
        limit: int = 50,
        before: str | None = None,
        **named: Unpack[FilterValues],
    ) -> Rows[Conversation]:
        """Return the conversations with a step that is wanted, those that were written to last first.

        Args:
            filters: Which ones.
            limit: How many.
            before: Go on after this conversation: the last one of the page before.
            **named: Filters by name.
        """
        from otel_sqlite_exporter.reading.conversations import list_conversations

        return list_conversations(self._connection, _combined(filters, named), limit=limit, before=before)

    def conversation(self, conversation_id: str) -> Chat:
        """Return one conversation, with each message once.

        Args:
            conversation_id: Its id or its beginning; -1 for the one that was written to last.
        """
        from otel_sqlite_exporter.reading.conversations import chat

        return chat(self._connection, conversation_id)

    def tools(self, filters: Filters | None = None, **named: Unpack[FilterValues]) -> Rows[ToolSummary]:
        """Return what each tool did, those that took most time first."""
        from otel_sqlite_exporter.reading.tools import tool_summaries

        return tool_summaries(self._connection, _combined(filters, named))

    def tool_calls(
        self, filters: Filters | None = None, *, limit: int | None = 100, **named: Unpack[FilterValues]
    ) -> Rows[ToolCall]:
        """Return executions of tools, newest first."""
        from otel_sqlite_exporter.reading.tools import list_tool_calls

        return list_tool_calls(self._connection, _combined(filters, named), limit=limit)

    def errors(
        self, filters: Filters | None = None, *, limit: int | None = 100, **named: Unpack[FilterValues]
    ) -> Rows[Failure]:
        """Return failures, newest first: each where it began, not where it passed through."""
        from otel_sqlite_exporter.reading.errors import list_failures

        return list_failures(self._connection, _combined(filters, named), limit=limit)

    def error_summaries(self, filters: Filters | None = None, **named: Unpack[FilterValues]) -> Rows[FailureSummary]:
        """Return failures by place and type, the commonest first."""
        from otel_sqlite_exporter.reading.errors import failure_summaries

        return failure_summaries(self._connection, _combined(filters, named))

    def usage(
        self,
        filters: Filters | None = None,
        *,
        by: str | Sequence[str] = "model",
        limit: int | None = None,
        **named: Unpack[FilterValues],
    ) -> Rows[Usage]:
        """Return calls, errors, tokens and cost by group.

        Args:
            filters: Which calls.
            by: ``day`` (UTC), ``model``, ``provider``, ``agent``, ``user``, ``service``, ``conversation``, ``trace``;
                several as a sequence, or as text with commas. The newest day comes first, then the dearest group.
            limit: How many groups.
            **named: Filters by name.
        """
        from otel_sqlite_exporter.reading.usage import usage_by

        return usage_by(self._connection, _combined(filters, named), _names(by), limit=limit)

    def latency(
        self,
        filters: Filters | None = None,
        *,
        by: str | Sequence[str] = "model",
        limit: int | None = None,
        **named: Unpack[FilterValues],
    ) -> Rows[Latency]:
        """Return how long calls that did not fail took, in percentiles.

        Args:
            filters: Which calls.
            by: As of :meth:`usage`. The newest day comes first, then what was called most.
            limit: How many groups.
            **named: Filters by name.
        """
        from otel_sqlite_exporter.reading.latency import latency_by

        return latency_by(self._connection, _combined(filters, named), _names(by), limit=limit)

    def search(
        self,
        wanted: str,
        filters: Filters | None = None,
        *,
        limit: int = 50,
        direction: str | None = None,
        before: int | None = None,
        seconds: float | None = None,
        **named: Unpack[FilterValues],
    ) -> Rows[Hit]:
        """Return where a text stands, newest first: prompts, answers, tool calls and results, messages of errors.

        A message that many calls repeat is one hit, at the newest of them. Case does not matter in ASCII.

        Args:
            wanted: What to look for, as it stands there.
            filters: In which steps.
            limit: How many places.
            direction: Only there: ``system``, ``input``, ``output`` (answers, results of tools) or ``error``.
            before: Go on after the span of this id.
            seconds: How long to look, in CPU time; by default what :func:`open_database` was given.
            **named: Filters by name.
        """
        from otel_sqlite_exporter.reading.search import search

        return search(
            self._connection,
            wanted,
            _combined(filters, named),
            limit=limit,
            direction=direction,
            before=before,
            seconds=seconds,
        )

    def neighbours(self, call: Call) -> Neighbours:
        """Return the calls before and after one, in its conversation and in its trace."""
        from otel_sqlite_exporter.reading.neighbours import neighbours_of

        return neighbours_of(self._connection, call)

    def first_tokens(self, filters: Filters | None = None, **named: Unpack[FilterValues]) -> Rows[Bucket]:
        """Return how many calls had to wait how long for the first piece of their answer."""
        from otel_sqlite_exporter.reading.distribution import first_token_buckets

        return first_token_buckets(self._connection, _combined(filters, named))

    def period(self, filters: Filters, *, of_sorted_traces: bool = False) -> Filters:
        """Return filters with the period that a question about a large file is given where it has none.

        Args:
            filters: What is asked for.
            of_sorted_traces: Whether the question is :meth:`traces` in another order than that of time.
        """
        from otel_sqlite_exporter.reading.conditions import SPANS_OF_SUMMED_TRACES, windowed

        return windowed(self._connection, filters, most=SPANS_OF_SUMMED_TRACES if of_sorted_traces else None)[0]

    def names(self, what: str, *, limit: int = MOST_NAMES) -> list[str]:
        """Return the names that occur in the file, in alphabetical order.

        Args:
            what: ``model``, ``provider``, ``agent``, ``user``, ``tool`` or ``service``.
            limit: How many.
        """
        from otel_sqlite_exporter.reading.names import names_of

        return names_of(self._connection, what, limit=limit)

    def mark(self) -> str:
        """Return a text that is another one after spans were added, amended or deleted, or the file was replaced."""
        from otel_sqlite_exporter.reading.mark import mark_of

        return mark_of(self._connection)

    def status(self) -> Status:
        """Return what is known about the file itself: who recorded, and whether anything is missing."""
        from otel_sqlite_exporter.reading.status import status_of

        return status_of(self._connection)

    def sql(
        self,
        query: str,
        values: Sequence[Value] | dict[str, Value] = (),
        *,
        limit: int | None = MOST_ROWS,
    ) -> Table:
        """Return the rows of a SELECT over the file's tables and views.

        Args:
            query: One SELECT; nothing else is possible.
            values: Its parameters.
            limit: How many rows; None for all.
        """
        from otel_sqlite_exporter.reading.queries import rows_of

        return rows_of(self._connection, query, values, limit=limit)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({self.path!r})"


def _combined(filters: Filters | None, named: FilterValues) -> Filters:
    given: dict[str, object] = {**filters.given()} if filters is not None else {}
    return Filters.parse(given | {**named})


def _names(by: str | Sequence[str]) -> list[str]:
    return [name.strip() for name in by.split(",")] if isinstance(by, str) else list(by)
