"""What of the catalogue is installed here."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.sources.catalogue import SDKS, Sdk, is_genai, sdk_of

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTRUMENTOR_GROUP: Final = "opentelemetry_instrumentor"

TROUBLES: Final[dict[str, str]] = {}
"""Why an instrumentation could not be switched on in this process, by distribution."""


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """An installed distribution with an instrumentor.

    Args:
        distribution: Its name, normalised: small letters and hyphens.
        version: Its version.
        entry_point: Where its instrumentor is found.
        sdk: The SDK whose calls it reports, None where the catalogue has none.
    """

    distribution: str
    version: str
    entry_point: metadata.EntryPoint
    sdk: Sdk | None

    @property
    def label(self) -> str:
        """Name and version, as a log line or a report names it."""
        return f"{self.distribution} {self.version}"

    def loaded_instrumentor(self) -> object | None:
        """Return the one instance of its instrumentor, None where nothing has made it so far. Imports nothing."""
        module = sys.modules.get(self.entry_point.module)
        return getattr(getattr(module, self.entry_point.attr, None), "_instance", None)

    @property
    def is_active(self) -> bool:
        """Whether it is switched on in this process."""
        instrumentor = self.loaded_instrumentor()
        return bool(getattr(instrumentor, "is_instrumented_by_opentelemetry", False))


@dataclass(frozen=True, slots=True)
class InstalledSdk:
    """An installed SDK.

    Args:
        sdk: What the catalogue says.
        distribution: The distribution that is installed.
        version: Its version.
        instrumentations: The installed instrumentations of it, the preferred one first.
    """

    sdk: Sdk
    distribution: str
    version: str
    instrumentations: tuple[Instrumentation, ...]

    @property
    def is_imported(self) -> bool:
        """Whether this process has imported it."""
        return not sys.modules.keys().isdisjoint(self.sdk.modules)

    @property
    def reports_itself(self) -> bool:
        """Whether the SDK needs no instrumentation."""
        since = self.sdk.reports_since
        return "" in self.sdk.instrumentations or bool(since and numbers_of(self.version) >= numbers_of(since))


def numbers_of(version: str) -> tuple[int, ...]:
    """Return the first three numbers of a version, for comparison."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def normalised(name: str) -> str:
    """Return the name of a distribution as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_instrumentations() -> list[Instrumentation]:
    """Return the installed GenAI instrumentations, found by their entry points; the preferred ones of an SDK first."""
    found: dict[str, Instrumentation] = {}
    for entry_point in metadata.entry_points(group=INSTRUMENTOR_GROUP):
        distribution = entry_point.dist
        if distribution is None:
            continue
        name = normalised(distribution.name)
        if is_genai(name):
            found.setdefault(
                f"{name} {entry_point.name}", Instrumentation(name, distribution.version, entry_point, sdk_of(name))
            )
    return sorted(found.values(), key=_preference)


def _preference(instrumentation: Instrumentation) -> tuple[int, int, str]:
    sdk = instrumentation.sdk
    if sdk is None:
        return len(SDKS), 0, instrumentation.distribution
    return SDKS.index(sdk), sdk.instrumentations.index(instrumentation.distribution), ""


def installed_sdks(instrumentations: list[Instrumentation] | None = None) -> list[InstalledSdk]:
    """Return the installed SDKs of the catalogue, in its order.

    Args:
        instrumentations: What :func:`installed_instrumentations` returned, where that is known already.
    """
    known = installed_instrumentations() if instrumentations is None else instrumentations
    versions = {name: version for sdk in SDKS for name in sdk.distributions if (version := version_of(name))}
    return [_installed(sdk, versions, known) for sdk in SDKS if any(name in versions for name in sdk.distributions)]


def _installed(sdk: Sdk, versions: Mapping[str, str], known: list[Instrumentation]) -> InstalledSdk:
    distribution = next(name for name in sdk.distributions if name in versions)
    own = tuple(instrumentation for instrumentation in known if instrumentation.sdk is sdk)
    return InstalledSdk(sdk, distribution, versions[distribution], own)


def version_of(distribution: str) -> str | None:
    """Return the version of a distribution, None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def imported_sdks() -> list[Sdk]:
    """Return the SDKs of the catalogue that this process has imported; looks at nothing on disk."""
    return [sdk for sdk in SDKS if not sys.modules.keys().isdisjoint(sdk.modules)]
