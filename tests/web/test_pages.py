"""Every page answers, links to what it names, and says what to do when there is nothing to show."""

from __future__ import annotations

import functools
import html
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from otel_sqlite_exporter import Database
from otel_sqlite_exporter.reading import slices
from otel_sqlite_exporter.reading.filters import Filters
from otel_sqlite_exporter.web import page as pages
from tests.web.support import PAGES, client_of, empty_file, record_spans

_QUESTION = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-5.4",
    "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Where is it?"}]}]',
    "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"Here."}]}]',
}


@pytest.fixture(scope="module")
def status_of(demo_path: Path) -> Callable[[str], int]:
    """Return what knows with which status an address answers; most pages link to the same ones."""
    client = client_of(demo_path)
    return functools.cache(lambda address: client.get(address).status_code)


def _links(page: str) -> set[str]:
    return {html.unescape(link) for link in re.findall(r'(?:href|src)="([^"]*)"', page)}


def _few_of_each(links: set[str]) -> list[str]:
    """Return two links of each shape: /calls/12 is like /calls/13."""
    shapes: dict[str, list[str]] = {}
    for link in sorted(links):
        shapes.setdefault(re.sub(r"[0-9a-f]*[0-9][0-9a-f-]*|=[^&]*", "", link), []).append(link)
    return [link for like in shapes.values() for link in like[:2]]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_every_page_leads_somewhere(
    client: TestClient, status_of: Callable[[str], int], page: str
) -> None:
    """Whatever a page links to exists."""
    answer = client.get(page)
    assert answer.status_code == 200
    for link in _few_of_each(_links(answer.text)):
        assert link.startswith(("/", "#")), link
        if link.startswith("/") and not link.endswith((".md", ".py", ".jsonl")):
            assert status_of(link) == 200, link


def test_the_links_of_a_call_and_a_trace_lead_somewhere(
    client: TestClient, status_of: Callable[[str], int], demo: Database
) -> None:
    """From every one of the newest calls and its trace, each link leads somewhere."""
    for call in demo.calls(limit=4):
        for page in (f"/calls/{call.id}", f"/traces/{call.trace_id}?span={call.id}"):
            answer = client.get(page)
            assert answer.status_code == 200
            for link in _few_of_each(_links(answer.text)):
                if link.startswith("#"):
                    assert f'id="{link[1:]}"' in answer.text, link
                elif not link.endswith((".md", ".py", ".jsonl")):
                    assert status_of(link) == 200, link


def test_no_two_places_of_a_page_have_one_name(client: TestClient, demo: Database) -> None:
    """Ids are unique on every page and in every file to share, so that links lead to the right place."""
    trace = max(demo.traces(), key=lambda trace: trace.spans or 0).trace_id
    chats = [f"/conversation?id={chat.conversation_id}" for chat in demo.conversations(limit=2)]
    for page in (*PAGES, *chats, f"/traces/{trace}", f"/traces/{trace}/file", "/compare?a=5&b=6", "/calls/5"):
        names = re.findall(r' id="([^"]*)"', client.get(page).text)
        assert len(names) == len(set(names)), page


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_file_says_what_to_do(tmp_path: Path, page: str) -> None:
    """A file without a call has no broken page."""
    path = empty_file(tmp_path / "empty.db")
    assert client_of(path).get(page).status_code == 200


def test_no_calls_yet_shows_the_two_lines(tmp_path: Path) -> None:
    """Where nothing was recorded yet, the page shows how it is."""
    path = empty_file(tmp_path / "empty.db")
    for page in ("/", "/calls", "/traces"):
        assert "from otel_sqlite_exporter import record" in client_of(path).get(page).text


def test_missing_content_is_explained(tmp_path: Path) -> None:
    """A call without a prompt says why: the recorder's setting, or the instrumentation's."""
    path = tmp_path / "bare.db"
    record_spans(path, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.4"})
    assert "CAPTURE_MESSAGE_CONTENT" in client_of(path).get("/calls/1").text


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("/calls/999999", 404),
        ("/calls/99999999999999999999", 400),
        ("/calls/x", 404),
        ("/calls?since=yesterday-ish", 400),
        ("/calls?sort=beauty", 400),
        ("/calls?before=x", 400),
        ("/calls?kind=dog", 400),
        ("/traces/zzzz", 400),
        ("/traces/0123456789abcdef", 404),
        ("/conversation?id=nobody", 404),
        ("/usage?by=mood", 400),
        ("/compare?a=1&b=x", 400),
        ("/compare?a=1&b=9999999", 404),
        ("/sql?q=DELETE+FROM+spans", 400),
        ("/sql?q=SELECT+1;+SELECT+2", 400),
        ("/sql?q=ATTACH+'x'+AS+y", 400),
        ("/sql?q=nonsense", 400),
        ("/nothing", 404),
    ],
)
def test_bad_addresses_are_answered_in_words(client: TestClient, page: str, status: int) -> None:
    """An address that means nothing gets a page that says so, never a traceback."""
    answer = client.get(page)
    assert answer.status_code == status
    assert "<main" in answer.text
    assert "Traceback" not in answer.text


