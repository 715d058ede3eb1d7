"""The words the demo insurer's records are made of."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TypedDict

import yaml

Bilingual = list[list[str]]
"""Pairs of Chinese and English."""


class Vocabulary(TypedDict):
    """What `data/words.yaml` holds."""

    surnames: list[str]
    given_female: list[str]
    given_male: list[str]
    english_surnames: list[str]
    english_female: list[str]
    english_male: list[str]
    streets: Bilingual
    destinations: dict[str, Bilingual]
    documents: dict[str, Bilingual]
    complaint_categories: list[str]


@cache
def vocabulary() -> Vocabulary:
    """The words in the package's data file."""
    text = (Path(__file__).parent / "data" / "words.yaml").read_text(encoding="utf-8")
    words: Vocabulary = yaml.safe_load(text)
    return words
