"""The language of eligibility: comparisons over a handful of customer columns, typed, with nothing else let through.

SQLGlot passes functions it does not know, casts and subqueries through silently, and a database turns `region_code > 3`
into an error in the middle of a run. So every node must be one named here and every comparison compares like with like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sqlglot import exp

from recommender.errors import RecommenderError

Family = Literal["text", "number", "flag", "null"]

COLUMNS: Mapping[str, Family] = {
    "age": "number",
    "gender": "text",
    "region_code": "text",
    "tier": "text",
    "tenure_years": "number",
}
HOLDS = "holds_"

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul)
_TEXT_TESTS = (exp.Like, exp.ILike, exp.StartsWith)
_TEXT_TO_TEXT = (exp.Lower, exp.Upper, exp.Left, exp.Right, exp.Substring)
_ALLOWED = (
    "compare columns with values and join with and, or, not; "
    "functions: lower, upper, left, right, substr, length, abs, coalesce, starts_with"
)


class ConditionError(RecommenderError):
    """Something a condition may not say, at a node of its tree."""

    def __init__(self, node: exp.Expr, message: str, hint: str) -> None:
        super().__init__(message)
        self.node = node
        self.message = message
        self.hint = hint


def family(node: exp.Expr) -> Family:
    """What kind of value this is; raises `ConditionError` at the first node that is not allowed or does not fit."""
    if isinstance(node, exp.Paren):
        return family(node.this)
    if isinstance(node, exp.Literal):
        return "text" if node.is_string else "number"
    if isinstance(node, exp.Boolean):
        return "flag"
    if isinstance(node, exp.Null):
        return "null"
    if isinstance(node, exp.Column):
        return _column(node)
    return _test(node) or _value(node) or _refuse(node)


def _column(node: exp.Column) -> Family:
    name = node.name.lower()
    if node.args.get("db") or (node.table and node.table.lower() != "customers"):
        raise ConditionError(node, f"{node.sql()} is not a column of the customer", "name customer columns only")
    if name.startswith(HOLDS) and len(name) > len(HOLDS):
        return "flag"
    if name not in COLUMNS:
        allowed = ", ".join([*COLUMNS, f"{HOLDS}<line>"])
        raise ConditionError(node, f"{name} is not a column eligibility may use", f"use one of {allowed}")
    return COLUMNS[name]


def _test(node: exp.Expr) -> Family | None:
    if isinstance(node, (exp.And, exp.Or)):
        _expect(node.this, "flag")
        _expect(node.expression, "flag")
    elif isinstance(node, exp.Not):
        _expect(node.this, "flag")
    elif isinstance(node, _COMPARISONS):
        _alike(node, node.this, node.expression)
    elif isinstance(node, exp.Between):
        _alike(node, node.this, node.args["low"], node.args["high"])
    elif isinstance(node, exp.In) and node.expressions and not node.args.get("query"):
        _alike(node, node.this, *node.expressions)
    elif isinstance(node, exp.Is) and isinstance(node.expression, (exp.Null, exp.Boolean)):
        family(node.this) if isinstance(node.expression, exp.Null) else _expect(node.this, "flag")
    elif isinstance(node, _TEXT_TESTS):
        _expect(node.this, "text")
        _expect(node.expression, "text")
    else:
        return None
    return "flag"


def _value(node: exp.Expr) -> Family | None:
    if isinstance(node, _ARITHMETIC):
        _expect(node.this, "number")
        _expect(node.expression, "number")
        return "number"
    if isinstance(node, (exp.Neg, exp.Abs)):
        _expect(node.this, "number")
        return "number"
    if isinstance(node, exp.Coalesce):
        return _alike(node, node.this, *node.expressions)
    if isinstance(node, exp.Length):
        _expect(node.this, "text")
        return "number"
    if isinstance(node, _TEXT_TO_TEXT):
        _expect(node.this, "text")
        for key in ("expression", "start", "length"):
            if node.args.get(key) is not None:
                _expect(node.args[key], "number")
        return "text"
    return None


def _refuse(node: exp.Expr) -> Family:
    what = node.name if isinstance(node, exp.Anonymous) else type(node).__name__.lower()
    raise ConditionError(node, f"{what} is not allowed in eligibility", _ALLOWED)


def _expect(node: exp.Expr, wanted: Family) -> None:
    found = family(node)
    if found not in (wanted, "null"):
        words = {"text": "text", "number": "a number", "flag": "a condition", "null": "null"}
        raise ConditionError(
            node, f"{node.sql()} is {words[found]}, expected {words[wanted]}", "compare like with like"
        )


def _alike(node: exp.Expr, first: exp.Expr, *others: exp.Expr) -> Family:
    wanted: Family = "null"
    for part in (first, *others):
        found = family(part)
        if wanted == "null":
            wanted = found
        elif found not in (wanted, "null"):
            raise ConditionError(part, f"{node.sql()} compares {wanted} with {found}", "compare like with like")
    return wanted
