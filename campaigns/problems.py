"""A fault in a file somebody wrote, as a value: where it is, what is wrong and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One fault. `where` is the path inside the file (`trigger.where`), `line` and `column` count from 1."""

    path: str
    line: int
    column: int
    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.message}"
        text = f"{text} (at {self.where})" if self.where else text
        return f"{text}\n    {self.hint}" if self.hint else text

    def as_dict(self) -> dict[str, str | int]:
        """The problem for `--json`."""
        return asdict(self)
