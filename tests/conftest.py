"""What all tests share: where the real data sets are, and how property tests choose their examples."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

import postgres_server

# The same examples on every run, so that a change is judged by what it changed; HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("search", derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """The folder of a public data set; the test is skipped, with the reason, where it is absent."""
    base = Path(os.environ.get("KAIROS_DATA", ROOT.parent / "shared" / "data"))

    def folder(name: str) -> Path:
        if not (base / name).is_dir():
            pytest.skip(f"the data set {name} is not in {base} (set KAIROS_DATA)")
        return base / name

    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.PostgresServer]:
    """A PostgreSQL server for the whole session; the test is skipped, with the reason, where none can be had."""
    if reason := postgres_server.why_not():
        pytest.skip(reason)
    server = postgres_server.start()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def databases(postgres: postgres_server.PostgresServer) -> Callable[[], str]:
    """Make a database with an empty ledger in it, copied from a template; its address."""
    import psycopg

    from campaigns.ledger import Ledger

    Ledger(postgres.create("empty")).close()
    numbers = itertools.count()

    def make() -> str:
        name = f"ledger_{next(numbers)}"
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as db:
            db.execute(f"create database {name} template empty")  # type: ignore[arg-type]
        return postgres.url(name)

    return make
