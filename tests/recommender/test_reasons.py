"""Reasons a customer may read: true, in their language, never about health, claims or where they live."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommender.catalogue import Catalogue
from recommender.reasons import LINES, NEUTRAL, Reasons, language, name_columns, words

ITEMS = ("health", "motor", "roadside", "savings", "travel")
CATALOGUE = Catalogue(
    items=ITEMS,
    names={
        "name": ("医疗险", "车险", "道路救援", "储蓄险", None),
        "name_en": ("Medical", "Motor", "Roadside help", "Savings", "Travel"),
    },
    kinds=("insurance", "insurance", "service", "insurance", "insurance"),
    lines=("health", "Motor", "motor", None, "travel"),
    active=np.ones(5, dtype=bool),
    eligibility=(None,) * 5,
    unfitted=(),
    undeclared=(),
)


def _causes(lift: dict[tuple[str, str], float], *portfolios: dict[str, float]) -> list[str | None]:
    """The cause of offering travel to each portfolio, by the influence of what is held."""
    influence = np.zeros((6, 5), dtype=np.float32)
    for (held, item), value in lift.items():
        influence[ITEMS.index(held), ITEMS.index(item)] = value
    rows = [[portfolio.get(item, 0.0) for item in ITEMS] + [0.1] for portfolio in portfolios]
    features = csr_matrix(np.array(rows, dtype=np.float32))
    every = np.arange(len(rows))
    travel = np.full(len(rows), ITEMS.index("travel"))
    found = Reasons.of(influence, CATALOGUE).causes(features, every, travel)
    return [None if cause < 0 else ITEMS[cause] for cause in found]


def test_the_reason_is_what_carried_the_score_most() -> None:
    lift = {("motor", "travel"): 1.0, ("roadside", "travel"): 3.0}
    found = _causes(lift, {"motor": 0.2, "roadside": 0.2}, {"motor": 0.2}, {"roadside": 0.1, "motor": 0.7})
    assert found == ["roadside", "motor", "motor"]


def test_health_is_never_the_reason_however_much_it_carried() -> None:
    lift = {("health", "travel"): 9.0, ("motor", "travel"): 1.0}
    assert _causes(lift, {"health": 0.5, "motor": 0.5}, {"health": 0.5}) == ["motor", None]


def test_a_line_we_have_no_words_for_is_never_the_reason() -> None:
    assert _causes({("savings", "travel"): 9.0}, {"savings": 0.5}) == [None]


def test_what_spoke_against_the_offer_is_not_its_reason() -> None:
    assert _causes({("motor", "travel"): -1.0}, {"motor": 0.5}) == [None]


def test_what_lifts_every_product_alike_is_no_reason_for_one() -> None:
    alike = {("motor", item): 2.0 for item in ITEMS}
    assert _causes(alike, {"motor": 0.5}) == [None]


def test_that_nobody_takes_the_same_twice_does_not_make_a_reason_for_the_rest() -> None:
    assert _causes({("motor", "motor"): -20.0}, {"motor": 0.5}) == [None]


def test_an_empty_portfolio_has_no_reason() -> None:
    assert _causes({("motor", "travel"): 1.0}, {}, {"motor": 0.5}, {}) == [None, "motor", None]


def test_the_sentences_of_a_locale() -> None:
    assert list(words(CATALOGUE, "en-GB")) == [
        "popular with our customers",
        "popular with our customers",
        "because you insure a car with us",
        "because you use our services for drivers",
        "popular with our customers",
        "because you insure your travels with us",
    ]
    assert list(words(CATALOGUE, "zh-CN"))[:4] == [
        "很多客户都在使用",
        "很多客户都在使用",
        "因为您在我们这里投保了车险",
        "因为您使用过我们的车主服务",
    ]


@pytest.mark.parametrize("line", ["health", "medical", "life", "critical_illness", "disability", "accident", "dental"])
def test_no_line_of_health_or_life_has_words(line: str) -> None:
    assert line not in LINES


def test_no_words_speak_of_health_claims_or_places() -> None:
    named = [words for line in LINES.values() for words in line.values()]
    said = " ".join([*(text for words in named for text in (words.insured, words.services)), *NEUTRAL.values()])
    for word in ("health", "medical", "claim", "province", "city", "健康", "医疗", "理赔", "地区"):
        assert word not in said


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("zh-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh_Hans_CN", "zh-CN"),
        ("zh-TW", "en"),
        ("zh-Hant", "en"),
        ("en", "en"),
        ("fr-FR", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_language_of_a_locale(locale: str | None, expected: str) -> None:
    assert language(locale) == expected


def test_which_service_was_used_is_never_said() -> None:
    for locale in ("en", "zh-CN"):
        assert not any(CATALOGUE.name(2, name_columns(locale)) in sentence for sentence in words(CATALOGUE, locale))


def test_a_product_is_named_in_the_locale_else_plainly_else_by_its_id() -> None:
    assert name_columns("zh-CN") == ("name_zh_cn", "name_zh")
    assert CATALOGUE.name(1, name_columns("en-GB")) == "Motor"
    assert CATALOGUE.name(1, name_columns("zh-CN")) == "车险"
    assert CATALOGUE.name(4, name_columns("zh-CN")) == "travel"
