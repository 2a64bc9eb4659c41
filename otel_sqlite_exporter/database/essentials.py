"""The little of the schema that a reader has to load: by what a file is known as one of ours, and how it counts."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x4F54_4C4C
"""``PRAGMA application_id`` of every file written here: "OTLL" in ASCII."""

SCHEMA_VERSION: Final = 1
"""``PRAGMA user_version`` of the newest schema that this code knows."""

OLDEST_SQLITE: Final = (3, 31, 0)
"""The oldest SQLite library that can write a file and read every table and view of one."""

MESSAGE_DIRECTIONS: Final = ("system", "input", "output")
"""``span_messages.direction``, in reading order."""

DAY_NANOSECONDS: Final = 86_400 * 10**9
"""One of what ``usage.day`` counts."""

HEARTBEAT_SECONDS: Final = 30.0
"""How often a process that has nothing to write says in the ledger that it lives."""
