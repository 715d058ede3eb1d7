"""Codes of the views as words: lines of business and perils."""

from __future__ import annotations

from collections.abc import Callable

from templates.filters.locales import language

_LINES = {
    "zh": {
        "motor": "车险",
        "health": "健康险",
        "life": "寿险",
        "home": "家财险",
        "travel": "旅行险",
        "accident": "意外险",
        "": "保险",
    },
    "en": {
        "motor": "motor insurance",
        "health": "health insurance",
        "life": "life insurance",
        "home": "home insurance",
        "travel": "travel insurance",
        "accident": "accident insurance",
        "": "insurance",
    },
}
_PERILS = {
    "typhoon": ("台风", "typhoon"),
    "tropical cyclone": ("台风", "tropical cyclone"),
    "rainstorm": ("暴雨", "heavy rain"),
    "flood": ("洪水", "flooding"),
    "earthquake": ("地震", "earthquake"),
    "snowstorm": ("暴雪", "heavy snow"),
    "cold wave": ("寒潮", "severe cold"),
    "hail": ("冰雹", "hail"),
    "thunderstorm": ("雷雨大风", "thunderstorms"),
    "strong wind": ("大风", "strong wind"),
    "high temperature": ("高温", "extreme heat"),
    "drought": ("干旱", "drought"),
    "wildfire": ("山火", "wildfire"),
    "landslide": ("山体滑坡", "landslides"),
    "tsunami": ("海啸", "tsunami"),
    "tornado": ("龙卷风", "a tornado"),
    "storm surge": ("风暴潮", "a storm surge"),
    "waterlogging": ("内涝", "urban flooding"),
    "road icing": ("道路结冰", "icy roads"),
    "gale": ("大风", "strong winds"),
    "sandstorm": ("沙尘暴", "sandstorms"),
    "fog": ("大雾", "dense fog"),
    "air pollution": ("重污染天气", "heavy air pollution"),
    "volcano": ("火山活动", "volcanic activity"),
}
_BY_CHINESE = {words[0]: words for words in reversed(_PERILS.values())}
_UNKNOWN_PERIL = ("灾害性天气", "severe weather")


def _peril(value: object) -> tuple[str, str]:
    code = str(value).strip().lower().replace("_", " ")
    return _PERILS.get(code) or _BY_CHINESE.get(code) or _UNKNOWN_PERIL


def term_filters(locale: str) -> dict[str, Callable[..., object]]:
    """Return `line_name` and `peril`, in Chinese or else in English; codes not listed get a general word."""
    chinese = language(locale) == "zh"
    lines = _LINES["zh" if chinese else "en"]

    def line_name(value: object) -> str:
        return lines.get(str(value).strip().lower(), lines[""])

    def peril(value: object) -> str:
        return _peril(value)[0 if chinese else 1]

    return {"line_name": line_name, "peril": peril}