def test_a_conversation_without_an_id_is_the_list(client: TestClient) -> None:
    """Whoever asks for no conversation in particular chooses one."""
    for page in ("/conversation", "/conversation?id="):
        answer = client.get(page)
        assert (answer.status_code, answer.headers["location"]) == (303, "/conversations")


def _pages_of(database: Database) -> list[str]:
    """Return a page for each way to fail, and for a tool, a conversation, a trace and a call; and lists of nothing."""
    failed = {failure.error_type: f"/calls/{failure.id}" for failure in database.errors()}.values()
    chat, trace, call, tool = (
        database.conversations()[0],
        database.traces()[0],
        database.calls(limit=1)[0],
        database.tool_calls()[0],
    )
    several = [f"/conversation?id={chat.conversation_id}", f"/traces/{trace.trace_id}?span={call.id}"]
    return [*failed, *several, f"/calls/{call.id}", f"/calls/{tool.id}", "/conversations?user=nobody", "/usage", "/"]


def _hollow(page: str) -> list[str]:
    """Return the headings of a page that nothing follows, and tables without a row but those of queries."""
    sections = re.findall(r"<section[^>]*>(.*?)</section>", page, re.DOTALL)
    bare = [part for part in sections if not re.sub(r"<h([23])>.*?</h\1>|<[^>]+>|\s", "", part, flags=re.DOTALL)]
    return bare + re.findall(r"<table(?! class=.sql)[^>]*>(?:(?!</table>).)*<tbody>\s*</tbody>", page, re.DOTALL)


def test_no_page_promises_what_it_has_not(client: TestClient, demo: Database, tmp_path: Path) -> None:
    """Where there is nothing to show there is no heading for it, and a link within a page leads to a place of it."""
    for page in _pages_of(demo):
        text = client.get(page).text
        assert _hollow(text) == [], page
        assert [link for link in _links(text) if link.startswith("#") and f'id="{link[1:]}"' not in text] == [], page
    path = tmp_path / "bare.db"
    record_spans(path, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.4"})
    for page in ("/", "/usage", "/usage?show=latency", "/tools", "/errors", "/status", "/calls/1"):
        assert _hollow(client_of(path).get(page).text) == [], page


def test_failed_steps_lead_to_what_failed(client: TestClient, demo: Database) -> None:
    """From a conversation or a trace that says how many of its steps failed, a link leads to these."""
    chat = next(chat for chat in demo.conversations() if chat.errors)
    trace = next(trace for trace in demo.traces() if trace.errors)
    for page, filters in (
        (f"/conversation?id={chat.conversation_id}", {"conversation": chat.conversation_id}),
        (f"/traces/{trace.trace_id}", {"trace": trace.trace_id}),
    ):
        (link,) = [link for link in _links(client.get(page).text) if link.startswith("/errors?")]
        shown = set(re.findall(r'data-id="(\d+)"', client.get(link).text))
        assert shown == {str(failure.id) for failure in demo.errors(Filters.parse(filters))} != set()


def test_usage_says_its_period_and_what_it_adds_up_to(client: TestClient, demo: Database) -> None:
    """The period that is shown is marked though nobody chose one, and the last row is the sum of all."""
    page = client.get("/usage?by=user").text
    assert re.findall(r"aria-current=true>([^<]*)<", page) == ["all time", "user", "Cost"]
    calls = sum(usage.calls for usage in demo.usage(by="user"))
    assert re.search(rf'<tfoot><tr><th scope="row">In all</th>\s*<td class="n">{calls:,}<', page)
    assert re.findall(r"aria-current=true>([^<]*)<", client.get("/usage?since=7d").text)[0] == "7 days"
    page = client.get("/usage?since=3d").text
    assert re.findall(r"aria-current=true>([^<]*)<", page) == ["model", "Cost"]
    assert "since: 3d" in page


def test_usage_of_nobody_is_called_so(client: TestClient) -> None:
    """Calls without a user are one series and one row that say so."""
    page = client.get("/usage?by=user").text
    assert page.count("no user") > 1
    assert "others" not in page


def test_a_cache_that_nobody_reported_has_no_rate(tmp_path: Path) -> None:
    """Of calls that say nothing of a cache, none is told to have come from it."""
    path = tmp_path / "calls.db"
    counts = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 1}
    record_spans(path, {**_QUESTION, **counts}, {**_QUESTION, **counts, "gen_ai.request.model": "another"})
    for page in ("/usage", "/"):
        assert "0%" not in re.sub(r'"[^"]*"', "", client_of(path).get(page).text)
    record_spans(path, {**_QUESTION, **counts, "gen_ai.usage.cache_read.input_tokens": 0})
    assert "0%" in re.sub(r'"[^"]*"', "", client_of(path).get("/usage").text)


