"""The questions one asks: would you recommend us, were you content, was it easy; each answer as a mark whose mean is the index."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Answers from `low` to `high`, whole numbers.

    `good` and `poor`: from which answer on one counts as good, up to which as poor. `marks`: what a good, a middling and a
    poor answer count; None where the answer itself counts. The index is the mean of the marks.
    """

    name: str
    low: int
    high: int
    good: int
    poor: int
    marks: tuple[float, float, float] | None

    @property
    def is_share(self) -> bool:
        """Whether the index is the share of good answers, in per cent."""
        return self.marks == (100.0, 0.0, 0.0)

    @property
    def worst(self) -> float:
        """The lowest the index can be."""
        return float(self.low) if self.marks is None else self.marks[2]

    @property
    def best(self) -> float:
        """The highest the index can be."""
        return float(self.high) if self.marks is None else self.marks[0]

    @property
    def sql(self) -> str:
        """The mark of the column `score`, in SQL."""
        if self.marks is None:
            return "score"
        good, middling, poor = self.marks
        return f"case when score >= {self.good} then {good} when score <= {self.poor} then {poor} else {middling} end"


SCALES = {
    "nps": Scale("nps", 0, 10, 9, 6, (100.0, 0.0, -100.0)),
    "csat": Scale("csat", 1, 5, 4, 2, (100.0, 0.0, 0.0)),
    "ces": Scale("ces", 1, 7, 5, 3, None),
}
"""Net promoter score: promoters (9, 10) less detractors (0 to 6), in points from -100 to 100 (Reichheld, The one number you
need to grow, Harvard Business Review, 2003). Customer satisfaction: the share of 4 and 5 out of 5, in per cent. Customer effort
score: the mean agreement, 1 to 7, that it was easy (Dixon, Freeman, Toman, Stop trying to delight your customers, Harvard
Business Review, 2010, in the later form of the question where more is easier). More is better in all three."""
