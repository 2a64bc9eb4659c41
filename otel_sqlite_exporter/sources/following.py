"""Providers of our own that step back when the application sets up another one later.

``set_tracer_provider`` takes one provider per process. Were ours that one, a Phoenix or Logfire that is set up after
``record()`` would be refused, and its own export would get nothing. So ours is in the global's place without having
used it up; whoever comes later gets it, and the spans of tracers that we gave out start there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer
from opentelemetry.util._once import Once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import ModuleType

    from opentelemetry.trace import Span
    from opentelemetry.trace import TracerProvider as AnyTracerProvider


class FollowingTracerProvider(TracerProvider):
    """A tracer provider whose tracers start their spans with its successor, once it has one."""

    successor: AnyTracerProvider | None = None

    def get_tracer(self, *args: Any, **kwargs: Any) -> Tracer:  # noqa: ANN401 - whatever the SDK's version takes
        """Return a tracer that follows."""
        return _FollowingTracer(
            self, super().get_tracer(*args, **kwargs), lambda provider: provider.get_tracer(*args, **kwargs)
        )


class _FollowingTracer(Tracer):
    """A tracer of a :class:`FollowingTracerProvider`."""

    def __init__(
        self, provider: FollowingTracerProvider, own: Tracer, make: Callable[[AnyTracerProvider], Tracer]
    ) -> None:
        self._provider = provider
        self._tracer = own
        self._make = make
        self._made_by: AnyTracerProvider | None = None

    def _current(self) -> Tracer:
        successor = self._provider.successor
        if successor is not self._made_by and successor is not None:
            self._tracer = self._make(successor)
            self._made_by = successor
        return self._tracer

    def start_span(self, *args: Any, **kwargs: Any) -> Span:  # noqa: ANN401 - as above
        """Start a span where spans go now."""
        return self._current().start_span(*args, **kwargs)

    def start_as_current_span(  # type: ignore[override]  # the API's decorator, on what the current tracer returns
        self,
        *args: Any,  # noqa: ANN401 - as above
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> AbstractContextManager[Span] | Iterator[Span]:
        """Start a span where spans go now, and make it the current one."""
        return self._current().start_as_current_span(*args, **kwargs)

    def __getattr__(self, name: str) -> object:
        """Return what the SDK's tracer has beside the interface: ``id_generator``, ``resource``, ..."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._current(), name)


class _OpenToOthers(Once):
    """The API's "set once" of a global provider, not used up by ours; the first other one is reported."""

    def __init__(self, when_set: Callable[[], None]) -> None:
        super().__init__()
        self._when_set = when_set

    def do_once(self, func: Callable[[], None]) -> bool:
        """Set another provider, the first time."""
        did_set = super().do_once(func)
        if did_set:
            self._when_set()
        return did_set


def make_global(module: ModuleType, name: str, provider: object, when_another: Callable[[], None]) -> bool:
    """Make a provider the global one for as long as the application sets no other.

    Args:
        module: The API's module that keeps it.
        name: ``TRACER_PROVIDER`` or ``LOGGER_PROVIDER``.
        provider: The provider.
        when_another: Called when the application has set another one.

    Returns:
        False where this version of the API keeps it elsewhere: nothing is done then.
    """
    once = f"_{name}_SET_ONCE"
    if not (hasattr(module, once) and hasattr(module, f"_{name}")):
        return False
    setattr(module, f"_{name}", provider)
    setattr(module, once, _OpenToOthers(when_another))
    return True
