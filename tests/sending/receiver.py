"""A stand-in for a receiver of OTLP over HTTP: real sockets, real protobuf, and every way in which a receiver fails."""

from __future__ import annotations

import gzip
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

SpanKey: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Reply:
    """What the receiver does with a request.

    Args:
        status: What it answers.
        keeps: Whether it keeps the spans.
        is_cut: Whether the connection ends before the answer.
        delay_seconds: How long the answer takes.
        headers: Of the answer.
        body: Of the answer.
    """

    status: int = 200
    keeps: bool = True
    is_cut: bool = False
    delay_seconds: float = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def partial_success(rejected: int, message: str) -> bytes:
    """Return the body of an answer that refuses some spans."""
    partial = ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
    return bytes(ExportTraceServiceResponse(partial_success=partial).SerializeToString())


Behaviour: TypeAlias = Callable[[int, Sequence["Received"]], Reply]


@dataclass(frozen=True)
class Received:
    """A span that arrived, with what it is part of."""

    key: SpanKey
    span: Any
    resource: Any
    scope: Any
    request: int

    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes."""
        return {item.key: plain(item.value) for item in self.span.attributes}


def plain(value: Any) -> Any:
    """Return an OTLP value as Python's own."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: plain(item.value) for item in value.kvlist_value.values}
    return None if kind is None else getattr(value, kind)


class StandIn:
    """Keeps what it takes.

    Args:
        behaviour: Decides what becomes of a request, by its number from 0 and its spans.
        tls: Its certificate, and what it wants of others.
    """

    def __init__(
        self, behaviour: Behaviour = lambda _number, _spans: Reply(), tls: ssl.SSLContext | None = None
    ) -> None:
        self.tls = tls
        self.behaviour = behaviour
        self.kept: list[Received] = []
        self.asked: list[tuple[dict[str, str], int, int]] = []
        self.lock = threading.Lock()
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def keys(self) -> list[SpanKey]:
        """The spans that arrived, each as often as it came."""
        with self.lock:
            return [received.key for received in self.kept]

    def start(self) -> None:
        """Listen; again on the same port after a stop."""
        server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        server.daemon_threads = True
        if self.tls is not None:
            server.socket = self.tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = server.server_address[1]
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def take(self, headers: dict[str, str], body: bytes) -> Reply:
        """Decide about a request."""
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        with self.lock:
            number = len(self.asked)
            spans = [
                Received((span.trace_id.hex(), span.span_id.hex()), span, of_resource, of_scope, number)
                for of_resource in request.resource_spans
                for of_scope in of_resource.scope_spans
                for span in of_scope.spans
            ]
            self.asked.append((headers, len(spans), len(body)))
            reply = self.behaviour(number, spans)
            if reply.keeps:
                self.kept += spans
        return reply


@contextmanager
def listening(
    behaviour: Behaviour = lambda _number, _spans: Reply(), tls: ssl.SSLContext | None = None
) -> Iterator[StandIn]:
    """Have a receiver listen meanwhile."""
    receiver = StandIn(behaviour, tls)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()


def _handler(receiver: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/v1/traces":
                self.send_error(404)
                return
            reply = receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            if reply.delay_seconds:
                time.sleep(reply.delay_seconds)
            if reply.is_cut:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/x-protobuf", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (OSError, ValueError):  # the connection was cut
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
