"""What the comments are about, in Chinese and English: topics by non-negative matrix factorisation of what is said how often."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LEAST = 20
"""Comments below which there are no topics."""
MOST_WORDS = 5_000
TERMS = 6
SHOWN = 3
_HAN = re.compile(r"[\u3400-\u9fff]+")
_WORD = re.compile(r"[a-z][a-z']+")
_SECRET = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\d[\d\s-]{3,}\d")
_HOLLOW = {
    "我们", "你们", "他们", "这个", "那个", "一个", "没有", "就是", "还是",
    "非常", "觉得", "可以", "什么", "时候", "但是", "因为", "所以",
}  # fmt: skip
"""Chinese pairs that say nothing of the matter."""


@dataclass(frozen=True)
class Topic:
    """`terms`, the weightiest first; `share` of the comments; `mark`, the mean mark of those who speak of it.

    `examples` have long numbers and addresses struck out.
    """

    terms: tuple[str, ...]
    share: float
    mark: float
    examples: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "terms": list(self.terms), "share": round(self.share, 4), "mark": round(self.mark, 2), "examples": list(self.examples),
        }  # fmt: skip


def topics(comments: Sequence[str], marks: Sequence[float], number: int = 6) -> list[Topic]:
    """The topics of some comments, those with the lowest mean mark first; none of fewer than LEAST comments.

    Term weights are tf-idf, the factorisation starts from a singular value decomposition and is the same every time (Lee,
    Seung, Learning the parts of objects by non-negative matrix factorization, Nature 401, 1999; Boutsidis, Gallopoulos, SVD
    based initialization, Pattern Recognition 41, 2008). A comment belongs to its weightiest topic.
    """
    from sklearn.decomposition import NMF
    from sklearn.feature_extraction.text import TfidfVectorizer

    if len(comments) < LEAST:
        return []
    often = max(2, len(comments) // 200)
    reader = TfidfVectorizer(analyzer=words, min_df=often, max_df=0.5, max_features=MOST_WORDS, sublinear_tf=True)
    try:
        weights = reader.fit_transform(comments)
    except ValueError:  # no word is said often enough, and in no more than half of the comments
        return []
    size = min(number, *weights.shape)
    model = NMF(n_components=size, init="nndsvda", max_iter=400, tol=1e-4, random_state=0)
    with np.errstate(
        invalid="ignore"
    ):  # of an exact factorisation rounding leaves an error below 0, whose root is asked for
        spoken, built = model.fit_transform(weights), model.components_
    of, strength = spoken.argmax(axis=1), spoken.max(axis=1)
    names, values = reader.get_feature_names_out(), np.asarray(marks, dtype=float)
    found = [
        _topic(comments, values, np.flatnonzero((of == place) & (strength > 0)), strength, names, built[place])
        for place in range(size)
    ]
    return sorted((each for each in found if each is not None), key=lambda topic: (topic.mark, topic.terms))


def words(comment: str) -> list[str]:
    """The words of a comment: English ones as they are written, Chinese as pairs and triples of characters."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    text = comment.lower()
    found = [each for each in _WORD.findall(text) if each not in ENGLISH_STOP_WORDS and len(each) > 2]
    for run in _HAN.findall(text):
        found += [run[at : at + size] for size in (2, 3) for at in range(len(run) - size + 1)]
    return [each for each in found if each not in _HOLLOW]


def struck_out(comment: str) -> str:
    """A comment without e-mail addresses and long numbers: it is shown to people who need not know them."""
    return _SECRET.sub("***", comment)


def _topic(
    comments: Sequence[str],
    marks: np.ndarray,
    rows: np.ndarray,
    strength: np.ndarray,
    names: np.ndarray,
    built: np.ndarray,
) -> Topic | None:
    if not len(rows):
        return None
    best = rows[np.argsort(-strength[rows], kind="stable")]
    shown = tuple(dict.fromkeys(struck_out(comments[row]) for row in best.tolist()))[:SHOWN]
    return Topic(_terms(names, built), len(rows) / len(comments), float(marks[rows].mean()), shown)


def _terms(names: np.ndarray, built: np.ndarray) -> tuple[str, ...]:
    """The weightiest words; a Chinese one that shares a pair of characters with one before it is a piece of the same."""
    kept: list[str] = []
    for place in np.argsort(-built, kind="stable")[: 4 * TERMS].tolist():
        name = str(names[place])
        pieces = [name[at : at + 2] for at in range(len(name) - 1)] if _HAN.match(name) else [name]
        if built[place] > 0 and not any(piece in each for each in kept for piece in pieces):
            kept.append(name)
    return tuple(kept[:TERMS])
