"""Indices by campaign, channel, region, agent and month: value, interval, and how the answers are spread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from recommender.effect.interval import Interval
from recommender.effect.sums import Sums
from recommender.quality.scales import SCALES, Scale

if TYPE_CHECKING:
    import duckdb

DIMENSIONS = ("campaign", "channel", "region", "agent", "month")
LEAST = 30
"""Answers below which a group has no interval, and nobody is judged by its value."""
MARK = "mark"


@dataclass(frozen=True)
class Index:
    """An index of a group of answers. `group` is "" for all of them."""

    scale: Scale
    dimension: str
    group: str
    sums: Sums
    good: int
    poor: int

    @property
    def n(self) -> int:
        """How many answers."""
        return self.sums.n

    @property
    def value(self) -> float:
        """Mean of the marks."""
        return float(self.sums.means[0])

    @property
    def interval(self) -> Interval:
        """95 %: Wilson's of a share (JASA 22, 1927), Student's of other marks, within the scale; none below LEAST answers."""
        from math import inf, sqrt

        from scipy.special import stdtrit

        if self.n < LEAST:
            return Interval(-inf, inf)
        if self.scale.is_share:
            return _wilson(self.value / 100, self.n)
        found = Interval.around(
            self.value, float(stdtrit(self.n - 1, 0.975)) * sqrt(float(self.sums.covariance[0, 0]) / self.n)
        )
        return Interval(max(found.low, self.scale.worst), min(found.high, self.scale.best))

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "kind": self.scale.name, "by": self.dimension, "group": self.group, "answers": self.n, "value": round(self.value, 2),
            "interval": [None if each is None else round(each, 2) for each in self.interval.as_list()],
            "good": self.good, "poor": self.poor, "enough": self.n >= LEAST,
        }  # fmt: skip


def indices(db: duckdb.DuckDBPyConnection, since: datetime, until: datetime, *, of_region: int) -> list[Index]:
    """Every index of `survey_answers` from `since` until before `until`, over all and by each dimension, one query a kind.

    `of_region`: how many characters of a region code make a region.
    """
    return [index for scale in SCALES.values() for index in _of_scale(db, scale, since, until, of_region)]


def grouped(of_region: int) -> dict[str, str]:
    """Dimension to the expression that names an answer's group."""
    exact = {name: name for name in ("campaign", "channel", "agent")}
    return {**exact, "region": f"left(region, {of_region:d})", "month": "strftime(answered_at, '%Y-%m')"}


def _of_scale(
    db: duckdb.DuckDBPyConnection, scale: Scale, since: datetime, until: datetime, of_region: int
) -> list[Index]:
    inner = ", ".join(f"{sql} as by_{name}" for name, sql in grouped(of_region).items())
    sets = ", ".join(f"(by_{name})" for name in DIMENSIONS)
    names = ", ".join(f"by_{name}" for name in DIMENSIONS)
    bits = ", ".join(f"grouping(by_{name})" for name in DIMENSIONS)
    # marks are small whole numbers: plain squares lose no digits
    rows = db.execute(
        f"""select {names}, {bits}, count(*), sum(mark), sum(mark * mark), count(*) filter (score >= {scale.good}),
                   count(*) filter (score <= {scale.poor})
              from (select *, {scale.sql} as mark, {inner} from survey_answers
                     where kind = $kind and answered_at >= $since and answered_at < $until)
             group by grouping sets ((), {sets}) order by all""",  # noqa: S608 - own names, values are parameters
        {"kind": scale.name, "since": since, "until": until},
    ).fetchall()
    found, size = [], len(DIMENSIONS)
    for row in rows:
        n, total, squares, good, poor = row[2 * size :]
        place = next((at for at in range(size) if not row[size + at]), None)
        group = "" if place is None else row[place]
        if not n or (place is not None and not group):
            continue  # nobody, or answers of which the dimension is not known
        sums = Sums.about((MARK,), n, [total], [squares], [0.0])
        found.append(Index(scale, "" if place is None else DIMENSIONS[place], group, sums, good, poor))
    return sorted(found, key=lambda each: ("", *DIMENSIONS).index(each.dimension))


def _wilson(share: float, n: int) -> Interval:
    """In per cent, with 1.96 standard errors."""
    square = 1.959964**2
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = (square * (share * (1 - share) / n + square / (4 * n * n))) ** 0.5 / (1 + square / n)
    return Interval(100 * (centre - half), 100 * (centre + half))
