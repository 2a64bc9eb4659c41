"""ClickHouse's engine behind the little of its HTTP interface by which a Collector inserts."""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).parents[2] / "examples" / "scale" / "clickhouse.sql"


class Engine:
    """ClickHouse's engine with the schema of ``examples/scale``.

    Args:
        session: Of chDB.
        scratch: A directory for what is inserted.
    """

    def __init__(self, session: Any, scratch: Path) -> None:
        self._session = session
        self._scratch = scratch
        self._lock = threading.Lock()
        self._insertions = 0
        for statement in SCHEMA.read_text("utf-8").split(";\n"):
            if statement.strip():
                session.query(statement)

    def query(self, sql: str) -> list[list[str]]:
        """Return the rows of a query, each value as text, NULL as ClickHouse writes it."""
        with self._lock:
            answer = self._session.query(sql, "TabSeparated").bytes().decode()
        return [line.split("\t") for line in answer.splitlines()]

    def insert(self, statement: str, body: bytes) -> None:
        """Insert what a client sent after ``INSERT INTO table (columns) FORMAT name``."""
        head, _, form = statement.rpartition(" FORMAT ")
        names = head[head.index("(") + 1 : head.rindex(")")].replace("`", "").split(",")
        types = {name: kind for name, kind, *_ in self.query("DESCRIBE TABLE otel_traces")}
        columns = ", ".join(f"`{name.strip()}` {types[name.strip()]}" for name in names)
        with self._lock:
            self._insertions += 1
            file = self._scratch / f"{self._insertions}.bin"
            file.write_bytes(body)
            listed = ", ".join(f"`{name.strip()}`" for name in names)
            self._session.query(
                f"INSERT INTO otel_traces ({listed}) SELECT * FROM file('{file}', '{form.strip()}', '{columns}')"
            )
            file.unlink()


@contextmanager
def serving(engine: Engine) -> Iterator[str]:
    """Listen meanwhile, as a ClickHouse server does over HTTP; give the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self._body()
            statement = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("query", [""])[0]
            try:
                engine.insert(statement, body)
                status, answer = 200, b""
            except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
                status, answer = 500, str(error).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers["Content-Length"]))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
