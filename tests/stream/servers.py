"""Real brokers on loopback: started on free ports with folders of their own, killed and started again at will."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

RABBIT_FOLDERS = ("/usr/lib/rabbitmq/bin", "/usr/sbin", "/usr/bin")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.3):
            return True
    except OSError:
        return False


class Server:
    """One server process. `kill` is kill -9; `start` again brings it back with what it had written down."""

    scheme = ""
    seconds = 60.0

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def program(cls) -> str | None:
        """Where the program is; None where it is not installed."""
        raise NotImplementedError

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Arguments and environment."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> Server:
        arguments, more = self.command()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **more},
                start_new_session=True,
            )
        deadline = time.monotonic() + self.seconds
        while not self.ready():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.kill()
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)
        return self

    def ready(self) -> bool:
        return answers(self.port)

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):  # it is gone already, which is what was wanted
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Nats(Server):
    scheme = "nats"

    @classmethod
    def program(cls) -> str | None:
        return shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def command(self) -> tuple[list[str], dict[str, str]]:
        config = {
            "host": "127.0.0.1",
            "port": self.port,
            "jetstream": {"store_dir": str(self.folder / "js"), "sync_interval": "always"},
        }
        (self.folder / "server.conf").write_text(json.dumps(config))
        return [str(self.program()), "-c", str(self.folder / "server.conf")], {}


class Redis(Server):
    scheme = "redis"

    @classmethod
    def program(cls) -> str | None:
        return shutil.which("redis-server")

    def command(self) -> tuple[list[str], dict[str, str]]:
        words = (
            f"--bind 127.0.0.1 --port {self.port} --dir {self.folder} --appendonly yes --appendfsync always --save ''"
        )
        return [str(self.program()), *(word.strip("'") for word in words.split())], {}

    def ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.3) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")  # not while it is loading its file
        except OSError:
            return False


class Rabbit(Server):
    scheme = "amqp"
    seconds = 120.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.node = f"kairos{self.port}@localhost"
        self.distribution = free_port()

    @classmethod
    def program(cls) -> str | None:
        return shutil.which("rabbitmq-server", path=os.pathsep.join(RABBIT_FOLDERS))

    def command(self) -> tuple[list[str], dict[str, str]]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return [str(self.program())], {
            "HOME": str(home),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"
