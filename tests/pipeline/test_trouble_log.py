"""Trouble in the log: enough lines to know of it, too few to be a nuisance."""

from __future__ import annotations

import io
import logging

import pytest

from otel_sqlite_exporter.pipeline import trouble_log
from otel_sqlite_exporter.pipeline.trouble_log import TroubleLog


def test_trouble_that_comes_and_goes_is_one_pair_of_lines(caplog: pytest.LogCaptureFixture) -> None:
    """However often a disk fails within a minute, the log says so once, and once that it was over."""
    log = TroubleLog()
    for number in range(100):
        log.trouble("write", "failing %d", number)
        log.over("write", "well again %d", number)
    assert caplog.messages == ["failing 0", "well again 0"]


def test_trouble_that_lasts_is_logged_again(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the pause between two lines has passed, the same kind of trouble is worth a line again."""
    log = TroubleLog()
    assert log.trouble("write", "failing")
    assert not log.trouble("write", "failing")
    monkeypatch.setattr(trouble_log, "_REPEAT_AFTER_SECONDS", 0)
    assert log.trouble("write", "failing still")
    assert log.over("write", "well again")
    assert not log.over("write", "well again")
    assert caplog.messages == ["failing", "failing still", "well again"]


def test_kinds_of_trouble_do_not_hide_each_other(caplog: pytest.LogCaptureFixture) -> None:
    """A loss is told although a delay was told just before."""
    log = TroubleLog()
    log.trouble("write", "spans wait")
    log.trouble("loss", "spans are lost")
    assert caplog.messages == ["spans wait", "spans are lost"]


def test_a_handler_with_a_closed_stream_prints_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """A line of ours into a stream that a test has closed is dropped in silence; logging stays as it was."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    stream.close()
    logging.getLogger().addHandler(handler)
    try:
        assert TroubleLog().trouble("write", "failing")
    finally:
        logging.getLogger().removeHandler(handler)
    assert "Logging error" not in capsys.readouterr().err
    assert logging.raiseExceptions
