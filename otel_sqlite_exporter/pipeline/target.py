"""The file that a recorder writes: looked at before anything is opened."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING

from otel_sqlite_exporter.config import DEFAULT_PATH, resolve_path
from otel_sqlite_exporter.database.connection import check_existing

if TYPE_CHECKING:
    from otel_sqlite_exporter.config import ExporterOptions

_logger = logging.getLogger("otel_sqlite_exporter")


def with_usable_path(options: ExporterOptions, *, is_from_environment: bool) -> ExporterOptions:
    """Return the options, with the default path where the environment names a file that is not ours to write.

    Raises:
        ValueError: The file that the application named, or the default one, can't be a database of ours.
    """
    try:
        check_existing(options.path)
    except ValueError as error:
        default = resolve_path(DEFAULT_PATH)
        if not is_from_environment or options.path == default:
            raise
        _logger.warning("OTEL_EXPORTER_SQLITE_PATH is not usable (%s); using %r", error, DEFAULT_PATH)
        check_existing(default)
        return dataclasses.replace(options, path=default)
    return options
