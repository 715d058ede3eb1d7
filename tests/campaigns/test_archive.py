"""What is finished and old leaves the ledger, and nothing that was ever decided is decided again."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from datetime import timedelta

import duckdb
import pyarrow.parquet as pq
import pytest

from campaigns import optin
from campaigns.archive import Shelf, archive, rehearse
from campaigns.archive_files import ArchiveFolder
from campaigns.archived_customer import ArchivedCustomer
from campaigns.audit import faults
from campaigns.check import check
from campaigns.errors import LedgerError
from campaigns.forget import forget
from campaigns.ledger import Ledger
from campaigns.ledger.copying import copy_ledger
from campaigns.ledger.outbox import Outbox
from campaigns.ledger.store import open_store
from campaigns.measure.report import campaign_report
from campaigns.measure.trial import trial_of
from campaigns.outcomes import record_outcomes
from campaigns.policy import ContactPolicy
from campaigns.pseudonyms import hashed, pseudonym
from campaigns.report import funnels
from campaigns.why import why
from channels.contract import Accepted, Receipt
from recommender.effect.plan import Plan
from triggers.testing import facts as facts_of

YEAR = timedelta(days=366)
SALT = "pepper"


def deliver(ledger, now):
    """Everything that is due goes, and arrives."""
    outbox = Outbox(ledger)
    leased = outbox.lease("sms", "T", now, now, 1000)
    outbox.settle([(each, 1, Accepted(f"SM{each.message_id[:12]}")) for each, _ in leased], "T", now, 5)
    for each, _ in leased:
        outbox.receive(Receipt(each.message_id, f"SM{each.message_id[:12]}", "delivered"), now)
    return len(leased)


def renewals(insurer, customers, now, years=(0, 1)):
    """Each customer has a policy that ends 60 days from now, one more for every year asked for."""
    for number in customers:
        insurer.customer(f"C{number}")
        for year in years:
            ends = (now + timedelta(days=60) + year * YEAR).date().isoformat()
            insurer.expiring(f"P{number}-{year}", f"C{number}", ends)


@pytest.fixture
def aged(insurer, ledger, campaign, now):
    """Forty customers were written to a year ago, most of them again today; some held out; one event reached the goal."""
    insurer.campaigns = [campaign(holdout="20%", goal={"event": "premium_paid", "within": "75d"})]
    insurer.policy = ContactPolicy(hash_salt=SALT, caps=[])
    renewals(insurer, range(40), now)
    insurer.turn(ledger)
    deliver(ledger, now)
    insurer.turn(ledger, now + YEAR)
    deliver(ledger, now + YEAR)
    return insurer


@pytest.fixture
def move(ledger, tmp_path, now):
    """Archive what was over a year after the first turn, less a month."""

    def run(size=7, folder="archive"):
        return archive(
            ledger, Shelf(tmp_path, tmp_path / folder), now + timedelta(days=330), now + YEAR, "ann", size=size
        )

    return run


def read(folder, table):
    """All rows of a table of the archive."""
    return [
        row for file in sorted(folder.glob(f"{table}/month=*/*.parquet")) for row in pq.read_table(file).to_pylist()
    ]


def rows(ledger, table):
    return ledger.store.query(f"select count(*) from {table}")[0][0]


def sound(ledger):
    broken = [finding for finding in check(ledger) if not finding.holds]
    return not broken and not faults(ledger) and all(funnel.conserved for funnel in funnels(ledger).values())


def test_what_is_old_and_over_moves_and_what_came_since_stays(aged, ledger, move, tmp_path):
    before = {table: rows(ledger, table) for table in ("moments", "decisions", "messages", "attempts", "receipts")}
    report = move()
    assert before["moments"] == 80
    assert report.rows["moments"] == report.months["2026-11"] == 40 - report.needed
    assert report.rows["messages"] == report.rows["attempts"] > 20
    assert report.rows["receipts"] >= report.rows["messages"]
    assert rows(ledger, "moments") == 80, "the key of a moment stays for ever"
    for table in ("messages", "attempts", "receipts"):
        assert rows(ledger, table) + len(read(tmp_path / "archive", table)) == before[table]
        assert len(read(tmp_path / "archive", table)) == report.rows[table]
    assert rows(ledger, "archived_messages") == report.rows["messages"]
    assert sound(ledger)


def test_a_file_says_everything_by_itself(aged, ledger, move, tmp_path):
    move()
    message = next(row for row in read(tmp_path / "archive", "messages") if row["customer_id"] == "C1")
    assert message["parts"] == '{"sms": "Hello NC1, your cover ends soon."}'
    assert message["reserved_at"].isoformat() == "2026-11-23T02:00:00+00:00"
    decision = next(row for row in read(tmp_path / "archive", "decisions") if row["moment_id"] == message["moment_id"])
    assert '"gate": "consent"' in decision["trace"]
    assert '"rule": ' in decision["trace"]


def test_nothing_is_sent_again_whoever_joins_late_or_publishes_anew(aged, ledger, move, now, campaign):
    move()
    again = campaign(
        title={"en": "Anew"},
        holdout="20%",
        trigger={
            **aged.campaigns[0].trigger.model_dump(mode="json", by_alias=True),
            "late": "fire",
            "max_age": "3650d",
        },
    )
    aged.campaigns = [again]
    messages = rows(ledger, "messages")
    for at in (now, now + YEAR, now + YEAR + timedelta(days=1)):
        aged.turn(ledger, at)
    assert rows(ledger, "moments") == 80
    assert rows(ledger, "messages") == messages
    assert sound(ledger)


def test_every_report_says_what_it_said_before(aged, ledger, move, now):
    the_campaign = aged.campaigns[0]
    for number in range(0, 40, 3):
        aged.add(
            "events",
            event_id=f"E{number}",
            customer_id=f"C{number}",
            type="premium_paid",
            occurred_at=f"{now + timedelta(days=20):%Y-%m-%dT%H:%M}",
            subject_id=f"P{number}-0",
        )
    with facts_of(now + timedelta(days=30), **aged.tables) as facts:
        record_outcomes(the_campaign, facts, ledger)

    def told():
        at = now + YEAR + timedelta(days=100)
        with duckdb.connect(":memory:") as db:
            report = campaign_report(ledger, trial_of(ledger, the_campaign, at, {"sms": 0.05}), db, Plan(), at)
        return report, {name: funnel.as_dict() for name, funnel in funnels(ledger).items()}

    before = told()
    assert before[0]["funnel"][0]["reached"] > 0
    move()
    assert told() == before


def test_the_last_word_to_an_address_stays_so_that_a_stop_finds_its_customer(aged, ledger, move, now, campaign):
    aged.customer("C99").expiring("P99", "C99", (now + timedelta(days=60)).date().isoformat())
    aged.campaigns = [campaign()]
    aged.turn(ledger)
    deliver(ledger, now)
    phone = "+86" + aged.tables["customers"][-1]["phone"]
    report = move()
    assert ledger.store.all("customers_at", address=phone) == [("C99",)]
    assert ledger.store.all("customers_at", address="+86" + aged.tables["customers"][1]["phone"]) == [("C1",)]
    assert report.needed >= 1


def test_what_waits_what_is_in_hand_and_what_nobody_knows_of_stays(insurer, ledger, now, tmp_path, campaign):
    insurer.campaigns = [
        campaign(
            steps=[
                {"send": {"template": "note", "channels": ["sms"]}},
                {"wait": "90d"},
                {"send": {"template": "note", "channels": ["sms"], "id": "again"}},
            ]
        )
    ]
    renewals(insurer, range(4), now, years=(0,))
    insurer.turn(ledger)
    late = now + timedelta(days=40)
    report = archive(ledger, Shelf(tmp_path, tmp_path / "archive"), late, late)
    assert (report.rows["moments"], report.open) == (0, 4)
    assert read(tmp_path / "archive", "moments") == []


def test_a_question_a_customer_may_still_answer_stays(aged, ledger, move, now):
    moment = ledger.store.query("select min(moment_id) from moments where customer_id = 'C1'")[0][0]
    asked = optin.Request("R1", "C1", "marketing", "sms", "v1")
    assert optin.ask(ledger, asked, "t" * 32, now, now + 2 * YEAR)
    with ledger.store.transaction():
        ledger.store.execute("update moments set event_id = 'consent:R1' where moment_id = ?", (moment,))
    move()
    kept = f"select archived_in is null from moments where moment_id = {moment}"
    assert ledger.store.query(kept)[0][0] in (1, True)
    assert optin.confirm(ledger, "t" * 32, now + YEAR, "clicked") == "confirmed"
    move()
    assert ledger.store.query(kept)[0][0] in (0, False)


def test_a_late_word_about_an_archived_message_still_counts(aged, ledger, move, now, tmp_path):
    move()
    message = next(row for row in read(tmp_path / "archive", "messages") if row["customer_id"] == "C1")
    outbox = Outbox(ledger)
    receipt = Receipt(message["message_id"], message["provider_id"], "failed", "21610", refusal=None)
    assert outbox.receive(receipt, now + YEAR) is False
    assert ledger.store.one("customer_of_message", message_id=message["message_id"]) == ("C1", "sms")
    assert sound(ledger)


def test_why_names_the_file(aged, ledger, move, now):
    move()
    with facts_of(now + YEAR, **aged.tables) as facts:
        (story,) = why("C1", aged.campaigns, facts, ledger, now + YEAR)
    old = story.moments[0]
    assert old["archive"].startswith("archive/*/*/")
    assert [message["state"] for message in old["messages"]] == ["delivered"]
    assert "parts" not in old["messages"][0]


def test_a_rehearsal_tells_the_same_and_moves_nothing(aged, ledger, move, now, tmp_path, contents):
    before = contents()
    report = rehearse(ledger, now + timedelta(days=330), now + YEAR, size=7)
    assert contents() == before
    assert not (tmp_path / "archive").exists()
    assert move().as_dict() == report.as_dict()
    assert move().rows == Counter()


def test_a_folder_takes_the_archive_of_one_ledger_alone(aged, ledger, move, now, tmp_path):
    move()
    with Ledger(tmp_path / "other.db") as other, pytest.raises(LedgerError, match="another ledger"):
        archive(other, Shelf(tmp_path, tmp_path / "archive"), now, now)


def test_a_ledger_moved_to_another_database_keeps_its_archive(aged, ledger, move, tmp_path):
    move()
    target = open_store(tmp_path / "copy.db")
    copy_ledger(ledger.store, target)
    target.close()
    with Ledger(tmp_path / "copy.db") as copied:
        assert sound(copied)
        assert ArchivedCustomer.of(copied, ["C1"], tmp_path).rows()["messages"]


# erasure


def whatever(folder):
    """Every byte of the rows of the archive."""
    tables = ("moments", "decisions", "messages", "attempts", "receipts")
    return repr([read(folder, table) for table in tables])


def test_an_erased_customer_leaves_the_archive_too_and_is_never_contacted_again(aged, ledger, move, now, tmp_path):
    move()
    counted = {name: funnel.as_dict() for name, funnel in funnels(ledger).items()}
    kept = len(read(tmp_path / "archive", "messages"))
    assert "'C1'" in whatever(tmp_path / "archive")
    erasure = forget(ledger, "C1", SALT, now + YEAR, home=tmp_path)
    assert erasure.done
    assert erasure.archived > 3
    left = whatever(tmp_path / "archive")
    assert [
        each for each in ("'C1'", "P1-0", "NC1,", "+86" + aged.tables["customers"][1]["phone"]) if each in left
    ] == []
    assert len(read(tmp_path / "archive", "messages")) == kept - 1
    assert {name: funnel.as_dict() for name, funnel in funnels(ledger).items()} == counted
    assert sound(ledger)
    phone = hashed(SALT, "+86" + aged.tables["customers"][1]["phone"])
    assert phone in {row[0] for row in ledger.store.all("do_not_contact")}


def test_an_address_only_the_archive_knows_is_never_written_to_again_either(aged, ledger, move, now, tmp_path):
    old = "+86" + aged.tables["customers"][1]["phone"]
    move()
    with ledger.store.transaction():  # the second year's message went to another number
        ledger.store.execute("update messages set address = '13999999999' where customer_id = 'C1'")
    assert ledger.store.all("customers_at", address=old) == []
    erasure = forget(ledger, "C1", SALT, now + YEAR, home=tmp_path)
    assert erasure.hashes["phone"] == 2
    assert hashed(SALT, old) in {row[0] for row in ledger.store.all("do_not_contact")}


def test_an_erasure_that_died_before_the_files_is_finished_by_the_next(aged, ledger, move, now, tmp_path, monkeypatch):
    move()

    class Died(BaseException):
        pass

    def die(*_):
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(ArchiveFolder, "drop", die)
        with pytest.raises(Died):
            forget(ledger, "C1", SALT, now + YEAR, home=tmp_path)
    assert "'C1'" in whatever(tmp_path / "archive")
    assert ledger.store.query("select count(*) from moments where customer_id = 'C1'") == [(0,)]
    assert forget(ledger, "C1", SALT, now + YEAR, home=tmp_path).archived > 0
    assert "'C1'" not in whatever(tmp_path / "archive")
    assert forget(ledger, "C1", SALT, now + YEAR, home=tmp_path).archived == 0


def test_an_erasure_waits_for_an_archive_that_is_not_where_it_was(aged, ledger, move, now, tmp_path):
    move()
    (tmp_path / "archive").rename(tmp_path / "vault")
    erasure = forget(ledger, "C1", SALT, now + YEAR, home=tmp_path)
    assert (erasure.done, erasure.unreached) == (False, [str(tmp_path / "archive")])
    assert ledger.store.query("select count(*) from moments where customer_id = 'C1'") == [(2,)]
    (tmp_path / "vault").rename(tmp_path / "archive")
    assert forget(ledger, "C1", SALT, now + YEAR, home=tmp_path).done


def test_an_erased_customer_who_is_archived_later_leaves_nothing_in_the_files(aged, ledger, move, now, tmp_path):
    forget(ledger, "C1", SALT, now + YEAR, home=tmp_path)
    move()
    left = whatever(tmp_path / "archive")
    assert "'C1'" not in left
    assert pseudonym(SALT, "C1") in left


# killed


def _archive_forever(place, home, before, now, ready):
    with Ledger(place) as ledger:
        ready.set()
        archive(ledger, Shelf(home, home / "archive"), before, now, "ann", size=3)


def everything(ledger, folder):
    """Each row by its key, and how often it is there in all."""
    asked = {
        "messages": "select message_id from messages",
        "receipts": "select message_id || status from receipts",
        "attempts": "select cast(attempt_id as text) from attempts",
        "decisions": "select cast(moment_id as text) || step from decisions where trace <> '[]'",
    }
    found = Counter()
    for table, sql in asked.items():
        found.update((table, key) for (key,) in ledger.store.query(sql))
        for row in read(folder, table):
            keys = {"messages": row.get("message_id"), "attempts": str(row.get("attempt_id"))}
            keys |= {
                "receipts": f"{row.get('message_id')}{row.get('status')}",
                "decisions": f"{row.get('moment_id')}{row.get('step')}",
            }
            found[table, keys[table]] += 1
    return found


def test_killed_at_any_point_nothing_is_lost_and_nothing_is_there_twice(aged, ledger, place, now, tmp_path):
    before, at = now + timedelta(days=330), now + YEAR
    folder = tmp_path / "archive"
    was = everything(ledger, folder)
    assert set(was.values()) == {1}
    context, chance, kills = multiprocessing.get_context("fork"), random.Random(4), 0
    for _ in range(60):
        ready = context.Event()
        process = context.Process(target=_archive_forever, args=(place, tmp_path, before, at, ready))
        process.start()
        assert ready.wait(60)
        process.join(chance.uniform(0.0, 0.12))
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
        now_there = everything(ledger, folder)
        assert {key for key, count in now_there.items() if count > 1} == set()
        if not process.exitcode:
            break
    archive(ledger, Shelf(tmp_path, folder), before, at, "ann", size=3)
    assert kills > 0
    assert everything(ledger, folder) == was
    assert list(folder.glob("*/month=*/.*")) == []
    assert sound(ledger)
    assert aged.turn(ledger, at).reserved == 0
