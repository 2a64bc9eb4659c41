"""The list of conversations, and one of them as a transcript in which each message stands once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse

from otel_sqlite_exporter.reading.equivalents import sql_of_conversation, sql_of_conversations
from otel_sqlite_exporter.web.page import asked, filters_of, render
from otel_sqlite_exporter.web.transcript import Budget, shown_messages

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from otel_sqlite_exporter.reading import Database

CONVERSATIONS_PER_PAGE: Final = 50


def list_page(request: Request, database: Database) -> Response:
    """Show conversations, those that were written to last first."""
    filters = filters_of(request)
    before = request.query_params.get("before") or None
    found = database.conversations(filters, limit=CONVERSATIONS_PER_PAGE, before=before)
    return render(
        request,
        "conversations.html",
        conversations=found,
        given=filters.values(),
        before=before,
        is_full=len(found) == CONVERSATIONS_PER_PAGE,
        choices={"user": database.names("user"), "agent": database.names("agent")},
        sql=sql_of_conversations(asked(database, filters, found), limit=CONVERSATIONS_PER_PAGE),
    )


def conversation_page(request: Request, database: Database) -> Response:
    """Show one conversation; without an id, the list to choose one from."""
    conversation_id = request.query_params.get("id")
    if not conversation_id:
        return RedirectResponse("/conversations", 303)
    chat = database.conversation(conversation_id)
    budget = Budget()
    # The newest turns are what the budget is for.
    turns = [(turn, shown_messages(turn.messages, budget)) for turn in reversed(chat.turns)]
    turns.reverse()
    return render(
        request,
        "conversation.html",
        chat=chat,
        conversation=chat.conversation,
        turns=turns,
        sql=sql_of_conversation(chat.conversation.conversation_id),
    )
