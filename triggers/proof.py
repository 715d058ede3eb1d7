"""The last word on a condition before it runs: the database binds it, against empty tables of the same columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from sqlglot import exp

from triggers.condition_faults import ConditionError, Scopes
from triggers.conditions import bind, parse_condition

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
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as db:
        try:
            kind = _answer(bound, scopes, db)
        except duckdb.Error as error:
            raise ConditionError(str(error).split("\n", maxsplit=1)[0]) from error
    if kind != "BOOLEAN":
        raise ConditionError(f"the condition gives a value of type {kind}, not true or false")


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
    definitions = [
        exp.ColumnDef(
            this=exp.to_identifier(name, quoted=True), kind=exp.DataType.build(kind, dialect="duckdb", udt=True)
        )
        for name, kind in columns.items()
    ]
    table = exp.Schema(this=exp.to_table(view), expressions=definitions)
    return exp.Create(this=table, kind="TABLE").sql("duckdb")
