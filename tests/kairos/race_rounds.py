"""Let many processes run and send the same workspace's day at once, and count what came of it.

    python tests/kairos/race_rounds.py FOLDER --workers 16 [--ledger postgresql://...] [--budget 50]

Every customer has a policy that three campaigns write about, and a cap of two messages; with `--budget` the first campaign
may write to so many a day. The workers are forks of this process, so that its modules are loaded once; they begin together,
and decide a few customers at a time, so that each of them has its turn in the middle of the others' work. The last line is
a JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import multiprocessing
import re
import sys
from collections import Counter
from functools import partial
from pathlib import Path

AS_OF = "2026-11-23"
CUSTOMERS, CAP, SHELF = 120, 2, 10
CAMPAIGN = """name: {name}
title: {{zh-CN: 续保, en: Renewal}}
purpose: service
trigger: {{kind: date, of: policies.expiry_date, offset: -60d}}
{budget}
steps:
  - send: {{template: motor_renewal, channels: [sms]}}
"""
LOADED = ("pandas", "pyarrow", "duckdb", "kairos.runs", "kairos.handover", "kairos.inspection", "triggers.sources")


def prepare(folder: Path, ledger: str, budget: int) -> None:
    """The workspace."""
    from kairos.starter import write_starter

    write_starter(folder, demo=False)
    for old in (*(folder / "campaigns").glob("*.yaml"), *(folder / "facts").glob("*.csv")):
        old.unlink()
    for name in "abc":
        limit = f"budget: {{volume: {budget}, over: drop}}" if budget and name == "a" else ""
        text = CAMPAIGN.format(name=name, budget=limit)
        (folder / "campaigns" / f"{name}.yaml").write_text(text, encoding="utf-8")
    numbers = range(CUSTOMERS)
    customers = [f"C{n:03},N{n},{13800000000 + n},en" for n in numbers]
    policies = [f"P{n:03},C{n:03},motor,active,2027-01-22,100" for n in numbers]
    _table(folder, "customers", "customer_id,name,phone,locale", customers)
    _table(folder, "policies", "policy_id,customer_id,line,status,expiry_date,renewal_premium", policies)
    (folder / "sources.yaml").write_text("customers: facts/customers.csv\npolicies: facts/policies.csv\n")
    settings = (folder / "kairos.yaml").read_text(encoding="utf-8")
    settings = re.sub(r"^(ledger|holdout):.*$", "", settings, flags=re.MULTILINE)
    settings = re.sub(
        r"^caps:.*?(?=^\w)", f"caps: [{{max: {CAP}, per: 7d}}]\n", settings, flags=re.MULTILINE | re.DOTALL
    )
    (folder / "kairos.yaml").write_text(f"{settings}\nledger: {ledger}\nholdout: 0%\n", encoding="utf-8")


def _table(folder: Path, view: str, names: str, rows: list[str]) -> None:
    (folder / "facts" / f"{view}.csv").write_text("\n".join([names, *rows, ""]), encoding="utf-8")


def work(folder: Path, number: int, together: object) -> None:
    """One worker's day. Its exit code is that of the first command that ended badly."""
    import kairos.runs
    from campaigns.turn import take_turn

    kairos.runs.take_turn = partial(take_turn, shelf=SHELF + number)  # type: ignore[attr-defined]
    together.wait()  # type: ignore[attr-defined]
    with (
        (folder / f"worker-{number}.log").open("w") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        for command in ("run", "send"):
            if code := _run([command, "-w", str(folder), "--as-of", AS_OF, "--json"]):
                sys.exit(code)


def _run(arguments: list[str]) -> int:
    from kairos.cli import main

    try:
        main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def race(folder: Path, workers: int) -> list[int]:
    """Let them loose; their exit codes."""
    for module in LOADED:
        importlib.import_module(module)
    context = multiprocessing.get_context("fork")
    together = context.Barrier(workers)
    processes = [context.Process(target=work, args=(folder, number, together)) for number in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    return [-1 if process.exitcode is None else process.exitcode for process in processes]


def report(folder: Path, codes: list[int]) -> dict[str, object]:
    """What the ledger and the outbox hold afterwards."""
    from campaigns.check import check
    from campaigns.report import funnels
    from kairos.workspace import Workspace

    with Workspace(folder).ledger() as ledger:
        rows = ledger.store.query("select customer_id, campaign, state from messages")
        twice = ledger.store.query("select count(*) from attempts where outcome = 'accepted'")[0][0] - len(rows)
        broken = [finding.law for finding in check(ledger) if not finding.holds]
        conserved = all(funnel.conserved for funnel in funnels(ledger).values())
        spent = ledger.store.query("select campaign, volume from spent order by 1")
    ids = [
        found
        for file in (folder / "outbox").rglob("*.txt")
        for found in re.findall(r"^Message: (\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    return {
        "codes": codes,
        "said": [log.read_text()[-1500:] for code, log in zip(codes, _logs(folder, codes), strict=True) if code],
        "messages": len(rows),
        "per_customer": dict(Counter(Counter(row[0] for row in rows).values())),
        "per_campaign": dict(sorted(Counter(row[1] for row in rows).items())),
        "states": dict(Counter(row[2] for row in rows)),
        "attempts_too_many": twice,
        "in_files": len(ids),
        "in_files_twice": len(ids) - len(set(ids)),
        "spent": dict(spent),
        "broken": broken,
        "conserved": conserved,
        "deciders": sum('"reserved": 0,' not in log.read_text() for log in _logs(folder, codes)),
    }


def _logs(folder: Path, codes: list[int]) -> list[Path]:
    return [folder / f"worker-{number}.log" for number in range(len(codes))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--ledger", default="sqlite:///ledger.db")
    parser.add_argument("--budget", type=int, default=0)
    asked = parser.parse_args()
    prepare(asked.folder, asked.ledger, asked.budget)
    print(json.dumps(report(asked.folder, race(asked.folder, asked.workers))))
