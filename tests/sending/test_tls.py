"""Receivers that are spoken to by TLS, with certificates of an authority of their own."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.sending.failures import SendingError
from tests.sending.conftest import Send
from tests.sending.receiver import listening
from tests.support import value

trustme: Any = pytest.importorskip("trustme")

Recorded = Callable[..., Path]


@pytest.fixture(scope="module")
def authority() -> Any:
    """Return an authority that no system knows."""
    return trustme.CA()


@pytest.fixture
def tls(authority: Any) -> ssl.SSLContext:
    """Return what a receiver speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def certificate(authority: Any, tmp_path: Path) -> str:
    """Return the file of the authority."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


def test_an_own_authority_is_trusted(
    recorded: Recorded, send: Send, tls: ssl.SSLContext, certificate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OTEL_EXPORTER_OTLP_CERTIFICATE names the authority that a receiver's certificate is checked by."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ssl.get_default_verify_paths().cafile or "/nowhere")  # of other programs
    with listening(tls=tls) as receiver:
        sender, lines = send(recorded(3), receiver.url, environment={"OTEL_EXPORTER_OTLP_CERTIFICATE": certificate})
    assert (sender.sums.sent, lines) == (3, [])


def test_a_stranger_gets_nothing(recorded: Recorded, send: Send, tls: ssl.SSLContext) -> None:
    """A certificate that nobody vouches for ends the sending with one line, before any span went out."""
    path = recorded(3)
    with listening(tls=tls) as receiver:
        with pytest.raises(SendingError, match=r"no TLS with 127\.0\.0\.1:\d+: .*certificate verify failed") as caught:
            send(path, receiver.url)
        assert receiver.asked == []
    assert "\n" not in str(caught.value)
    assert value(path, "SELECT last_span_id FROM outboxes") == 0


def test_a_receiver_without_tls_is_said(recorded: Recorded, send: Send) -> None:
    """An address with https where http is spoken is one line."""
    with listening() as receiver, pytest.raises(SendingError, match="no TLS with"):
        send(recorded(1), receiver.url.replace("http:", "https:"))


def test_a_sender_shows_its_own_certificate(
    recorded: Recorded, send: Send, authority: Any, tls: ssl.SSLContext, certificate: str
) -> None:
    """OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY are what a receiver knows its senders by."""
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    own = authority.issue_cert("sender.example")
    files = Path(certificate).parent
    own.cert_chain_pems[0].write_to_path(str(files / "own.pem"))
    own.private_key_pem.write_to_path(str(files / "own.key"))
    environment = {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": certificate,
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(files / "own.pem"),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(files / "own.key"),
    }
    with listening(tls=tls) as receiver:
        sender, _ = send(recorded(3), receiver.url, environment=environment)
    assert sender.sums.sent == 3
