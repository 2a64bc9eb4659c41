"""This package's own: a row that was sent on says in these words what the GenAI conventions have none for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions import replayed
from otel_sqlite_exporter.conventions.vocabulary import Family

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.call import Call, SpanFacts
    from otel_sqlite_exporter.conventions.sheet import Sheet


def _restore(call: Call, _: Sheet, facts: SpanFacts) -> None:
    replayed.restore(call, facts)


OTEL_SQLITE: Final = Family(name="otel_sqlite", hidden=replayed.KEYS, adjust=_restore)
