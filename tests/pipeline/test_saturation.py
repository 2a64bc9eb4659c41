from __future__ import annotations

import threading
from pathlib import Path

from tests.support import end_spans, log_lines, recording, stored, value, wait_until, write_locked


def test_a_full_queue_drops_the_newest_and_counts_exactly(tmp_path: Path) -> None:
    """While nothing can be written, the queue and one batch are kept; everything else is counted, to the last span."""
    path = tmp_path / "traces.db"
    with recording(path, schedule_delay_millis=3_600_000) as processor:  # a batch is then 50 spans, never fewer
        with write_locked(path):
            end_spans(processor, 50, kept=True)
            wait_until(lambda: processor.stats().queue_depth == 0, what="a batch is in hand")
            end_spans(processor, 512, kept=True)
            assert processor.stats().dropped["queue_full"] == 0
            end_spans(processor, 1000, kept=False)
            stats = processor.stats()
            assert stats.dropped["queue_full"] == 1000
            assert stats.queue_depth == 512
            assert stats.received == 1 + 50 + 512 + 1000
        assert processor.force_flush()
        assert stored(path) == 1 + 50 + 512
        assert value(path, "SELECT count(*) FROM spans WHERE json_extract(attributes, '$.kept') = 0") == 0
        assert processor.stats().dropped["queue_full"] == 1000


def test_ten_thousand_spans_from_eight_threads_are_all_accounted_for(tmp_path: Path) -> None:
    """With the writer held up, each of 10,000 racing spans is either kept or counted as dropped."""
    path = tmp_path / "traces.db"
    with recording(path, schedule_delay_millis=3_600_000) as processor:
        with write_locked(path):
            end_spans(processor, 50)
            wait_until(lambda: processor.stats().queue_depth == 0, what="a batch is in hand")
            threads = [threading.Thread(target=end_spans, args=(processor, 1250)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            stats = processor.stats()
            assert stats.queue_depth == 512
            assert stats.dropped["queue_full"] == 10_000 - 512
        assert processor.force_flush()
        assert processor.stats().written == 1 + 50 + 512


def test_a_loss_is_one_line_when_it_starts_and_one_when_it_ends(tmp_path: Path) -> None:
    """Thousands of dropped spans do not become thousands of log lines."""
    path = tmp_path / "traces.db"
    with recording(path) as processor, log_lines() as lines:
        with write_locked(path):
            end_spans(processor, 3000)
            wait_until(lambda: any("queue is full" in line for line in lines), what="the loss is reported")
        assert processor.force_flush()
        wait_until(lambda: any("room again" in line for line in lines), what="the end of the loss is reported")
        dropped = processor.stats().dropped["queue_full"]
    assert [line for line in lines if "queue" in line and "tried again" not in line] == [
        line for line in lines if "spans are lost so far" in line
    ] + [f"the queue has room again; {dropped} spans were lost"]
    assert len([line for line in lines if "lost so far" in line]) == 1
    assert len([line for line in lines if "tried again" in line]) == 1
    assert len([line for line in lines if "writable again" in line]) == 1


def test_large_spans_take_more_places(tmp_path: Path) -> None:
    """The queue is bounded in bytes, too: prompts of a megabyte each fill it with a few dozen."""
    path = tmp_path / "traces.db"
    text = "x" * (1 << 20)
    with recording(path) as processor:
        end_spans(processor, 1, **{"gen_ai.prompt": text})
        assert processor.force_flush()
        with write_locked(path):
            end_spans(processor, 1)
            wait_until(lambda: processor.stats().queue_depth == 0, what="a batch is in hand")
            end_spans(processor, 200, **{"gen_ai.prompt": text})
            stats = processor.stats()
            assert stats.queue_depth == 512 // 9
            assert stats.dropped["queue_full"] == 200 - 512 // 9
            end_spans(processor, 1)
            assert processor.stats().queue_depth == 512 // 9 + 1
        assert processor.force_flush()
        end_spans(processor, 100)
        assert processor.force_flush()
        assert processor.stats().dropped["queue_full"] == 200 - 512 // 9


def test_a_span_larger_than_the_whole_queue_is_still_taken(tmp_path: Path) -> None:
    """One span may take every place, but it is never refused for its size alone."""
    path = tmp_path / "traces.db"
    with recording(path, max_queue_size=2, max_export_batch_size=1) as processor:
        for _ in range(3):
            end_spans(processor, 1, **{"gen_ai.prompt": "x" * (1 << 20)})
            assert processor.force_flush()
        assert processor.stats().written == 4
