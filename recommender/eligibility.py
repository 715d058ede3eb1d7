"""Who may be offered a product: its condition, read, checked and compiled; a broken one offers it to nobody."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from recommender.conditions import HOLDS, ConditionError, family


@dataclass(frozen=True)
class EligibilityProblem:
    """A product whose condition cannot be used; `line` and `column` count from 1 within the condition's own text."""

    product_id: str
    condition: str
    message: str
    line: int = 1
    column: int = 1
    hint: str = ""

    def as_dict(self) -> dict[str, object]:
        """As plain values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Condition:
    """A condition that may run: its SQL over the columns of `customers`, and the lines it asks about."""

    sql: str
    lines: frozenset[str]


def line_slug(line: str) -> str:
    """A line of business as it appears in `holds_<line>`: lower case, anything but letters and digits an underscore."""
    return re.sub(r"\W+", "_", line.strip().lower())


def check_eligibility(
    products: Mapping[str, str | None], lines: Collection[str] | None = None
) -> list[EligibilityProblem]:
    """Check the condition of each product (product_id -> `products.eligibility`), one problem per broken product.

    With `lines`, the lines of business in the facts, a `holds_<line>` nobody can hold is a problem too.
    """
    return compile_eligibility(products, lines)[1]


def compile_eligibility(
    products: Mapping[str, str | None], lines: Collection[str] | None = None
) -> tuple[dict[str, Condition], list[EligibilityProblem]]:
    """Conditions by product (only those that have a sound one) and the problems of the others."""
    known = None if lines is None else frozenset(line_slug(line) for line in lines)
    sound: dict[str, Condition] = {}
    problems: list[EligibilityProblem] = []
    for product, text in products.items():
        if text is None or not text.strip():
            continue
        read = _read(product, text, known)
        if isinstance(read, Condition):
            sound[product] = read
        else:
            problems.append(read)
    return sound, problems


@lru_cache(maxsize=4096)  # the same few conditions are asked about for every batch of customers
def _read(product: str, text: str, known: frozenset[str] | None) -> Condition | EligibilityProblem:
    try:
        tree = sqlglot.parse_one(text, read="duckdb")
        _check_complete(tree)
        if family(tree) != "flag":
            raise ConditionError(tree, "eligibility must be true or false", "compare the value, e.g. age >= 18")
        asked = [column for column in tree.find_all(exp.Column) if column.name.lower().startswith(HOLDS)]
        for column in asked:
            _check_line(column, known)
    except ConditionError as fault:
        line, place = _position(text, fault.node)
        return EligibilityProblem(product, text, fault.message, line, place, fault.hint)
    except SqlglotError as error:
        return _unreadable(product, text, error)
    except RecursionError:
        return EligibilityProblem(product, text, "cannot be read: nested too deeply")
    lines = frozenset(column.name.lower().removeprefix(HOLDS) for column in asked)
    return Condition(_normal(tree).sql("duckdb", comments=False), lines)


def _check_complete(tree: exp.Expr) -> None:
    """SQLGlot reads an operator without a value (`@`, `age > @`) and says nothing."""
    for node in tree.walk():
        if node.error_messages():
            raise ConditionError(node, "a value is missing", "write both sides, e.g. age >= 18")


def _check_line(column: exp.Column, known: frozenset[str] | None) -> None:
    line = column.name.lower().removeprefix(HOLDS)
    if known is not None and line not in known:
        some = ", ".join(f"{HOLDS}{name}" for name in sorted(known)) or "no line is known"
        raise ConditionError(column, f"no product or policy is of line {line}", f"known: {some}")


def _normal(tree: exp.Expr) -> exp.Expr:
    """Columns unqualified, in lower case and quoted, so that only the columns we lay out can be meant."""

    def plain(node: exp.Expr) -> exp.Expr:
        return exp.column(node.name.lower(), quoted=True) if isinstance(node, exp.Column) else node

    return tree.transform(plain)


def _position(text: str, node: exp.Expr) -> tuple[int, int]:
    starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    before = text[: min(starts)] if starts else ""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _unreadable(product: str, text: str, error: SqlglotError) -> EligibilityProblem:
    details = getattr(error, "errors", None) or [{}]
    first = details[0]
    message = str(first.get("description") or error).splitlines()[0]
    column = max(int(first.get("col") or 1), 1)
    return EligibilityProblem(product, text, f"cannot be read: {message}", int(first.get("line") or 1), column, "")
