"""A worker of a crew: it decides the shelves it is told of until nobody is left to tell it."""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import sys
import traceback
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from time import process_time

from campaigns.arbitration import Round
from campaigns.errors import CampaignError
from campaigns.ledger import Ledger
from campaigns.scene import Recommender, Rules, Scene, Words
from campaigns.shelf import decide_shelf
from campaigns.turn import Turn
from triggers.parcel import Known, Unpacking

LIBRARIES = (
    "campaigns.worker",
    "pandas",
    "pyarrow.compute",
    "duckdb",
    "jinja2",
    "templates.press",
    "recommender.serving",
)
"""Loaded once for all workers."""
YOUNG = 100_000
"""New objects after which to look for dead cycles: a wave's rows are as many and hold none."""
_JOB = "job.pickle"


@dataclass(frozen=True)
class Errand:
    """What a worker knows before its first shelf: a scene without facts, and where the ledger and the shared tables are."""

    ledger: Path | str
    rules: Rules
    words: Words
    recommender: Recommender | None
    known: Known
    shared: Path
    threads: int


@dataclass(frozen=True)
class Job:
    """A shelf: its customers, whose facts lie in the folder it was found in, and the file of the round they are decided in."""

    customers: list[str]
    contest: Path

    def write(self, parcel: Path) -> None:
        """Put it beside the facts."""
        (parcel / _JOB).write_bytes(pickle.dumps(self))

    @classmethod
    def read(cls, parcel: Path) -> Job:
        """The job in a folder."""
        found: Job = pickle.loads((parcel / _JOB).read_bytes())  # noqa: S301 - written by this very run
        return found


@dataclass(frozen=True)
class Done:
    """What came of a shelf: moments decided, what the turn of it took, and who had a message of a competing campaign."""

    decided: int
    turn: Turn
    winners: set[str]


def main() -> None:
    """Load the libraries once, then be as many workers as there are lines: `sys.argv` has the numbers of their files."""
    lines = [Connection(int(number)) for number in sys.argv[1:]]
    for name in LIBRARIES:
        import_module(name)
    gc.set_threshold(YOUNG, 20, 20)
    mine = lines[0]
    for line in lines[1:]:
        if not os.fork():
            mine = line
            break
    for line in lines:
        if line is not mine:  # so that a worker's end is heard of, whoever lives on
            line.close()
    _serve(mine)
    if mine is lines[0]:
        for _ in lines[1:]:
            os.wait()


def _serve(line: Connection) -> None:
    """Take the errand, decide what the line then tells of, a folder each, and say what came of it: a `Done`, or the error it ended with."""
    with closing(line), suppress(EOFError, ConnectionError):  # raised where nobody is there any more
        try:
            errand: Errand = line.recv()
            with (
                Ledger(errand.ledger) as ledger,
                closing(Unpacking(errand.shared, errand.known, errand.threads)) as parcels,
            ):
                while True:
                    line.send(_decided(Path(line.recv()), errand, ledger, parcels))
        except (EOFError, ConnectionError):
            raise
        except Exception as error:
            line.send(_portable(error))


def _decided(parcel: Path, errand: Errand, ledger: Ledger, parcels: Unpacking) -> Done:
    start, turn, job = process_time(), Turn(), Job.read(parcel)
    with turn.stage("unpack"):
        facts = parcels.facts(parcel)
        shutil.rmtree(parcel)
    scene = Scene(facts, errand.rules, errand.words, errand.recommender)
    contest = replace(_round(job.contest), winners=set())
    decided = decide_shelf(scene, contest, ledger, turn, job.customers)
    turn.cpu_seconds = process_time() - start
    return Done(decided, turn, contest.winners)


@lru_cache(maxsize=1)
def _round(file: Path) -> Round:
    found: Round = pickle.loads(file.read_bytes())  # noqa: S301 - written by this very run
    return found


def _portable(error: Exception) -> Exception:
    """The error as it may travel, with where it happened."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # whatever it is that cannot be packed, its words can
        return CampaignError(f"{type(error).__name__}: {error}")
    return error
