"""The nightly run of a generated insurer, facts to reserved messages, beside a plain loop that does the same work.

    python benchmarks/nightly.py [--size CUSTOMERS] [--sample CUSTOMERS] [--workers N] [--profile] [--folder DIR]
                                 [--postgres | --ledger URL]

What is measured, and what the figures leave out, is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.common import BenchmarkError, Spent, conclude, kairos, measured, say, show
from benchmarks.hotspots import show_hotspots
from benchmarks.ledgers import FileLedger, ledger_of

QUICK = 30_000
"""Customers unless --size says otherwise: all of it in less than 50 s on two slow cores."""
SAMPLE = 30_000
"""Customers the plain loop goes through at most: it keeps every row as a dictionary."""
TOLERANCE = 0.02
LOOP = Path(__file__).with_name("plain_loop.py")


@dataclass(frozen=True)
class Night:
    """One nightly run that was measured: its report and what its process took."""

    workspace: Path
    spent: Spent
    report: dict[str, Any]

    @property
    def messages(self) -> int:
        """Messages reserved."""
        return int(self.report["reserved"])

    @property
    def seconds(self) -> float:
        """From opening the facts to the last commit."""
        return float(self.report["seconds"]["total"])

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def stages(self) -> dict[str, float]:
        """Seconds by stage; `rest` is what lies between them: checking the campaigns, loading the model, counting."""
        stages = {name: value for name, value in self.report["seconds"].items() if name != "total"}
        return stages | {"rest": self.seconds - sum(stages.values())}


def make(workspace: Path, size: int, asked: argparse.Namespace) -> float:
    """Generate the insurer; seconds."""
    say(f"generating {size:,} customers")
    made = kairos(
        "init",
        workspace,
        "--demo",
        "--customers",
        str(size),
        "--seed",
        str(asked.seed),
        "--as-of",
        str(asked.as_of),
        "--json",
    )
    return made.seconds


def fit(workspace: Path, asked: argparse.Namespace) -> float:
    """Fit the model of offers; seconds."""
    say("fitting the model of offers")
    return kairos(
        "recommend", "fit", "-w", workspace, "--as-of", str(asked.as_of), "--seed", str(asked.seed), "--json"
    ).seconds


def spend_the_night(workspace: Path, asked: argparse.Namespace, ledger: FileLedger) -> Night:
    """One nightly run into a new ledger, in a process of its own. Raises BenchmarkError where messages are missing."""
    say("the nightly run")
    ledger.renew(workspace)
    workers = ["--workers", str(asked.workers)] if asked.workers else []
    spent = kairos("run", "-w", workspace, "--as-of", str(asked.as_of), "--json", *workers)
    night = Night(workspace, spent, spent.report)
    with closing(sqlite3.connect(ledger.fetch(workspace))) as db:
        (found,) = db.execute("select count(*) from messages where state = 'reserved'").fetchone()
    if found != night.messages or not night.report["totals"]["conserved"]:
        raise BenchmarkError(f"the run reported {night.messages:,} messages, the ledger holds {found:,}")
    return night


def loop_over(night: Night) -> dict[str, Any]:
    """The plain loop on the same workspace, in a process of its own; its report with `peak_rss_mb` and `rate` added."""
    say("the plain loop")
    database = night.workspace / "plain.db"
    for file in night.workspace.glob("plain.db*"):
        file.unlink()
    spent = measured([LOOP, night.workspace, database, "--now", night.report["as_of"]])
    report = spent.report
    messages = sum(report["messages"].values())
    return report | {"rate": messages / report["seconds"]["total"], "total": messages, "peak_rss_mb": spent.peak_rss_mb}


def compare(night: Night, loop: dict[str, Any]) -> float:
    """Print both outboxes side by side; the share of the loop's messages that are the same word for word.

    Raises BenchmarkError where the numbers of messages of a campaign are further apart than TOLERANCE.
    """
    rows = _side_by_side(night.workspace)
    names = ("campaign", "Kairos", "loop", "same message", "same words")
    show("Messages of both, on the customers the loop went through", names, rows)
    left_out = [
        line["campaign"] for line in night.report["campaigns"] if line["campaign"] not in {row[0] for row in rows}
    ]
    print(f"The loop does not do {', '.join(left_out)}: what they offer comes out of a fitted model.")
    for campaign, ours, theirs, _, _ in rows:
        if abs(ours - theirs) > TOLERANCE * max(ours, theirs):
            raise BenchmarkError(f"{campaign}: {ours:,} messages of Kairos, {theirs:,} of the loop: not the same work")
    return sum(row[4] for row in rows) / max(int(loop["total"]), 1)


def _side_by_side(workspace: Path) -> list[tuple[str, int, int, int, int]]:
    """Campaign, messages of Kairos, of the loop, with the same id, and of those with the same words and address."""
    with closing(sqlite3.connect(workspace / "ledger.db")) as db:
        db.execute("attach ? as plain", (str(workspace / "plain.db"),))
        found: list[tuple[str, int, int, int, int]] = db.execute(
            """
            with theirs as (select campaign, count(*) as n from plain.messages group by 1),
                 seen as (select distinct campaign from plain.moments),
                 ours as (select k.campaign, count(*) as n, count(p.message_id) as same,
                                 count(case when p.parts = k.parts and p.address = k.address
                                  and p.not_before = k.not_before and p.not_after = k.not_after then 1 end) as alike
                            from messages k left join plain.messages p on p.message_id = k.message_id group by 1)
            select s.campaign, coalesce(o.n, 0), coalesce(t.n, 0), coalesce(o.same, 0), coalesce(o.alike, 0)
              from seen s left join theirs t using (campaign) left join ours o using (campaign) order by 1"""
        ).fetchall()
    return found


def show_night(night: Night) -> None:
    """Print time by stage, and what the run was."""
    rows = [
        (name, value, f"{value / night.seconds:.0%}", value / night.messages * 1e6)
        for name, value in night.stages.items()
    ]
    rows.append(("total", night.seconds, "100%", night.seconds / night.messages * 1e6))
    facts = night.report["facts"]
    size = f"{facts['customers']['kept']:,} customers, {facts['policies']['kept']:,} policies"
    show(f"Nightly run: {size}, {night.messages:,} messages", ("stage", "seconds", "share", "µs a message"), rows)
    if beside := night.report["workers"]["seconds"]:
        show("The workers together, meanwhile", ("stage", "seconds"), list(beside.items()))
    print(
        f"{night.rate:,.0f} messages/s; peak RSS {night.spent.peak_rss_mb:,.0f} MiB; the process took "
        f"{night.spent.seconds:.1f} s ({night.spent.cpu_seconds:.1f} s of CPU), starting Python and importing the "
        f"application included."
    )


def figures(night: Night, loop: dict[str, Any], alike: float, prepared: dict[str, float]) -> dict[str, Any]:
    """What the JSON line says."""
    facts = night.report["facts"]
    return {
        "messages_per_s": night.rate,
        "peak_rss_mb": night.spent.peak_rss_mb,
        "customers": facts["customers"]["kept"],
        "policies": facts["policies"]["kept"],
        "campaigns": len(night.report["campaigns"]),
        "moments": night.report["totals"]["moments"],
        "messages": night.messages,
        "seconds": night.seconds,
        "seconds_by_stage": night.stages,
        "worker_seconds_by_stage": night.report["workers"]["seconds"],
        "process_seconds": night.spent.seconds,
        "cpu_seconds": night.spent.cpu_seconds,
        **prepared,
        "loop_customers": loop["customers"],
        "loop_messages": loop["total"],
        "loop_messages_per_s": loop["rate"],
        "loop_peak_rss_mb": loop["peak_rss_mb"],
        "loop_same_words": alike,
    }


def benchmark(asked: argparse.Namespace, folder: Path, ledger: FileLedger) -> None:
    """Make the insurer, run both, print."""
    workspace, size = folder / "insurer", asked.size
    prepared = {"generate_seconds": make(workspace, size, asked), "fit_seconds": fit(workspace, asked)}
    night = spend_the_night(workspace, asked, ledger)
    show_night(night)
    compared = night
    if size > asked.sample:
        sample = folder / "sample"
        make(sample, asked.sample, asked)
        shutil.copytree(workspace / "models", sample / "models")
        with (sample / "kairos.yaml").open("a", encoding="utf-8") as settings:  # the model knows the larger insurer
            settings.write("\nrecommend: {stale: serve}\n")
        compared = spend_the_night(sample, asked, ledger)
    loop = loop_over(compared)
    alike = compare(compared, loop)
    show_loop(night, loop)
    if asked.profile:
        ledger.renew(workspace)
        show_hotspots(workspace, asked.as_of)
    told = {"ledger": ledger.name, **figures(night, loop, alike, prepared)}
    conclude("nightly", told, {"over_plain_loop": night.rate / loop["rate"]})


def show_loop(night: Night, loop: dict[str, Any]) -> None:
    """Print both rates."""
    rows = [
        (
            "Kairos",
            night.report["totals"]["customers"],
            night.messages,
            night.seconds,
            night.rate,
            night.spent.peak_rss_mb,
        ),
        ("plain loop", loop["customers"], loop["total"], loop["seconds"]["total"], loop["rate"], loop["peak_rss_mb"]),
    ]
    show("Beside the plain loop", ("", "customers", "messages", "seconds", "messages/s", "peak MiB"), rows)


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments and run; the workspace is thrown away unless --folder names a place for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--size", type=int, default=QUICK, help="customers of the insurer (1,000,000 needs 2 GB of disk)"
    )
    parser.add_argument("--sample", type=int, default=SAMPLE, help="customers the plain loop goes through at most")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same insurer")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 11, 23), help="the day of the run")
    parser.add_argument(
        "--profile", action="store_true", help="run once more under cProfile and print where the time goes"
    )
    parser.add_argument("--folder", type=Path, help="empty folder to keep the workspace in")
    parser.add_argument("--workers", type=int, help="processes that decide; default as `kairos run` has it, one a core")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--postgres", action="store_true", help="the ledger on a PostgreSQL server of the benchmark's own"
    )
    where.add_argument(
        "--ledger", default="", metavar="URL", help="postgresql://...: in a schema there that is dropped afterwards"
    )
    asked = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(TemporaryDirectory(prefix="nightly-")))
        try:
            benchmark(asked, folder, stack.enter_context(ledger_of(asked.ledger, asked.postgres)))
        except BenchmarkError as error:
            sys.exit(f"nightly: {error}")


if __name__ == "__main__":
    main()
