"""A Jupyter notebook made from an uplift report: its queries run on the ledger again, its numbers reckoned from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from campaigns.ledger.store import is_postgres

_OPEN = '''{module}

import pandas as pd

from recommender.effect.estimate import estimate
from recommender.effect.groups import Columns, Groups
from recommender.effect.plan import Plan
from recommender.effect.sums import Sums

ledger = {opened}


def query(text: str) -> pd.DataFrame:
    """What a query finds in the ledger."""
    found = ledger.execute(text)
    return pd.DataFrame(found.fetchall(), columns=[column[0] for column in found.description])'''
_FILE = {"module": "import sqlite3", "opened": 'sqlite3.connect(f"file:{LEDGER}?mode=ro", uri=True)'}
_SERVER = {"module": "import psycopg", "opened": "psycopg.connect(LEDGER)  # the password is taken from PGPASSWORD"}
_SUMS = '''columns = Columns("group", "reached", per="moments", cost="cost")
found = query(CUSTOMERS).query("group != '(both)'")
sums = {
    (name, ""): Sums.of({each: part[each].to_numpy() for each in columns.numbers}) for name, part in found.groupby("group")
}
groups = Groups(sums, CUSTOMERS, {each: len(found) for each in columns.numbers}, len(found))
result = estimate(groups, columns, CONTROL, Plan(ALPHA, "always_valid")).as_dict() if len(groups.by_group()) > 1 else None
pd.DataFrame(result["effects"])[["group", "verdict", "estimate", "always_valid", "fixed"]] if result else "one group only"'''


def notebook(report: dict[str, Any]) -> str:
    """The file's text (nbformat 4.5)."""
    place = report["ledger"]
    at = place if is_postgres(place) else str(Path(place).resolve())  # wherever the notebook is run
    cells = [
        _words(f"# What the campaigns caused, as of {report['as_of']}\n\nEvery number from the ledger."),
        _code(f"LEDGER = {json.dumps(at)}\nALPHA = {report['alpha']!r}"),
        _code(_OPEN.format(**(_SERVER if is_postgres(report["ledger"]) else _FILE))),
    ]
    for made in report["campaigns"]:
        cells += _campaign(made)
    numbered = [{"id": f"cell-{place}", **cell} for place, cell in enumerate(cells)]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps(
        {"cells": numbered, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, ensure_ascii=False, indent=1
    )


def _campaign(made: dict[str, Any]) -> list[dict[str, Any]]:
    said = (
        "\n".join(f"- {each['group']}: **{each['verdict']}**, {each['why']}" for each in made["effects"])
        or "- one group only"
    )
    health = "\n".join(
        f"- {'sound' if c['sound'] else '**NOT SOUND**'}: {c['check']}, {c['seen']}" for c in made["health"]
    )
    texts = {name: text for name, text in made["queries"].items() if name not in ("effect_duckdb", "customers")}
    return [
        _words(f"## {made['campaign']}\n\n{health}\n\n{said}"),
        _code(
            f'CONTROL = {json.dumps(made["control"])}\nCUSTOMERS = """\n{made["queries"]["customers"]}\n"""\n{_SUMS}'
        ),
        *(_code(f'# {name}\nquery("""\n{text}\n""")') for name, text in texts.items()),
    ]


def _words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, Any]:
    lines = text.splitlines(keepends=True)
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": lines}
