"""What was generated: rows per view, and how much of it is dirty on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class DemoSummary:
    """Rows written per view and rows or values spoilt per kind of dirt (the kinds are those of `kairos.demo.dirt`).

    `customers` counts people; `rows["customers"]` is higher by the doubled and the damaged records.
    """

    folder: Path
    seed: int
    as_of: date
    customers: int
    rows: Mapping[str, int]
    dirt: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "folder": str(self.folder),
            "seed": self.seed,
            "as_of": self.as_of.isoformat(),
            "customers": self.customers,
            "rows": dict(self.rows),
            "dirt": dict(self.dirt),
        }
