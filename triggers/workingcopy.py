"""Where a copy of the facts puts what does not fit into memory: one folder per process and opening, gone afterwards.

A killed process leaves its folder behind. Each folder holds a lock its owner keeps as long as it lives, so whoever
opens facts next can tell the dead ones' folders from those in use and removes them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PREFIX = "facts-"


@dataclass(frozen=True)
class WorkingCopy:
    """A folder for one copy of the facts, held by a lock."""

    folder: Path
    lock: IO[str]

    @property
    def scratch(self) -> Path:
        """A folder for files needed only while reading, and for what the database has no memory for."""
        return self.folder / "scratch"

    def remove(self) -> None:
        """Delete the folder and let the lock go. May be called again."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.close()


def open_copy(folder: Path) -> WorkingCopy:
    """A new working folder below `folder`, after removing those whose owners are dead."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "facts.lock").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)  # so that nobody takes a folder made but not locked yet for a dead one
        for left in folder.glob(f"{PREFIX}*"):
            if left.is_dir() and _is_dead(left):
                shutil.rmtree(left, ignore_errors=True)
        mine = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=folder))
        lock = (mine / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    copy = WorkingCopy(mine, lock)
    copy.scratch.mkdir()
    return copy


def _is_dead(folder: Path) -> bool:
    try:
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return True
    return True
