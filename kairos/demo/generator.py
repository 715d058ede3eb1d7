"""The demo insurer: block by block, every table of it, written as Parquet below the workspace.

Customers differ in five hidden traits (`kairos.demo.catalogue.TRAITS`) that decide what they insure and which services
they use, so there is something to learn. Dates surround `as_of`: whatever that day is, policies run out in two months,
premiums fall due, claims wait for documents, customers have been silent for half a year, a typhoon is near. All people,
plates, phones and addresses are made up, but phones have the form of real ones: never connect a gateway to the demo.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from kairos.demo.alerts import alerts
from kairos.demo.block import CUSTOMERS_PER_BLOCK, blocks
from kairos.demo.catalogue import products
from kairos.demo.dirt import RATES, Dirt
from kairos.demo.gazetteer import regions
from kairos.demo.parts import Parts
from kairos.demo.summary import DemoSummary
from kairos.demo.tables import block_tables
from kairos.errors import KairosError

Progress = Callable[[str, int, int], None]
"""Called with the stage, how many customers are done, and how many there are."""

BLOCKS_PER_PART = 10


class DemoError(KairosError):
    """The demo insurer cannot be made as asked for; the message says what to change."""


def generate(
    folder: Path,
    *,
    customers: int,
    seed: int,
    as_of: date,
    progress: Progress | None = None,
    blocks_per_part: int = BLOCKS_PER_PART,
) -> DemoSummary:
    """Write `<folder>/facts/<view>/part-*.parquet` for every view, and `<folder>/sources.yaml` unless there is one.

    The same arguments give the same rows in the same order, whatever `blocks_per_part` (of 10,000 customers each) go
    into one file. The facts appear all at once or not at all. Raises DemoError for fewer than one customer, a negative
    seed, or a folder that has facts already.
    """
    facts, draft = _vacant(folder, customers, seed), folder / "facts.partial"
    dirt = Dirt(dict.fromkeys(RATES, 0))
    with Parts(draft) as parts:
        for view, rows in {"products": products(), "alerts": alerts(as_of), "regions": regions()}.items():
            parts.write(view, rows)
        for block in blocks(customers, seed, as_of):
            if block.number and block.number % blocks_per_part == 0:
                parts.next()
            for view, rows in block_tables(block, dirt).items():
                parts.write(view, rows)
            if progress:
                progress("demo", min(customers, block.first + CUSTOMERS_PER_BLOCK), customers)
    draft.rename(facts)
    _copy_sources(folder)
    return DemoSummary(folder, seed, as_of, customers, dict(parts.rows), dict(dirt))


def _vacant(folder: Path, customers: int, seed: int) -> Path:
    """Where the facts will be. What an interrupted run left behind is removed."""
    facts = folder / "facts"
    if customers < 1 or seed < 0:
        raise DemoError(f"customers must be 1 or more and seed 0 or more, not {customers} and {seed}")
    if facts.exists() and any(facts.iterdir()):
        raise DemoError(f"{facts} holds facts already; remove it or name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / "facts.partial"
    if draft.exists():
        shutil.rmtree(draft)
    if facts.exists():
        facts.rmdir()
    return facts


def _copy_sources(folder: Path) -> None:
    target = folder / "sources.yaml"
    if not target.exists():
        shutil.copyfile(Path(__file__).parent / "sources.yaml", target)
