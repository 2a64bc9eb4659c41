"""A process that records, and says in a journal of its own what it ended: ``python -m ... FILE JOURNAL LIFE``."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import SQLiteSpanProcessor

_MOST_IN_A_BURST: Final = 40
_MOST_SECONDS_BETWEEN: Final = 0.3


def main(path: str, journal: str, life: str) -> None:
    """Record bursts of spans until SIGTERM; then shut down and leave the statistics beside the journal."""
    logging.getLogger("otel_sqlite_exporter").setLevel(logging.CRITICAL)
    chance = random.Random(life)
    processor = SQLiteSpanProcessor(path)
    provider = TracerProvider(resource=Resource({"service.name": life}), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("chaos")
    is_asked_to_end: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: is_asked_to_end.append(number))
    notes = os.open(journal, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    number = 0
    while not is_asked_to_end:
        for _ in range(chance.randrange(_MOST_IN_A_BURST)):
            attributes = {"gen_ai.operation.name": "chat", "gen_ai.prompt": f"question {number % 97}"}
            tracer.start_span(f"{life}.{number}", attributes=attributes).end()
            number += 1
            os.write(notes, b"%d\n" % time.time_ns())
        time.sleep(chance.uniform(0, _MOST_SECONDS_BETWEEN))
    processor.shutdown(30_000)
    stats = processor.stats()
    kept = {"received": stats.received, "written": stats.written, "dropped": sum(stats.dropped.values())}
    Path(f"{journal}.stats").write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
