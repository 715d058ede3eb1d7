"""Which of Babel's locales speaks for a locale of the workspace."""

from __future__ import annotations

REMEMBERED = 65_536
"""How many formatted values each filter keeps."""


def language(locale: str) -> str:
    """Return the language of a locale: zh for zh-CN."""
    return locale.replace("_", "-").split("-")[0].lower()


def exists(locale: str) -> bool:
    """Does Babel know the locale? For the two languages Kairos comes with it is not even asked, nor loaded."""
    if locale in {"zh-CN", "en"}:
        return True
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(babel_locale(locale))
    except (UnknownLocaleError, ValueError):
        return False
    return True


def babel_locale(locale: str) -> str:
    """Return the locale as Babel writes it: zh_CN for zh-CN."""
    return locale.replace("-", "_")


def day_first_locale(locale: str) -> str:
    """Return Babel's locale for dates and lists: plain English puts the day first, English of a country follows it."""
    return "en_GB" if locale.lower() == "en" else babel_locale(locale)
