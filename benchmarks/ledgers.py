"""Where the run that is measured keeps its ledger: a file in the workspace, or a schema of its own on a PostgreSQL server."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from benchmarks.common import BenchmarkError, measured

DURABLE = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on"}
"""The tests' server is made fast by forgetting what a power cut would take; a measured one is not."""
COPY = """
import sys
from pathlib import Path
from campaigns.ledger.store import open_store
open_store(sys.argv[1]).copy_to(Path(sys.argv[2]))
"""


class FileLedger:
    """SQLite, the default."""

    name = "SQLite"

    def renew(self, workspace: Path) -> None:
        """The next run finds an empty ledger."""
        for file in workspace.glob("ledger.db*"):
            file.unlink()

    def fetch(self, workspace: Path) -> Path:
        """A file that holds what the run wrote."""
        return workspace / "ledger.db"


class ServerLedger(FileLedger):
    """PostgreSQL. Every run gets a schema, which is dropped in the end; nothing else of the database is touched."""

    def __init__(self, url: str) -> None:
        import psycopg

        self._url, self._schemas = url, list[str]()
        try:
            self._db = psycopg.connect(url, autocommit=True)
        except psycopg.Error as error:
            raise BenchmarkError(f"the server cannot be reached: {error}") from error
        version = self._db.info.server_version
        self.name = f"PostgreSQL {version // 10000}.{version % 10000}"

    def renew(self, workspace: Path) -> None:
        """The next run finds an empty ledger: the workspace names a new schema."""
        super().renew(workspace)
        schema = f"kairos_benchmark_{uuid.uuid4().hex[:12]}"
        self._db.execute(f"create schema {schema}".encode())
        self._schemas.append(schema)
        settings = workspace / "kairos.yaml"
        said = re.sub(r"^ledger:.*\n", "", settings.read_text(encoding="utf-8"), flags=re.MULTILINE)
        settings.write_text(f"{said}\nledger: {self._place()}\n", encoding="utf-8")

    def _place(self) -> str:
        path = quote(f"-csearch_path={self._schemas[-1]}", safe="")
        return f"{self._url}{'&' if '?' in self._url else '?'}options={path}"

    def fetch(self, workspace: Path) -> Path:
        """A copy of what the run wrote, in a file."""
        super().renew(workspace)
        found = super().fetch(workspace)
        measured(["-c", COPY, self._place(), found])
        return found

    def close(self) -> None:
        """Drop what was made."""
        for schema in self._schemas:
            self._db.execute(f"drop schema {schema} cascade".encode())
        self._db.close()


@contextmanager
def ledger_of(url: str, own_server: bool) -> Iterator[FileLedger]:
    """A file; a database by its URL; or one of a server that lives as long as the benchmark. Raises BenchmarkError."""
    if own_server:
        from tests import postgres_server

        if reason := postgres_server.why_not():
            raise BenchmarkError(reason)
        server = postgres_server.start(DURABLE)
        try:
            with ledger_of(server.create("benchmark"), own_server=False) as ledger:
                yield ledger
        finally:
            server.close()
    elif url:
        ledger = ServerLedger(url)
        try:
            yield ledger
        finally:
            ledger.close()
    else:
        yield FileLedger()
