"""What was set aside and why: one row of the table `rejects` for each fault, and the counts per view.

kind 'row': the row is not in the facts. kind 'value': the row is, this value became NULL. kind 'notice': nothing was
changed, but somebody should look. Reasons:

| reason | kind | meaning |
|---|---|---|
| encoding | row | the text is not in the declared encoding (it holds U+FFFD) |
| malformed_line | row | not a line of that file format; `row` is the line of the file, the record says which file |
| unreadable_alert | row | an alert file with no alert that could be read; `row` counts the files |
| alert_fault | notice | something in an alert file that could not be read as it stands |
| missing | row | a required column is empty |
| bad_date, bad_time, bad_number, bad_flag, bad_list, bad_value | row if required, else value | wrong type |
| unknown_value | row if required, else value | not among the values the column may take |
| duplicate_key | row | a later record of the same key was kept |
| orphan | row if required, else value | refers to something no source has |
| impossible_date | value | born in the future or before 1900, expiry before effective, settled before reported |
| phone_invalid, email_malformed, region_unknown | value | cannot be used to reach or place the customer |
| suspected_duplicate | notice | same phone, name and date of birth as the customer named in `value` |
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KINDS = ("row", "value", "notice")

CREATE = """
CREATE TABLE rejects (
    source VARCHAR, row BIGINT, reason VARCHAR, column_name VARCHAR, value VARCHAR, record VARCHAR, kind VARCHAR
)"""


@dataclass
class ViewReport:
    """Rows of one view: read = kept + set_aside + later, the last being those not known yet at `now`.

    `nulled` counts values, `derived` the rows Kairos added itself, `suspected_duplicates` customers (all kept).
    """

    read: int = 0
    kept: int = 0
    set_aside: int = 0
    nulled: int = 0
    later: int = 0
    derived: int = 0
    suspected_duplicates: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "read": self.read,
            "kept": self.kept,
            "set_aside": self.set_aside,
            "nulled": self.nulled,
            "later": self.later,
            "derived": self.derived,
            "suspected_duplicates": self.suspected_duplicates,
            "reasons": dict(sorted(self.reasons.items())),
        }


@dataclass(frozen=True)
class Report:
    """What became of every row of every view."""

    views: dict[str, ViewReport]

    def __getitem__(self, view: str) -> ViewReport:
        return self.views[view]

    @property
    def set_aside(self) -> int:
        """Rows set aside in all views together."""
        return sum(view.set_aside for view in self.views.values())

    @property
    def nulled(self) -> int:
        """Values that could not be kept in all views together."""
        return sum(view.nulled for view in self.views.values())

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Plain values for JSON, view by view."""
        return {name: view.as_dict() for name, view in self.views.items()}


def tally(db: DuckDBPyConnection, view: str, report: ViewReport) -> None:
    """Add what the table `rejects` says about a view to its report."""
    counts = db.execute(
        "SELECT kind, reason, count(*) FROM rejects WHERE source = ? GROUP BY ALL ORDER BY ALL", [view]
    ).fetchall()
    for kind, reason, count in counts:
        report.reasons[reason] += count
        if kind == "row":
            report.set_aside += count
        elif kind == "value":
            report.nulled += count
        elif reason == "suspected_duplicate":
            report.suspected_duplicates += count
