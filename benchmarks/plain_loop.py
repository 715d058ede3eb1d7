"""The peer of the nightly run: pandas rows, dictionaries, `for customer in customers`, Jinja2, SQLite.

Run as a program on a workspace of the demo insurer it prints one JSON object: seconds, moments, messages by campaign.
The clock starts before the libraries are imported, as it does in `kairos run`, which loads them when it needs them.
"""

from __future__ import annotations

from time import perf_counter

STARTED = perf_counter()

import argparse  # noqa: E402 - the clock comes first
import hashlib  # noqa: E402
import json  # noqa: E402
import sqlite3  # noqa: E402
from collections import Counter  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from datetime import datetime  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402
from zoneinfo import ZoneInfo  # noqa: E402

from jinja2 import Environment, FileSystemLoader, Template  # noqa: E402

from benchmarks.plain_campaigns import CAMPAIGNS, Night, Occasion, PlainCampaign  # noqa: E402
from benchmarks.plain_facts import Row, read_insurer  # noqa: E402
from benchmarks.plain_rules import Contacts, Plan, verdict  # noqa: E402
from templates.filters import filters  # noqa: E402
from templates.library import OWN  # noqa: E402

COMMIT_EVERY = 1_000
"""Messages a transaction: nobody who has seen SQLite sync the disk for each row commits them one by one."""
PARTS = {"sms": ("sms",), "push": ("push_title", "push"), "email": ("email_subject", "email"), "ai_outbound": ("call",)}
HEADINGS = ("push_title", "email_subject")
INSURER = {"phone": "95500", "site": "https://www.example.com", "currency": "CNY"}
NAMES = {"zh-CN": "示例保险", "en": "Example Mutual"}
SITE = "https://www.example.com"
LINKS = {
    "app": f"{SITE}/app",
    "renew": f"{SITE}/renew",
    "pay": f"{SITE}/pay",
    "upload": f"{SITE}/claims/upload",
    "claims_guide": f"{SITE}/claims/guide",
}
SCHEMA = """
create table moments (campaign text, customer_id text, subject text, occasion text, due_at integer, reason text,
                      unique (campaign, customer_id, subject, occasion));
create table messages (message_id text primary key, campaign text, customer_id text, subject text, medium text,
                       address text, locale text, parts text, not_before integer, not_after integer,
                       state text default 'reserved');
create index messages_contacts on messages (customer_id);
"""


class Words:
    """The template files of Kairos in plain Jinja2, with the same filters, each compiled once."""

    def __init__(self) -> None:
        self.templates: dict[tuple[str, str, bool], Template] = {}

    def parts(self, name: str, locale: str, channel: str, names: dict[str, Any]) -> dict[str, str]:
        """The words of one message."""
        return {part: self._part(name, locale, part, names) for part in PARTS[channel]}

    def _part(self, name: str, locale: str, part: str, names: dict[str, Any]) -> str:
        template = self._template(name, locale, part == "email")
        text = "".join(template.blocks[part](template.new_context(names)))
        return " ".join(text.split()) if part in HEADINGS else text.strip()

    def _template(self, name: str, locale: str, html: bool) -> Template:
        key = (name, locale, html)
        if key not in self.templates:
            made = Environment(
                autoescape=html, trim_blocks=True, lstrip_blocks=True, loader=FileSystemLoader(OWN / locale)
            )
            made.filters.update(filters(locale))
            made.tests["given"] = lambda value: value is not None and value != ""
            self.templates[key] = made.get_template(f"{name}.j2")
        return self.templates[key]


class Outbox:
    """The messages, under a unique key, in a file that survives a power cut."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(f"pragma journal_mode = wal; pragma synchronous = full; {SCHEMA} begin;")
        self.waiting = 0

    def note(self, campaign: PlainCampaign, customer: Row, occasion: Occasion, reason: str) -> bool:
        """Remember the occasion; False where it was known."""
        subject, name, due, _ = occasion
        values = (campaign.name, customer["customer_id"], subject, name, int(due.timestamp()), reason)
        return self.db.execute("insert or ignore into moments values (?, ?, ?, ?, ?, ?)", values).rowcount == 1

    def add(self, values: tuple[Any, ...]) -> None:
        """Write one message; every thousandth commits."""
        self.db.execute(
            "insert or ignore into messages (message_id, campaign, customer_id, subject, medium, address, locale, "
            "parts, not_before, not_after) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        self.waiting += 1
        if self.waiting == COMMIT_EVERY:
            self.commit()
            self.db.execute("begin")

    def commit(self) -> None:
        """Make durable what was written."""
        self.db.execute("commit")
        self.waiting = 0


@dataclass(frozen=True)
class Desk:
    """Where messages are written: words, outbox and the night they are for."""

    words: Words
    outbox: Outbox
    night: Night

    def send(self, campaign: PlainCampaign, customer: Row, occasion: Occasion, plan: Plan) -> None:
        """Render one message and put it into the outbox."""
        subject, name, _, rows = occasion
        channel, address, opens, closes = plan
        template, person = campaign.name.replace("-", "_"), customer["customer_id"]
        locale = "en" if (customer["locale"] or "").startswith("en") else "zh-CN"
        key = chr(31).join((campaign.name, person, subject, name, template, channel))
        message_id = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
        links = LINKS | {"survey": f"{SITE}/s/{message_id}"}
        insurer, today = INSURER | {"name": NAMES[locale]}, self.night.now.date()
        names = {**rows, "customer": customer, "insurer": insurer, "links": links, "today": today}
        written = json.dumps(self.words.parts(template, locale, channel, names), ensure_ascii=False)
        times = (int(opens.timestamp()), int(closes.timestamp()))
        self.outbox.add((message_id, campaign.name, person, subject, channel, address, locale, written, *times))


def run(workspace: Path, database: Path, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """One night of the plain loop: every customer, every campaign, every row."""
    night = Night(now.astimezone(zone), zone, read_insurer(workspace, now, zone))
    read = perf_counter()
    desk = Desk(Words(), Outbox(database), night)
    moments: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    for customer in night.insurer.customers:
        contacts = Contacts()
        for campaign, occasion in _occasions(customer, night):
            reason, plan = verdict(campaign, customer, occasion, night, contacts)
            if desk.outbox.note(campaign, customer, occasion, reason):
                moments[campaign.name] += 1
                if plan:
                    desk.send(campaign, customer, occasion, plan)
                    messages[campaign.name] += 1
    desk.outbox.commit()
    ended = perf_counter()
    seconds = {"facts": read - STARTED, "loop": ended - read, "total": ended - STARTED}
    return {
        "seconds": seconds,
        "customers": len(night.insurer.customers),
        "moments": dict(moments),
        "messages": dict(messages),
    }


def _occasions(customer: Row, night: Night) -> Iterator[tuple[PlainCampaign, Occasion]]:
    for campaign in CAMPAIGNS:
        for occasion in sorted(campaign.find(customer, night), key=lambda each: each[:2]):
            yield campaign, occasion


def main() -> None:
    """Read the arguments, run, print the JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("database", type=Path)
    parser.add_argument("--now", type=datetime.fromisoformat, required=True, help="instant of the run, with its offset")
    parser.add_argument("--timezone", type=ZoneInfo, default=ZoneInfo("Asia/Shanghai"))
    asked = parser.parse_args()
    print(json.dumps(run(asked.workspace, asked.database, asked.now, asked.timezone)))


if __name__ == "__main__":
    main()
