"""What a signal handler raises within ``on_end`` is the application's, and costs no span and no place in the queue."""

from __future__ import annotations

import contextlib
import functools
import gc
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

import otel_sqlite_exporter
from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.pipeline.bounded_queue import BoundedQueue
from otel_sqlite_exporter.pipeline.foreign_errors import is_of_a_handler
from tests.support import CHAT, recording, span_of, write_locked

LIMIT = 30
PACKAGE = Path(otel_sqlite_exporter.__file__).parent
OWN = {str(PACKAGE / "processor.py")} | {
    str(PACKAGE / "pipeline" / f"{name}.py")
    for name in ("bounded_queue", "ended_span", "span_filter", "exporter_thread", "latches")
}


class TimeLimitError(Exception):
    """What an application's alarm raises."""


def _interrupted_at(step: int, call: Callable[[], None], error: type[Exception]) -> bool:
    """Run a call and have a signal handler raise after so many instructions in the recorder's own code."""
    left = step
    has_raised = False

    def handler(_signum: int, _frame: FrameType | None) -> None:
        raise error

    def trace(frame: FrameType, event: str, _argument: object) -> object:
        nonlocal left, has_raised
        if frame.f_code.co_filename not in OWN:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left == 0:
                has_raised = True
                signal.raise_signal(signal.SIGUSR1)
        return trace

    before = signal.signal(signal.SIGUSR1, handler)
    # A collection that falls on the signal runs the callbacks of other libraries, and swallows what is raised there.
    gc.disable()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        call()
    except error:
        pass
    else:
        assert not has_raised, f"swallowed at step {step}"
    finally:
        sys.settrace(None)
        gc.enable()
        signal.signal(signal.SIGUSR1, before)
    return has_raised


@pytest.mark.skipif(sys.version_info < (3, 11), reason="CPython 3.10 crashes where a trace of opcodes raises a signal")
@pytest.mark.parametrize("error", [TimeLimitError, IndexError, AttributeError, TimeoutError])
@pytest.mark.parametrize("kind", ["ordinary", "hand-made", "other", "large"])
def test_a_handler_may_raise_at_any_step(tmp_path: Path, kind: str, error: type[Exception]) -> None:
    """At each of the steps of ``on_end`` the exception arrives, and every span counts once at most."""
    texts: dict[str, dict[str, object]] = {"other": {"a": 1}, "large": {**CHAT, "gen_ai.prompt": "x" * 300_000}}
    attributes: dict[str, object] = texts.get(kind, {**CHAT})
    with recording(tmp_path / "traces.db", max_queue_size=4096) as processor:
        # Python 3.12 traces opcodes only from the second time on.
        _interrupted_at(1 << 30, functools.partial(processor.on_end, span_of(sampled=False)), error)
        with write_locked(tmp_path / "traces.db"):
            step = 1
            while True:
                span = span_of(attributes, span_id=step + 1)
                call = functools.partial(processor.on_end, object() if kind == "hand-made" else span)  # type: ignore[arg-type]
                if not _interrupted_at(step, call, error):
                    break
                step += 1
            assert step > LIMIT or kind == "hand-made"
            assert processor.stats().received <= step + 1
        assert processor.force_flush()


def test_places_that_were_lost_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A permit that is missing at two looks, a while apart, was lost; one that is back at the second was not."""
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    queue: BoundedQueue[int] = BoundedQueue(8, lambda _: 1)
    lost, held = queue.permits.pop(), queue.permits.pop()
    queue.offer(1)
    now = 1.0
    queue.find_missing()
    queue.permits.append(held)
    now = 2.0
    queue.find_missing()
    assert sorted([*queue.permits, *(permit for _, permit in queue.queue)]) == list(range(8))
    assert lost in queue.permits


def test_what_a_span_itself_raises_is_not_a_handler_s() -> None:
    """A property of a hand-made span that fails is ours to deal with."""

    class Odd:
        @property
        def context(self) -> object:
            raise TimeLimitError

    with pytest.raises(TimeLimitError) as raised:
        Odd().context  # noqa: B018 - it raises
    assert not is_of_a_handler(raised.value)


def test_near_the_recursion_limit_counts_stay_exact(tmp_path: Path) -> None:
    """Wherever the stack ends, ``on_end`` raises nothing and counts the span once."""
    with recording(tmp_path / "traces.db", max_queue_size=4096) as processor:
        ended = _end_at_every_depth(processor)
        assert processor.stats().received == ended + 1
        assert processor.force_flush() or processor.stats().dropped["conversion_error"]


def _end_at_every_depth(processor: SQLiteSpanProcessor) -> int:
    ended = 0

    def descend() -> None:
        nonlocal ended
        with contextlib.suppress(RecursionError):
            descend()
        if ended < LIMIT:
            span = span_of(span_id=ended + 1000)
            ended += 1
            try:
                processor.on_end(span)
            except RecursionError:  # on_end itself could not be called
                ended -= 1

    descend()
    return ended
