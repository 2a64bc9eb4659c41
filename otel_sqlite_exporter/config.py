"""Settings: constructor arguments, else environment variables, else defaults.

The environment follows OpenTelemetry's rules for configuration: an empty value is unset, a value that does not parse
is warned about and ignored, a boolean is true only as ``true`` (any case).
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar

from otel_sqlite_exporter import environment_variables

_logger = logging.getLogger(__name__)

Redact: TypeAlias = Callable[[str, str], str]
"""A callable on (key, text) that returns the text to store."""

SpanSelection: TypeAlias = Literal["genai", "all"]

DEFAULT_PATH: Final = "llm_traces.db"
DEFAULT_MAX_TEXT_BYTES: Final = 65536
DEFAULT_MAX_QUEUE_SIZE: Final = 512
DEFAULT_MAX_EXPORT_BATCH_SIZE: Final = 50
DEFAULT_SCHEDULE_DELAY_MILLIS: Final = 500
DEFAULT_BUSY_TIMEOUT_MILLIS: Final = 5000
MIN_TEXT_BYTES: Final = 16
MIN_DATABASE_BYTES: Final = 1 << 20

_PREFIX: Final = "OTEL_EXPORTER_SQLITE_"
VARIABLES: Final = frozenset(name[len(_PREFIX) :] for name in vars(environment_variables) if name.startswith(_PREFIX))
"""Every variable that is read, less ``OTEL_EXPORTER_SQLITE_``."""
_SMALLEST: Final = 1e-9
_LARGEST: Final = 1 << 62
_LARGEST_QUEUE: Final = 1 << 20  # its places are made in advance
_LONGEST_NAME: Final = 255 - len("-journal")
_LONGEST_PATH: Final = 512 - len("-journal") - 1
_HOPELESS: Final = frozenset({errno.ENAMETOOLONG, errno.ELOOP})

_named: Final[set[str]] = set()

_T = TypeVar("_T")
_Default = TypeVar("_Default")


@dataclass(frozen=True, slots=True)
class ExporterOptions:
    """What conversion and database are told: the exporter options of the public classes, checked and resolved."""

    path: str
    max_text_bytes: int
    capture_content: bool
    spans: SpanSelection
    redact: Redact | None
    busy_timeout_millis: float
    retention_days: float | None
    max_database_bytes: int | None
    keep_raw_content: bool


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """The queue's capacity and the two limits of a batch."""

    max_queue_size: int
    max_export_batch_size: int
    schedule_delay_millis: float


def exporter_options(
    *,
    path: str | os.PathLike[str] | None = None,
    max_text_bytes: int | None = None,
    capture_content: bool | None = None,
    spans: SpanSelection | None = None,
    redact: Redact | None = None,
    busy_timeout_millis: float | None = None,
    retention_days: float | None = None,
    max_database_bytes: int | None = None,
    keep_raw_content: bool = False,
) -> ExporterOptions:
    """Resolve and check the exporter options.

    Raises:
        ValueError: An argument is out of range; the message names it. Also a path that can't be a database file.
        TypeError: ``redact`` is not callable.
    """
    _name_unknown_variables()
    if redact is not None and not callable(redact):
        raise TypeError("redact must be a callable on (key, text)")
    selection: str = _setting("SPANS", spans, str, _spans, "genai")
    return ExporterOptions(
        path=resolve_path(path),
        max_text_bytes=_setting(
            "MAX_TEXT_BYTES",
            max_text_bytes,
            int,
            _whole("max_text_bytes", MIN_TEXT_BYTES, _LARGEST),
            DEFAULT_MAX_TEXT_BYTES,
        ),
        capture_content=_setting(
            "CAPTURE_CONTENT", capture_content, _boolean("CAPTURE_CONTENT"), _flag("capture_content"), default=True
        ),
        spans="all" if selection == "all" else "genai",
        redact=redact,
        busy_timeout_millis=_setting(
            "BUSY_TIMEOUT",
            busy_timeout_millis,
            float,
            _number("busy_timeout_millis", is_zero_fine=True),
            float(DEFAULT_BUSY_TIMEOUT_MILLIS),
        ),
        retention_days=_setting(
            "RETENTION_DAYS", retention_days, float, _number("retention_days", is_zero_fine=False), None
        ),
        max_database_bytes=_setting(
            "MAX_DATABASE_BYTES",
            max_database_bytes,
            int,
            _whole("max_database_bytes", MIN_DATABASE_BYTES, _LARGEST),
            None,
        ),
        keep_raw_content=_flag("keep_raw_content")(keep_raw_content),
    )


