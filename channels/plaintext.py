"""The plain words of an HTML e-mail, for readers that show no HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    ("p", "div", "br", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "section", "header", "footer")
)
_SILENT = frozenset(("style", "script", "head", "title"))


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0
        self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag == "li":
            self.words.append("\n- ")
        elif tag in _BLOCKS:
            self.words.append("\n")
        elif tag == "a":
            self._link = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0
        if tag == "a" and self._link:
            self.words.append(f" ({self._link})")
            self._link = ""
        elif tag in _BLOCKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(re.sub(r"\s+", " ", data))


def plain_text(html: str) -> str:
    """The words of `html`, a line a block, links with their address behind them."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    lines = [re.sub(r" +", " ", line).strip() for line in "".join(reader.words).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
