"""What may be said of uplift models on some customers, in a sentence: most often that there is no evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from recommender.uplift.rates import Effect

if TYPE_CHECKING:
    from recommender.uplift.comparison import Line

ALPHA = 0.05


class Finding(StrEnum):
    """What was found."""

    PAYS = "targeting beats the response model"
    RESPONSE = "no evidence that targeting beats the response model"
    SAME = "no evidence that the effect differs between customers"


SENTENCES = {
    "only_response": "only response models were asked for: nothing was learnt about effects",
    "average_more": "on average a contact adds {effect} to the rate",
    "average_less": "on average a contact takes from the rate: {effect}",
    "average_unproven": "no proven effect on average: {effect}",
    "ranks_better": "{learner} ranks better than the response model: Qini {over}",
    "differs": "{learner}: Qini {qini}: the effect differs between customers",
    "alike": "no evidence that the effect differs between customers: {learner}: Qini {qini}",
    "not_better": "no evidence that targeting beats the response model: Qini {over}",
    "leave_out": "leaving out the {share} it says a contact is not worth for gains {gain} a customer",
    "no_gain": "no proven gain over contacting everybody: {gain} a customer",
}
"""Everything a verdict may say, by code, in English; a page in another language has its own of the same codes."""


@dataclass(frozen=True)
class Sentence:
    """One of SENTENCES with what it is about: figures as text."""

    code: str
    values: dict[str, str]

    @property
    def words(self) -> str:
        """In English."""
        return SENTENCES[self.code].format(**self.values)


@dataclass(frozen=True)
class Verdict:
    """A finding, the learner it is about (of the least adjusted p-value), and the sentences that say it."""

    finding: Finding
    learner: str
    sentences: tuple[Sentence, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The sentences in English."""
        return tuple(each.words for each in self.sentences)

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        said = [{"code": each.code, "values": each.values} for each in self.sentences]
        return {"finding": str(self.finding), "learner": self.learner, "words": list(self.words), "said": said}


def judge(average: Effect, lines: Sequence[Line]) -> Verdict:
    """By the adjusted p-values, which allow for the best of several learners looking good by chance."""
    causal = [line for line in lines if line.over_response is not None]
    if not causal:
        return Verdict(Finding.RESPONSE, "", (Sentence("only_response", {}),))
    ranked = min(causal, key=lambda line: (line.p_value, -line.qini.value))
    beats = min(causal, key=lambda line: (line.over_response_p, -line.qini.value))
    if beats.over_response_p is not None and beats.over_response_p < ALPHA and (beats.p_value or 0) < ALPHA:
        found, about = Finding.PAYS, beats
    elif ranked.p_value is not None and ranked.p_value < ALPHA:
        found, about = Finding.RESPONSE, ranked
    else:
        found, about = Finding.SAME, ranked
    return Verdict(found, about.name, (_average(average), *_ranking(found, about), *_worth(about)))


def _average(average: Effect) -> Sentence:
    found = average.difference
    code = "average_more" if found.low > 0 else "average_less" if found.high < 0 else "average_unproven"
    return Sentence(code, {"effect": f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})"})


def _ranking(found: Finding, line: Line) -> tuple[Sentence, ...]:
    qini = f"{line.qini.value:.4f} ({line.qini.low:.4f} to {line.qini.high:.4f}), p = {line.p_value:.3g}"
    over = line.over_response
    told = (
        ""
        if over is None
        else f"{over.value:+.4f} ({over.low:+.4f} to {over.high:+.4f}), p = {line.over_response_p:.3g}"
    )
    if found is Finding.PAYS:
        return (Sentence("ranks_better", {"learner": line.name, "over": told}),)
    code = "differs" if found is Finding.RESPONSE else "alike"
    return (Sentence(code, {"learner": line.name, "qini": qini}), Sentence("not_better", {"over": told}))


def _worth(line: Line) -> tuple[Sentence, ...]:
    if line.worth is None:
        return ()
    over = line.worth.over_everybody
    gain = f"{over.value:+.5f} ({over.low:+.5f} to {over.high:+.5f})"
    if over.low > 0:
        return (Sentence("leave_out", {"share": f"{1 - line.worth.share:.0%}", "gain": gain}),)
    return (Sentence("no_gain", {"gain": gain}),)
