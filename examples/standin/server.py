"""The HTTP server of the stand-in: reads a request, asks the model, replies in the dialect of the path."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import re
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, TypeAlias

from standin import anthropic, cohere, gemini, mistral, openai
from standin.model import JSON, Answer, Prompt, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from typing_extensions import Self

Event: TypeAlias = tuple[str | None, str]
"""A server-sent event: its name, if it has one, and its data."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one API asks and answers.

    Args:
        provider: The provider whose API this is.
        path: Matches the path of a request.
        parse: (path, body) -> what is asked.
        reply: The body of a whole answer.
        events: The events of a streamed answer.
        error: (status, message) -> the body of an error.
    """

    provider: str
    path: re.Pattern[str]
    parse: Callable[[str, JSON], Prompt]
    reply: Callable[[Prompt, Answer], JSON]
    events: Callable[[Prompt, Answer], Iterable[Event]] | None
    error: Callable[[int, str], JSON]


DIALECTS = (
    Dialect(
        "mistral",
        re.compile(r"^/mistral/v1/chat/completions$"),
        mistral.parse,
        mistral.chat,
        mistral.chat_events,
        mistral.error,
    ),
    Dialect(
        "openai",
        re.compile(r"/v1/chat/completions$"),
        openai.parse_chat,
        openai.chat,
        openai.chat_events,
        openai.error,
    ),
    Dialect(
        "openai",
        re.compile(r"/v1/responses$"),
        openai.parse_response,
        openai.response,
        openai.response_events,
        openai.error,
    ),
    Dialect("openai", re.compile(r"/v1/embeddings$"), openai.parse_embeddings, openai.embeddings, None, openai.error),
    Dialect(
        "anthropic",
        re.compile(r"/v1/messages$"),
        anthropic.parse,
        anthropic.message,
        anthropic.message_events,
        anthropic.error,
    ),
    Dialect(
        "gemini",
        re.compile(r"/models/[^:]+:(generateContent|streamGenerateContent)$"),
        gemini.parse,
        gemini.content,
        gemini.content_events,
        gemini.error,
    ),
    Dialect("cohere", re.compile(r"/v2/chat$"), cohere.parse, cohere.chat, cohere.chat_events, cohere.error),
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what was answered: the truth that a recording can be compared with.

    Args:
        provider: The provider whose API was used.
        prompt: What was asked.
        answer: What was answered; None for an error.
        status: The HTTP status.
        received_unix_nano: When the request arrived.
    """

    provider: str
    prompt: Prompt
    answer: Answer | None
    status: int
    received_unix_nano: int


class StandIn:
    """A server on 127.0.0.1, on a free port, for the length of a ``with`` block.

    Args:
        pause: Seconds between the pieces of an answer.
    """

    def __init__(self, *, pause: float = 0.0) -> None:
        self.exchanges: list[Exchange] = []
        self._pause = pause
        self._numbers = itertools.count(1)
        self._refuse: tuple[int, str] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where the server is; append ``/v1`` for the OpenAI SDK, ``/mistral`` for the Mistral SDK."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def refuse_next(self, status: int = 429, message: str = "Rate limit reached. Try again in 20s.") -> None:
        """Answer the next request with an error."""
        self._refuse = (status, message)

    def __enter__(self) -> Self:
        """Start to serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, handler: _Handler) -> None:
        """Answer one POST request."""
        received = time.time_ns()
        body: JSON = json.loads(handler.rfile.read(int(handler.headers.get("Content-Length", "0"))))
        path = handler.path.partition("?")[0]
        dialect = next((known for known in DIALECTS if known.path.search(path)), None)
        if dialect is None:
            handler.reply(404, {"error": {"message": f"{path} is not served here"}})
            return
        prompt = dialect.parse(path, body)
        refused, self._refuse = self._refuse, None
        said = answer(prompt, next(self._numbers)) if refused is None else None
        self.exchanges.append(
            Exchange(dialect.provider, prompt, said, 200 if refused is None else refused[0], received),
        )
        if refused is not None:
            handler.reply(refused[0], dialect.error(*refused))
        elif said is not None and prompt.stream and dialect.events is not None:
            handler.stream(dialect.events(prompt, said), self._pause)
        elif said is not None:
            time.sleep(self._pause * max(1, len(said.words)))
            handler.reply(200, dialect.reply(prompt, said))


class _Handler(BaseHTTPRequestHandler):
    """The HTTP side of a :class:`StandIn`."""

    protocol_version = "HTTP/1.1"

    def __init__(self, stand_in: StandIn, *args: object) -> None:
        self._stand_in = stand_in
        super().__init__(*args)  # type: ignore[arg-type]  # what socketserver passes, as it passes it

    def handle(self) -> None:
        """Serve a connection until the client leaves, as politely or not as clients do."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_POST(self) -> None:
        """Serve a request."""
        self._stand_in.serve(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parameter's name in http.server
        """Keep quiet."""

    def reply(self, status: int, body: JSON) -> None:
        """Send a whole answer."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, events: Iterable[Event], pause: float) -> None:
        """Send an answer event by event."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for name, data in events:
            time.sleep(pause)
            self._chunk((f"event: {name}\n" if name else "") + f"data: {data}\n\n")
        self._chunk("")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()
