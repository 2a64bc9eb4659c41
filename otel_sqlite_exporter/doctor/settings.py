"""What the environment says: our own variables, and OpenTelemetry's that keep spans from arriving whole."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.config import VARIABLES
from otel_sqlite_exporter.doctor.findings import KEEP_ATTRIBUTES, Finding
from otel_sqlite_exporter.pipeline.room import DEFAULT_LIMIT, ENOUGH, LIMITS, is_default_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX: Final = "OTEL_EXPORTER_SQLITE_"
_LENGTH_LIMITS: Final = ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT")
_ENOUGH: Final = 1000
_TRACES: Final = "OTEL_TRACES_EXPORTER"

PROCESSOR: Final = f"{_PREFIX}PROCESSOR=true"
"""What has the launcher record beside whatever exporter is configured."""


def settings(environment: Mapping[str, str]) -> list[Finding]:
    """Look at the environment variables that decide what arrives."""
    return [*_own(environment), *_sdk(environment), *_limits(environment), *_exporters(environment)]


def _own(environment: Mapping[str, str]) -> list[Finding]:
    ours = sorted(name for name in environment if name.startswith(_PREFIX))
    found = [
        Finding(
            "environment", "problem", f"{name} is no setting", f"known are {_PREFIX}{{{','.join(sorted(VARIABLES))}}}"
        )
        for name in ours
        if name[len(_PREFIX) :] not in VARIABLES
    ]
    found += [
        Finding("environment", "ok", f"{name}={environment[name]}")
        for name in ours
        if name[len(_PREFIX) :] in VARIABLES
    ]
    if not stores_content(environment):
        text = f"{_PREFIX}CAPTURE_CONTENT=false: no prompts and answers are stored"
        found.append(Finding("content", "note", text, "unset it to store them"))
    return found


def stores_content(environment: Mapping[str, str]) -> bool:
    """Tell whether the environment lets prompts and answers be stored."""
    return environment.get(_PREFIX + "CAPTURE_CONTENT", "").strip().lower() != "false"


def _sdk(environment: Mapping[str, str]) -> list[Finding]:
    found = []
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        text = "OTEL_SDK_DISABLED=true: OpenTelemetry makes no spans at all"
        found.append(Finding("environment", "problem", text, "unset it"))
    sampler = environment.get("OTEL_TRACES_SAMPLER", "").strip()
    if sampler and sampler not in {"always_on", "parentbased_always_on"}:
        text = f"OTEL_TRACES_SAMPLER={sampler}: spans that are not sampled are not recorded"
        remedy = "set it to parentbased_always_on to have every call"
        found.append(Finding("environment", "problem" if sampler.endswith("always_off") else "note", text, remedy))
    off = environment.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").strip()
    if off:
        text = f"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS={off}: the launcher leaves them out"
        found.append(Finding("environment", "note", text))
    return found


def _limits(environment: Mapping[str, str]) -> list[Finding]:
    found = []
    for name in LIMITS:
        value = environment.get(name, "").strip()
        if value.isdigit() and int(value) < _ENOUGH:
            text = f"{name}={value}: a long conversation has more attributes, and the first ones are evicted"
            found.append(Finding("environment", "problem", text, f"unset it with record(), else set {name}={ENOUGH}"))
    if is_default_limit(environment):
        text = (
            f"of spans that the application itself makes the SDK keeps {DEFAULT_LIMIT} attributes,"
            " too few for a long chat"
        )
        found.append(Finding("environment", "note", text, KEEP_ATTRIBUTES))
    for name in _LENGTH_LIMITS:
        value = environment.get(name, "").strip()
        if value:
            text = f"{name}={value}: longer prompts are cut, JSON in the middle, before they arrive here"
            found.append(Finding("content", "problem", text, "unset it; max_text_bytes cuts where JSON stays whole"))
    return found


def _exporters(environment: Mapping[str, str]) -> list[Finding]:
    configured = _words(environment, _TRACES)
    is_launched = records_to_sqlite(environment)
    found = []
    for missing in missing_exporters(environment, is_launched=is_launched):
        remedy = f"set {missing.assignment}"
        if missing.installed:
            remedy += f", or one that is installed: {', '.join(missing.installed)}"
        text = f"{missing.text}: the launcher sets up nothing at all"
        found.append(Finding("environment", "problem", text, remedy))
    if configured and not is_launched:
        text = f"under the launcher, spans go to {', '.join(configured)} and not to SQLite"
        found.append(Finding("environment", "note", text, f"set {PROCESSOR} to have both"))
    return found


@dataclass(frozen=True, slots=True)
class MissingExporter:
    """An exporter that the launcher would load, and that nobody installed: it sets up nothing at all then.

    Args:
        text: Which one, and who asks for it.
        assignment: The variable and the value with which it is not asked for, and calls are recorded.
        installed: What could be asked for instead; empty where nobody asked for anything.
    """

    text: str
    assignment: str
    installed: tuple[str, ...]


def missing_exporters(environment: Mapping[str, str], *, is_launched: bool) -> list[MissingExporter]:
    """Return the exporters of all signals that are asked for and not installed.

    Args:
        environment: The variables of the program.
        is_launched: Whether OpenTelemetry's launcher starts it: its distribution asks for OTLP where nothing is set.
    """
    default = ["otlp"] if is_launched and _has_distro() else []
    found = []
    for signal in ("traces", "metrics", "logs"):
        variable = f"OTEL_{signal.upper()}_EXPORTER"
        known = {one.name for one in metadata.entry_points(group=f"opentelemetry_{signal}_exporter")}
        asked = _words(environment, variable)
        for name in asked or default:
            component = _component(name, signal, environment)
            if name == "none" or component in known:
                continue
            text = f"{variable}={name}: no such exporter" if asked else f"{variable} is not set, and otlp not installed"
            value = "sqlite" if signal == "traces" and not _has_processor(environment) else "none"
            found.append(MissingExporter(text, f"{variable}={value}", tuple(sorted(known)) if asked else ()))
    return found


def records_to_sqlite(environment: Mapping[str, str]) -> bool:
    """Tell whether the launcher would record to SQLite."""
    return _has_processor(environment) or "sqlite" in _words(environment, _TRACES)


def _has_processor(environment: Mapping[str, str]) -> bool:
    name, _, value = PROCESSOR.partition("=")
    return environment.get(name, "").strip().lower() == value


def _words(environment: Mapping[str, str], variable: str) -> list[str]:
    return [name.strip() for name in environment.get(variable, "").split(",") if name.strip()]


def _component(name: str, signal: str, environment: Mapping[str, str]) -> str:
    """Return the entry point that an exporter's name stands for: OTLP's says its protocol, gRPC unless set."""
    if name != "otlp":
        return name
    protocol = environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL") or environment.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"
    )
    return "otlp_proto_http" if protocol.strip().startswith("http") else "otlp_proto_grpc"


def _has_distro() -> bool:
    return any(one.dist and one.dist.name == "opentelemetry-distro"
               for one in metadata.entry_points(group="opentelemetry_distro"))  # fmt: skip
