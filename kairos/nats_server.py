"""The task queue's own server: a NATS server on loopback for one workspace, where the settings name none.

Every process that uses the server holds a shared lock; a keeper process waits for the lock alone and then stops the server.
The system gives locks back however a process ends, so nothing outlives its last user, not even after kill -9.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import IO, Any

from kairos.errors import KairosError

START_SECONDS = 20.0


class ServerError(KairosError):
    """The task queue's server did not start; its log is named."""


@dataclass
class NatsServer:
    """A running server, used by this process until `close`."""

    url: str
    folder: Path
    _use: IO[bytes]

    def close(self) -> None:
        """Use it no more; the last one to do so stops it."""
        self._use.close()

    def __enter__(self) -> NatsServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(folder: Path, *, clock: Any = time.monotonic, sleep: Any = time.sleep) -> NatsServer:
    """The server that keeps its streams in `folder`: the running one, or a new one. Raises ServerError."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    deadline = clock() + START_SECONDS
    while True:
        use = _locked(folder / "users.lock", fcntl.LOCK_SH)
        with _one_starter(folder):
            if not _kept(folder):
                _start_keeper(folder)
        while clock() < deadline:
            if url := running(folder):
                return NatsServer(url, folder, use)
            if not _kept(folder) and _log_of(folder):
                break
            sleep(0.02)
        use.close()
        if clock() >= deadline:
            raise ServerError(f"the task queue's server did not start within {START_SECONDS:.0f} s, see {folder / 'server.log'}")


def running(folder: Path) -> str:
    """The address of this folder's server if it answers by its own name, else nothing: a stale note is seen through."""
    try:
        note = json.loads((folder / "server.json").read_text(encoding="utf-8"))
        with socket.create_connection(("127.0.0.1", int(note["port"])), timeout=1) as connection:
            said = connection.makefile("rb").readline()
        answers = json.loads(said.removeprefix(b"INFO "))["server_name"] == _name(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return f"nats://127.0.0.1:{note['port']}" if answers else ""


def _name(folder: Path) -> str:
    return "kairos-" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def _locked(path: Path, kind: int) -> IO[bytes]:
    file = path.open("ab")
    fcntl.flock(file, kind)
    return file


@contextmanager
def _one_starter(folder: Path) -> Iterator[None]:
    with _locked(folder / "starter.lock", fcntl.LOCK_EX):
        yield


def _kept(folder: Path) -> bool:
    """Is there a keeper? It holds its lock as long as it lives."""
    with (folder / "keeper.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
