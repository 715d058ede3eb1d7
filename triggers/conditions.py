"""The `where:` of a trigger: a SQL condition over named columns, read with SQLGlot, checked, and handed on as a tree.

A condition may look at the columns of the row (see the scopes of each kind), at `today` and `now`, and call the
functions of `triggers.vocabulary`; nothing else. A value that cannot be cast is unknown (NULL)
and does not stop the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import TokenType

from triggers.condition_faults import ConditionError, Place, Scopes, suggestion
from triggers.meaning import check_meaning, family
from triggers.rewriting import rewritten
from triggers.terms import day, instant
from triggers.vocabulary import FUNCTIONS, REPLACEMENTS, allowed, spoken

LONGEST = 10_000
CLOCK = ("today", "now")
_SCALARS = "lower, coalesce, date_diff, list_contains ..."


def parse_condition(text: str, scopes: Scopes, default: str) -> exp.Expr:
    """Read a condition; every column comes back qualified and quoted, `today` and `now` as placeholders (see `bind`).

    A name without a view means the default view's column, else that of the single other view that has one.
    Raises ConditionError.
    """
    place = Place(text)
    condition = _read(text)
    _check_vocabulary(condition, place)
    condition = _name_columns(condition, scopes, default, place)
    check_meaning(condition, scopes, place)
    return rewritten(condition, lambda node: _total(_plain(node, scopes)))


def bind(condition: exp.Expr, now: datetime) -> exp.Expr:
    """The condition with `today` and `now` put in; `now` is aware and in the insurer's zone."""

    def bound(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder):
            return node
        return instant(now) if node.name == "now" else day(now.date())

    return condition.transform(bound)


def conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    """The parts that must all hold, in the order written."""
    whole = condition.unnest()
    if not isinstance(whole, exp.And):
        return [condition]
    return [part for side in (whole.left, whole.right) for part in conjuncts(side)]


def views_named(condition: exp.Expr) -> set[str]:
    """The views whose columns the condition looks at."""
    return {column.table for column in condition.find_all(exp.Column)}


def _read(text: str) -> exp.Expr:
    if len(text) > LONGEST:
        raise ConditionError(f"the condition has {len(text)} characters; {LONGEST} are the most that is read")
    try:
        tokens = sqlglot.tokenize(text, read="duckdb")
        _check_single(tokens, text)
        tree = sqlglot.parse_one(text, read="duckdb")
    except ParseError as error:
        raise _not_sql(error) from error
    except SqlglotError as error:
        raise ConditionError("this is not a SQL condition", hint="is a quote left open?") from error
    except RecursionError as error:
        raise ConditionError("the condition is nested too deeply") from error
    for node in tree.walk():
        node.comments = None
        if node.error_messages():  # SQLGlot reads an operator without a value (`@`) and says nothing
            raise ConditionError("a value is missing", hint="write both sides, e.g. premium > 1000")
    return tree


def _check_single(tokens: list[sqlglot.Token], text: str) -> None:
    if not tokens:
        raise ConditionError("the condition is empty", hint="leave `where` out, or write a condition")
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            line = text.count("\n", 0, token.start) + 1
            column = token.start - text.rfind("\n", 0, token.start)
            raise ConditionError("a condition is one expression, without ';'", line, column)


def _not_sql(error: ParseError) -> ConditionError:
    first = error.errors[0] if error.errors else {}
    word = first.get("highlight") or ""
    column = max(1, (first.get("col") or 1) - len(word) + 1)
    near = f" near '{word}'" if word else ""
    return ConditionError(f"this is not a SQL condition{near}", first.get("line") or 1, column)


def _check_vocabulary(condition: exp.Expr, place: Place) -> None:
    for node in condition.walk():
        if allowed(node):
            continue
        hint = REPLACEMENTS.get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
        hint = hint or REPLACEMENTS.get(node.key.replace("current", "current_"))
        if hint is None and isinstance(node, exp.Func):
            hint = suggestion(node.name or node.sql_name(), list(FUNCTIONS.values()))
        raise place.error(node, f"{spoken(node)} cannot be used in a condition", hint or f"functions: {_SCALARS}")


def _name_columns(condition: exp.Expr, scopes: Scopes, default: str, place: Place) -> exp.Expr:
    def named(node: exp.Expr) -> exp.Expr:
        return _named(node, scopes, default, place) if isinstance(node, exp.Column) else node

    return condition.transform(named)


def _named(column: exp.Column, scopes: Scopes, default: str, place: Place) -> exp.Expr:
    if len(column.parts) > 2:
        raise place.error(column, f"'{column.sql()}' names no column", "write view.column")
    if not column.table and column.name.lower() in CLOCK:
        return exp.Placeholder(this=column.name.lower())
    view = _view_of(column, scopes, default, place)
    name = _spelling(column.name, scopes[view])
    if name is None:
        raise place.error(column, f"{view} has no column '{column.name}'", _meant(column, scopes, [view]))
    found = exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(view, quoted=True))
    found.meta.update(start=place.start(column))
    return found


def _view_of(column: exp.Column, scopes: Scopes, default: str, place: Place) -> str:
    if column.table:
        view = _spelling(column.table, scopes)
        if view is None:
            message = f"there is no view '{column.table}' to look at here"
            raise place.error(column, message, suggestion(column.table, list(scopes)) or _among(scopes))
        return view
    having = [view for view in scopes if _spelling(column.name, scopes[view])]
    if default in having or len(having) == 1:
        return default if default in having else having[0]
    if having:
        hint = "write " + " or ".join(f"{view}.{column.name}" for view in having)
        raise place.error(column, f"several views have a column '{column.name}'", hint)
    raise place.error(column, f"there is no column '{column.name}'", _meant(column, scopes, [default, *scopes]))


def _spelling(name: str, known: Mapping[str, object]) -> str | None:
    if name in known:
        return name
    return next((one for one in known if one.lower() == name.lower()), None)


def _meant(column: exp.Column, scopes: Scopes, views: list[str]) -> str | None:
    known = {f"{view}.{name}": name for view in dict.fromkeys(views) for name in scopes[view]}
    close = get_close_matches(column.name.lower(), list(dict.fromkeys(known.values())), n=1)
    if close:
        full = next(full for full, name in known.items() if name == close[0])
        return f"did you mean {close[0] if full.startswith(f'{views[0]}.') else full}?"
    quoted = cast("exp.Identifier", column.this).quoted
    return f"a text is written in single quotes: '{column.name}'" if quoted else None


def _among(scopes: Scopes) -> str:
    return "there are " + ", ".join(scopes)


def _plain(node: exp.Expr, scopes: Scopes) -> exp.Expr:
    """What databases understand differently, in words they share: a day less a day is days, a thing by zero unknown."""
    if type(node) is exp.Sub and family(node.this, scopes) == family(node.expression, scopes) == "day":
        return exp.DateDiff(this=node.this, expression=node.expression, unit=exp.var("DAY"))
    if type(node) in (exp.Div, exp.Mod) and not (
        isinstance(node.expression, exp.Literal) and float(node.expression.name)
    ):
        node.set("expression", exp.Nullif(this=node.expression, expression=exp.Literal.number(0)))
    return node


def _total(node: exp.Expr) -> exp.Expr:
    """A cast that fails on one customer's row must not stop the campaign for the others."""
    if type(node) is exp.Cast and not (
        isinstance(node.this, exp.Literal) and node.to.is_type(*exp.DataType.TEMPORAL_TYPES)
    ):
        return exp.TryCast(**node.args)
    return node
