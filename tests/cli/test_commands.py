"""Each command answers, in every form, with the fields that the documentation names."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from otel_sqlite_exporter import Database
from otel_sqlite_exporter.cli.app import COMMANDS, main
from otel_sqlite_exporter.cli.table import Column, Marked, lines
from otel_sqlite_exporter.reading import slices
from tests.cli.conftest import Command, Done, Screen, in_terminal

LISTS = (
    ("calls",),
    ("traces",),
    ("conversations",),
    ("usage",),
    ("usage", "--by", "day,agent"),
    ("tools",),
    ("errors",),
    ("errors", "--each"),
    ("latency",),
    ("search", "order"),
)
ONES = (
    ("show", "-1"),
    ("show", "-1", "--changes"),
    ("trace", "-1"),
    ("chat", "-1"),
    ("diff", "-1", "-2"),
    ("status",),
    (),
)
DOCUMENTED = Path(__file__).parents[2] / "docs" / "reading.md"


def documented_fields(name: str) -> list[str]:
    """Return the fields that the documentation lists for a command."""
    table = DOCUMENTED.read_text("utf-8").partition("## Fields")[2]
    (fields,) = re.findall(rf"^\| `{re.escape(name)}` \| (.*) \|$", table, flags=re.MULTILINE)
    return re.findall(r"`(\w+)`", fields)


@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_a_list_is_one_json_array_of_the_documented_fields(
    command: Command, demo_path: Path, arguments: tuple[str, ...]
) -> None:
    """``--json`` is one array on standard output, whose objects have exactly the fields of the documentation."""
    done = command(*arguments, "--json", "-d", demo_path)
    rows = json.loads(done.out)
    assert (done.status, done.err) == (0, "")
    assert rows
    name = " ".join(arguments) if arguments[0] == "errors" else arguments[0]
    fields = documented_fields(name)
    if arguments[0] in {"usage", "latency"}:
        groups = ["day", "agent_name"] if arguments[-1] == "day,agent" else ["model"]
        fields = [*groups, *fields]
    assert all(list(row) == fields for row in rows)


@pytest.mark.parametrize("arguments", ONES, ids=" ".join)
def test_one_thing_is_one_json_object_of_the_documented_fields(
    command: Command, demo_path: Path, arguments: tuple[str, ...]
) -> None:
    """``--json`` of one thing is one object with exactly the fields of the documentation."""
    done = command(*arguments, "--json", "-d", demo_path)
    assert (done.status, done.err) == (0, "")
    name = "show --changes" if "--changes" in arguments else (arguments or ("otel-sqlite",))[0]
    fields = documented_fields(name)
    if name == "show":
        fields = [*documented_fields("calls"), *fields]
    assert list(json.loads(done.out)) == fields


@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_csv_has_what_json_has(command: Command, demo_path: Path, arguments: tuple[str, ...]) -> None:
    """``--csv`` has the columns and as many rows as ``--json``."""
    rows = list(csv.DictReader(io.StringIO(command(*arguments, "--csv", "-d", demo_path).out)))
    objects = json.loads(command(*arguments, "--json", "-d", demo_path).out)
    assert len(rows) == len(objects)
    assert list(rows[0]) == list(objects[0])


@pytest.mark.parametrize("arguments", [*LISTS, *ONES], ids=" ".join)
def test_a_pipe_gets_plain_text(command: Command, demo_path: Path, arguments: tuple[str, ...]) -> None:
    """Without a terminal there are no escapes, and lines are not wrapped."""
    done = command(*arguments, "-d", demo_path)
    assert done.status == 0
    assert done.out
    assert "\x1b" not in done.out


def check_fits(done: Done, width: int) -> None:
    """Check that every line fits, and that there are colours and no other escapes."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in done.out.splitlines()]
    assert done.status == 0, done.out
    assert max(map(cell_len, lines)) <= width
    assert "\x1b[" in done.out
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("arguments", [*LISTS, *ONES], ids=" ".join)
def test_a_screen_is_never_wider_than_it_is(
    on_screen: Screen, demo_path: Path, arguments: tuple[str, ...], width: int
) -> None:
    """On a narrow, an ordinary and a wide screen every line fits, and colours end where they began."""
    check_fits(on_screen(width, *arguments, "-d", demo_path), width)


@pytest.mark.parametrize("arguments", [*LISTS, ("trace", "-1")], ids=" ".join)
def test_a_narrow_screen_breaks_no_row(on_screen: Screen, demo_path: Path, arguments: tuple[str, ...]) -> None:
    """On 40 columns a table gives up columns and text, and has a line for each row as on a wide screen."""
    narrow, wide = (on_screen(width, *arguments, "-d", demo_path).out.splitlines() for width in (40, 300))
    if arguments[0] == "trace":
        # The facts about a trace and its failures are words, which may take more lines.
        narrow, wide = ([line for line in lines if re.search("agent|tool|llm", line)] for lines in (narrow, wide))
    assert len(narrow) == len(wide)


