"""The page of an uplift report: health first, then the verdict and the effect with its interval, then what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kairos.figures import p_value
from kairos.pages.curves import Line, lines
from kairos.pages.lines import Point, band, forest
from kairos.pages.paper import in_locale, language_of, tag_of, template
from kairos.pages.sentences import speaker
from kairos.pages.uplift_words import VERDICTS, WORDS


def page(report: dict[str, Any], locale: str) -> str:
    """The report as one HTML page in the language nearest to the locale."""
    from babel import Locale
    from babel.dates import format_datetime
    from babel.numbers import format_decimal

    language = language_of(locale)
    spoken, words, say = Locale(language), WORDS[language], speaker(language)

    def number(value: float | None) -> str:
        return "" if value is None else format_decimal(round(value, 2), locale=spoken)

    def shown(value: float, form: str) -> str:
        return str(format_decimal(value, format=form, locale=spoken))

    return template("uplift.html").render(
        report=report, t=words, lang=tag_of(language), insurer=in_locale(report["insurer"], locale), number=number, span=_span,
        p_value=p_value, say=say, qini=lambda ranking: _qini(ranking, words, shown),
        day=format_datetime(_instant(report["as_of"]), "medium", locale=spoken), chart=_days, rows=partial(_rows, say),
        title=lambda made: in_locale(made["title"], locale),
        verdict=lambda said: VERDICTS[said] if language == "zh" else said,
        signed=lambda value: "" if value is None else f"{value:+.4f}", percent=lambda value: "" if value is None else f"{value:.1%}",
    )  # fmt: skip


def _instant(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


def _span(ends: list[float | None]) -> str:
    if all(end is None for end in ends):
        return ""
    low, high = ("…" if end is None else f"{end:+.4f}" for end in ends)
    return f"{low} … {high}"


def _qini(ranking: dict[str, Any], words: dict[str, str], number: Callable[[float, str], str]) -> Any:
    """The Qini curve beside a ranking by chance."""
    points = [(x, 1000 * y) for x, y in ranking["curve"]]
    curves = [Line(words["score"], points), Line("", [(0.0, 0.0), (1.0, points[-1][1])], dashed=True)]
    return lines(curves, words["ranking"], (words["contacted"], words["gained"]), number)


def _days(made: dict[str, Any], group: str, name: str) -> Any:
    """The chart of a group over the days."""
    return band([_point(each, each["day"]) for each in made["days"] if each["group"] == group], name)


def _rows(say: Callable[[str], str], made: dict[str, Any], name: str) -> Any:
    """Everybody and each segment as intervals."""
    everybody = [_point(each, say(each["group"])) for each in made["effects"]]
    parts = [_point(each, f"{each['segment']} ({say(each['group'])})") for each in made["segments"]]
    return forest([*everybody, *parts], name)


def _point(each: dict[str, Any], name: str) -> Point:
    return Point(name, each["estimate"], *each["always_valid"])
