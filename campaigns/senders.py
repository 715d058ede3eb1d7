"""Who is alive: a sender holds a lock of its own, which is let go when the process dies, however it dies.

Where the ledger is a file the lock is one on a file beside it; where several machines share a database it is one of the
database's session, under which the sender also takes messages: without the one it cannot do the other.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from campaigns.ledger import Ledger
    from campaigns.ledger.store import Sessions


class Sender(Protocol):
    """One process that hands messages over, alive inside `with`. Its token fences what it has in hand from all others."""

    token: str

    def __enter__(self) -> Sender: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def is_dead(self, token: str) -> bool:
        """Whether the sender of this token is gone: nobody holds its lock."""


def sender_for(ledger: Ledger, folder: Path) -> Sender:
    """A sender of this ledger; `folder` is for the files of those of one machine."""
    from campaigns.ledger.store import Sessions

    return SessionSender(ledger.store) if isinstance(ledger.store, Sessions) else FileSender(folder)


class SessionSender:
    """Alive as long as its session with the database. A session that is lost is the end of the sender, not of the message:
    what it had in hand is asked about, and what the sender still writes down under its token counts."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.token = uuid.uuid4().hex

    def __enter__(self) -> SessionSender:
        self.sessions.claim(_number(self.token))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sessions.release(_number(self.token))

    def is_dead(self, token: str) -> bool:
        """Whether the sender of this token, on whatever machine, is gone."""
        return token != self.token and not self.sessions.is_claimed(_number(token))


def _number(token: str) -> int:
    """The lock of a token: its first 60 bits."""
    return int(token[:15], 16)


class FileSender:
    """Alive as long as its lock on a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = uuid.uuid4().hex
        self._file: int | None = None

    def __enter__(self) -> FileSender:
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
