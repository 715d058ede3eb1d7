"""A PostgreSQL server of the tests' own: made in a temporary folder, on a unix socket alone, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "listen_addresses": "",
    "autovacuum": "off",
}
DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
FOR_OTHERS = ("postgres", "nobody")
"""Accounts to run as where the tests run as root, which PostgreSQL refuses."""


def program(name: str) -> str | None:
    """Where one of PostgreSQL's programs is; None where it is not installed."""
    for folder in reversed(DEBIAN):
        if (folder / name).is_file():
            return str(folder / name)
    return shutil.which(name)


@dataclass
class PostgresServer:
    """A running server. `url(name)` is the address of one of its databases."""

    folder: Path
    settings: dict[str, str]
    guard: subprocess.Popen[bytes] | None = None
    """Ends the server and removes its folder once nobody holds its input open: also where the tests are killed."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str, user: str = "kairos") -> str:
        """The address of a database; `user` may be `name:password`."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        found = program(name)
        assert found is not None, name
        command = [*_as_somebody(), found, *arguments]
        log = self.folder / "commands.log"
        with log.open("a") as output:
            done = subprocess.run(
                command, check=False, stdout=output, stderr=output, text=True, cwd=self.folder, timeout=120
            )
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{log.read_text()[-2000:]}")
        return done

    def start(self) -> None:
        said = " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in self.settings.items())
        options = f"-k {self.folder} {said}"
        self.run("pg_ctl", "start", "-w", "-D", str(self.data), "-o", options, "-l", str(self.folder / "server.log"))

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.data))

    def create(self, database: str) -> str:
        self.run("createdb", "-h", str(self.folder), "-U", "kairos", database)
        return self.url(database)

    def watch(self) -> None:
        """From here on the server does not outlive this process."""
        stop = [*_as_somebody(), program("pg_ctl"), "stop", "-m", "immediate", "-D", str(self.data)]
        self.guard = subprocess.Popen(
            ["sh", "-c", 'cat; "$@"; rm -rf "$0"', str(self.folder), *map(str, stop)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def close(self) -> None:
        """Stop it and remove what it wrote."""
        if self.guard is not None:
            self.guard.communicate(timeout=60)


def start(settings: dict[str, str] | None = None, password: str = "") -> PostgresServer:
    """A new, empty server; `settings` over those that make tests fast. Where `password` is given it is asked for."""
    folder = Path(tempfile.mkdtemp(prefix="kairos-pg-"))  # short: the path of a unix socket holds 107 bytes
    if owner := _owner():
        shutil.chown(folder, owner)
    server = PostgresServer(folder, FAST | (settings or {}))
    server.watch()
    secret = folder / "password"
    secret.write_text(password or "none")
    how = ["-A", "scram-sha-256" if password else "trust", "--pwfile", str(secret)]
    server.run("initdb", "-D", str(server.data), "-U", "kairos", *how, "-E", "UTF8", "--no-locale", "--no-sync")
    server.start()
    return server


def why_not() -> str:
    """Why no server can be had here; '' where one can."""
    if program("initdb") is None:
        return "PostgreSQL is not installed (scripts/setup-servers installs it)"
    if os.geteuid() == 0 and (_owner() is None or shutil.which("setpriv") is None):
        return "PostgreSQL does not run as root, and there is no other account to run it as"
    return ""


def _owner() -> str | None:
    if os.geteuid() != 0:
        return None
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in FOR_OTHERS if name in known), None)


def _as_somebody() -> list[str]:
    owner = _owner()
    return ["setpriv", f"--reuid={owner}", "--clear-groups", "--"] if owner else []
