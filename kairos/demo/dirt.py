"""Dirt as in life: what is wrong with the demo's records, how often, and how many of each were made.

Kinds that the check of the facts finds bear the reason it gives (see `triggers.rejects`):

| kind | what is wrong | share of |
|---|---|---|
| duplicate_key | the same customer id twice; the second record is the newer one | customers |
| suspected_duplicate | the same person again under another id (W...), without policies | customers |
| encoding | a second record of a person (B...) whose name holds U+FFFD | customers |
| mojibake | a Chinese name whose UTF-8 was read as Latin-1: nothing can tell | customers |
| phone_invalid | a number too short or too long, a service number, a word | customers |
| impossible_date | born in 1875 | customers |
| bad_date | born on 30 February | customers |
| region_unknown | a region code that is in no list | customers |
| orphan | a claim on a policy nobody knows | claims reported before `as_of` |

No record has two kinds of dirt. Only customers without policies or events of their own are set aside for it.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator

from kairos.demo.block import Block, Flags
from kairos.demo.columns import where, words

RATES = {
    "duplicate_key": 0.002,
    "suspected_duplicate": 0.002,
    "encoding": 0.001,
    "mojibake": 0.002,
    "phone_invalid": 0.005,
    "impossible_date": 0.001,
    "bad_date": 0.001,
    "region_unknown": 0.003,
    "orphan": 0.003,
}
WRONG_PHONES = ("1380013", "00000000000", "138001380001380013", "12345678901", "无", "unknown", "95500")
WRONG_REGIONS = ("999999", "000000", "ZZ-00", "31O104")
ON_CUSTOMERS = tuple(kind for kind in RATES if kind != "orphan")


class Dirt(Counter[str]):
    """How many records or values of each kind were spoilt."""

    def add(self, kind: str, count: int) -> None:
        """Count so many more."""
        self[kind] += count


def spoil(block: Block, clean: pa.Table, dirt: Dirt) -> pa.Table:
    """The customers of a block with their dirt; copies come after the originals."""
    rng = block.rng("dirt")
    marks = _marks(rng, clean)
    for kind, mark in marks.items():
        dirt.add(kind, int(mark.sum()))
    spoilt = _spoil_values(rng, clean, marks)
    return pa.concat_tables([spoilt, *_copies(clean, marks)])


def _marks(rng: Generator, clean: pa.Table) -> dict[str, Flags]:
    """Which customers have which kind: one draw falls into at most one of the intervals that the rates cut out."""
    draw = rng.random(clean.num_rows)
    edges = np.cumsum([0.0, *(RATES[kind] for kind in ON_CUSTOMERS)])
    marks = {kind: (draw >= edges[i]) & (draw < edges[i + 1]) for i, kind in enumerate(ON_CUSTOMERS)}
    marks["suspected_duplicate"] &= pc.is_valid(clean["phone"]).to_numpy()
    marks["mojibake"] &= pc.equal(clean["locale"], "zh-CN").to_numpy()
    return marks


def _spoil_values(rng: Generator, clean: pa.Table, marks: dict[str, Flags]) -> pa.Table:
    size = clean.num_rows
    birth, strange = clean["birth_date"], pc.utf8_slice_codeunits(clean["birth_date"], 4)
    spoilt = {
        "name": _misread(clean["name"], marks["mojibake"]),
        "phone": where(marks["phone_invalid"], words(WRONG_PHONES, rng.integers(0, 7, size)), clean["phone"]),
        "birth_date": _with(marks["impossible_date"], pc.binary_join_element_wise("1875", strange, ""), birth),
        "region_code": where(
            marks["region_unknown"], words(WRONG_REGIONS, rng.integers(0, 4, size)), clean["region_code"]
        ),
    }
    year = pc.utf8_slice_codeunits(birth, 0, 4)
    february = pc.binary_join_element_wise(year, "-02-30", "")
    spoilt["birth_date"] = _with(marks["bad_date"], february, spoilt["birth_date"])
    for name, values in spoilt.items():
        clean = clean.set_column(clean.schema.get_field_index(name), clean.schema.field(name), values)
    return clean


def _with(mask: Flags, values: pa.ChunkedArray, otherwise: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pa.array(mask), values, otherwise)


def _misread(names: pa.ChunkedArray, mask: Flags) -> pa.ChunkedArray:
    """The marked names as a reader in the wrong encoding sees them."""
    garbled = [name.encode().decode("latin-1") for name in names.filter(pa.array(mask)).to_pylist()]
    return pc.replace_with_mask(names, pa.array(mask), pa.array(garbled, pa.string()))


def _copies(clean: pa.Table, marks: dict[str, Flags]) -> list[pa.Table]:
    """Second records of the same customer: the same id, another id, a damaged name."""
    again, other, damaged = (
        clean.filter(pa.array(marks[kind])) for kind in ("duplicate_key", "suspected_duplicate", "encoding")
    )
    broken = pc.binary_join_element_wise(pc.utf8_slice_codeunits(damaged["name"], 0, 1), "\ufffd\ufffd", "")
    return [
        _replace(again, tier="gold"),
        _replace(other, customer_id=_other_id("W", other), push_token=None, agent_id=None),
        _replace(damaged, customer_id=_other_id("B", damaged), name=broken, phone=None, email=None, push_token=None),
    ]


def _other_id(letter: str, rows: pa.Table) -> pa.ChunkedArray:
    return pc.replace_substring(rows["customer_id"], "C", letter)


def _replace(rows: pa.Table, **columns: pa.ChunkedArray | str | None) -> pa.Table:
    for name, value in columns.items():
        constant = value is None or isinstance(value, str)
        values = pa.repeat(pa.scalar(value, pa.string()), rows.num_rows) if constant else value
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), values)
    return rows
