"""Everything that may happen to producers and to their file, in an order that a seed decides."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.chaos.books import Life

if TYPE_CHECKING:
    from collections.abc import Callable

_PRODUCERS: Final = 3
_MEBIBYTE: Final = 1 << 20
_SIDE_FILES: Final = ("-wal", "-shm")


class Chaos:
    """Producers, the file that they share, and the harm that is done.

    Args:
        directory: An empty directory; a disk of its own where it may be filled and made read-only.
        journals: A directory elsewhere.
        seed: Of everything that is decided by chance.
        is_own_disk: Whether the directory is a mount point that this process may remount.
    """

    def __init__(self, directory: Path, journals: Path, seed: int, *, is_own_disk: bool) -> None:
        self.lives: list[Life] = []
        self.harms: Counter[str] = Counter()
        self._directory = directory
        self._path = directory / "traces.db"
        self._attic = directory / "attic"
        self._attic.mkdir()
        self._journals = journals
        self._chance = random.Random(seed)
        self._seed = seed
        self._producers: list[subprocess.Popen[bytes]] = []
        harms: list[Callable[[], None]] = [
            self._kill,
            self._stop,
            self._lock,
            self._read_for_long,
            self._vacuum,
            self._rename,
            self._unlink,
        ]
        self._harms = [*harms, self._fill, self._forbid_writing] if is_own_disk else harms

    def run(self, seconds: float) -> list[Path]:
        """Do harm for a while, then let everybody end; return all files that were ever written."""
        self._producers = [self._start() for _ in range(_PRODUCERS)]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self._chance.uniform(0.1, 1.5))
            harm = self._chance.choice(self._harms)
            name = harm.__name__.strip("_").replace("_", " ")
            self._note(name)
            harm()
            self.harms[name] += 1
        time.sleep(3)
        for producer in self._producers:
            producer.terminate()
        for producer in self._producers:
            if producer.wait(90) > 0:  # below 0: it was still starting, and died by the signal
                raise RuntimeError(f"a producer ended with {producer.returncode}")
        self._reunite()
        aside = [
            path for path in self._directory.glob(f"{self._path.name}.left-*") if path.name[-4:] not in _SIDE_FILES
        ]
        return sorted(path for path in (*self._attic.glob("*.db"), *aside, self._path) if path.exists())

    def _reunite(self) -> None:
        """Give logs that were set aside back to the files that were renamed without them, as docs/losses.md says."""
        for log in sorted(self._directory.glob(f"{self._path.name}.left-*-wal")):
            moment = int(log.name.split("-")[-2])
            moved = {int(file.stem.split("-")[1]): file for file in self._attic.glob("*.db")}
            before = moved[max(time for time in moved if time < moment)]
            place = before.with_name(f"{before.name}-wal")
            if before.name.startswith("moved") and not place.exists():
                log.rename(place)

    def _note(self, what: str) -> None:
        """Say when something was done, for whoever looks into a fault."""
        with (self._journals / "harms.log").open("a", encoding="utf-8") as log:
            log.write(f"{time.time_ns()} {what}\n")

    def _start(self) -> subprocess.Popen[bytes]:
        name = f"{self._seed}-{len(self.lives)}"
        journal = self._journals / name
        producer = subprocess.Popen([sys.executable, "-m", "benchmarks.chaos.producer", self._path, journal, name])
        self.lives.append(Life(name, producer.pid, journal))
        self._note(f"start {name} as {producer.pid}")
        return producer

    def _kill(self) -> None:
        index = self._chance.randrange(_PRODUCERS)
        self._producers[index].kill()
        self._producers[index].wait()
        self._producers[index] = self._start()

    def _stop(self) -> None:
        """Stop a producer wherever it is, perhaps in the middle of a transaction, and let it go on."""
        producer = self._chance.choice(self._producers)
        producer.send_signal(signal.SIGSTOP)
        time.sleep(self._chance.uniform(0.05, 3))
        producer.send_signal(signal.SIGCONT)

    def _lock(self) -> None:
        seconds = self._chance.uniform(0.05, 3)
        self._with_connection(lambda connection: _hold(connection, "BEGIN IMMEDIATE", seconds))

    def _read_for_long(self) -> None:
        """Read an old state, in the background, so that other harm meets a log that can't be emptied."""
        seconds = self._chance.uniform(0.5, 6)

        def read(connection: sqlite3.Connection) -> None:
            _hold(connection, "BEGIN", seconds)

        threading.Thread(target=self._with_connection, args=(read,), daemon=True).start()

    def _vacuum(self) -> None:
        self._with_connection(lambda connection: connection.execute("VACUUM"))

    def _rename(self) -> None:
        """Rotate the file, as logrotate does; what is still in its log is its producers' to bring there."""
        with contextlib.suppress(FileNotFoundError):
            self._path.rename(self._attic / f"moved-{time.time_ns()}.db")

    def _unlink(self) -> None:
        """Delete the file and its log; links to both are kept, to count what was in them.

        Not where the file has just been renamed: its log is deleted with it then, and with its last producer what is in
        it, which nobody can count.
        """
        if not self._path.exists():
            return
        kept = self._attic / f"deleted-{time.time_ns()}.db"
        for suffix in ("-wal", ""):
            with contextlib.suppress(FileNotFoundError):
                os.link(f"{self._path}{suffix}", f"{kept}{suffix}")
        for suffix in ("", *_SIDE_FILES):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def _fill(self) -> None:
        """Leave no room on the disk for a while."""
        ballast = self._directory / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(_MEBIBYTE // 16))
        time.sleep(self._chance.uniform(0.2, 3))
        ballast.unlink()

    def _forbid_writing(self) -> None:
        """Make the disk read-only for a while: possible where nobody has a file open, so the producers are killed."""
        for producer in self._producers:
            producer.kill()
            producer.wait()
        is_done = self._remount("ro")
        self._producers = [self._start() for _ in range(_PRODUCERS)]
        time.sleep(self._chance.uniform(1, 3))
        if is_done:
            self._remount("rw")
            time.sleep(3)  # what a killed producer left in the log is taken in before the file may be moved

    def _remount(self, mode: str) -> bool:
        command = ["mount", "-o", f"remount,{mode}", str(self._directory)]
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0

    def _with_connection(self, use: Callable[[sqlite3.Connection], object]) -> None:
        """Use a connection to the file; what it can't do, because there is other harm at the time, is left."""
        with contextlib.suppress(sqlite3.Error):
            connection = sqlite3.connect(f"file:{self._path}?mode=rw", uri=True, isolation_level=None, timeout=5)
            with contextlib.closing(connection):
                use(connection)


def _hold(connection: sqlite3.Connection, begin: str, seconds: float) -> None:
    """Keep a transaction open that has read something."""
    connection.execute(begin)
    connection.execute("SELECT count(*) FROM spans").fetchall()
    time.sleep(seconds)
    connection.execute("ROLLBACK")
