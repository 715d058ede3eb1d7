"""Lists in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from templates.faults import UnsayableError
from templates.filters.locales import day_first_locale, language

LONGEST_LIST = 100
"""Most entries of a list that a message goes through."""


def entries(value: object) -> Sequence[object]:
    """Return a list of bearable length; anything else cannot be gone through."""
    if not isinstance(value, (list, tuple)):
        raise UnsayableError(f"{value!r} is not a list")
    if len(value) > LONGEST_LIST:
        raise UnsayableError(f"the list has {len(value):,} entries, a message takes {LONGEST_LIST}")
    return value


def texts(value: object) -> list[str]:
    """Return the entries of a list of texts and whole numbers."""
    words = [entry if isinstance(entry, str) else str(entry) for entry in entries(value) if _is_word(entry)]
    if len(words) < len(entries(value)):
        raise UnsayableError("the list holds an entry that is neither text nor a whole number")
    return words


def _is_word(entry: object) -> bool:
    return isinstance(entry, (str, int)) and not isinstance(entry, bool)


def list_filters(locale: str) -> dict[str, Callable[..., object]]:
    """Return `join_list` for a locale."""
    comma = "、" if language(locale) in {"zh", "ja"} else ""
    tag = day_first_locale(locale)

    def join_list(value: object) -> str:
        words = texts(value)
        if not words:
            raise UnsayableError("the list has no entries")
        if comma or len(words) == 1:
            return comma.join(words)
        from babel.lists import format_list

        return format_list(words, locale=tag)

    return {"join_list": join_list}
