"""Where the demo's customers live: real divisions of China (GB/T 2260) and a few places abroad (ISO 3166)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from kairos.demo.block import Flags, Real
from kairos.demo.schemas import table

DATA = Path(__file__).parent / "data"
HOME_ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Place:
    """One division or place abroad; `weight` is how many customers of its group live there, relative to the others."""

    code: str
    name: str
    name_en: str
    latitude: float
    longitude: float
    weight: float
    address: str
    address_en: str
    plate: str = ""
    timezone: str = HOME_ZONE
    currency: str = "CNY"
    phone_prefix: str = ""
    phone_digits: int = 0


@dataclass(frozen=True)
class Gazetteer:
    """All places; the arrays are aligned with `places`."""

    places: tuple[Place, ...]
    mainland: Flags
    home_shares: Real
    abroad_shares: Real

    def texts(self, attribute: str) -> list[str]:
        """One attribute of every place."""
        return [getattr(place, attribute) for place in self.places]


@cache
def gazetteer() -> Gazetteer:
    """The places in the package's data files."""
    home, abroad = _divisions(), _abroad()
    mainland = np.r_[np.ones(len(home), bool), np.zeros(len(abroad), bool)]
    weights = np.array([place.weight for place in (*home, *abroad)])
    return Gazetteer((*home, *abroad), mainland, _shares(weights * mainland), _shares(weights * ~mainland))


def regions() -> pa.Table:
    """The view `regions`."""
    places = gazetteer().places
    fields = {"region_code": "code", "name": "name", "name_en": "name_en"}
    texts = {column: [getattr(place, name) for place in places] for column, name in fields.items()}
    return table(
        "regions",
        {
            **{column: pa.array(values, pa.string()) for column, values in texts.items()},
            "latitude": pa.array([place.latitude for place in places], pa.float64()),
            "longitude": pa.array([place.longitude for place in places], pa.float64()),
        },
    )


def _shares(weights: Real) -> Real:
    shares: Real = weights / weights.sum()
    return shares


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _divisions() -> list[Place]:
    rows = {row["code"]: row for row in _rows("divisions.csv")}
    return [_division(row, [rows[code] for code in _lineage(row["code"]) if code in rows]) for row in rows.values()]


def _lineage(code: str) -> list[str]:
    """Province, city and district of a code, outermost first, each once."""
    return list(dict.fromkeys((code[:2] + "0000", code[:4] + "00", code)))


def _division(row: dict[str, str], lineage: list[dict[str, str]]) -> Place:
    return Place(
        code=row["code"],
        name=row["name"],
        name_en=row["name_en"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        weight=float(row["weight"]),
        address="".join(step["name"] for step in lineage),
        address_en=", ".join(step["name_en"] for step in reversed(lineage)),
        plate=lineage[0]["plate"],
    )


def _abroad() -> list[Place]:
    return [
        Place(
            code=row["code"],
            name=row["name"],
            name_en=row["name_en"],
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            weight=float(row["weight"]),
            address=row["name"],
            address_en=row["name_en"],
            timezone=row["timezone"],
            currency=row["currency"],
            phone_prefix=row["phone_prefix"],
            phone_digits=int(row["phone_digits"]),
        )
        for row in _rows("abroad.csv")
    ]
