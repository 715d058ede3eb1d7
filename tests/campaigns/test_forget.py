"""Erasing a customer and telling them everything: nothing left behind, nothing left out, whatever tables there are."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from campaigns import inbox
from campaigns.audit import entries, faults
from campaigns.check import check
from campaigns.consents import Statement, tell
from campaigns.errors import CampaignError
from campaigns.forget import Known, forget
from campaigns.ledger import Ledger
from campaigns.ledger.outbox import Outbox
from campaigns.ledger.statements import statements
from campaigns.person import export, holdings
from campaigns.policy import ContactPolicy
from campaigns.pseudonyms import hashed, pseudonym
from channels.contract import Accepted, Receipt, Unknown
from triggers.arrivals import Arrived

SALT = "pepper"
PHONE, EMAIL, NAME = "13800000000", "zhu@example.com", "Zhu Geliang"
NUMBERS = ("integer", "bigint", "double precision")
ABOUT_A_PERSON = {"customer_id", "moment_id", "message_id"}
"""Columns that make a row one about a customer."""


def tables(ledger: Ledger) -> dict[str, dict[str, str]]:
    """Table -> column -> type, of the whole ledger."""
    asked = (
        "select column_name, data_type from information_schema.columns where table_schema = current_schema() and table_name = '{}'"
        if ledger.store.place.startswith("postgresql")
        else "select name, type from pragma_table_info('{}')"
    )
    return {name: dict(ledger.store.query(asked.format(name))) for name in ledger.store.tables()}


def dump(ledger: Ledger, *but: str) -> dict[str, list[str]]:
    """Every row of the ledger."""
    kept = [name for name in ledger.store.tables() if name not in but]
    return {name: sorted(map(repr, ledger.store.query(f"select * from {name}"))) for name in kept}


def personal(ledger: Ledger) -> set[str]:
    """Tables with rows about a customer."""
    return {name for name, columns in tables(ledger).items() if ABOUT_A_PERSON & set(columns)}


@pytest.fixture
def lived(insurer, ledger, campaign, now):
    """C1 with something in every table, and C2 beside; one message delivered, one reserved, a moment held."""
    insurer.policy = ContactPolicy(hash_salt=SALT, caps=[])
    insurer.campaigns = [
        campaign(),
        campaign(
            name="follow",
            steps=[
                {"send": {"template": "note", "channels": ["sms"]}},
                {"wait": "14d"},
                {"send": {"template": "note", "channels": ["push"], "id": "again"}},
            ],
        ),
    ]
    insurer.customer("C1", name=NAME, phone=PHONE, email=EMAIL).customer("C2", name="Sima Yi").expiring(
        "P1", "C1"
    ).expiring("P2", "C2")
    insurer.turn(ledger)
    outbox = Outbox(ledger)
    held = [message for message, _ in outbox.lease("sms", "T", now, now, 10, ["follow"])]
    outbox.settle([(message, 1, Accepted(f"SM-{message.customer_id}")) for message in held], "T", now, 5)
    for message in held:
        outbox.receive(Receipt(message.message_id, f"SM-{message.customer_id}", "delivered"), now)
    for customer in ("C1", "C2"):
        _fill(ledger, customer, now)
    return ledger


def _fill(ledger: Ledger, customer: str, now: Any) -> None:
    """A row in every table about a person that has none of this customer yet, those included that nobody thought of."""
    ledger.opt_out(customer, now, f"reply of {customer}", medium="push")
    name = NAME if customer == "C1" else "Sima Yi"
    tell(
        ledger,
        [
            Statement(
                f"call of {customer}", customer, "*", "ai_outbound", False, now, evidence=name, kind="call_refusal"
            )
        ],
    )
    row = {
        "customer_id": customer,
        "name": name,
        "phone": PHONE if customer == "C1" else "13800000001",
        "recorded_at": "2026-11-20T10:00:00+08:00",
    }
    claim = {
        "claim_id": f"K{customer}",
        "policy_id": "P1" if customer == "C1" else "P2",
        "status": "paid",
        "reported_at": "2026-11-20T10:00:00+08:00",
    }
    inbox.keep(ledger, [Arrived("customers", f"{customer} 1", row), Arrived("claims", f"K{customer}", claim)], now)
    moment = ledger.store.query(f"select min(moment_id) from moments where customer_id = '{customer}'")[0][0]
    message = ledger.store.query(f"select min(message_id) from messages where customer_id = '{customer}'")[0][0]
    keys = {"customer_id": customer, "moment_id": moment, "message_id": message}
    for table in personal(ledger) - {"moments", "decisions", "messages"}:
        columns = tables(ledger)[table]
        key = next(name for name in keys if name in columns)
        if not ledger.store.query(f"select count(*) from {table} where {key} = '{keys[key]}'")[0][0]:
            _row(ledger, table, columns, keys, customer)


def _row(ledger: Ledger, table: str, columns: dict[str, str], keys: dict[str, Any], customer: str) -> None:
    made = {
        name: keys.get(name, 1_700_000_000 if kind.lower() in NUMBERS else f"{table} {name} {customer}")
        for name, kind in columns.items()
        if not name.endswith("_id") or name in keys or kind.lower() not in NUMBERS
    }
    with ledger.store.transaction():
        marks = ", ".join("?" for _ in made)
        ledger.store.execute(f"insert into {table} ({', '.join(made)}) values ({marks})", tuple(made.values()))


def counts(ledger: Ledger) -> list[Any]:
    """What reports are made of."""
    return [ledger.store.all(name) for name in ("count_moments", "count_messages")] + [
        ledger.store.query(f"select count(*) from {table}") for table in sorted(personal(ledger))
    ]


def test_every_table_about_a_person_can_be_told_and_erased(ledger):
    missing = {
        f"{what}_{table}"
        for table in personal(ledger)
        for what in ("export", "erase")
        if f"{what}_{table}" not in statements()
    }
    assert missing == set(), "a table about a customer needs these statements, and `forget` must run the latter"


def test_an_export_holds_every_row_about_the_customer_and_nobody_elses(lived):
    told = holdings(lived, "C1")
    for table in personal(lived):
        columns, mine = tables(lived)[table], len(told[table])
        if "customer_id" in columns:
            sql = f"select count(*) from {table} where customer_id = 'C1'"
        elif "moment_id" in columns:
            sql = f"select count(*) from {table} where moment_id in (select moment_id from moments where customer_id = 'C1')"
        else:
            sql = f"select count(*) from {table} where message_id in (select message_id from messages where customer_id = 'C1')"
        assert mine == lived.store.query(sql)[0][0] > 0, table
    assert [row["view"] for row in told["inbox"]] == ["customers", "claims"]
    assert "Sima Yi" not in json.dumps(told, ensure_ascii=False)


def test_an_export_is_readable(lived):
    told = export(lived, "C1")
    assert told["messages"][0]["parts"] == {"sms": f"Hello {NAME}, your cover ends soon."}
    assert told["messages"][0]["reserved_at"] == "2026-11-23T02:00:00+00:00"
    assert told["inbox"][0]["body"]["name"] == NAME


def test_nothing_in_the_file_tells_who_it_was(lived, place, request, now):
    def everything():
        """Every byte of the ledger: the file with the log and index beside it, or the files of the server."""
        if isinstance(place, Path):
            return b"".join(file.read_bytes() for file in sorted(place.parent.glob(place.name + "*")))
        server = request.getfixturevalue("postgres")
        lived.store.query("checkpoint")
        ((folder,),) = lived.store.query("select pg_relation_filepath('messages')")
        return b"".join(file.read_bytes() for file in sorted((server.data / folder).parent.iterdir()) if file.is_file())

    told = holdings(lived, "C1")
    wanted = [PHONE, NAME, "SM-C1", "reply of C1", "call of C1", *(row["message_id"] for row in told["messages"])]
    before = everything()
    assert [each for each in wanted if each.encode() not in before] == []
    erasure = forget(lived, "C1", SALT, now, Known(phones=["+86" + PHONE], emails=[EMAIL]))
    assert erasure.done
    assert lived.store.scour()
    after = everything()
    assert [each for each in [*wanted, EMAIL, '"C1"', "KC1"] if each.encode() in after] == []
    assert b"Sima Yi" in after
    assert holdings(lived, "C1") == {table: [] for table in told}
    for table, columns in tables(lived).items():
        for name in columns:
            assert lived.store.query(
                f"select count(*) from {table} where cast(\"{name}\" as text) in ('C1', 'P1', 'policy:P1')"
            ) == [(0,)], (table, name)


def test_what_is_left_adds_up_to_what_was(lived, now):
    with lived.store.transaction():  # of moments nobody archived: real ones are erased in test_archive.py
        lived.store.execute("delete from archived_messages")
    before = counts(lived)
    statuses = dict(lived.store.query("select status, count(*) from moments group by 1"))
    forget(lived, "C1", SALT, now)
    after = counts(lived)
    moments, messages = 0, 1
    assert after[moments] == before[moments]
    assert sum(row[3] for row in after[messages]) == sum(row[3] for row in before[messages])
    assert after[2:] == before[2:]
    assert [finding for finding in check(lived) if not finding.holds] == []
    assert sum(dict(lived.store.query("select status, count(*) from moments group by 1")).values()) == sum(
        statuses.values()
    )


def test_a_moment_that_waits_and_a_message_that_is_reserved_come_to_nothing(lived, now):
    forget(lived, "C1", SALT, now)
    erased = pseudonym(SALT, "C1")
    assert lived.store.query(
        f"select count(*) from moments where customer_id = '{erased}' and wake_at is not null"
    ) == [(0,)]
    assert lived.store.query(f"select state, code from messages where customer_id = '{erased}' order by 1") == [
        ("delivered", ""),
        ("retracted", "erased"),
    ]
    assert lived.store.query("select count(*) from messages where customer_id = 'C2' and state = 'reserved'") == [(1,)]


def test_a_moment_never_decided_is_retracted_with_a_decision_that_says_why(insurer, ledger, campaign, now):
    insurer.policy = ContactPolicy(caps=[{"max": 0, "per": "1d"}])
    insurer.campaigns = [campaign(cap="hold")]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    with ledger.store.transaction():
        columns = "campaign, customer_id, subject, occasion, due_at, admitted_at, step, step_due_at, wake_at"
        ledger.store.execute(
            f"insert into moments ({columns}) values ('reminder', 'C1', 'policy:P9', '2027', 1, 1, '1', 1, 1)"
        )
    forget(ledger, "C1", SALT, now)
    told = "select m.status, d.verdict, d.gate, d.reason from moments m join decisions d using (moment_id)"
    assert ledger.store.query(told) == [("retracted", "retracted", "consent", "erased")] * 2
    assert [finding for finding in check(ledger) if not finding.holds] == []


def test_done_twice_it_changes_nothing(lived, now):
    forget(lived, "C1", SALT, now)
    before = dump(lived, "runs")
    again = forget(lived, "C1", SALT, now + timedelta(days=1))
    assert again.rows == {}
    assert dump(lived, "runs") == before


def test_a_death_half_way_leaves_the_customer_as_they_were(lived, now, monkeypatch):
    before = dump(lived)
    many = lived.store.many

    def dying(name, rows):
        if name == "erase_memberships":
            raise KeyboardInterrupt
        return many(name, rows)

    monkeypatch.setattr(lived.store, "many", dying)
    with pytest.raises(KeyboardInterrupt):
        forget(lived, "C1", SALT, now)
    assert dump(lived) == before


@pytest.mark.parametrize("lost", [False, True])
def test_it_waits_for_a_message_in_somebodys_hand(insurer, ledger, now, lost):
    insurer.customer("C1", name=NAME).expiring("P1", "C1").turn(ledger)
    outbox = Outbox(ledger)
    leased = outbox.lease("sms", "T", now, now, 1)
    if lost:
        outbox.settle([(leased[0][0], 1, Unknown())], "T", now, 5)
    before = dump(ledger)
    erasure = forget(ledger, "C1", SALT, now)
    assert (erasure.done, erasure.in_hand, erasure.rows) == (False, 1, {})
    assert dump(ledger) == before


def test_the_run_is_noted_without_a_word_about_who_it_was(lived, now):
    forget(lived, "C1", SALT, now)
    ((command, report),) = lived.store.query("select command, report from runs")
    assert command == "forget"
    assert json.loads(report)["pseudonym"] == pseudonym(SALT, "C1")
    assert not any(each in report for each in ("C1", PHONE, NAME, "P1"))


def test_the_audit_log_says_who_erased_somebody_and_not_whom(lived, now):
    forget(lived, "C1", SALT, now, by="anna")
    (entry,) = entries(lived)
    assert (entry.actor, entry.act, json.loads(entry.detail)["pseudonym"]) == ("anna", "forget", pseudonym(SALT, "C1"))
    assert not any(each in entry.detail for each in ("C1", PHONE, NAME, "P1"))
    assert faults(lived) == []


@pytest.mark.parametrize("columns", [{"phone": PHONE}, {"email": "Zhu@Example.com", "phone": "13811112222"}])
def test_whoever_comes_back_with_the_same_number_or_address_is_not_contacted(lived, insurer, answers, now, columns):
    forget(lived, "C1", SALT, now, Known(phones=["+86" + PHONE], emails=[EMAIL]))
    insurer.tables["customers"] = []
    insurer.tables["policies"] = []
    insurer.customer("C77", push_token="t", **columns).expiring("P77", "C77")
    insurer.turn(lived, now + timedelta(hours=1))
    assert answers()["policy:P77"] == "refused consent.do_not_contact"


def test_the_same_customer_imported_again_is_not_contacted(lived, insurer, answers, now):
    forget(lived, "C1", SALT, now)
    insurer.tables["customers"][0]["phone"] = "13899998888"
    insurer.turn(lived, now + timedelta(hours=1))
    assert answers()["policy:P1"] == "refused consent.do_not_contact"


def test_another_salt_is_noticed_before_anybody_is_contacted(lived, insurer, now):
    forget(lived, "C1", SALT, now)
    insurer.policy = ContactPolicy(hash_salt="another", caps=[])
    with pytest.raises(CampaignError, match="under another `hash_salt`"):
        insurer.turn(lived, now + timedelta(days=1))


def test_a_late_receipt_of_an_erased_customer_is_not_kept(lived, now):
    (message_id, *_), *_ = lived.store.query(
        "select message_id from messages where customer_id = 'C1' and state = 'delivered'"
    )
    forget(lived, "C1", SALT, now)
    assert not Outbox(lived).receive(Receipt(message_id, "SM-C1", "failed"), now)
    assert lived.store.query(f"select count(*) from receipts where message_id = '{message_id}'") == [(0,)]


def test_scouring_tells_when_somebody_is_in_the_way(lived, place, now, monkeypatch):
    forget(lived, "C1", SALT, now)
    if isinstance(place, Path):
        lived.store.execute("pragma busy_timeout = 50")
    monkeypatch.setattr("campaigns.ledger.postgres.SCOURING", "50ms")
    with Ledger(place) as other, other.store.snapshot():
        other.store.query("select count(*) from moments")
        assert not lived.store.scour()
    assert lived.store.scour()


def test_hashes_are_plain_sha256_of_salt_and_value():
    import hashlib

    assert hashed("s", "+8613800000000") == hashlib.sha256(b"s+8613800000000").hexdigest()