@pytest.mark.parametrize(("arguments", "width"), [((), 80), (("show", "-1"), 200), (("trace", "-1"), 80)])
def test_a_real_terminal_is_never_wider_than_it_is(demo_path: Path, arguments: tuple[str, ...], width: int) -> None:
    """In a pseudo-terminal of 80 and of 200 columns it is the same."""
    check_fits(in_terminal(width, *arguments, "-d", demo_path), width)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_colours_can_be_refused(demo_path: Path, environment: dict[str, str]) -> None:
    """NO_COLOR and a dumb terminal get no colours."""
    done = in_terminal(80, "errors", "-d", demo_path, **environment)
    assert done.status == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", done.out)


@pytest.mark.parametrize(
    ("arguments", "environment", "is_paged"),
    [
        (("calls",), {"PAGER": "nl"}, True),
        (("calls",), {"PAGER": "cat", "OTEL_SQLITE_PAGER": "nl"}, True),
        (("calls",), {"PAGER": "nl", "OTEL_SQLITE_PAGER": ""}, False),
        (("calls",), {"PAGER": ""}, False),
        (("--no-pager", "calls"), {"PAGER": "nl"}, False),
        (("calls", "--no-pager"), {"PAGER": "nl"}, False),
    ],
)
def test_the_pager_is_chosen_as_git_does(
    demo_path: Path, arguments: tuple[str, ...], environment: dict[str, str], *, is_paged: bool
) -> None:
    """What is longer than the screen goes through the pager that is named, unless it is empty or refused."""
    done = in_terminal(80, *arguments, "-n", "60", "-d", demo_path, **environment)
    assert done.status == 0
    assert bool(re.search(r"^ +7\t", done.out, flags=re.MULTILINE)) is is_paged


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_sentence_and_an_example(command: Command, name: str) -> None:
    """Each command's help has an example that names the command."""
    done = command(name, "--help")
    assert done.status == 0
    assert re.search(rf"Example: otel-sqlite {name}\b", done.out)


def test_the_list_of_commands_cuts_no_sentence(command: Command) -> None:
    """The first sentence of each help is short enough for the list of commands."""
    assert "..." not in command("--help").out.partition("Commands:")[2]
    assert set(COMMANDS) == set(main.commands) | set(main.list_commands(None))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["jsonl", "csv", "openai", "markdown"])
def test_an_export_has_every_call(command: Command, demo_path: Path, tmp_path: Path, form: str) -> None:
    """An export has the calls that the list has; lines for fine-tuning those that have an answer."""
    every = ["--every-call"] if form == "openai" else []
    done = command("export", "--format", form, *every, "--status", "ok", "-o", tmp_path / "out", "-d", demo_path)
    assert done.status == 0
    text = (tmp_path / "out").read_text("utf-8")
    calls = json.loads(command("calls", "-n", 10_000, "--status", "ok", "--json", "-d", demo_path).out)
    counted = {
        "jsonl": len(text.splitlines()),
        "csv": len(list(csv.DictReader(io.StringIO(text)))),
        "openai": len(text.splitlines()),
        "markdown": len(re.findall(r"^# .* \(\d+\)$", text, flags=re.MULTILINE)),
    }[form]
    expected = [call for call in calls if form != "openai" or call["kind"] == "llm"]
    assert counted == len(expected)
    said = f"{counted:,} lines of {len(calls):,} calls" if form == "openai" else f"{counted:,} calls"
    assert done.err == f"{tmp_path / 'out'}: {said}\n"


def test_a_line_for_fine_tuning_is_what_a_trainer_takes(command: Command, demo_path: Path) -> None:
    """Each line ends with the assistant, every result follows its call, and the tools are there."""
    done = command("export", "--format", "openai", "-d", demo_path)
    for text in done.out.splitlines():
        line = json.loads(text)
        asked: set[str] = set()
        for message in line["messages"]:
            assert message["role"] in {"system", "user", "assistant", "tool"}
            assert isinstance(message["content"], (str, list)) or message.get("tool_calls")
            for call in message.get("tool_calls", ()):
                asked.add(call["id"])
                json.loads(call["function"]["arguments"])
            if message["role"] == "tool":
                assert message["tool_call_id"] in asked
        assert line["messages"][-1]["role"] == "assistant"
        for tool in line.get("tools", ()):
            assert tool["function"]["parameters"]["type"] == "object"


def test_the_python_of_every_call_compiles(command: Command, demo_path: Path) -> None:
    """The code that repeats a request is Python, whatever the prompt says."""
    calls = json.loads(command("calls", "-n", 60, "--json", "-d", demo_path).out)
    # One of each model and kind of answer: they are written alike.
    for call in {(call["model"], call["tool_calls"] is None, call["status"]): call for call in calls}.values():
        done = command("show", call["id"], "--python", "-d", demo_path)
        compile(done.out, "request.py", "exec")
        assert repr(call["model"]) in done.out


