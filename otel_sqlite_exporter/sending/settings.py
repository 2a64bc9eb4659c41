"""Where and how OTLP is sent: OpenTelemetry's own variables, read as its exporters read them."""

from __future__ import annotations

import os
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.reading.failures import ReadingError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH: Final = "/v1/traces"
_DEFAULT_TIMEOUT_SECONDS: Final = 10.0
_COMPRESSIONS: Final = ("none", "gzip")


class SettingError(ReadingError, ValueError):
    """A setting that means nothing; its text is one line that names it."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A receiver of OTLP over HTTP.

    Args:
        url: Where requests go to, ``/v1/traces`` included.
        headers: Sent with every request.
        timeout_seconds: How long an answer may take.
        is_compressed: Whether requests go out as gzip.
        certificate: File of the authorities that the receiver's certificate is checked by; None for the system's.
        client_certificate: File of the sender's own certificate, None for none.
        client_key: File of its key, None where the certificate's file has it.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = _DEFAULT_TIMEOUT_SECONDS
    is_compressed: bool = False
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None

    @property
    def place(self) -> str:
        """Host and port: what an outbox is called that nobody gave a name."""
        return urllib.parse.urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def shown_url(self) -> str:
        """The URL without a password."""
        parts = urllib.parse.urlsplit(self.url)
        return parts._replace(netloc=self.place, query="").geturl()


def read_destination(to: str | None, environment: Mapping[str, str] | None = None) -> Destination:
    """Return where to send to.

    Args:
        to: A URL, with or without ``/v1/traces``; else that of ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`` as it is, or of
            ``OTEL_EXPORTER_OTLP_ENDPOINT``.
        environment: The variables; the process's by default.

    Raises:
        SettingError: A setting means nothing, or there is no address.
    """
    variables = os.environ if environment is None else environment

    def setting(name: str) -> str | None:
        return variables.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}") or variables.get(f"OTEL_EXPORTER_OTLP_{name}") or None

    compression = (setting("COMPRESSION") or "none").strip().lower()
    if compression not in _COMPRESSIONS:
        raise SettingError(f"OTEL_EXPORTER_OTLP_COMPRESSION: {compression!r} is not one of {', '.join(_COMPRESSIONS)}")
    files = {name: setting(name) for name in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")}
    for name, path in files.items():
        if path is not None and not os.access(path, os.R_OK):
            raise SettingError(f"OTEL_EXPORTER_OTLP_{name}: {path} can't be read")
    return Destination(
        _address(to, variables),
        _headers(setting("HEADERS") or ""),
        _timeout(setting("TIMEOUT")),
        compression == "gzip",
        files["CERTIFICATE"],
        files["CLIENT_CERTIFICATE"],
        files["CLIENT_KEY"],
    )


def _address(to: str | None, variables: Mapping[str, str]) -> str:
    whole = variables.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if to is None and whole:
        return _checked(whole, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    base = to or variables.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if not base:
        raise SettingError("where to? give --to URL (--to http://localhost:4318) or set OTEL_EXPORTER_OTLP_ENDPOINT")
    url = _checked(base, "--to" if to else "OTEL_EXPORTER_OTLP_ENDPOINT")
    parts = urllib.parse.urlsplit(url)
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith(_PATH) else path + _PATH).geturl()


def _checked(url: str, name: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url.strip())
        is_sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound:
        raise SettingError(f"{name}: {url!r} is no address; give one like http://localhost:4318")
    return url.strip()


def _headers(text: str) -> dict[str, str]:
    found = {}
    for pair in filter(None, (item.strip() for item in text.split(","))):
        name, equals, value = pair.partition("=")
        name, value = urllib.parse.unquote(name.strip()), urllib.parse.unquote(value.strip())
        if not equals or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise SettingError("OTEL_EXPORTER_OTLP_HEADERS: give name=value pairs with commas between them")
        if not value.isprintable() or not value.isascii():
            raise SettingError(f"OTEL_EXPORTER_OTLP_HEADERS: the value of {name} can't be sent in a header")
        found[name.lower()] = value
    return found


def _timeout(text: str | None) -> float:
    if text is None:
        return _DEFAULT_TIMEOUT_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 86_400:  # noqa: PLR2004 - a day
        raise SettingError(f"OTEL_EXPORTER_OTLP_TIMEOUT: {text!r} is no number of seconds")
    return seconds
