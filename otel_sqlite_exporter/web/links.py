"""Addresses of pages: every state is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping


def link(path: str, values: Mapping[str, object] | None = None, **named: object) -> str:
    """Return the address of a page.

    Args:
        path: Its path.
        values: Its parameters; what is None or empty is left out.
        **named: Further parameters; they win.
    """
    merged = {**(values or {}), **named}
    query = urlencode([(name, str(value)) for name, value in merged.items() if value not in {None, ""}])
    return f"{path}?{query}" if query else path


def call_link(number: int) -> str:
    """Return the address of a call."""
    return f"/calls/{number}"


def trace_link(trace_id: str, span: int | None = None) -> str:
    """Return the address of a trace, with one of its spans beside it."""
    return link(f"/traces/{quote(trace_id, safe='')}", span=span)


def conversation_link(conversation_id: str) -> str:
    """Return the address of a conversation.

    Its id is a parameter and no path: browsers take ``..`` and slashes of a path apart.
    """
    return link("/conversation", id=conversation_id)
