"""Errors of the application."""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.problems import Problem


class KairosError(Exception):
    """Something about the workspace is wrong; the message says what and what to do."""


class ProblemsFoundError(KairosError):
    """Files of the workspace have faults; each is printed with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
