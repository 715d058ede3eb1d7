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


@dataclass(frozen=True)
class Verdict:
    """A finding, the learner it is about (of the least adjusted p-value), and the sentences that say it."""

    finding: Finding
    learner: str
    words: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"finding": str(self.finding), "learner": self.learner, "words": list(self.words)}


def judge(average: Effect, lines: Sequence[Line]) -> Verdict:
    """By the adjusted p-values, which allow for the best of several learners looking good by chance."""
    causal = [line for line in lines if line.over_response is not None]
    if not causal:
        return Verdict(Finding.RESPONSE, "", ("only response models were asked for: nothing was learnt about effects",))
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
    told = f"{found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f})"
    if found.low > 0:
        return f"on average a contact adds {told} to the rate"
    if found.high < 0:
        return f"on average a contact takes from the rate: {told}"
    return f"no proven effect on average: {told}"


def _ranking(found: Finding, line: Line) -> tuple[str, ...]:
    qini = (
        f"{line.name}: Qini {line.qini.value:.4f} ({line.qini.low:.4f} to {line.qini.high:.4f}), p = {line.p_value:.3g}"
    )
    over = line.over_response
    told = (
        ""
        if over is None
        else f"{over.value:+.4f} ({over.low:+.4f} to {over.high:+.4f}), p = {line.over_response_p:.3g}"
    )
    if found is Finding.PAYS:
        return (f"{line.name} ranks better than the response model: Qini {told}",)
    if found is Finding.RESPONSE:
        return (f"{qini}: the effect differs between customers", f"{Finding.RESPONSE}: Qini {told}")
    return (f"{Finding.SAME}: {qini}", f"{Finding.RESPONSE}: Qini {told}")


def _worth(line: Line) -> tuple[str, ...]:
    if line.worth is None:
        return ()
    over = line.worth.over_everybody
    told = f"{over.value:+.5f} ({over.low:+.5f} to {over.high:+.5f}) a customer"
    if over.low > 0:
        return (f"leaving out the {1 - line.worth.share:.0%} it says a contact is not worth for gains {told}",)
    return (f"no proven gain over contacting everybody: {told}",)
