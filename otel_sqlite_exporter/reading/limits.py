"""How long a question may take, and how much it returns, where nobody says otherwise."""

from __future__ import annotations

from typing import Final

QUESTION_SECONDS: Final = 30.0
"""How long one question may take."""

BUSY_SECONDS: Final = 5.0
"""How long to wait for a lock."""

SEARCH_SECONDS: Final = 0.1
"""How long a search looks, in CPU time: the newest 25,000 spans or so, on a slow machine as well."""

MOST_NAMES: Final = 100
"""How many names are offered to choose from."""

MOST_ROWS: Final = 1000
"""How many rows a query of one's own returns."""

IDS_PER_QUERY: Final = 500
"""How many ids one statement is asked for: SQLite takes 999 parameters in its older versions."""
