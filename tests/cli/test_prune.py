"""Pruning by hand deletes what it was told, beside a recorder that goes on."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest

from otel_sqlite_exporter.demo.file import write_demo
from tests.cli.conftest import Command
from tests.support import check_file, end_spans, query, recording, value


@pytest.fixture(scope="module")
def twenty_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a demonstration file of twenty days, made once."""
    path = tmp_path_factory.mktemp("twenty days") / "demo.db"
    write_demo(path, days=20)
    return path


@pytest.fixture
def path(twenty_days: Path, tmp_path: Path) -> Path:
    """Return a demonstration file that may be changed."""
    return Path(shutil.copy(twenty_days, tmp_path / "demo.db"))


def test_old_traces_go_whole(command: Command, path: Path) -> None:
    """What ended before is gone, the rest is whole, and the sums follow."""
    done = command("prune", "--older-than", "5d", "-d", path)
    assert done.status == 0
    days = "SELECT min(julianday(start_time)) - julianday('now') FROM llm_calls"
    assert float(str(value(path, days))) > -5.01
    assert value(path, "SELECT sum(calls) FROM usage") == value(path, "SELECT count(*) FROM llm_calls")
    assert not query(path, "SELECT 1 FROM messages WHERE id NOT IN (SELECT message_id FROM span_messages)")
    check_file(path)


def test_a_dry_run_deletes_nothing(command: Command, path: Path) -> None:
    """A dry run says about how many would go, and changes nothing."""
    before = value(path, "SELECT count(*) FROM spans")
    said = command("prune", "--older-than", "5d", "--dry-run", "-d", path).out
    assert value(path, "SELECT count(*) FROM spans") == before
    done = command("prune", "--older-than", "5d", "-d", path).out
    would, did = (int(re.findall(r"([\d,]+) spans", text)[0].replace(",", "")) for text in (said, done))
    assert abs(would - did) <= 50


def test_a_file_shrinks_to_a_size(command: Command, path: Path) -> None:
    """The oldest traces go until the pages in use fit."""
    done = command("prune", "--max-bytes", "1.05MB", "-d", path)
    assert done.status == 0
    assert path.stat().st_size <= 1_050_000


def test_a_recorder_goes_on(command: Command, tmp_path: Path) -> None:
    """A message that was deleted under a recorder that knows it is written again with its next call."""
    path = tmp_path / "live.db"
    prompt = '[{"role":"user","parts":[{"type":"text","content":"again and again"}]}]'
    with recording(path) as processor:
        end_spans(processor, 3, **{"gen_ai.input.messages": prompt})
        processor.force_flush()
        now = datetime.now(timezone.utc).isoformat()
        assert command("prune", "--older-than", now, "-d", path).status == 0
        assert query(path, "SELECT id FROM messages") == []
        end_spans(processor, 1, **{"gen_ai.input.messages": prompt})
        processor.force_flush()
    assert query(path, "SELECT input_text FROM llm_calls") == [("again and again",)]


@pytest.mark.parametrize(
    "arguments",
    [(), ("--older-than", "soon"), ("--older-than", "all"), ("--max-bytes", "much"), ("--max-bytes", "1kB")],
)
def test_a_limit_that_means_nothing_deletes_nothing(command: Command, path: Path, arguments: tuple[str, ...]) -> None:
    """A missing or bad limit has status 2."""
    before = value(path, "SELECT count(*) FROM spans")
    assert command("prune", *arguments, "-d", path).status == 2
    assert value(path, "SELECT count(*) FROM spans") == before
