"""Every sentence a report is made of has its Chinese, with places for the same values."""

from __future__ import annotations

import string

import pytest

from campaigns.measure import health
from kairos.pages.sentences import CHINESE, speaker
from recommender.effect import verdict as effect_verdict
from recommender.sentence import Sentence, said
from recommender.uplift import verdict as uplift_verdict

MODULES = (health, effect_verdict, uplift_verdict)
FORMS = [
    (module.__name__, name, str(getattr(value, "form", value)))
    for module in MODULES
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str) and " " in value
]


def places(form: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(form) if name}


def test_there_are_sentences_in_every_module():
    assert {module for module, _, _ in FORMS} == {module.__name__ for module in MODULES}


@pytest.mark.parametrize(("module", "name", "form"), FORMS, ids=[f"{m}.{n}" for m, n, _ in FORMS])
def test_a_sentence_has_its_chinese_with_the_same_values(module, name, form):
    assert places(CHINESE[form]) == places(form)


def test_every_entry_has_places_for_the_same_values():
    assert [english for english, chinese in CHINESE.items() if places(english) != places(chinese)] == []


def test_a_sentence_within_a_sentence_is_said_in_the_same_language():
    words = Sentence(
        "rows of the {group} group: {n:,}; nothing is said below {least}", group=Sentence("control"), n=1, least=100
    )
    assert words == "rows of the control group: 1; nothing is said below 100"
    assert speaker("zh")(words) == "对照组仅有 1 个样本，少于 100 不下结论"
    assert speaker("en")(words) == words


def test_what_nobody_translated_stays_as_it_is():
    assert said(Sentence("{n} new things", n=2), CHINESE) == "2 new things"
    assert said("a plain word", CHINESE) == "a plain word"
