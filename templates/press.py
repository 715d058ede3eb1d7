"""The printing press: one part of one template, compiled to print whole columns of customers.

Jinja2 spends most of a short message on entering the template and looking names up in a sandbox. So the press wraps the
part into `{% for (f0, f1, ...) in rows %}` and replaces every dotted name by a field of the row: the compiled code runs
once for many customers and never looks up an attribute of anything a customer's facts hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

from jinja2 import TemplateRuntimeError, nodes

from templates.names import mentions, optional
from templates.parts import HTML_PARTS, MAX_CHARACTERS
from templates.positions import unpack
from templates.speech import environment_for, is_blank
from templates.typesetter import END, ROWS, Typesetter


@dataclass(frozen=True)
class Misprint:
    """Why one customer's text could not be printed, and where in the template."""

    line: int
    column: int
    message: str
    hint: str = ""


class Press:
    """One part of a template, ready to print.

    `names` are the dotted names it wants, in the order of a row's fields; those in `optional` may be unknown.
    """

    def __init__(self, block: nodes.Block, part: str, locale: str) -> None:
        found = [mention for node in block.body for mention in mentions(node)]
        self.names: tuple[str, ...] = tuple(sorted({mention.name for mention in found}))
        self.optional = optional(found)
        self.start = unpack(block.lineno)
        environment = environment_for(locale, part in HTML_PARTS)
        setter = Typesetter({name: f"f{index}" for index, name in enumerate(self.names)}, environment)
        self._template = setter.set(block)
        self._wanted = setter.wanted

    def print(self, columns: Sequence[Iterable[object]], count: int) -> list[str | Misprint]:
        """Print `count` rows; `columns` hold the values of `names`, in order."""
        rows = list(zip(*columns, strict=True)) if columns else [()] * count
        printed = self._print(iter(rows), rows)
        if len(printed) != count:  # a value holds the mark that ends a text
            printed = [self._print_alone(row) for row in rows]
        return [
            text if isinstance(text, str) and len(text) <= MAX_CHARACTERS else self._checked(text) for text in printed
        ]

    def _print(self, coming: Iterator[tuple[object, ...]], rows: Sequence[tuple[object, ...]]) -> list[str | Misprint]:
        """Print row after row; after a row that cannot be printed go on with the next one."""
        printed: list[str | Misprint] = []
        while True:
            pieces: list[str] = []
            misprint = None
            try:
                for piece in self._template.root_render_func(self._template.new_context({ROWS: coming})):
                    pieces.append(piece)
            except (TemplateRuntimeError, TypeError, ValueError, ArithmeticError, LookupError) as error:
                misprint = error
            printed += "".join(pieces).split(END)[:-1]
            if misprint is None:
                return printed
            if len(printed) >= len(rows):
                return []
            printed.append(self._misprint(misprint, rows[len(printed)]))

    def _print_alone(self, row: tuple[object, ...]) -> str | Misprint:
        printed = self._print(iter([row]), [row])
        if len(printed) == 1:
            return printed[0]
        return Misprint(*self.start, "a value holds a control character", "clean the insurer's table")

    def _checked(self, text: str | Misprint) -> str | Misprint:
        if isinstance(text, str) and len(text) > MAX_CHARACTERS:
            return Misprint(*self.start, f"the text has {len(text):,} characters, at most {MAX_CHARACTERS:,} are sent")
        return text

    def _misprint(self, error: Exception, row: tuple[object, ...]) -> Misprint:
        """Say why: mostly because a name of the expression has no value for this customer."""
        position = self._position(error.__traceback__)
        line, column = unpack(position) if position in self._wanted else self.start
        values = dict(zip(self.names, row, strict=True))
        empty = [name for name in self._wanted.get(position, ()) if is_blank(values[name])]
        if not empty:
            return Misprint(line, column, str(error))
        verb = "is" if len(empty) == 1 else "are"
        hint = f"add default(...), or ask first: {{% if {empty[0]} is given %}}"
        return Misprint(line, column, f"{' and '.join(empty)} {verb} empty for this customer", hint)

    def _position(self, trace: TracebackType | None) -> int:
        """Return the packed position of the expression that was being printed."""
        position = 0
        while trace:
            if trace.tb_frame.f_code is self._template.root_render_func.__code__:
                position = self._template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return position
