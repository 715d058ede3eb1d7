"""The last word on a condition before it runs: the database binds it, against empty tables of the same columns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from sqlglot import exp

from triggers.condition_faults import ConditionError, Scopes
from triggers.conditions import bind, parse_condition
from triggers.sqltext import identifier

if TYPE_CHECKING:
    import duckdb


def check_condition(text: str, scopes: Scopes, default: str, now: datetime) -> exp.Expr:
    """Read a condition and have it bound; the fullest check there is, for lint. Raises ConditionError."""
    condition = parse_condition(text, scopes, default)
    prove(condition, scopes, now)
    return condition


def prove(condition: exp.Expr, scopes: Scopes, now: datetime) -> None:
    """Let the database bind a parsed condition against empty tables; ConditionError says what it refused."""
    import duckdb

    bound = bind(condition, now)
    with _database(os.getpid()).cursor() as db:
        try:
            kind = _answer(bound, scopes, db)
        except duckdb.Error as error:
            raise ConditionError(str(error).split("\n", maxsplit=1)[0]) from error
    if kind != "BOOLEAN":
        raise ConditionError(f"the condition gives a value of type {kind}, not true or false")


@cache
def _database(_process: int) -> duckdb.DuckDBPyConnection:
    """One empty database a process, for opening one takes longer than what it is asked; each proof has tables of its own."""
    import duckdb

    return duckdb.connect(":memory:", config={"enable_external_access": "false"})


def _answer(bound: exp.Expr, scopes: Scopes, db: duckdb.DuckDBPyConnection) -> str:
    for view, columns in scopes.items():
        db.execute(_empty_table(view, columns))
    first, *others = scopes
    asked = exp.select(exp.alias_(bound, "answer")).from_(exp.to_table(first))
    for view in others:
        asked = asked.join(exp.to_table(view), join_type="cross")
    db.execute("EXPLAIN " + asked.where(bound).sql("duckdb"))
    return str(db.sql(asked.limit(0).sql("duckdb")).types[0])


def _empty_table(view: str, columns: Mapping[str, str]) -> str:
    listed = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.items())
    return f"CREATE TEMP TABLE {identifier(view)} ({listed})"
