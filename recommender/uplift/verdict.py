"""What may be said of uplift models on some customers, in a sentence: most often that there is no evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from recommender.sentence import Sentence
from recommender.uplift.rates import Effect, Span

if TYPE_CHECKING:
    from recommender.uplift.comparison import Line

ALPHA = 0.05


class Finding(StrEnum):
    """What was found."""

    PAYS = "targeting beats the response model"
    RESPONSE = "no evidence that targeting beats the response model"
    SAME = "no evidence that the effect differs between customers"


@dataclass(frozen=True)
class Verdict:
    """A finding, the learner it is about (of the least adjusted p-value), and the sentences that say it."""

    finding: Finding
    learner: str
    words: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"finding": str(self.finding), "learner": self.learner, "words": list(self.words)}


ONLY_RESPONSE = "only response models were asked for: nothing was learnt about effects"
ADDS = "on average a contact adds {told} to the rate"
TAKES = "on average a contact takes from the rate: {told}"
NO_AVERAGE = "no proven effect on average: {told}"
QINI = "{learner}: Qini {value:.4f} ({low:.4f} to {high:.4f}), p = {p:.3g}"
DIFFERS = "{qini}: the effect differs between customers"
BEATS = "{learner} ranks better than the response model: Qini {told}, p = {p:.3g}"
NO_BETTER = "no evidence that targeting beats the response model: Qini {told}, p = {p:.3g}"
NOT_DIFFERENT = "no evidence that the effect differs between customers: {qini}"
GAINS = "leaving out the {share:.0%} it says a contact is not worth for gains {told} a customer"
NO_GAIN = "no proven gain over contacting everybody: {told} a customer"
SPAN = "{value:+.4f} ({low:+.4f} to {high:+.4f})"
MONEY = "{value:+.5f} ({low:+.5f} to {high:+.5f})"


def judge(average: Effect, lines: Sequence[Line]) -> Verdict:
    """By the adjusted p-values, which allow for the best of several learners looking good by chance."""
    causal = [line for line in lines if line.over_response is not None]
    if not causal:
        return Verdict(Finding.RESPONSE, "", (Sentence(ONLY_RESPONSE),))
    ranked = min(causal, key=lambda line: (line.p_value, -line.qini.value))
    beats = min(causal, key=lambda line: (line.over_response_p, -line.qini.value))
    if beats.over_response_p is not None and beats.over_response_p < ALPHA and (beats.p_value or 0) < ALPHA:
        found, about = Finding.PAYS, beats
    elif ranked.p_value is not None and ranked.p_value < ALPHA:
        found, about = Finding.RESPONSE, ranked
    else:
        found, about = Finding.SAME, ranked
    return Verdict(found, about.name, (_average(average), *_ranking(found, about), *_worth(about)))


def _average(average: Effect) -> str:
    found = average.difference
    return Sentence(ADDS if found.low > 0 else TAKES if found.high < 0 else NO_AVERAGE, told=_told(found))


def _ranking(found: Finding, line: Line) -> tuple[str, ...]:
    qini = Sentence(
        QINI, learner=line.name, value=line.qini.value, low=line.qini.low, high=line.qini.high, p=line.p_value
    )
    over = {} if line.over_response is None else {"told": _told(line.over_response), "p": line.over_response_p}
    if found is Finding.PAYS:
        return (Sentence(BEATS, learner=line.name, **over),)
    return (Sentence(DIFFERS if found is Finding.RESPONSE else NOT_DIFFERENT, qini=qini), Sentence(NO_BETTER, **over))


def _worth(line: Line) -> tuple[str, ...]:
    if line.worth is None:
        return ()
    over = line.worth.over_everybody
    if over.low > 0:
        return (Sentence(GAINS, share=1 - line.worth.share, told=_told(over, MONEY)),)
    return (Sentence(NO_GAIN, told=_told(over, MONEY)),)


def _told(span: Span, form: str = SPAN) -> Sentence:
    return Sentence(form, value=span.value, low=span.low, high=span.high)