def batch_options(
    max_queue_size: int | None, max_export_batch_size: int | None, schedule_delay_millis: float | None
) -> BatchOptions:
    """Resolve and check the queue and batch sizes.

    A batch larger than the queue is an error as an argument, and cut to the queue with a warning when the environment
    asks for it.

    Raises:
        ValueError: An argument is out of range; the message names it.
    """
    queue_size = _setting(
        "MAX_QUEUE_SIZE",
        max_queue_size,
        int,
        _whole("max_queue_size", 1, _LARGEST_QUEUE),
        DEFAULT_MAX_QUEUE_SIZE,
    )
    batch_size = _setting(
        "MAX_EXPORT_BATCH_SIZE",
        max_export_batch_size,
        int,
        _whole("max_export_batch_size", 1, _LARGEST_QUEUE),
        min(DEFAULT_MAX_EXPORT_BATCH_SIZE, queue_size),
    )
    if batch_size > queue_size:
        is_queue_from_environment = max_queue_size is None and queue_size != DEFAULT_MAX_QUEUE_SIZE
        if max_export_batch_size is not None and not is_queue_from_environment:
            raise ValueError(
                f"max_export_batch_size ({batch_size}) must not be greater than max_queue_size ({queue_size})"
            )
        _logger.warning("a batch of %d spans is more than the queue holds; using %d", batch_size, queue_size)
        batch_size = queue_size
    delay = _setting(
        "SCHEDULE_DELAY",
        schedule_delay_millis,
        float,
        _number("schedule_delay_millis", is_zero_fine=False),
        float(DEFAULT_SCHEDULE_DELAY_MILLIS),
    )
    return BatchOptions(queue_size, batch_size, delay)


def resolve_path(path: str | os.PathLike[str] | None) -> str:
    """Return the absolute path of the database file, resolved once so that a later ``chdir`` changes nothing.

    A variable that names no usable file is warned about, and the default is used.

    ``~`` is expanded and a ``file:`` URI is read as the path it names. Symbolic links are followed, so that the file
    beside which SQLite keeps its write-ahead log is the one that is watched.

    Raises:
        ValueError: The path is empty, holds a NUL, names an in-memory database, a directory or a special file, or an
            existing file is not an SQLite database; or it is relative and the working directory is gone.
    """
    if path is None:
        return _setting("PATH", None, str, _checked_path, None) or _checked_path(DEFAULT_PATH)
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"path must be text, not {type(path).__name__}: {path!r}")  # noqa: TRY004 - as other bad paths
    return _checked_path(os.fspath(path))


def unknown_variables() -> list[str]:
    """Return the variables of the environment that begin like ours and are not read."""
    return sorted(name for name in os.environ if name.startswith(_PREFIX) and name[len(_PREFIX) :] not in VARIABLES)


def _name_unknown_variables() -> None:
    """Warn of each variable that is not read, once."""
    new = [name for name in unknown_variables() if name not in _named]
    if new:
        _named.update(new)
        _logger.warning("%s: no such setting; known are %s", ", ".join(new), _known_variables())


def _known_variables() -> str:
    return ", ".join(_PREFIX + name for name in sorted(VARIABLES))


def _checked_path(text: object) -> str:
    if not isinstance(text, str):
        raise ValueError(f"path must be text, not {type(text).__name__}: {text!r}")  # noqa: TRY004 - as other bad paths
    if not text.strip():
        raise ValueError("path must not be empty")
    if "\0" in text:
        raise ValueError(f"path must not hold a NUL character: {text!r}")
    if text.startswith("file:"):
        text = _path_of_uri(text)
    if text == ":memory:":
        raise ValueError(f"{text}: an in-memory database would be lost with its thread; give a file path")
    if text.endswith(os.sep):
        raise ValueError(
            f"path names a directory: {text!r}; give the path of a file in it, such as {text}{DEFAULT_PATH}"
        )
    try:
        os.fsencode(text)
        absolute = os.path.realpath(Path(text).expanduser())
    except (UnicodeEncodeError, RuntimeError) as error:
        raise ValueError(f"path can't be resolved: {text!r} ({error})") from None
    except OSError as error:
        raise ValueError(
            f"path is relative to a working directory that is gone: {text!r} ({error.strerror}); give an absolute path"
        ) from None
    _check_length(absolute)
    _check_target(absolute)
    return absolute