def test_filters_are_in_the_address(client: TestClient) -> None:
    """What was filtered for is shown, and can be taken away."""
    page = client.get("/calls", params={"model": "gpt-5.4", "status": "error"}).text
    assert "<option selected>gpt-5.4</option>" in page
    assert "/calls?status=error" in _links(page)


def test_pages_follow_each_other_without_gaps(client: TestClient, demo: Database) -> None:
    """From page to page, every call is shown once."""
    seen: list[int] = []
    address = "/calls"
    while address:
        page = client.get(address).text
        seen += [int(number) for number in re.findall(r'data-id="(\d+)"', page)]
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = html.unescape(following[1]) if following else ""
    assert seen == [call.id for call in demo.calls(limit=None)]


def test_a_file_that_vanishes_and_comes_back(tmp_path: Path) -> None:
    """While a file is away pages say so; when it is there again, or another one, they show it."""
    path = tmp_path / "calls.db"
    client = client_of(path)
    assert "There is no file yet" in client.get("/calls").text
    record_spans(path, _QUESTION)
    assert "Where is it?" in client.get("/calls").text
    mark = client.get("/mark").text
    path.rename(tmp_path / "away.db")
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"calls.db{suffix}").unlink(missing_ok=True)
    assert "There is no file yet" in client.get("/calls").text
    record_spans(path, {**_QUESTION, "gen_ai.request.model": "another"})
    assert "another" in client.get("/calls").text
    assert client.get("/mark").text != mark


def test_a_new_call_changes_the_mark(demo_path: Path, tmp_path: Path) -> None:
    """What live pages ask for tells when a call was added, and stays the same when nothing was."""
    path = tmp_path / "copy.db"
    shutil.copy(demo_path, path)
    client = client_of(path)
    before = client.get("/mark").text
    assert client.get("/mark").text == before
    record_spans(path, _QUESTION)
    assert client.get("/mark").text != before


def test_each_page_shows_its_sql(client: TestClient) -> None:
    """The SQL of a page answers on the SQL page."""
    for page in (
        "/",
        "/calls?model=gpt-*&text=order&since=7d",
        "/traces",
        "/conversations",
        "/usage",
        "/tools",
        "/errors",
    ):
        links = [link for link in _links(client.get(page).text) if link.startswith("/sql?q=") and "FROM" in link]
        assert any(client.get(link).status_code == 200 for link in links), page


def test_a_message_can_be_seen_whole(tmp_path: Path) -> None:
    """A text of which a page shows the beginning is one link away, whole, as plain text."""
    path = tmp_path / "long.db"
    long = "word " * 16_000
    text = f'[{{"role":"user","parts":[{{"type":"text","content":"{long}"}}]}}]'
    provider_text = {**_QUESTION, "gen_ai.input.messages": text}
    record_spans(path, provider_text)
    client = client_of(path)
    answer = client.get("/calls/1/input/0")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("word word")
    assert client.get("/calls/1/input/7").status_code == 404


def test_a_text_that_was_looked_for_is_marked(client: TestClient) -> None:
    """The list of calls shows where each has the text, marked."""
    page = client.get("/calls", params={"text": "ZIP is"}).text
    assert "tent&#39;s <mark>zip is</mark> broken" in page


@pytest.mark.parametrize("path", ["/calls", "/traces", "/conversations", "/tools", "/errors", "/usage"])
def test_a_search_that_was_cut_short_is_no_empty_answer(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The page says how far the search came, links to what stands further back, and blames no filter."""
    monkeypatch.setattr(slices, "_FIRST_SLICE", 20)
    monkeypatch.setattr(pages, "SEARCH_SECONDS", 1e-9)
    page = client.get(path, params={"text": "no such text"}).text
    assert "Nothing found back to" in page
    assert "Take a filter away, or" not in page
    following = re.search(r'href="([^"]+)">Look further back', page)
    assert following
    assert "until=" in following[1]
    monkeypatch.undo()
    assert "Nothing found back to" not in client.get(html.unescape(following[1])).text
