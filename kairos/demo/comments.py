"""What customers write beside the mark they give: a few things said in many ways, in their own language."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from kairos.demo.block import Flags, Whole
from kairos.demo.columns import chance, words

COMMENTED = 0.4
"""Share of the answers with a comment."""
_CONTENT = (
    (
        "理赔很快，三天就到账了", "赔款到账快，理赔员一直跟进", "客服耐心，把需要的材料讲得很清楚", "客服态度很好，电话一打就通",
        "手机上传材料很方便，不用跑网点", "线上办理方便，拍照上传就行",
    ),
    (
        "The claim was paid quickly, within three days", "Fast payment and the adjuster kept me informed",
        "The agent on the phone was patient and explained every document", "Friendly staff, they answered the phone at once",
        "Uploading documents in the app was easy", "Easy to do everything online with photos",
    ),
)  # fmt: skip
_NOT = (
    (
        "等了一个多月才赔，太慢了", "理赔太慢，催了好几次都没有进展", "材料要补三次，每次要求都不一样", "反复让我补交材料，没有一次说清楚",
        "拒赔理由没有解释清楚", "条款看不懂，拒赔的时候才说不在保障范围",
    ),
    (
        "I waited more than a month, far too slow", "Too slow, I had to chase them several times",
        "They asked for more documents three times", "Every time another document was missing, nobody said so at first",
        "Nobody explained why the claim was refused", "The wording is hard to understand and the refusal came as a surprise",
    ),
)  # fmt: skip
_SCORES = range(1, 6)


def answers(rng: np.random.Generator, score: Whole, english: Flags) -> pa.Array:
    """The properties of each answer: its score, 1 to 5, and of some a comment that goes with it."""
    said = [[("", *(_CONTENT if value > 3 else _NOT)[language]) for language in (0, 1)] for value in _SCORES]
    size = len(said[0][0])
    written = [_written(value, text) for value, both in zip(_SCORES, said, strict=True) for own in both for text in own]
    which = np.where(chance(rng, COMMENTED, score.size), rng.integers(1, size, score.size), 0)
    return words(written, ((score - 1) * 2 + english) * size + which)


def _written(score: int, comment: str) -> str:
    told = {"score": score, **({"comment": comment} if comment else {})}
    return json.dumps(told, ensure_ascii=False)
