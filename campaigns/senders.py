"""Who is alive: a sender holds a lock on a file of its own, which the system lets go when the process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import uuid
from pathlib import Path
from types import TracebackType


class Sender:
    """One process that hands messages over. Its token fences what it has in hand from all others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = uuid.uuid4().hex
        self._file: int | None = None

    def __enter__(self) -> Sender:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path(self.token), os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._path(self.token).unlink(missing_ok=True)
            os.close(self._file)

    def is_dead(self, token: str) -> bool:
        """Whether the sender of this token on this machine is gone: nobody holds its lock."""
        if token == self.token:
            return False
        try:
            file = os.open(self._path(token), os.O_RDWR)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(file)
        self._path(token).unlink(missing_ok=True)
        return True

    def _path(self, token: str) -> Path:
        return self.folder / f"{token}.lock"
