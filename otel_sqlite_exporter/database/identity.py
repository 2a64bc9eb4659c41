"""By what a file is known as one of ours: the little that a reader has to load of the schema."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x4F54_4C4C
"""``PRAGMA application_id`` of every file written here: "OTLL" in ASCII."""

SCHEMA_VERSION: Final = 1
"""``PRAGMA user_version`` of the newest schema that this code knows."""

OLDEST_SQLITE: Final = (3, 31, 0)
"""The oldest SQLite library that can write a file and read every table and view of one."""
