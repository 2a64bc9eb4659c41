"""Who may ask: hosts, origins, and a cookie that is given for a link with a token.

The pages show prompts, so that nobody but the person at the machine may read them: not another user of the machine
(token), not a page of another site in the same browser (Host, Origin, Sec-Fetch-Site), and what the file holds may
not make the browser do anything (Content-Security-Policy).
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN: Final = "token"  # noqa: S105 - the parameter's name
STATIC_PATH: Final = "/static/"
SECURITY_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # Else a browser looks up the hosts of links that a prompt holds.
    "x-dns-prefetch-control": "off",
}
"""What every answer says."""

_REFUSED: Final = "Refused: this page is for {}.\n"
_NOT_LET_IN: Final = (
    "This browser has not been let in yet.\n\nOpen the link with the token that 'otel-sqlite serve' printed in the "
    "terminal. A link lets one browser in; the terminal prints the next one when it has been used.\n"
)


class Keys:
    """The secrets of one run: a token that lets one browser in, and what its cookie then says.

    Args:
        cookie_name: Cookies are shared by all ports of a host, so that each server needs a name of its own.
        announce: Told when a token has been used, with the next one.
    """

    def __init__(self, cookie_name: str, announce: Callable[[str], None] | None = None) -> None:
        self.cookie_name = cookie_name
        self.token = secrets.token_urlsafe(24)
        self._session = secrets.token_urlsafe(24)
        self._announce = announce

    def is_let_in(self, request: Request) -> bool:
        """Tell whether a browser has the cookie."""
        return _is_same(request.cookies.get(self.cookie_name, ""), self._session)

    def use(self, token: str) -> str | None:
        """Return what the cookie says, for the right token; from then on there is another one."""
        if not _is_same(token, self.token):
            return None
        self.token = secrets.token_urlsafe(24)
        if self._announce is not None:
            self._announce(self.token)
        return self._session


def _is_same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


class AccessMiddleware:
    """Refuse what does not come from a browser that was let in, and add the security headers to every answer.

    Args:
        app: What is asked when nothing is refused.
        keys: The secrets; None lets everybody in.
    """

    def __init__(self, app: ASGIApp, keys: Keys | None) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._refusal(Request(scope)) or self.app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> Response | None:
        if request.method not in {"GET", "HEAD"}:
            return PlainTextResponse("Nothing can be written here.\n", 405, {"allow": "GET, HEAD"})
        if _is_foreign(request.headers):
            return PlainTextResponse(_REFUSED.format("itself, not for other sites"), 403)
        if self.keys is None or request.url.path.startswith(STATIC_PATH):
            return None
        query = parse_qsl(request.url.query, keep_blank_values=True)
        given = dict(query).get(TOKEN)
        is_let_in = self.keys.is_let_in(request)
        session = self.keys.use(given) if given is not None and not is_let_in else None
        if not is_let_in and session is None:
            return PlainTextResponse(_NOT_LET_IN, 403)
        if given is None:
            return None
        # The address that stays in the history has no token. A path that begins with // would name another host.
        rest = urlencode([(name, value) for name, value in query if name != TOKEN])
        answer = RedirectResponse("/" + request.url.path.lstrip("/") + (f"?{rest}" if rest else ""), 303)
        if session is not None:
            answer.set_cookie(self.keys.cookie_name, session, httponly=True, samesite="lax")
        return answer


def _is_foreign(headers: Headers) -> bool:
    """Tell whether a page of another site asks; a link on one may be followed."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        return True
    is_navigation = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return headers.get("sec-fetch-site") in {"cross-site", "same-site"} and not is_navigation
