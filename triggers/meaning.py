"""Does a condition make sense? Kinds of values that can be compared, states that exist."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from sqlglot import exp

from triggers.condition_faults import Place, Scopes, shown, suggestion
from triggers.views import VIEWS

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_TRUTHS = (*_COMPARISONS, exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.Escape,
           exp.StartsWith, exp.EndsWith, exp.Contains, exp.ArrayContains, exp.Boolean)  # fmt: skip
_TEXTS = (exp.Lower, exp.Upper, exp.Trim, exp.Concat, exp.DPipe, exp.Substring, exp.Left, exp.Right, exp.Replace,
          exp.JSONExtractScalar)  # fmt: skip
_NUMBERS = (exp.Length, exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day, exp.DateDiff, exp.Extract, exp.Neg,
            exp.DayOfMonth, exp.DayOfWeek, exp.DayOfYear)  # fmt: skip


def check_meaning(condition: exp.Expr, scopes: Scopes, place: Place) -> None:
    """Raise ConditionError where values that cannot be equal are compared, or the whole is not a yes or no."""
    for node in condition.walk():
        for side, other in _compared(node):
            _check_pair(side, other, scopes, place)
        if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
            _check_written(node.this, family(node, scopes), place)
        for part in _must_be_true_or_false(node):
            _check_truth(part, scopes, place)
    _check_truth(condition, scopes, place)


def family(node: exp.Expr, scopes: Scopes) -> str | None:
    """Text, number, day, instant, truth or list; None where it cannot be told from the tree."""
    if isinstance(node, exp.Paren):
        return family(node.this, scopes)
    if isinstance(node, (exp.Column, exp.Cast, exp.TryCast)):
        declared = scopes[node.table][node.name] if isinstance(node, exp.Column) else node.to.sql("duckdb")
        return _family_of_type(declared)
    if isinstance(node, exp.Placeholder):
        return "day" if node.name == "today" else "instant"
    if isinstance(node, exp.Literal):
        return "text" if node.is_string else "number"
    results = {"truth": _TRUTHS, "text": _TEXTS, "number": _NUMBERS}
    return next((name for name, nodes in results.items() if isinstance(node, nodes)), None)


def _family_of_type(sql_type: str) -> str | None:
    upper = sql_type.upper()
    if upper.endswith("]"):
        return "list"
    if upper.startswith("TIMESTAMP"):
        return "instant"
    if upper in ("VARCHAR", "TEXT", "CHAR"):
        return "text"
    if upper in ("DATE", "BOOLEAN"):
        return {"DATE": "day", "BOOLEAN": "truth"}[upper]
    numbers = (
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "HUGEINT",
        "UINT",
        "UBIGINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL",
        "REAL",
    )
    return "number" if upper.startswith(numbers) else None


def _compared(node: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    if isinstance(node, _COMPARISONS):
        yield node.this, node.expression
    elif isinstance(node, exp.In):
        yield from ((node.this, each) for each in node.expressions)
    elif isinstance(node, exp.Between):
        yield node.this, node.args["low"]
        yield node.this, node.args["high"]


def _check_pair(left: exp.Expr, right: exp.Expr, scopes: Scopes, place: Place) -> None:
    if isinstance(left.parent, _COMPARISONS[:6]) and exp.Null in (type(left), type(right)):
        raise place.error(left, "nothing is ever equal to null", "write is null or is not null")
    for side, other in ((left, right), (right, left)):
        if isinstance(side, exp.Column) and isinstance(other, exp.Literal) and other.is_string:
            _check_state(side, other, place)
    seen = family(left, scopes), family(right, scopes)
    if None in seen or seen[0] == seen[1] or set(seen) == {"day", "instant"}:
        return
    for side, kind in ((left, seen[1]), (right, seen[0])):
        if isinstance(side, exp.Literal) and side.is_string and kind in ("day", "instant"):
            return _check_written(side, kind, place)
    names = {"truth": "true or false", "day": "a date", "list": "a list", "instant": "a time"}
    words = [names.get(str(kind), f"a {kind}") for kind in seen]
    raise place.error(left, f"{shown(left)} is {words[0]}, {shown(right)} is {words[1]}", _hint(seen))


def _hint(seen: tuple[str | None, str | None]) -> str | None:
    if set(seen) == {"text", "number"}:
        return "texts are written in single quotes, numbers without"
    return "write list_contains(list, value)" if "list" in seen else None


def _check_written(literal: exp.Expr, kind: str | None, place: Place) -> None:
    if kind not in ("day", "instant"):
        return
    noun, wanted = ("date", "'2026-03-01'") if kind == "day" else ("time", "'2026-03-01 09:00:00'")
    try:
        _ = date.fromisoformat(literal.name) if kind == "day" else datetime.fromisoformat(literal.name)
    except ValueError as error:
        raise place.error(literal, f"'{literal.name}' is not a {noun}", f"write {wanted}") from error


def _check_state(column: exp.Column, literal: exp.Expr, place: Place) -> None:
    view = VIEWS.get(column.table)
    declared = {each.name: each.values for each in view.columns}.get(column.name, ()) if view else ()
    if declared and literal.name not in declared:
        hint = suggestion(literal.name, list(declared)) or f"it is one of {', '.join(declared)}"
        raise place.error(literal, f"{column.table}.{column.name} is never '{literal.name}'", hint)


def _must_be_true_or_false(node: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(node, (exp.And, exp.Or)):
        yield from (node.left, node.right)
    elif isinstance(node, exp.Not) or (isinstance(node, exp.Is) and isinstance(node.expression, exp.Boolean)):
        yield node.this


def _check_truth(node: exp.Expr, scopes: Scopes, place: Place) -> None:
    kind = family(node, scopes)
    if kind not in (None, "truth") or isinstance(node, (exp.Null, exp.Interval, exp.Tuple)):
        raise place.error(node, f"{shown(node)} is neither true nor false", "compare it with something")
