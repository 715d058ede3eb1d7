"""Where packages that do not know one another must agree on words."""

from __future__ import annotations

import pytest

from channels.contract import MEDIA
from templates import PARTS
from templates.filters.terms import term_filters
from triggers.alerts.perils import NAMES


@pytest.mark.parametrize("peril", NAMES)
def test_every_peril_of_the_alert_readers_has_words_of_its_own(peril):
    for locale, general in (("zh-CN", "灾害性天气"), ("en", "severe weather")):
        assert term_filters(locale)["peril"](peril) != general


def test_every_part_a_channel_needs_is_a_part_templates_know():
    assert {part for medium in MEDIA.values() for part in medium.parts} <= set(PARTS)