def _check_length(path: str) -> None:
    """Refuse a path to which SQLite could not add the name of a journal: it would fail at every span."""
    name = os.fsencode(os.path.basename(path))  # noqa: PTH119 - bytes are counted
    if len(name) > _LONGEST_NAME or len(os.fsencode(path)) > _LONGEST_PATH:
        raise ValueError(
            f"path is too long: SQLite takes {_LONGEST_PATH} bytes, {_LONGEST_NAME} of them for the file's name: {path}"
        )


def _path_of_uri(uri: str) -> str:
    parts = urllib.parse.urlsplit(uri)
    query = urllib.parse.parse_qs(parts.query)
    if parts.netloc not in {"", "localhost"}:
        raise ValueError(f"{uri}: a file: URI must not name another host")
    if query.get("mode") == ["memory"] or not parts.path:
        raise ValueError(f"{uri}: an in-memory database would be lost with its thread; give a file path")
    if query:
        raise ValueError(f"{uri}: parameters of a file: URI are not supported; give a plain path")
    return urllib.parse.unquote(parts.path)


def _check_target(path: str) -> None:
    """Refuse what can be seen to be no file before anything is opened; SQLite itself tells whose database it is."""
    try:
        info = os.stat(path)  # noqa: PTH116 - of all looks at a database only os.stat leaves SQLite's locks alone
    except NotADirectoryError:
        raise ValueError(f"{path}: a parent of this path is a file; give a path in a directory") from None
    except OSError as error:
        if error.errno in _HOPELESS:
            raise ValueError(f"path can't be opened: {path} ({error.strerror})") from None
        return
    if stat.S_ISDIR(info.st_mode):
        raise ValueError(f"{path} is a directory; give the path of a file in it, such as {path}/{DEFAULT_PATH}")
    if not stat.S_ISREG(info.st_mode):
        raise ValueError(f"{path} is not a regular file; give the path of a database file")


def _setting(
    name: str,
    argument: _T | None,
    parse: Callable[[str], _T],
    check: Callable[[_T], _T],
    default: _Default,
) -> _T | _Default:
    if argument is not None:
        return check(argument)
    text = os.environ.get(_PREFIX + name, "").strip()
    if not text:
        return default
    try:
        return check(parse(text))
    except (ValueError, OverflowError) as error:
        used = DEFAULT_PATH if name == "PATH" else default
        _logger.warning("%s%s=%r is not usable (%s); using %r", _PREFIX, name, text, error, used)
        return default


def _boolean(name: str) -> Callable[[str], bool]:
    def parse(text: str) -> bool:
        lowered = text.lower()
        if lowered not in {"true", "false"}:
            _logger.warning("%s%s=%r is neither true nor false; taken as false", _PREFIX, name, text)
        return lowered == "true"

    return parse


def _flag(name: str) -> Callable[[bool], bool]:
    def check(value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be True or False, not {value!r}")  # noqa: TRY004 - as other bad values
        return value

    return check


def _spans(value: str) -> str:
    if not isinstance(value, str) or value not in {"genai", "all"}:
        raise ValueError(f'spans must be "genai" or "all", not {value!r}')
    return value


def _whole(name: str, minimum: int, maximum: int) -> Callable[[int], int]:
    def check(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
            return value
        raise ValueError(f"{name} must be a whole number from {minimum} to {maximum}, not {value!r}")

    return check


def _number(name: str, *, is_zero_fine: bool) -> Callable[[float], float]:
    def check(value: object) -> float:
        minimum = 0 if is_zero_fine else _SMALLEST
        if isinstance(value, (int, float)) and not isinstance(value, bool) and minimum <= value <= _LARGEST:
            return value
        limit = "of at least 0" if is_zero_fine else "greater than 0"
        raise ValueError(f"{name} must be a number {limit}, not {value!r}")

    return check
