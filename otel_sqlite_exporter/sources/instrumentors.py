"""Switch on what is installed: each SDK's preferred instrumentation, when the SDK is imported."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from otel_sqlite_exporter.sources.content import switch_on_sdk
from otel_sqlite_exporter.sources.installed import TROUBLES, installed_instrumentations, installed_sdks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from opentelemetry import _logs, trace

    from otel_sqlite_exporter.sources.catalogue import Sdk
    from otel_sqlite_exporter.sources.installed import InstalledSdk, Instrumentation

_logger = logging.getLogger("otel_sqlite_exporter")

State: TypeAlias = Literal["active", "waiting", "passed over", "broken", "missing"]
_PYDANTIC_AI: Final = "pydantic_ai"


class _Instrumentor(Protocol):
    """What ``opentelemetry.instrumentation`` promises of an instrumentor."""

    is_instrumented_by_opentelemetry: bool

    def instrument(self, **kwargs: object) -> object:
        """Switch on."""

    def uninstrument(self, **kwargs: object) -> object:
        """Switch off."""


@dataclass(slots=True)
class Source:
    """One way in which calls of an SDK may be reported.

    Args:
        name: The SDK, as people call it.
        label: The distribution that reports, with its version; of a missing one, what would have to be installed.
        state: ``active``; ``waiting`` for the import of its SDK; ``passed over`` because another one reports the same;
            ``broken``; ``missing``.
        reason: Why it is broken or passed over.
    """

    name: str
    label: str
    state: State
    reason: str = ""


class Instrumentors:
    """What is installed here, switched on once per process.

    Args:
        listen_to: Has spans of a tracer provider recorded.
    """

    def __init__(self, listen_to: Callable[[object], bool]) -> None:
        self._listen_to = listen_to
        self._tracer_provider: trace.TracerProvider | None = None
        self._logger_provider: _logs.LoggerProvider | None = None
        self._instrumentations: list[Instrumentation] = []
        self._sources: dict[str, Source] = {}
        self._groups: dict[str, list[Instrumentation]] = {}
        self.has_found_active = False
        """Whether the application had switched one on itself, with whatever provider."""

    @property
    def distributions(self) -> list[str]:
        """The installed instrumentations, by distribution."""
        return [instrumentation.distribution for instrumentation in self._instrumentations]

    def find(self) -> list[InstalledSdk]:
        """Look for what is installed, and return the SDKs."""
        self._instrumentations = installed_instrumentations()
        return installed_sdks(self._instrumentations)

    def activate(
        self,
        sdks: Sequence[InstalledSdk],
        tracer_provider: trace.TracerProvider,
        logger_provider: _logs.LoggerProvider,
    ) -> list[Source]:
        """Switch on what is not active yet, and say what became of each.

        Nothing is imported before the application does: an SDK that it has not imported is instrumented when it does.
        """
        self._tracer_provider = tracer_provider
        self._logger_provider = logger_provider
        for installed in sdks:
            name = installed.sdk.name
            if installed.instrumentations:
                if name not in self._groups:
                    self._groups[name] = list(installed.instrumentations)
                    self._start(name, installed.sdk)
            elif installed.sdk.module == _PYDANTIC_AI:
                self._start_pydantic_ai(installed)
            elif installed.reports_itself:
                self._sources[name] = Source(name, f"{installed.distribution} {installed.version}", "active")
            else:
                self._sources[name] = Source(name, installed.sdk.remedy, "missing")
        for instrumentation in self._instrumentations:
            if instrumentation.sdk is None and instrumentation.label not in self._groups:
                self._groups[instrumentation.label] = [instrumentation]
                self._switch_on(instrumentation.label)
        return list(self._sources.values())

    def _start(self, name: str, sdk: Sdk) -> None:
        group = self._groups[name]
        active = next((one for one in group if one.is_active), None)
        self.has_found_active = self.has_found_active or active is not None
        preferred = active or group[0]
        for other in group:
            if other is not preferred:
                reason = f"{preferred.distribution} reports the same calls"
                self._sources[f"{name}, {other.distribution}"] = Source(name, other.label, "passed over", reason)
        if active is not None:
            self._sources[name] = Source(name, active.label, "active")
        else:
            self._sources[name] = Source(name, preferred.label, "waiting")
            _when_imported(sdk.modules, functools.partial(self._switch_on, name))

    def _switch_on(self, name: str) -> None:
        """Switch on the first instrumentation of a group that can be; raise nothing into the import that led here."""
        group = self._groups[name]
        for instrumentation in group:
            options = _being_switched_on(instrumentation)
            if options is not None:
                self._listen_to(options.get("tracer_provider"))
            if options is not None or instrumentation.is_active:
                self._sources[name] = Source(name, instrumentation.label, "active")
                return
        for instrumentation in group:
            try:
                self._instrument(instrumentation)
            except Exception as error:  # noqa: BLE001 - any package may be broken in any way; the application goes on
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                self._sources[name] = Source(name, instrumentation.label, "broken", reason)
                TROUBLES[instrumentation.distribution] = reason
                _logger.warning("%s could not be switched on (%s)", instrumentation.label, reason)
            else:
                self._sources[name] = Source(name, instrumentation.label, "active")
                return
        if switch_on_sdk(os.environ, name):
            self._sources[name] = Source(name, f"{name} itself", "active")
            _logger.warning("%s reports its calls itself in its place", name)

    def _instrument(self, instrumentation: Instrumentation) -> None:
        instrumentor: _Instrumentor = instrumentation.entry_point.load()()
        instrumentor.instrument(**self._providers(), raise_exception_on_conflict=True)
        if not instrumentor.is_instrumented_by_opentelemetry:
            raise RuntimeError("it refused; its own log line says why")
        vars(instrumentor)["instrument"] = functools.partial(self._give_way, instrumentor)

    def _give_way(self, instrumentor: _Instrumentor, **kwargs: Any) -> object:  # noqa: ANN401 - the instrumentor's own
        """Do what the application asks of an instrumentor that we have switched on before.

        The instrumentor itself would warn and do nothing, and the provider that it is given would get no spans.
        """
        ours = self._providers()
        wanted = {**ours, **{name: value for name, value in kwargs.items() if value is not None}}
        if wanted.keys() == ours.keys() and all(wanted[name] is ours[name] for name in ours):
            return None
        self._listen_to(wanted["tracer_provider"])
        vars(instrumentor).pop("instrument", None)
        instrumentor.uninstrument()
        return instrumentor.instrument(**wanted)

    def _providers(self) -> dict[str, Any]:
        return {"tracer_provider": self._tracer_provider, "logger_provider": self._logger_provider}

    def _start_pydantic_ai(self, installed: InstalledSdk) -> None:
        """Have every agent of pydantic-ai report: it has a switch of its own in place of an instrumentor."""
        name = installed.sdk.name
        if name not in self._sources:
            self._sources[name] = Source(name, f"{installed.distribution} {installed.version}", "waiting")
            _when_imported(installed.sdk.modules, functools.partial(self._switch_on_pydantic_ai, name))

    def _switch_on_pydantic_ai(self, name: str) -> None:
        source = self._sources[name]
        try:
            agent = importlib.import_module(f"{_PYDANTIC_AI}.agent").Agent
            settings = importlib.import_module(f"{_PYDANTIC_AI}.models.instrumented").InstrumentationSettings
            if not getattr(agent, "_instrument_default", False):
                agent.instrument_all(settings(tracer_provider=self._tracer_provider))
        except Exception as error:  # noqa: BLE001 - as in _switch_on
            source.state, source.reason = "broken", f"{type(error).__name__}: {error}".splitlines()[0]
            _logger.warning("%s could not be switched on (%s)", source.label, source.reason)
        else:
            source.state = "active"


def _when_imported(modules: Sequence[str], do: Callable[[], None]) -> None:
    """Do something once one of the modules is imported: at once where one is."""
    if not sys.modules.keys().isdisjoint(modules):
        do()
        return
    try:
        from wrapt import register_post_import_hook  # noqa: PLC0415 - every instrumentation depends on it
    except ImportError:
        importlib.import_module(modules[0])
        do()
        return
    for module in modules:
        register_post_import_hook(lambda _module: do(), module)


def _being_switched_on(instrumentation: Instrumentation) -> dict[str, object] | None:
    """Return the options of an instrumentor's own ``instrument`` out of which the import that led here comes.

    It will go on when the import is done: switching on here as well would report every call twice.
    """
    instrumentor = instrumentation.loaded_instrumentor()
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - there is no other way to see who imports
    while instrumentor is not None and frame is not None:
        if frame.f_code.co_name == "instrument" and frame.f_locals.get("self") is instrumentor:
            options: dict[str, object] = frame.f_locals.get("kwargs", {})
            return options
        frame = frame.f_back
    return None
