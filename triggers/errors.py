"""What can be wrong with what a user gives to this package. Every error says where, what, and what to do about it."""

from __future__ import annotations

from pathlib import Path


class TriggersError(Exception):
    """Something given to the triggers package cannot be used."""


class SourceError(TriggersError):
    """A fault in sources.yaml or in a file it names; line and column count from 1.

    `within` is the line inside a select, 0 where the fault is not in one.
    `others` holds the further faults of the same file, so that a linter can show all of them at once.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | None = None,
        line: int = 1,
        column: int = 1,
        where: str = "",
        hint: str = "",
        within: int = 0,
        others: tuple[SourceError, ...] = (),
    ) -> None:
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.where = where
        self.hint = hint
        self.within = within
        self.others = others
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}: " if self.path is not None else ""
        named = f"{self.where}: " if self.where else ""
        cure = f" ({self.hint})" if self.hint else ""
        more = f" and {len(self.others)} more" if self.others else ""
        return f"{place}{named}{self.message}{cure}{more}"


class FactsError(TriggersError):
    """The insurer's tables could not be copied; the message names the source and what its reader said."""
