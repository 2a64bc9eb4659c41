"""Who may read the pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from otel_sqlite_exporter.web.access import Keys
from tests.web.support import ADDRESS, PAGES, client_of


@pytest.fixture
def keys() -> Keys:
    """Return the secrets of one run."""
    return Keys("otel-sqlite-8765")


@pytest.fixture
def locked(demo_path: Path, keys: Keys) -> TestClient:
    """Return a client that has not been let in."""
    return client_of(demo_path, keys)


@pytest.mark.parametrize("page", [*PAGES, "/calls/1", "/calls/1.json", "/mark", "/traces/1/file"])
def test_without_the_cookie_nothing_is_shown(locked: TestClient, page: str) -> None:
    """A request without the cookie gets nothing of the file, whatever it asks for."""
    answer = locked.get(page)
    assert answer.status_code == 403
    assert "<" not in answer.text


def test_a_token_lets_one_browser_in(locked: TestClient, keys: Keys) -> None:
    """The token's link sets a cookie that scripts can't read, and leaves an address without the token."""
    first = keys.token
    answer = locked.get(f"/calls?status=error&token={first}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/calls?status=error"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    assert locked.get("/calls").status_code == 200
    locked.cookies.clear()
    assert locked.get(f"/calls?token={first}").status_code == 403
    assert locked.get(f"/calls?token={keys.token}").status_code == 303


def test_the_next_token_is_announced(demo_path: Path) -> None:
    """When a token has been used, the next one is said: another browser needs it."""
    said: list[str] = []
    keys = Keys("c", said.append)
    client_of(demo_path, keys).get(f"/?token={keys.token}")
    assert said == [keys.token]


@pytest.mark.parametrize("token", ["", "x", "é", "\0", "a" * 50_000])
def test_a_wrong_token_lets_nobody_in(locked: TestClient, token: str) -> None:
    """Whatever else is given for the token, nobody is let in."""
    assert locked.get("/", params={"token": token}).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8765", ""])
def test_other_hosts_are_refused(client: TestClient, host: str) -> None:
    """A name that somebody else resolves to this machine gets nothing (DNS rebinding)."""
    assert client.get("/calls", headers={"host": host}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
def test_pages_of_other_sites_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    """What a page of another site asks for in this browser is refused, another port's included."""
    assert client.get("/calls", headers=headers).status_code == 403


def test_links_and_the_pages_themselves_are_let_through(client: TestClient) -> None:
    """A link on another site may be followed, and the pages may ask themselves."""
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/calls", headers=followed).status_code == 200
    assert client.get("/mark", headers={"origin": ADDRESS, "sec-fetch-site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written(client: TestClient, method: str) -> None:
    """No method but GET and HEAD does anything."""
    assert client.request(method, "/sql").status_code == 405


@pytest.mark.parametrize("page", [*PAGES, "/calls/1", "/calls/999999999", "/nothing", "/mark", "/static/x/app.css"])
def test_every_answer_has_a_strict_policy(client: TestClient, page: str) -> None:
    """Every answer, errors included, forbids everything that is not its own."""
    headers = client.get(page).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-dns-prefetch-control"] == "off"


def test_an_address_that_begins_with_two_slashes_stays_here(locked: TestClient, keys: Keys) -> None:
    """The redirect after the token never leads to another host."""
    answer = locked.get(f"http://127.0.0.1:8765//evil.example/?token={keys.token}")
    assert answer.headers["location"] == "/evil.example/"
