"""A tiny insurer and one turn over it, for the tests of campaigns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.policy import ContactPolicy
from campaigns.scene import Rules, Scene, Words
from campaigns.turn import Turn, take_turn
from channels.contract import MEDIA, Profile
from templates import Library
from triggers.testing import facts as facts_of

NOW = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
REMINDER: dict[str, Any] = {
    "name": "reminder",
    "title": {"en": "Reminder"},
    "purpose": "service",
    "trigger": {
        "kind": "date",
        "of": "policies.expiry_date",
        "offset": "-60d",
        "where": "status = 'active'",
        "max_age": "20d",
    },
    "steps": [{"send": {"template": "note", "channels": ["sms"]}}],
}
NOTE = """{% block sms %}Hello {{ customer.name }}, your cover ends soon.{% endblock %}
{% block push_title %}Soon{% endblock %}{% block push %}Hello {{ customer.name }}.{% endblock %}
{% block call %}Hello {{ customer.name }}.{% endblock %}
{% block task_title %}Call{% endblock %}{% block task %}Call {{ customer.name }}.{% endblock %}"""


@dataclass
class Insurer:
    """Facts as rows, and everything a turn needs beside them."""

    folder: Path
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    policy: ContactPolicy = field(default_factory=ContactPolicy)
    profile: Profile = field(default_factory=lambda: Profile(replies=True))
    campaigns: Sequence[Campaign] = ()
    do_not_contact: Any = None

    def customer(self, customer_id: str, **columns: Any) -> Insurer:
        """Add a customer with a phone."""
        number = 13800000000 + len(self.tables.get("customers", []))
        row = {"customer_id": customer_id, "name": f"N{customer_id}", "phone": str(number), "locale": "en"}
        self.tables.setdefault("customers", []).append(row | columns)
        return self

    def expiring(self, policy_id: str, customer_id: str, on: str = "2027-01-22", **columns: Any) -> Insurer:
        """Add an active policy; by default it ends 60 days after NOW."""
        row = {
            "policy_id": policy_id,
            "customer_id": customer_id,
            "product_id": "motor",
            "line": "motor",
            "status": "active",
            "effective_date": "2026-01-23",
            "expiry_date": on,
        }
        self.tables.setdefault("policies", []).append(row | columns)
        return self

    def add(self, view: str, **row: Any) -> Insurer:
        """Add a row to any view."""
        self.tables.setdefault(view, []).append(row)
        return self

    def words(self) -> Words:
        """The note template in English."""
        templates = self.folder / "templates" / "en"
        templates.mkdir(parents=True, exist_ok=True)
        (templates / "note.j2").write_text(NOTE, encoding="utf-8")
        return Words(Library([self.folder / "templates"], ["en"]), ["en"], {"insurer.name": "Mutual"})

    def rules(self) -> Rules:
        """The contact policy, one profile for all channels."""
        return Rules(
            self.policy, dict.fromkeys(MEDIA, self.profile), "Asia/Shanghai", do_not_contact=self.do_not_contact
        )

    def turn(self, ledger: Ledger, now: datetime = NOW, shelf: int = 1000, recommender: Any = None) -> Turn:
        """Run all campaigns once."""
        with facts_of(now, **self.tables) as facts:
            scene = Scene(facts, self.rules(), self.words(), recommender)
            return take_turn(scene, self.campaigns, ledger, shelf=shelf)


@pytest.fixture
def insurer(tmp_path: Path) -> Insurer:
    """An insurer without customers and with one campaign."""
    return Insurer(tmp_path, campaigns=[Campaign.model_validate(REMINDER)])


BOTH = {
    "test_ledger", "test_turn", "test_dispatch", "test_outbox_protocol", "test_live", "test_follow_ups", "test_forget",
    "test_optin", "test_consent", "test_backlog", "test_budgets", "test_caps", "test_arbitration", "test_lifecycle",
    "test_archive", "test_crew", "test_variants", "test_why", "test_live_edits", "test_deciding", "test_measure",
}  # fmt: skip
"""Modules about what the ledger does: their tests run on either database, the others on a file."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that uses a ledger is one on a file, and in some modules a second one on a PostgreSQL server."""
    if "place" in metafunc.fixturenames:
        both = metafunc.module.__name__.rpartition(".")[2] in BOTH
        metafunc.parametrize("place", ["sqlite", "postgres"] if both else ["sqlite"], indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where an empty ledger is: a file, then a database of a PostgreSQL server."""
    if request.param == "sqlite":
        return tmp_path / "ledger.db"
    made: str = request.getfixturevalue("databases")()
    return made


@pytest.fixture
def ledger(place: Path | str) -> Iterator[Ledger]:
    """An empty ledger, on either database."""
    with Ledger(place) as made:
        yield made


@pytest.fixture
def campaign() -> Callable[..., Campaign]:
    """Make a campaign from the reminder with some keys replaced."""

    def make(**changes: Any) -> Campaign:
        return Campaign.model_validate(REMINDER | changes)

    return make


@pytest.fixture
def now() -> datetime:
    """Ten in the morning in Shanghai."""
    return NOW


@pytest.fixture
def answers(ledger: Ledger) -> Callable[[], dict[str, str]]:
    """Per subject: the verdict, with the reason where it is not `sent`."""

    def read() -> dict[str, str]:
        rows = ledger.store.query(
            "select m.subject, m.customer_id, d.verdict, d.gate, d.reason from moments m join decisions d using (moment_id) order by d.step"
        )
        return {
            (subject if subject != "customer" else customer): verdict
            if verdict == "sent"
            else f"{verdict} {gate}.{reason}"
            for subject, customer, verdict, gate, reason in rows
        }

    return read


@pytest.fixture
def contents(ledger: Ledger) -> Callable[[], list[tuple[Any, ...]]]:
    """Everything a ledger says but for numbers given in passing: what two histories must agree on."""

    def read() -> list[tuple[Any, ...]]:
        return ledger.store.query(
            "select m.campaign, m.customer_id, m.subject, m.occasion, m.status, m.step, m.wake_at, d.step, d.verdict, d.gate, d.reason, d.trace, "
            "g.message_id, g.medium, g.parts, g.not_before, g.state from moments m left join decisions d using (moment_id) "
            "left join messages g on g.moment_id = d.moment_id and g.step = d.step order by 1, 2, 3, 4, 8"
        )

    return read
