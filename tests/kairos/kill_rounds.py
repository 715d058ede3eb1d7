"""Kill `kairos run` and `kairos send` with SIGKILL at random points, finish cleanly, and compare with an undisturbed life.

    python tests/kairos/kill_rounds.py FOLDER --kills 100 --seed 1 [--workers 2]

A round is one ledger: `run` is killed five times, then ends by itself; `send` is killed five times, then ends by itself.
SMS go to a loopback gateway that speaks Twilio's wire format and writes down what it accepts; the rest goes to the outbox.
The commands run in forks of this process, so that their modules need not be loaded a hundred times; each is a process of its
own when it dies. With `--workers` the customers of a `run` are decided by workers, which outlive it by a shelf. The last line is a JSON object; exit code 1 where something was lost, doubled or different.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

AS_OF = "2026-11-23"
NOW = 1_795_399_200
"""Ten o'clock in Shanghai on that day, as the ledger writes it."""
GATEWAY = Path(__file__).parent.parent / "gateways" / "twilio_gateway.py"
EQUAL = {
    "moments": "select campaign, customer_id, subject, occasion, due_at, status, step, wake_at from moments order by 1, 2, 3, 4",
    "decisions": "select m.campaign, m.customer_id, m.subject, m.occasion, d.step, d.verdict, d.gate, d.reason, d.medium, d.version, d.trace "
    "from decisions d join moments m using (moment_id) order by 1, 2, 3, 4, 5",
    "messages": "select message_id, campaign, customer_id, step, medium, locale, template, address, parts, offers, not_before, not_after, "
    "expires_at, state from messages order by 1",
    "cases": "select case_id, body from cases order by 1",
    "outcomes": "select m.campaign, m.customer_id, m.subject, o.event_id, o.event, o.at from outcomes o join moments m using (moment_id) order by 1, 2, 3, 4",
    "opt_outs": "select customer_id, purpose, medium from opt_outs order by 1, 2, 3",
}


def prepare(folder: Path, customers: int) -> None:
    """A small demo insurer whose SMS go to the loopback gateway; without offers, so that no model is needed."""
    from kairos.cli import main

    _quietly(
        lambda: main(["init", str(folder), "--demo", "--customers", str(customers), "--seed", "3", "--as-of", AS_OF])
    )
    for name in ("motor-service-offer", "health-cross-sell"):
        (folder / "campaigns" / f"{name}.yaml").unlink()
    settings = folder / "kairos.yaml"
    text = settings.read_text(encoding="utf-8")
    text = text.replace(
        "sms: outbox", "sms: {adapter: twilio, messaging_service_sid: MG" + "0" * 32 + ", base_url: GATEWAY_URL}"
    )
    settings.write_text(text + "\ndelivery: {settle_seconds: 1}\n", encoding="utf-8")


