"""What can be wrong with a condition, and where in its text it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from sqlglot import exp

from triggers.errors import TriggersError

Scopes = Mapping[str, Mapping[str, str]]
"""View name -> column name -> SQL type: what a condition may name."""


class ConditionError(TriggersError):
    """A condition that cannot be used. `line` and `column` count from 1 within the condition's own text."""

    def __init__(self, message: str, line: int = 1, column: int = 1, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.hint = message, line, column, hint


class Place:
    """Where a node stands in the text it was read from."""

    def __init__(self, text: str) -> None:
        self._text = text

    def error(self, node: exp.Expr, message: str, hint: str | None = None) -> ConditionError:
        """The fault of this node, with its line and column."""
        start = self.start(node)
        line = self._text.count("\n", 0, start) + 1
        return ConditionError(message, line, start - self._text.rfind("\n", 0, start), hint)

    @staticmethod
    def start(node: exp.Expr) -> int:
        """Offset of the first character of the node, as near as the parser remembers."""
        above: exp.Expr | None = node
        while above is not None:
            starts = [part.meta["start"] for part in above.walk() if "start" in part.meta]
            if starts:
                return int(min(starts))
            above = above.parent
        return 0


def shown(node: exp.Expr) -> str:
    """The node as its author would write it: names without quotes."""

    def plain(part: exp.Expr) -> exp.Expr:
        return exp.to_identifier(part.name, quoted=False) if isinstance(part, exp.Identifier) else part

    return node.transform(plain).sql("duckdb")


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """`did you mean ...?`, where something known is close."""
    close = get_close_matches(name.lower(), list(known), n=1)
    return f"did you mean {close[0]}?" if close else None