FINDING = (("search", "zip is"), ("calls", "-q", "zip is"))


@pytest.mark.parametrize("arguments", FINDING, ids=" ".join)
def test_a_text_that_was_looked_for_is_marked_in_a_pipe(
    command: Command, demo_path: Path, arguments: tuple[str, ...]
) -> None:
    """Each line has the text with what stands around it, marked by signs; JSON has it as a field."""
    *_, piped = command(*arguments, "-d", demo_path).out.splitlines()
    assert "tent's »zip is« broken" in piped
    row = json.loads(command(*arguments, "--json", "-d", demo_path).out)[0]
    assert (row if arguments[0] == "search" else row["excerpt"])["found"] == "zip is"


@pytest.mark.parametrize("arguments", FINDING, ids=" ".join)
def test_a_text_that_was_looked_for_is_marked_on_a_screen(
    on_screen: Screen, demo_path: Path, arguments: tuple[str, ...]
) -> None:
    """On a terminal of 80 columns the text is to be seen, and stands out by its style."""
    *_, shown = on_screen(80, *arguments, "-d", demo_path).out.splitlines()
    assert "\x1b[1;33mzip is\x1b[0m broken" in shown


def test_a_mark_stays_to_be_seen() -> None:
    """Where there is no room for the whole line, it is cut around its mark."""
    column: Column[str] = Column("", lambda text: Marked("before " * 20, text, " after" * 20), least=20)
    (line,) = lines([column], ["here"], width=20, has_head=False)
    assert line.cell_len <= 20
    assert "here" in line.plain
    assert line.plain[0] == line.plain[-1] == "…"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("calls", "--kind", "tool"), "see: otel-sqlite tools"),
        (("calls", "--agent", "fixer", "--model", "none"), "there are some without --model none"),
        (("errors", "--agent", "none", "--user", "none"), "whichever of --agent none, --user none is left out"),
        (("usage", "--model", "none"), "there are some without --model none"),
        (("latency", "--model", "none"), "there are some without --model none"),
        (("traces", "--agent", "none"), "there are some without --agent none"),
        (("tools", "--tool", "none"), "there are some without --tool none"),
    ],
)
def test_an_empty_list_says_which_filter_leaves_nothing(
    command: Command, demo_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    """Standard output is empty; the remark says what to take away, or where to look."""
    done = command(*arguments, "-d", demo_path)
    assert (done.status, done.out) == (0, "")
    assert words in done.err


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)], ids=["table", "json", "csv"])
@pytest.mark.parametrize("name", ["calls", "traces", "conversations", "usage", "tools", "errors", "latency", "search"])
def test_a_search_that_was_cut_short_is_no_empty_answer(
    command: Command, demo_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: tuple[str, ...]
) -> None:
    """In every form, standard error says how far the search came and how to go on; more seconds come to the end."""
    monkeypatch.setattr(slices, "_FIRST_SLICE", 20)
    asked = (name, "no such text") if name == "search" else (name, "-q", "no such text")
    cut = command(*asked, *form, "--seconds", "0.000000001", "-d", demo_path)
    assert re.fullmatch(r"nothing found back to [-\d]+ [:\d]+; go on with --until \S+ or --seconds 10\n", cut.err)
    whole = command(*asked, *form, "--seconds", "10", "-d", demo_path)
    assert "back to" not in whole.err
    assert whole.out == cut.out


def test_a_failed_call_is_seen_without_colour(command: Command, demo_path: Path) -> None:
    """In a pipe a sign says what failed, and only that."""
    _, *failed = command("calls", "--status", "error", "-d", demo_path).out.splitlines()
    _, *others = command("calls", "--status", "ok", "-d", demo_path).out.splitlines()
    assert failed
    assert all("✕ " in line for line in failed)
    assert not any("✕ " in line for line in others)


def test_changes_in_a_pipe_are_markdown(command: Command, demo_path: Path) -> None:
    """What is new in a call has no line that is drawn for a screen."""
    lines = command("show", "-1", "--changes", "-d", demo_path).out.splitlines()
    assert lines[0].startswith("# ")
    assert any(line.startswith("after call ") for line in lines)
    assert max(map(len, lines)) < 1000


def test_a_call_alone_is_compared_with_the_one_before(command: Command, demo: Database, demo_path: Path) -> None:
    """``diff ID`` takes the previous call of the conversation, agent or trace; the first one has none."""
    call = next(call for call in demo.calls() if demo.changes(call.id).previous is not None)
    previous = demo.changes(call.id).previous
    assert previous is not None
    alone, named = (command("diff", *ids, "-d", demo_path) for ids in ([call.id], [previous.id, call.id]))
    assert alone.out == named.out != ""
    first = next(call for call in demo.calls(limit=None) if demo.changes(call.id).previous is None)
    assert "has no call before it" in command("diff", first.id, "-d", demo_path).err
