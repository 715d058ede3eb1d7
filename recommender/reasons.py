"""Why this offer, in words its customer may read.

A reason names the line the customer insures with us, or whose services they use, that carried the score. Only lines on
the list below are ever named: not health or life, not claims, not where somebody lives; all else gets neutral words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Catalogue
from recommender.eligibility import line_slug

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CHINESE, ENGLISH = "zh-CN", "en"
NEUTRAL = {CHINESE: "很多客户都在使用", ENGLISH: "popular with our customers"}
LINE = {CHINESE: "因为您在我们这里投保了{}", ENGLISH: "because you insure {} with us"}
SERVICE = {CHINESE: "因为您使用过我们的{}", ENGLISH: "because you use our services {}"}


@dataclass(frozen=True)
class Named:
    """How a line is named in one language: what is insured, and its services as a whole."""

    insured: str
    services: str


_CAR = {CHINESE: Named("车险", "车主服务"), ENGLISH: Named("a car", "for drivers")}
_HOME = {CHINESE: Named("家财险", "居家服务"), ENGLISH: Named("a home", "for the home")}
LINES: dict[str, dict[str, Named]] = {
    "motor": _CAR,
    "car": _CAR,
    "auto": _CAR,
    "motorcycle": {CHINESE: Named("摩托车险", "车主服务"), ENGLISH: Named("a motorcycle", "for riders")},
    "home": _HOME,
    "household": _HOME,
    "property": {CHINESE: Named("财产险", "居家服务"), ENGLISH: Named("property", "for owners")},
    "travel": {CHINESE: Named("旅行险", "出行服务"), ENGLISH: Named("your travels", "for travellers")},
    "pet": {CHINESE: Named("宠物险", "宠物服务"), ENGLISH: Named("a pet", "for pets")},
    "boat": {CHINESE: Named("船舶险", "船主服务"), ENGLISH: Named("a boat", "for boat owners")},
    "device": {CHINESE: Named("设备险", "设备服务"), ENGLISH: Named("a device", "for devices")},
}
"""Lines a reason may name; one that is not here is never named. Services are named as a line's whole: that somebody
called the legal hotline or needed help abroad is nobody's business but theirs."""


def language(locale: str | None) -> str:
    """The language we have words in: Chinese in mainland script for zh, zh-CN, zh-Hans and zh-SG, English otherwise."""
    parts = (locale or "").replace("_", "-").lower().split("-")
    mainland = parts[0] == "zh" and not {"hant", "tw", "hk", "mo"} & set(parts)
    return CHINESE if mainland else ENGLISH


def name_columns(locale: str | None) -> tuple[str, ...]:
    """Columns of `products` that may hold a name in this locale, best first: `name_zh_cn`, then `name_zh`."""
    parts = (locale or ENGLISH).replace("-", "_").lower().split("_")
    return tuple(dict.fromkeys(("name_" + "_".join(parts), f"name_{parts[0]}")))


@dataclass(frozen=True)
class Reasons:
    """Which possession speaks for which offer: `lift` (items x items) is what holding one adds to another over average.

    The average leaves the item itself out: models learn that what is held is not taken again.
    """

    lift: NDArray[np.float32]
    nameable: NDArray[np.bool_]

    @classmethod
    def of(cls, influence: NDArray[np.float32], catalogue: Catalogue) -> Reasons:
        """From a model's influence (features x items), whose first rows are the portfolio, and today's catalogue."""
        held = influence[: len(catalogue.items)]
        nameable = np.array([line is not None and line_slug(line) in LINES for line in catalogue.lines], dtype=bool)
        others = max(len(held) - 1, 1)
        average = (held.sum(axis=1) - np.diagonal(held)) / others
        return cls(held - average[:, None], nameable)

    def causes(self, features: csr_matrix, row: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each offer (`row` of `features`, `item`) the possessed item that carried it most; -1: none to name."""
        portfolio = features[:, : len(self.nameable)].tocsr()
        counts = np.diff(portfolio.indptr)[row]
        offer = np.repeat(np.arange(len(row)), counts)
        within = np.arange(len(offer)) - np.repeat(np.cumsum(counts) - counts, counts)
        at = portfolio.indptr[row][offer] + within
        held = portfolio.indices[at]
        carried = portfolio.data[at] * self.lift[held, item[offer]]
        speaks = self.nameable[held] & (carried > 0)
        order = np.lexsort((-held[speaks], carried[speaks], offer[speaks]))
        causes = np.full(len(row), -1, dtype=np.int64)
        causes[offer[speaks][order]] = held[speaks][order]  # the last of each offer is the strongest
        return causes


def words(catalogue: Catalogue, locale: str | None) -> Sequence[str]:
    """The sentence for every cause in one locale: position 0 the neutral one, position 1 + i for possessing item i."""
    return [NEUTRAL[language(locale)], *(_because(catalogue, item, locale) for item in range(len(catalogue.items)))]


def _because(catalogue: Catalogue, item: int, locale: str | None) -> str:
    tongue = language(locale)
    line = catalogue.lines[item]
    if line is None or line_slug(line) not in LINES:
        return NEUTRAL[tongue]
    named = LINES[line_slug(line)][tongue]
    if catalogue.kinds[item] == "service":
        return SERVICE[tongue].format(named.services)
    return LINE[tongue].format(named.insured)
