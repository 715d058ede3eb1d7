"""Lays facts and history out and asks one gate: what every contract test of gates stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa

from campaigns.agenda import KEYS
from campaigns.budgets import Spent
from campaigns.contacts import Contacts
from campaigns.definition import Campaign
from campaigns.docket import BATCH, Docket, beside, gather
from campaigns.gate import Case, Verdict
from campaigns.gates import gates
from campaigns.ledger.ledger import contact_table
from campaigns.policy import ContactPolicy
from campaigns.stakes import COLUMNS, Stakes, stakes_of
from channels.contract import MEDIA, Profile
from triggers.facts import Facts
from triggers.workdays import calendar_of

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
HOME = ZoneInfo("Asia/Shanghai")
ZONED = ("hours", "cap", "arbitrate")
"""Gates that need the customer's zone, which `reachable` brings."""
VIEWS = ("customers", "policies", "claims", "events", "complaints", "alerts", "alert_cover", "products", "uplift")
Row = dict[str, Any]
Answer = tuple[str, str]
"""Verdict, reason."""


@dataclass
class World:
    """Moments in order of (customer, subject, occasion), and everything a gate may look at."""

    moments: list[Row] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    campaign: Row = field(default_factory=dict)
    policy: Row = field(default_factory=dict)
    medium: str = "sms"
    profile: Profile = field(default_factory=Profile)
    contacts: list[tuple[Any, ...]] = field(default_factory=list)
    """(customer, channel, purpose, campaign, moment, when)."""
    deliveries: dict[int, tuple[str, bool]] = field(default_factory=dict)
    spent: list[tuple[str, str, str, int, float]] = field(default_factory=list)
    prices: dict[str, float] = field(default_factory=dict)
    stakes: list[Row] = field(default_factory=list)
    classes: dict[str, int] = field(default_factory=dict)
    given: dict[int, Row] = field(default_factory=dict)
    """Columns other gates would have set, by moment."""

    def moment(self, customer: str, **columns: Any) -> Row:
        """Add a moment of a customer."""
        number = len(self.moments)
        row = {
            "moment_id": number, "customer_id": customer, "subject": f"policy:P{number:03}", "occasion": "2027-01-22", "step": "note",
            "due_at": NOW - timedelta(hours=1), "policy_id": f"P{number:03}", "claim_id": None, "event_id": None, "alert_id": None,
            "step_due_at": NOW - timedelta(hours=1), "standing": True,
        }  # fmt: skip
        self.moments.append(row | columns)
        return self.moments[-1]

    def customer(self, name: str, **columns: Any) -> str:
        """Add a customer once."""
        rows = self.tables.setdefault("customers", [])
        if all(row["customer_id"] != name for row in rows):
            rows.append({"customer_id": name, **columns})
        return name

    def add(self, view: str, **row: Any) -> None:
        """Add a row to a view."""
        self.tables.setdefault(view, []).append(row)

    def case(self) -> Case:
        """The case all moments share."""
        base = {
            "name": "own", "title": {"en": "Own"}, "purpose": "service",
            "trigger": {"kind": "date", "of": "policies.expiry_date", "offset": "-60d", "max_age": "20d"},
            "steps": [{"send": {"template": "note", "channels": [self.medium]}}],
        }  # fmt: skip
        campaign = Campaign.model_validate(base | self.campaign)
        stakes = (
            stakes_of(pd.DataFrame(self.stakes), self.classes) if self.stakes else Stakes(_no_stakes(), self.classes)
        )
        return Case(
            campaign=campaign, step=campaign.sends[-1], medium=MEDIA[self.medium], profile=self.profile,
            policy=ContactPolicy.model_validate(self.policy), now=NOW, timezone="Asia/Shanghai", path="steps[0]", calendar=calendar_of(""),
            prices=self.prices, spent=Spent.of(self.spent), stakes=stakes,
        )  # fmt: skip


def _no_stakes() -> pa.Table:
    return stakes_of(pd.DataFrame({n: [] for n in ("moment_id", *COLUMNS, "rivals", "channels")}), {}).table


