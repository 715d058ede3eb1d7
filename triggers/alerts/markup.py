"""XML as it comes from outside: entities refused, lines remembered, and what was complete before a fault kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from triggers.alerts.alert import Faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

DEEPEST = 100
_CHINESE_ENCODING = re.compile(rb"""^<\?xml[^>]*encoding\s*=\s*["'](gb2312|gbk|gb18030)["']""", re.IGNORECASE)


class TooDeepError(ValueError):
    """Elements are nested deeper than any alert has them."""


@dataclass
class Markup:
    """A parsed document. `lines` has the line on which an element starts, `complete` the elements that were closed."""

    root: Element | None = None
    lines: dict[Element, int] = field(default_factory=dict)
    complete: set[Element] = field(default_factory=set)

    def line(self, element: Element) -> int:
        """Line on which the element starts, from 1."""
        return self.lines[element]


class _Builder:
    """Target of the parser: builds the tree itself, since the stock builder knows no lines."""

    def __init__(self) -> None:
        from xml.etree.ElementTree import Element

        self.make = Element
        self.markup = Markup()
        self.open: list[Element] = []
        self.parser: DefusedXMLParser | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        element = self.make(tag, attributes)
        if len(self.open) == DEEPEST:
            raise TooDeepError(f"elements nested more than {DEEPEST} deep")
        if self.open:
            self.open[-1].append(element)
        else:
            self.markup.root = element
        self.open.append(element)
        self.markup.lines[element] = self._line()

    def end(self, tag: str) -> None:
        self.markup.complete.add(self.open.pop())

    def data(self, text: str) -> None:
        element = self.open[-1]
        if len(element):
            element[-1].tail = (element[-1].tail or "") + text
        else:
            element.text = (element.text or "") + text

    def close(self) -> Markup:
        return self.markup

    def _line(self) -> int:
        return self.parser.parser.CurrentLineNumber if self.parser is not None else 0


def parse(data: bytes, faults: Faults) -> Markup:
    """Parse a document. A syntax error, an entity, too deep a nesting is a fault and ends it; the tree so far stays."""
    builder = _Builder()
    data, encoding = _as_expat_reads_it(data)
    parser = DefusedXMLParser(target=builder, encoding=encoding)
    builder.parser = parser
    try:
        parser.feed(data)
        parser.close()
    except ParseError as error:
        faults.add(error.position[0], f"not well-formed XML: {error}")
    except (DefusedXmlException, TooDeepError) as error:
        faults.add(parser.parser.CurrentLineNumber, f"refused: {_named(error)}")
    return builder.markup


def _as_expat_reads_it(data: bytes) -> tuple[bytes, str | None]:
    """Expat knows no multi-byte Chinese encodings: such documents are handed to it as UTF-8."""
    if _CHINESE_ENCODING.match(data):
        return data.decode("gb18030", errors="replace").encode(), "utf-8"
    return data, None


def _named(error: Exception) -> str:
    if isinstance(error, DefusedXmlException):
        return f"the document declares or uses an entity ({type(error).__name__})"
    return str(error)


def local(element: Element) -> str:
    """Tag of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def namespace(element: Element) -> str:
    """Namespace of an element, empty where it has none."""
    return element.tag.rpartition("}")[0].lstrip("{")


def children(element: Element, name: str) -> Iterator[Element]:
    """Children of that local name, whatever their namespace."""
    return (child for child in element if local(child) == name)


def words(element: Element, name: str) -> str | None:
    """Text of the first child of that name, white space at both ends taken off; None where absent or empty."""
    return next((text_of(child) for child in children(element, name)), None)


def text_of(element: Element) -> str | None:
    """Text of an element, white space at both ends taken off; None where empty."""
    return (element.text or "").strip() or None
