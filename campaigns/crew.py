"""Customers decided in several processes at once: each is a decider like any other, on the facts of its own customers.

The process that takes the turn opens the facts, finds the moments and packs shelves of customers; a worker decides, composes
and reserves one shelf after the other. Workers have lanes of customers of their own, so none waits for another's locks. One
that dies loses nothing: what it had not reserved wants a decision still. If the process that takes the turn dies, they end
with the shelf in hand.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

from campaigns.deciding import shared
from campaigns.errors import WorkerLostError
from campaigns.ledger.buckets import BUCKETS, lanes
from campaigns.worker import Done, Errand, Job
from triggers.parcel import Known, deal, pack_shared

if TYPE_CHECKING:
    from campaigns.arbitration import Round
    from campaigns.ledger import Ledger
    from campaigns.scene import Scene
    from campaigns.turn import Progress, Turn

SHELF = 26_000
"""Customers a worker decides together: several workers hold a shelf each at the same time."""
LEAST = 20_000
"""Fewer customers are decided before a worker has loaded its libraries."""
PARCELS = 32
"""Shelves whose facts are dealt out at once, by one look at all facts; so many at most lie on the disk."""
IN_HAND = 2
"""Shelves a worker still has when the next are dealt out: the one being decided, and one to go on with."""


def cores() -> int:
    """How many processes can compute at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class _Worker:
    """This end of the line to a worker, what it must be told first, and the customers of each shelf on its way through it."""

    line: Connection
    errand: Errand | None
    jobs: list[int] = field(default_factory=list)


@dataclass
class _Tally:
    """What the shelves of a round came to so far."""

    contest: Round
    turn: Turn
    progress: Progress
    total: int
    customers: int = 0
    decided: int = 0

    def add(self, customers: int, done: Done) -> None:
        """A shelf of so many customers is done."""
        self.customers += customers
        self.decided += done.decided
        self.turn.join(done.turn)
        self.contest.winners.update(done.winners)
        self.progress("customers", self.customers, self.total)


class Crew:
    """Up to `size` workers on one ledger; they start when there is first enough to do. `close()` ends them."""

    def __init__(self, ledger: Path | str, size: int, *, shelf: int = SHELF, least: int = LEAST) -> None:
        self.size = min(size, BUCKETS)
        self._place, self._shelf, self._least = ledger, shelf, least
        self._workers: list[_Worker] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._parcels = 0

    def takes(self, scene: Scene, customers: int) -> bool:
        """Whether so many customers are decided here; not where all take from the channels' budgets, one after the other."""
        return self.size > 1 and customers >= self._least and not shared(scene)

    def decide(self, scene: Scene, contest: Round, ledger: Ledger, turn: Turn, progress: Progress) -> int:
        """Decide everybody's moments; the number of moments. Raises what a worker raised, `WorkerLostError` where one died."""
        names = [campaign.name for campaign in contest.campaigns]
        total = ledger.count_awake(names, scene.now)
        tally, folder = _Tally(contest, turn, progress, total), self._started(scene)
        progress("customers", 0, total)
        said = folder / f"round-{self._parcels}.pickle"
        said.write_bytes(pickle.dumps(replace(contest, winners=set())))
        dealings = max(-(-total // (self._shelf * PARCELS)), 1)
        for customers in ledger.awake(names, scene.now, -(-total // dealings)):
            shelves = self._shelves(customers)
            with turn.stage("workers"):
                self._collect(IN_HAND - 1, tally)
            with turn.stage("narrow"):
                parcels = self._dealt(scene, [own for _, own in shelves], folder)
            for (worker, own), parcel in zip(shelves, parcels, strict=True):
                self._give(worker, parcel, Job(own, said))
        with turn.stage("workers"):
            self._collect(0, tally)
        return tally.decided

    def close(self) -> None:
        """End the workers: what one has in hand is undone and stays to be decided."""
        busy = any(worker.jobs for worker in self._workers)
        for worker in self._workers:
            worker.line.close()
        if self._process is not None:
            if busy:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()
        self._workers, self._process = [], None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self, scene: Scene) -> Path:
        """The folder of the parcels, once there are workers."""
        if self._folder is not None:
            return self._folder
        copy = scene.facts.copy
        self._folder = folder = Path(tempfile.mkdtemp(prefix="crew-", dir=copy.scratch if copy else None))
        pack_shared(scene.facts, folder / "shared")
        threads = max(cores() // self.size, 1)
        known = Known.of(scene.facts, scene.rules.timezone)
        errand = Errand(self._place, scene.rules, scene.words, scene.recommender, known, folder / "shared", threads)
        lines = [Pipe() for _ in range(self.size)]
        self._workers = [_Worker(ours, errand) for ours, _ in lines]
        self._process = _launched([theirs for _, theirs in lines], threads)
        return folder

    def _shelves(self, customers: Sequence[str]) -> list[tuple[_Worker, list[str]]]:
        """The customers shelf by shelf, each with its worker; one of each lane, then the next of each.

        Neighbours stay together: what is about them lies together in the ledger.
        """
        dealt = []
        for lane, own in enumerate(lanes(customers, self.size)):
            size = -(-len(own) // max(-(-len(own) // self._shelf), 1))
            starts = range(0, len(own), size) if own else ()
            dealt += [(start, self._workers[lane], own[start : start + size]) for start in starts]
        return [(worker, own) for _, worker, own in sorted(dealt, key=lambda each: each[0])]

    def _dealt(self, scene: Scene, shelves: Sequence[list[str]], folder: Path) -> list[Path]:
        """The folders with the facts of some shelves."""
        folders = [folder / str(self._parcels + number) for number in range(len(shelves))]
        self._parcels += len(shelves)
        deal(scene.facts, shelves, folders)
        return folders

    def _give(self, worker: _Worker, parcel: Path, job: Job) -> None:
        """Tell a worker where its next shelf lies: a path always fits into the line, so that nobody waits for the other.

        Its errand goes through the line as well: what is secret in it (salts, the ledger's password) lies in no file.
        """
        job.write(parcel)
        worker.jobs.append(len(job.customers))
        try:
            if worker.errand is not None:
                worker.line.send(worker.errand)
                worker.errand = None
            worker.line.send(str(parcel))
        except OSError as error:
            self._heard(worker)  # its last word, if it has left one
            raise WorkerLostError from error

    def _collect(self, most: int, tally: _Tally) -> None:
        """Take what workers have done until each has at most so many shelves in hand."""
        while any(len(each.jobs) > most for each in self._workers):
            busy = [each for each in self._workers if each.jobs]
            ready = wait([each.line for each in busy])
            for each in busy:
                if each.line in ready:
                    tally.add(each.jobs.pop(0), self._heard(each))

    def _heard(self, worker: _Worker) -> Done:
        try:
            said: Done | Exception = worker.line.recv()
        except (EOFError, OSError) as error:
            raise WorkerLostError from error
        if isinstance(said, Exception):
            raise said
        return said


def _launched(lines: Sequence[Connection], threads: int) -> subprocess.Popen[bytes]:
    """The process the workers come from, which keeps these ends of their lines.

    A Python of its own: a fork of this one would copy the locks of threads it lacks. A group of its own: an interrupt is for
    us, who then end it.
    """
    few = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    numbers = [line.fileno() for line in lines]
    process = subprocess.Popen(
        [sys.executable, "-c", "from campaigns.worker import main; main()", *map(str, numbers)],
        stdin=subprocess.DEVNULL,
        pass_fds=numbers,
        process_group=0,
        env=os.environ | few | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    for line in lines:
        line.close()
    return process