class Counting:
    """A connection that counts its queries."""

    def __init__(self, db: Any) -> None:
        self.db, self.queries = db, 0

    def __getattr__(self, name: str) -> Any:
        if name in ("sql", "execute"):
            self.queries += 1
        return getattr(self.db, name)


def ask(name: str, world: World, facts: Facts, order: Sequence[int] | None = None) -> tuple[dict[int, Answer], int]:
    """What a gate says of each moment, laid out in any order, and how many queries that took."""
    cases = dict.fromkeys(range(len(world.moments)), 0)
    return ask_together(name, world, facts, {0: world.case()}, cases, order or range(len(world.moments)))


def ask_together(
    name: str, world: World, facts: Facts, heard: Mapping[int, Case], cases: Mapping[int, int], order: Sequence[int]
) -> tuple[dict[int, Answer], int]:
    """What a gate says of these moments of several cases at once; `cases` is the case of each moment."""
    gate = next(each for each in gates() if each.name == name)
    docket, db = Docket(heard), Counting(facts.db)
    lay(facts, world)
    rows = [world.moments[place] for place in order]
    kinds = {"moment_id": pa.int64(), "standing": pa.bool_()} | dict.fromkeys(
        ("due_at", "step_due_at"), pa.timestamp("us", "UTC")
    )
    batch = pa.table({n: pa.array([row[n] for row in rows], kinds.get(n, pa.string())) for n in BATCH})
    batch = batch.sort_by([(key, "ascending") for key in KEYS])
    passed = {row["moment_id"]: ("pass", "") for row in rows}
    few = docket.only(gate)
    if not few.cases:
        return passed, 0
    asking = [each for each in gates() if each.name in {name, "reachable" if name in ZONED else name}]
    numbers = [cases[number] for number in batch["moment_id"].to_pylist()]
    numbered = batch.append_column("case_number", pa.array(numbers, pa.int64()))
    table = beside(numbered, gather(db, docket, numbered, asking))
    table["person"], people = pd.factorize(table["customer_id"])
    contacts = contact_table([(*row[:5], int(row[5].timestamp())) for row in world.contacts])
    table = table.assign(**gate.recount(table, Contacts.of(people, contacts), few))
    table = table[table["case_number"].isin(list(few.cases))].reset_index(drop=True)
    if not len(table):
        return passed, db.queries
    for column in sorted({column for given in world.given.values() for column in given}):
        table[column] = [world.given[number].get(column) for number in table["moment_id"]]
    judgement = gate.judge(table, few)
    verdicts = [Verdict(value).status.replace("sent", "pass") for value in judgement.verdict]
    said = dict(zip(table["moment_id"], zip(verdicts, judgement.reason, strict=True), strict=True))
    return passed | said, db.queries


def lay(facts: Facts, world: World) -> None:
    """Put the rows into the views, and what the ledger knows into its tables."""
    for view in VIEWS:
        facts.db.execute(f"delete from {view}")
        if rows := world.tables.get(view):
            names = sorted({name for row in rows for name in row})
            facts.db.register("laid", pa.table({n: [row.get(n) for row in rows] for n in names}))
            facts.db.execute(f"insert into {view} by name select * from laid")
            facts.db.unregister("laid")
    fared = world.deliveries
    facts.db.register(
        "deliveries",
        pa.table(
            {
                "moment_id": pa.array(fared, pa.int64()),
                "state": pa.array([state for state, _ in fared.values()], pa.string()),
                "answered": pa.array([answered for _, answered in fared.values()], pa.bool_()),
            }
        ),
    )


def today(zone: ZoneInfo = HOME) -> date:
    """The local day of now."""
    return NOW.astimezone(zone).date()


def days_ago(number: float) -> datetime:
    """So many days before now."""
    return NOW - timedelta(days=number)


def rows_by(rows: Sequence[Mapping[str, Any]], key: str, value: Any) -> list[Mapping[str, Any]]:
    """The rows with this value."""
    return [row for row in rows if row.get(key) == value]
