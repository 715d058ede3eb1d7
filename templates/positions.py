"""Line and column of everything in a template, which Jinja2 alone does not keep.

Jinja2 gives every token, node and line of compiled code a line number and hands it through untouched. Kairos puts line
and column into that one number, so that faults at lint and faults at composition both point at the very expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream

_COLUMNS = 1 << 14


def pack(line: int, column: int) -> int:
    """Return one number for a line and a column, both from 1; columns past 16,383 count as that one."""
    return line * _COLUMNS + min(column, _COLUMNS - 1)


def unpack(position: int) -> tuple[int, int]:
    """Return line and column of a packed position."""
    return divmod(position, _COLUMNS)


def start(node: nodes.Node) -> int:
    """Return the packed position at which a tree begins: Jinja2 places a.b at its dot, and some nodes nowhere."""
    return min(found.lineno for found in [node, *node.find_all(nodes.Node)] if found.lineno)


class PositionedEnvironment(Environment):
    """Parses like Jinja2, but every `lineno` of the tree and of a syntax error is a packed position."""

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        tokens = self._located(source, name, filename)
        return TokenStream(self.lexer.wrap(tokens, name, filename), name, filename)

    def _located(self, source: str, name: str | None, filename: str | None) -> Iterator[tuple[int, str, str]]:
        """Yield raw tokens with packed positions.

        Tokens come in the order of the source and leave out nothing but white space, so each is found from the end of
        the one before.
        """
        line_starts = [0, *(found.end() for found in re.finditer("\n", source))]
        line, end = 0, 0

        def locate(offset: int) -> int:
            nonlocal line
            while line + 1 < len(line_starts) and line_starts[line + 1] <= offset:
                line += 1
            return pack(line + 1, offset - line_starts[line] + 1)

        try:
            for _, kind, value in self.lexer.tokeniter(source, name, filename):
                start = source.index(value, end)
                end = start + len(value)
                yield locate(start), kind, value
        except TemplateSyntaxError as error:
            message = re.sub(r" at \d+$", "", error.message or "")
            raise TemplateSyntaxError(message, locate(end), name, filename) from error
