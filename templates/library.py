"""The library of templates: what the insurer says to its customers, in every language it speaks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path

from templates.faults import BrokenTemplateError, TemplateError, TemplateFault
from templates.filters import filters
from templates.filters.locales import exists, language
from templates.grammar import complaints
from templates.names import mentions
from templates.parts import PARTS, Draft, Sheet, tidied
from templates.positions import unpack
from templates.press import Misprint, Press
from templates.reader import Page, read_page
from templates.vocabulary import LISTS, unknown_names

OWN = Path(__file__).parent / "library"
"""The templates that come with Kairos, one folder per locale."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LOCALE = re.compile(r"[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8})*")


class Library:
    """Templates found in folders, first folder first and those of Kairos last, as `<root>/<locale>/<name>.j2`.

    A file is read once; make a new library to see edits. Where a locale has no file, that of its language serves
    (en for en-GB), with the dates and amounts of the locale itself. Raises `TemplateError` for what is no locale.
    """

    def __init__(self, roots: Sequence[Path], locales: Sequence[str]) -> None:
        for locale in locales:
            if not _LOCALE.fullmatch(locale):
                raise TemplateError(f"{locale!r} is not a locale such as zh-CN or en")
        self.roots = (*(root for root in roots if root != OWN), OWN)
        self.locales = tuple(locales)
        self._paths: dict[tuple[str, str], Path] = {}
        self._pages: dict[Path, Page] = {}
        self._presses: dict[tuple[Path, str, str], Press] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of all templates that exist in at least one of the locales, in order."""
        folders = [root / spoken for root in self.roots for locale in self.locales for spoken in _spoken(locale)]
        return tuple(sorted({file.stem for folder in folders for file in folder.glob("*.j2") if _is_name(file.stem)}))

    def uses(self, name: str, locale: str, parts: Collection[str]) -> frozenset[str]:
        """Return the dotted names the parts mention; those also in `optional` may be unknown.

        Raises `BrokenTemplateError` where the template cannot be composed at all.
        """
        return frozenset(used for press in self._ready(name, locale, parts).values() for used in press.names)

    def optional(self, name: str, locale: str, parts: Collection[str]) -> frozenset[str]:
        """Return those of `uses` that every part using them asks about with `is given`."""
        presses = self._ready(name, locale, parts).values()
        needed = {used for press in presses for used in press.names if used not in press.optional}
        return self.uses(name, locale, parts) - needed

    def lint(
        self, name: str, parts: Collection[str], known: Collection[str], lists: Collection[str] = LISTS
    ) -> list[TemplateFault]:
        """Return what is wrong with the parts of a template in any of the locales.

        `known` are the dotted names there are; `lists` those of them that hold lists.
        """
        faults: list[TemplateFault] = []
        for locale in self.locales:
            found = list(self._faults(name, locale, parts))
            if not found:
                page = self._page(name, locale)
                for part in parts:
                    seen = [mention for node in page.blocks[part].body for mention in mentions(node)]
                    found += unknown_names(page.path, seen, known, lists)
            faults += [fault for fault in found if fault not in faults]
        return faults

    def compose(
        self,
        name: str,
        locale: str,
        parts: Collection[str],
        columns: Mapping[str, Sequence[object]],
        constants: Mapping[str, object],
    ) -> list[Draft | TemplateFault]:
        """Write one draft per row of the columns, in order; a row without one has the fault that prevents it.

        `columns` maps dotted names to sequences of one length, in plain Python values; without columns there is one
        row. `constants` maps dotted names to the one value all rows share. A customer's fault never touches another's
        draft; a broken template is the fault of every row. Raises `TemplateError` where lengths differ.
        """
        sheet = self.print(name, locale, parts, columns, constants)
        rows = [dict(zip(sheet.texts, texts, strict=True)) for texts in zip(*sheet.texts.values(), strict=True)]
        return [sheet.faults.get(row) or Draft(texts) for row, texts in enumerate(rows)]

    def print(
        self,
        name: str,
        locale: str,
        parts: Collection[str],
        columns: Mapping[str, Sequence[object]],
        constants: Mapping[str, object],
    ) -> Sheet:
        """What `compose` writes, column by column: a list of texts for each part."""
        count = _count(columns)
        try:
            presses = self._ready(name, locale, parts)
        except BrokenTemplateError as error:
            return _blank(parts, count, error.fault)
        path = self._page(name, locale).path
        for press in presses.values():
            if fault := _missing(path, press, columns, constants):
                return _blank(parts, count, fault)
        sheet = Sheet({}, {})
        for part, press in presses.items():
            printed = press.print(_rows(press, columns, constants, count), count)
            misprints = {row: text for row, text in enumerate(printed) if isinstance(text, Misprint)}
            sheet.texts[part] = tidied(part, ["" if isinstance(text, Misprint) else text for text in printed])
            for row, text in misprints.items():
                fault = TemplateFault(path, text.line, text.column, text.message, text.hint)
                sheet.faults.setdefault(row, fault)
        return sheet

    def path_of(self, name: str, locale: str) -> Path:
        """Return the file that serves a template in a locale; where there is none, the one to create."""
        if not _is_name(name):
            raise TemplateError(f"{name!r} is not a template name: lower-case letters, digits and _")
        files = [root / spoken / f"{name}.j2" for spoken in _spoken(locale) for root in self.roots]
        return next((file for file in files if file.is_file()), files[0])

    def _page(self, name: str, locale: str) -> Page:
        path = self._paths.get((name, locale)) or self._paths.setdefault((name, locale), self.path_of(name, locale))
        if path not in self._pages:
            self._pages[path] = read_page(path) if path.is_file() else Page(path, {}, (_no_file(path, locale),))
        return self._pages[path]

    def _faults(self, name: str, locale: str, parts: Collection[str]) -> Iterator[TemplateFault]:
        """Yield what keeps the parts from being composed in a locale, whatever names there are."""
        page = self._page(name, locale)
        if page.faults or not exists(locale):
            yield from page.faults or [_no_locale(page.path, locale)]
            return
        for part in parts:
            if part not in PARTS:
                raise TemplateError(f"there is no part named {part!r}; the parts are {', '.join(PARTS)}")
            if part not in page.blocks:
                hint = f"add {{% block {part} %}} ... {{% endblock %}} to {page.path}"
                yield TemplateFault(page.path, 1, 1, f"the part {part} is missing in {locale}", hint)
                continue
            for node in page.blocks[part].body:
                for position, message, hint in complaints(node, filters(locale)):
                    yield TemplateFault(page.path, *unpack(position), message, hint)

    def _ready(self, name: str, locale: str, parts: Collection[str]) -> dict[str, Press]:
        page = self._page(name, locale)
        for part in parts:
            if (page.path, locale, part) not in self._presses:
                for fault in self._faults(name, locale, [part]):
                    raise BrokenTemplateError(fault)
                self._presses[page.path, locale, part] = Press(page.blocks[part], part, locale)
        return {part: self._presses[page.path, locale, part] for part in parts}


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _spoken(locale: str) -> tuple[str, ...]:
    """Return the folders that may serve a locale, nearest first."""
    return tuple(dict.fromkeys((locale.replace("_", "-"), language(locale))))


def _no_file(path: Path, locale: str) -> TemplateFault:
    return TemplateFault(path, 1, 1, f"there is no such template in {locale}", f"create {path}")


def _no_locale(path: Path, locale: str) -> TemplateFault:
    return TemplateFault(
        path, 1, 1, f"nobody knows how {locale} writes dates and amounts", "choose a locale of the CLDR"
    )


def _count(columns: Mapping[str, Sequence[object]]) -> int:
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise TemplateError(f"the columns have different lengths: {sorted(lengths)}")
    return lengths.pop() if lengths else 1


def _missing(
    path: Path, press: Press, columns: Mapping[str, Sequence[object]], constants: Mapping[str, object]
) -> TemplateFault | None:
    for name in press.names:
        if name not in columns and name not in constants and name not in press.optional:
            return TemplateFault(path, *press.start, f"{name} is not there", "lint the template")
    return None


def _rows(
    press: Press, columns: Mapping[str, Sequence[object]], constants: Mapping[str, object], count: int
) -> list[Sequence[object] | repeat[object]]:
    return [columns[name] if name in columns else repeat(constants.get(name), count) for name in press.names]


def _blank(parts: Collection[str], count: int, fault: TemplateFault) -> Sheet:
    """Nothing but one fault, that of every row."""
    return Sheet({part: [""] * count for part in parts}, dict.fromkeys(range(count), fault))
