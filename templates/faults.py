"""What is wrong with a template, or with one customer's facts for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class TemplateError(Exception):
    """The library was used wrongly; a fault in a template is a `TemplateFault` instead."""


class BrokenTemplateError(TemplateError):
    """The template has faults, so what was asked of it cannot be answered; lint the template first."""

    def __init__(self, fault: TemplateFault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class UnsayableError(ValueError):
    """A value of one customer cannot be put into the words asked for."""


@dataclass(frozen=True)
class TemplateFault:
    """One fault and where it is; `line` and `column` count from 1. `hint` says what to do about it, or is empty."""

    path: Path
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.message}"
        return f"{text} ({self.hint})" if self.hint else text
