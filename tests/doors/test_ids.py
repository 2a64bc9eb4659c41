from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter import trace_id_to_uuid, uuid_to_trace_id
from tests.support import query, recording, span_of

trace_ids = st.integers(min_value=0, max_value=2**128 - 1)


@given(trace_ids)
def test_a_trace_id_survives_the_way_to_a_uuid_and_back(trace_id: int) -> None:
    """The same 128 bits, whichever way and however the UUID is written."""
    identity = trace_id_to_uuid(trace_id)
    assert identity == uuid.UUID(int=trace_id)
    assert identity.hex == f"{trace_id:032x}"
    for spelling in (identity, str(identity), str(identity).upper(), identity.hex, identity.urn, f"{{{identity}}}"):
        assert uuid_to_trace_id(spelling) == trace_id


@pytest.mark.parametrize("trace_id", [1, 2**128 - 1, 0x0123456789ABCDEF0123456789ABCDEF, 2**64])
def test_the_column_is_the_uuid_s_text(tmp_path: Path, trace_id: int) -> None:
    """What is stored is what Python's ``uuid`` makes of the id, leading zeros included."""
    path = tmp_path / "traces.db"
    with recording(path) as processor:
        processor.on_end(span_of(trace_id=trace_id, span_id=0xAB))
        assert processor.force_flush()
    (row,) = query(path, "SELECT trace_id, span_id FROM spans ORDER BY id DESC LIMIT 1")
    assert row == (str(uuid.UUID(int=trace_id)), "00000000000000ab")
    assert uuid_to_trace_id(str(row[0])) == trace_id


@pytest.mark.parametrize(
    ("bad", "error"), [(-1, ValueError), (2**128, ValueError), ("1", TypeError), (True, TypeError)]
)
def test_what_is_no_trace_id_is_refused(bad: object, error: type[Exception]) -> None:
    """Only integers of 128 bits have a UUID."""
    with pytest.raises(error, match="trace_id"):
        trace_id_to_uuid(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["", "x", "0" * 31, "0" * 33, None, 5])
def test_what_is_no_uuid_is_refused(bad: object) -> None:
    """The message shows what was given."""
    with pytest.raises(ValueError, match="UUID"):
        uuid_to_trace_id(bad)  # type: ignore[arg-type]
