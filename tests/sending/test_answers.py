"""What the sender makes of every answer of a receiver."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.sending.failures import SendingError
from otel_sqlite_exporter.sending.stopping import Stop
from tests.sending.conftest import Send, record_spans
from tests.sending.receiver import Received, Reply, listening, partial_success
from tests.support import query, value

Recorded = Callable[..., Path]


def _poisoned(spans: Sequence[Received], *numbers: int) -> bool:
    return any(span.attributes.get("number") in numbers for span in spans)


def test_everything_arrives_once_and_in_order(recorded: Recorded, send: Send) -> None:
    """All rows go out in the order of commit, no more in a request than are allowed; a second run sends nothing."""
    path = recorded(20)
    with listening() as receiver:
        sender, lines = send(path, receiver.url, max_spans=8)
        again, _ = send(path, receiver.url)
    assert [span.attributes["number"] for span in receiver.kept] == list(range(1, 21))
    assert [count for _, count, _ in receiver.asked] == [8, 8, 4]
    assert (sender.sums.sent, again.sums.sent, lines) == (20, 0, [])
    assert query(path, "SELECT name, sent, rejected, set_aside, lost, last_error FROM outboxes") == [
        ("test", 20, 0, 0, 0, None)
    ]


@pytest.mark.parametrize(
    "failure",
    [
        Reply(429, keeps=False),
        Reply(502, keeps=False),
        Reply(503, keeps=False, headers={"Retry-After": "0"}),
        Reply(504, keeps=False),
        Reply(408, keeps=False),
        Reply(keeps=False, is_cut=True),
    ],
    ids=lambda reply: "cut" if reply.is_cut else str(reply.status),
)
def test_what_passes_is_waited_for(recorded: Recorded, send: Send, failure: Reply) -> None:
    """A receiver that is overloaded, away or cut off gets the same again until it has it; one line says each change."""
    path = recorded(3)
    with listening(lambda number, _: failure if number < 12 else Reply()) as receiver:
        sender, lines = send(path, receiver.url)
    assert len(receiver.asked) == 13
    assert [span.attributes["number"] for span in receiver.kept] == [1, 2, 3]
    assert sender.sums.sent == 3
    assert len(lines) == 2
    assert lines[0].startswith("waiting for the receiver: ")
    assert lines[1] == "the receiver takes spans again"
    assert value(path, "SELECT last_error FROM outboxes") is None


def test_an_answer_that_was_cut_off_costs_one_payload_twice(recorded: Recorded, send: Send) -> None:
    """What was stored before the connection ended comes once more, and nothing else does."""
    path = recorded(20)
    with listening(lambda number, _: Reply(is_cut=number == 0)) as receiver:
        send(path, receiver.url, max_spans=16)
    assert len(set(receiver.keys)) == 20
    assert len(receiver.keys) == 20 + 16


def test_retry_after_is_obeyed(recorded: Recorded, send: Send) -> None:
    """The receiver says how long to wait: not sooner than that."""
    path = recorded(1)
    waited: list[float] = []

    class Patient(Stop):
        def wait(self, seconds: float) -> None:
            waited.append(seconds)

    busy = Reply(429, keeps=False, headers={"Retry-After": "77"})
    with listening(lambda number, _: busy if number == 0 else Reply()) as receiver:
        send(path, receiver.url, stop=Patient())
    assert [seconds for seconds in waited if seconds] == [77.0]
    assert len(receiver.keys) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407, 410, 415, 431])
def test_a_setting_that_is_wrong_ends_it_with_one_line(recorded: Recorded, send: Send, status: int) -> None:
    """What no further request can mend ends the sending; the cursor stays, and the spans go out once it is mended."""
    path = recorded(3)
    with listening(lambda number, _: Reply(status, keeps=False) if number == 0 else Reply()) as receiver:
        with pytest.raises(SendingError, match=str(status)) as caught:
            send(path, receiver.url)
        assert "\n" not in str(caught.value)
        assert len(receiver.asked) == 1
        sender, _ = send(path, receiver.url)
    assert sender.sums.sent == 3


def test_a_redirect_is_no_success(recorded: Recorded, send: Send) -> None:
    """A redirect is not followed, and says where the receiver is."""
    path = recorded(1)
    reply = Reply(302, keeps=False, headers={"Location": "https://elsewhere.example/v1/traces"})
    with listening(lambda *_: reply) as receiver, pytest.raises(SendingError, match=r"elsewhere\.example"):
        send(path, receiver.url)
    assert value(path, "SELECT last_span_id FROM outboxes") == 0


def test_a_web_page_is_no_success(recorded: Recorded, send: Send) -> None:
    """200 with a login page is no answer of a receiver: nothing counts as sent."""
    path = recorded(1)
    reply = Reply(200, keeps=False, headers={"Content-Type": "text/html"}, body=b"<html>Log in</html>")
    with listening(lambda *_: reply) as receiver, pytest.raises(SendingError, match="web page"):
        send(path, receiver.url)
    assert value(path, "SELECT last_span_id FROM outboxes") == 0


@pytest.mark.parametrize("kind", ["application/x-protobuf", "application/json"])
def test_an_answer_that_means_nothing_is_no_success(recorded: Recorded, send: Send, kind: str) -> None:
    """200 with bytes that are no answer of a receiver comes from somebody else: nothing counts as sent."""
    path = recorded(1)
    reply = Reply(200, keeps=False, headers={"Content-Type": kind}, body=b"\xff\xff{")
    with listening(lambda *_: reply) as receiver, pytest.raises(SendingError, match="no answer of an OTLP receiver"):
        send(path, receiver.url)
    assert value(path, "SELECT last_span_id FROM outboxes") == 0


def test_a_partial_success_is_counted(recorded: Recorded, send: Send) -> None:
    """What a receiver rejects of a request it otherwise took is counted and told once, and not sent again."""
    path = recorded(10)
    with listening(lambda *_: Reply(body=partial_success(4, "too old"))) as receiver:
        sender, lines = send(path, receiver.url)
    assert (sender.sums.sent, sender.sums.rejected) == (6, 4)
    assert lines == ["the receiver rejects spans (4 of 10): too old"]
    assert query(path, "SELECT sent, rejected FROM outboxes") == [(6, 4)]
    assert len(receiver.asked) == 1


def test_json_is_understood(recorded: Recorded, send: Send) -> None:
    """A receiver that answers in JSON is understood as well."""
    path = recorded(5)
    body = b'{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}'
    with listening(lambda *_: Reply(body=body, headers={"Content-Type": "application/json"})) as receiver:
        sender, _ = send(path, receiver.url)
    assert (sender.sums.sent, sender.sums.rejected) == (3, 2)


def test_what_is_too_large_goes_in_smaller_requests(recorded: Recorded, send: Send) -> None:
    """413 halves the request, and those after it; a span that is too large alone is set aside and counted."""
    path = recorded(40)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE spans SET attributes = json_set(attributes, '$.long', ?) WHERE id = 17", ("x" * 50_000,)
        )
    sizes: list[int] = []

    def behaviour(_: int, spans: Sequence[Received]) -> Reply:
        size = sum(span.span.ByteSize() for span in spans)
        sizes.append(size)
        return Reply(413, keeps=False) if size > 10_000 else Reply()

    with listening(behaviour) as receiver:
        sender, lines = send(path, receiver.url)
    assert len(set(receiver.keys)) == len(receiver.keys) == 39
    assert (sender.sums.sent, sender.sums.set_aside) == (39, 1)
    assert len(lines) == 1
    assert "0000000000000011 is set aside: 413" in lines[0]


def test_requests_are_small_by_bytes(recorded: Recorded, send: Send) -> None:
    """Long texts make requests of fewer spans: of 3 MB at most."""
    path = recorded(3)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE spans SET attributes = json_set(attributes, '$.long', ?)", ("z" * 1_400_000,))
    with listening() as receiver:
        send(path, receiver.url)
    assert [count for _, count, _ in receiver.asked] == [2, 1]
    assert max(size for _, _, size in receiver.asked) <= 3_000_000


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_poison_span_is_found_and_set_aside(recorded: Recorded, send: Send, status: int) -> None:
    """A span that no request with it is taken for is found by halves, set aside and counted; all others arrive."""
    path = recorded(20)
    with listening(lambda _, spans: Reply(status, keeps=False) if _poisoned(spans, 3, 17) else Reply()) as receiver:
        sender, lines = send(path, receiver.url)
    assert {span.attributes["number"] for span in receiver.kept} == set(range(1, 21)) - {3, 17}
    assert (sender.sums.sent, sender.sums.set_aside) == (18, 2)
    assert query(path, "SELECT sent, set_aside, last_span_id FROM outboxes") == [(18, 2, 20)]
    assert sum("is set aside" in line for line in lines) == 2


def test_a_last_span_that_is_poison_is_told_by_those_before(recorded: Recorded, send: Send) -> None:
    """A lone span that is refused is set aside only because one that was taken before is taken still."""
    path = recorded(5)
    with listening(lambda _, spans: Reply(400, keeps=False) if _poisoned(spans, 6) else Reply()) as receiver:
        send(path, receiver.url)
        record_spans(path, 1, first=6)
        sender, _ = send(path, receiver.url)
    assert sender.sums.set_aside == 1
    assert value(path, "SELECT last_span_id FROM outboxes") == 6


def test_a_receiver_that_refuses_everything_loses_nothing(recorded: Recorded, send: Send) -> None:
    """Where no span is taken, none is set aside: the sending ends with one line, and can be done again."""
    path = recorded(40)
    with listening(lambda *_: Reply(400, keeps=False)) as receiver:
        with pytest.raises(SendingError, match="refuses every span"):
            send(path, receiver.url)
        assert len(receiver.asked) < 50
    assert query(path, "SELECT last_span_id, set_aside FROM outboxes") == [(0, 0)]


def test_a_broken_server_is_waited_for(recorded: Recorded, send: Send) -> None:
    """500 for everything is the server's trouble, not the spans': nothing is set aside, and all arrives at last."""
    path = recorded(3)
    with listening(lambda number, _: Reply(500, keeps=False) if number < 60 else Reply()) as receiver:
        sender, lines = send(path, receiver.url)
    assert len(set(receiver.keys)) == 3
    assert sender.sums.set_aside == 0
    assert lines[-1] == "the receiver takes spans again"


def test_a_receiver_that_is_too_slow_gets_less_at_once(recorded: Recorded, send: Send) -> None:
    """Where no answer comes in time, twice, requests become smaller; once they are answered, they grow again."""
    path = recorded(40)
    environment = {"OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"}
    late = Reply(keeps=False, delay_seconds=1.0)
    with listening(lambda _, spans: late if len(spans) > 20 else Reply()) as receiver:
        sender, lines = send(path, receiver.url, environment=environment)
    assert [count for _, count, _ in receiver.asked] == [40, 40, 20, 20]
    assert [span.attributes["number"] for span in receiver.kept] == list(range(1, 41))
    assert (sender.sums.sent, sender.sums.set_aside) == (40, 0)
    assert lines[0] == "waiting for the receiver: no answer within 0.5 s (OTEL_EXPORTER_OTLP_TIMEOUT)"


def test_a_server_that_fails_once_gets_everything_once(recorded: Recorded, send: Send) -> None:
    """After a single 500 the same request goes out again, and what is taken then is not sent another time."""
    path = recorded(20)
    with listening(lambda number, _: Reply(500, keeps=False) if number == 1 else Reply()) as receiver:
        send(path, receiver.url, max_spans=8)
    assert [count for _, count, _ in receiver.asked] == [8, 8, 8, 4]
    assert [span.attributes["number"] for span in receiver.kept] == list(range(1, 21))


def test_headers_and_compression_are_opentelemetrys(recorded: Recorded, send: Send) -> None:
    """OTEL_EXPORTER_OTLP_HEADERS, those for traces first, and _COMPRESSION mean what they mean elsewhere."""
    path = recorded(2)
    environment = {
        "OTEL_EXPORTER_OTLP_HEADERS": "x-other=1",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=Bearer%20abc, x-tenant=a%2Cb",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    with listening() as receiver:
        send(path, receiver.url, environment=environment)
    headers = receiver.asked[0][0]
    assert (headers["authorization"], headers["x-tenant"]) == ("Bearer abc", "a,b")
    assert "x-other" not in headers
    assert headers["content-encoding"] == "gzip"
    assert len(receiver.keys) == 2
