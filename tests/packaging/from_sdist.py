"""Build the source distribution, build the wheel from it, install that, and run the quick suite from what was unpacked.

``tox -e sdist``: what is missing in either shows here and not at the first user's.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def main(directory: str, *arguments: str) -> None:
    """Do it in a directory, with further arguments for pytest."""
    target = Path(directory)
    _run(ROOT, "-m", "build", "--outdir", target)  # the wheel is built from the sdist
    (sdist,) = target.glob("*.tar.gz")
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    packages = {name.partition("/")[0] for name in names}
    assert {name for name in packages if not name.endswith(".dist-info")} == {"otel_sqlite_exporter"}, packages
    assert "otel_sqlite_exporter/py.typed" in names
    with tarfile.open(sdist) as archive:
        archive.extractall(target, filter="data")
    unpacked = target / sdist.name.removesuffix(".tar.gz")
    _run(unpacked, "-m", "pip", "install", "--quiet", f"{wheel}[cli,web,send]", "-r", "tests/requirements.txt")
    _run(unpacked, "-m", "pytest", "-q", "-n", "2", *arguments)


def _run(directory: Path, *command: str | Path) -> None:
    subprocess.run([sys.executable, *command], cwd=directory, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
