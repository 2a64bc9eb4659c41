"""What the servers serve: an application of two lines of set-up whose every request ends three calls.

``record()`` finds the file in ``OTEL_EXPORTER_SQLITE_PATH``. Nothing here flushes or shuts down.
"""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from otel_sqlite_exporter import record
from tests.servers.support import CALLS_PER_REQUEST
from tests.servers.work import call

record()


def answer(query: str) -> str:
    """End the calls of one request; ``seconds`` is how long it takes."""
    asked = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
    time.sleep(float(asked.get("seconds", 0)))
    for number in range(CALLS_PER_REQUEST):
        call(f"{asked['name']}.{number}")
    return asked["name"]


def wsgi(environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """Serve by WSGI."""
    body = answer(environ["QUERY_STRING"]).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Serve by ASGI, without the lifespan that could be told of the end."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await receive()
    body = answer(scope["query_string"].decode()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