def command(arguments: list[str], kill_after: float | None = None) -> bool:
    """Run one command in a fork; with `kill_after` seconds it gets SIGKILL. Returns whether it ended by itself, and well."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        import kairos.runs
        from campaigns.crew import Crew
        from kairos.cli import main

        kairos.runs.Crew = partial(Crew, shelf=40, least=1)  # type: ignore[misc,assignment]
        code = 1
        try:
            main(arguments)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def _quietly(act: object) -> None:
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            act()  # type: ignore[operator]
        except SystemExit as end:
            os._exit(int(end.code or 0))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit("the workspace could not be made")


class Life:
    """One ledger from its first run to its last hand-over."""

    def __init__(self, workspace: Path, folder: Path, workers: int = 1) -> None:
        self.folder, self.workers = folder, workers
        shutil.copytree(workspace, folder)
        self.journal = folder / "journal.jsonl"
        self.gateway = subprocess.Popen(
            [sys.executable, str(GATEWAY), "--port", "0", "--journal", str(self.journal)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.gateway.stdout is not None
        url = self.gateway.stdout.readline().split()[-1]
        settings = folder / "kairos.yaml"
        settings.write_text(settings.read_text(encoding="utf-8").replace("GATEWAY_URL", url), encoding="utf-8")

    def do(self, name: str, kill_after: float | None = None) -> bool:
        """One command on this workspace."""
        workers = ["--workers", str(self.workers)] if name == "run" else []
        return command([name, "-w", str(self.folder), "--as-of", AS_OF, "--json", *workers], kill_after)

    def finish(self) -> None:
        """Hand over until nothing is left in doubt: what a provider says is believed after a second."""
        for _ in range(20):
            if not self.do("send"):
                raise SystemExit("a clean `kairos send` failed")
            with sqlite3.connect(self.folder / "ledger.db") as db:
                if not db.execute(
                    "select 1 from messages where state in ('handed', 'unknown') or (state = 'reserved' and not_before <= ?)",
                    (NOW,),
                ).fetchone():
                    return
            time.sleep(1.1)
        raise SystemExit("messages stay in doubt")

    def said(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything the ledger says but for who did it and when."""
        with sqlite3.connect(self.folder / "ledger.db") as db:
            return {name: db.execute(sql).fetchall() for name, sql in EQUAL.items()}

    def accepted(self) -> Counter[str]:
        """What the gateway accepted: how often each (recipient, words)."""
        lines = self.journal.read_text(encoding="utf-8").splitlines() if self.journal.exists() else []
        return Counter(json.dumps([line["to"], line["body"]], ensure_ascii=False) for line in map(json.loads, lines))

    def written(self) -> Counter[str]:
        """How often each message id stands in the outbox's files."""
        found: Counter[str] = Counter()
        for file in (self.folder / "outbox").rglob("*.txt"):
            found.update(
                line.removeprefix("Message: ")
                for line in file.read_text(encoding="utf-8").splitlines()
                if line.startswith("Message: ")
            )
        return found

    def time(self, name: str) -> float:
        """Seconds one undisturbed command takes."""
        start = time.monotonic()
        if not self.do(name):
            raise SystemExit(f"`kairos {name}` failed undisturbed")
        return time.monotonic() - start

    def __enter__(self) -> Life:
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.terminate()
        self.gateway.wait(10)


def main() -> int:
    """Live once undisturbed, then in rounds; report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--customers", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="of the runs that are disturbed")
    options = parser.parse_args()
    os.environ |= {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "loopback-token",
        "OPENBLAS_NUM_THREADS": "1",
    }
    _load()
    chance = random.Random(options.seed)
    workspace = options.folder / "workspace"
    prepare(workspace, options.customers)

    with Life(workspace, options.folder / "calm") as calm:
        lengths = {name: calm.time(name) for name in ("run", "send")}
        calm.finish()
    if options.workers > 1:
        with Life(workspace, options.folder / "measured", options.workers) as measured:
            lengths["run"] = measured.time("run")
    kills: Counter[str] = Counter()
    different: list[str] = []
    number = 0
    while sum(count for name, count in kills.items() if name in lengths) < options.kills:
        number += 1
        with Life(workspace, options.folder / f"round-{number}", options.workers) as life:
            kills += _disturbed(life, lengths, chance)
            faults = _differences(life, calm)
        different += [f"{life.folder.name}: {what}" for what in faults]
        if not faults:
            shutil.rmtree(life.folder)
    report = {
        "kills": sum(count for name, count in kills.items() if name in lengths),
        "by_command": dict(kills),
        "rounds": number,
        "messages": len(calm.said()["messages"]),
        "sms_accepted_by_gateway": sum(calm.accepted().values()),
        "different": different,
    }
    print(json.dumps(report))
    return 1 if different else 0


def _disturbed(life: Life, lengths: dict[str, float], chance: random.Random) -> Counter[str]:
    """Kill each command five times at random points, then let it end."""
    kills: Counter[str] = Counter()
    for name, earliest in (("run", 0.25), ("send", 0.05)):
        for _ in range(5):
            ended = life.do(name, chance.uniform(earliest, 1.0) * lengths[name])
            kills[f"{name}, which was quicker" if ended else name] += 1
        if name == "run" and not life.do(name):
            raise SystemExit("a clean `kairos run` failed")
    life.finish()
    return kills


def _differences(life: Life, calm: Life) -> list[str]:
    """In what a disturbed life differs from a calm one."""
    said, wanted = life.said(), calm.said()
    equal = {table: said[table] == wanted[table] for table in EQUAL}
    equal |= {"gateway": life.accepted() == calm.accepted(), "outbox": life.written() == calm.written()}
    equal["doubled in the outbox"] = max(life.written().values()) == 1
    return [what for what, same in equal.items() if not same]


def _load() -> None:
    """Load what the commands load, once."""
    import duckdb  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.compute  # noqa: F401
    import twilio.rest  # noqa: F401

    import channels
    import triggers.facts  # noqa: F401

    channels.adapters()


if __name__ == "__main__":
    sys.exit(main())
