"""Tell an exception that a signal handler raised from one of a span's own shape.

Python runs signal handlers between any two instructions of the main thread. What they raise (a time limit of Celery's,
an alarm) is meant for the application, which happened to be in ``on_end``; what a span raises that is not built as the
SDK's own are is ours to deal with.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_OF_SHAPE: Final = (AttributeError, TypeError, IndexError, KeyError, ValueError, RuntimeError, MemoryError)
"""What a span of another shape raises where no code of its own runs, and a system without room for a thread."""


def is_of_a_handler(error: Exception) -> bool:
    """Tell whether an exception that passed through ``on_end`` came from a signal handler, or from another thread.

    A handler is called with the signal's number and the frame that it interrupted, which is one of those that the
    exception passed through. ``PyThreadState_SetAsyncExc`` leaves no frame at all, and no exception of a span's shape.
    """
    frames = list(_frames(error.__traceback__))
    if len(frames) == 1:
        return not isinstance(error, _OF_SHAPE)
    handlers = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    seen = set(frames)
    return any(frame.f_code in handlers or _was_interrupted(frame, seen) for frame in frames[1:])


def _frames(traceback: TracebackType | None) -> Iterator[FrameType]:
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _was_interrupted(frame: FrameType, frames: set[FrameType]) -> bool:
    """Tell whether a frame was given another one of these, as a signal handler is."""
    values = list(frame.f_locals.values())
    values += [item for value in values if type(value) is tuple for item in value]
    return any(type(value) is FrameType and value in frames for value in values)


def _code_of(handler: object) -> object:
    function = getattr(handler, "__func__", handler)
    return getattr(function, "__code__", None)
