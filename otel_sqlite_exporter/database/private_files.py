"""Whether a file that is there already is this user's alone: it is going to hold prompts."""

from __future__ import annotations

import os
import stat

_SUFFIXES = ("", "-wal", "-shm", "-journal")


def why_not_private(path: str) -> str | None:
    """Return why a database file and what lies beside it must not be written, None where there is no reason.

    Somebody may have put the file there to read along, or a link to have another file overwritten. The path was
    resolved before, so a link at its end is none of ours. Looking does not open anything: closing a descriptor would
    take SQLite's locks away.
    """
    for suffix in _SUFFIXES:
        file = path + suffix
        try:
            info = os.lstat(file)
        except OSError:
            continue
        if stat.S_ISLNK(info.st_mode):
            return f"{file} has become a link; delete it or give another path"
        if not stat.S_ISREG(info.st_mode):
            return f"{file} is not a regular file; give the path of a database file"
        if not hasattr(os, "geteuid"):  # permissions are not in the mode there
            continue
        if info.st_uid != os.geteuid():
            return f"{file} belongs to another user (uid {info.st_uid}); move it away or give another path"
        if info.st_mode & 0o077:
            mode = stat.S_IMODE(info.st_mode)
            return f"{file} may be read by other users (mode {mode:04o}), and prompts go into it; run: chmod 600 {file}"
    return None
