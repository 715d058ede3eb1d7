"""The ledger's own laws: its check finds whatever breaks them, its file refuses what it cannot keep."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from campaigns.check import LAWS, check
from campaigns.errors import LedgerError
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant, seconds
from campaigns.ledger.statements import migrations, statements

BREAKS = {
    "conservation": "update moments set status = 'lost' where moment_id = 1",
    "decided": "delete from decisions where moment_id = 1",
    "pending_wakes": "update moments set status = 'pending', wake_at = null where moment_id = 1",
    "send_has_message": "delete from messages where moment_id = 1",
    "message_has_decision": "update decisions set verdict = 'refused' where moment_id = 1",
    "one_message": "insert into messages select 'x', moment_id, campaign, customer_id, step, 'push', purpose, locale, template, address, parts, offers, timezone, not_before, not_after, expires_at, reserved_at, state, token, handed_at, retry_at, provider_id, code, attempts, due_at, priority from messages where moment_id = 1",
    "held_out_silent": "update moments set status = 'held_out' where moment_id = 1",
    "traced": 'update decisions set trace = \'[["nowhere","",[]]]\' where moment_id = 1',
    "window": "update messages set not_after = not_before where moment_id = 1",
    "in_hand": "update messages set state = 'handed', token = null where moment_id = 1",
    "accepted_once": "insert into attempts (message_id, token, at, outcome) select message_id, 't', 1, 'accepted' from messages where moment_id = 1 union all select message_id, 'u', 2, 'accepted' from messages where moment_id = 1",
}


@pytest.fixture
def kept(insurer, ledger):
    """A ledger with two messages."""
    insurer.customer("C1").customer("C2").expiring("P1", "C1").expiring("P2", "C2").turn(ledger)
    return ledger


def test_a_sound_ledger_breaks_no_law(kept):
    assert [finding.law for finding in check(kept) if not finding.holds] == []
    assert len(check(kept)) == len(LAWS) + 2


@pytest.mark.parametrize("law", BREAKS)
def test_the_check_finds_what_breaks_a_law(kept, law):
    kept.store.execute(BREAKS[law])
    broken = {finding.law: finding for finding in check(kept) if not finding.holds}
    assert broken[law].broken == 1


def test_the_unique_key_cannot_be_broken(kept):
    with pytest.raises(LedgerError, match=r"(?i)unique constraint"):
        kept.store.execute(
            "insert into moments (campaign, customer_id, subject, occasion, due_at, admitted_at, step, step_due_at) select campaign, customer_id, subject, occasion, 1, 1, 'x', 1 from moments"
        )


def test_the_seconds_of_the_ledger_are_those_of_the_world():
    assert seconds(datetime(1970, 1, 2, tzinfo=UTC)) == 86_400
    assert instant(86_400) == datetime(1970, 1, 2, tzinfo=UTC)
    with pytest.raises(ValueError, match="no time zone"):
        seconds(datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_file_that_is_no_ledger_is_refused_with_a_cure(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(LedgerError, match="restore a backup"):
        Ledger(tmp_path / "ledger.db")


def test_a_new_ledger_is_readable_by_its_owner_alone(tmp_path):
    with Ledger(tmp_path / "ledger.db"):
        assert (tmp_path / "ledger.db").stat().st_mode & 0o077 == 0


def test_a_ledger_where_nothing_can_be_written_is_refused_with_the_reason(tmp_path):
    with pytest.raises(LedgerError, match="cannot be made: No such file or directory"):
        Ledger(tmp_path / "nowhere" / "ledger.db")


def test_a_ledger_of_another_version_is_refused(place):
    with Ledger(place) as ledger:
        ledger.store.execute("update meta set value = '99'")
    with pytest.raises(LedgerError, match="version 99"):
        Ledger(place)


def test_a_ledger_of_an_older_version_is_brought_up_to_date_and_keeps_what_it_holds(place, monkeypatch):
    with Ledger(place) as ledger:
        ledger.opt_out("C1", datetime(2026, 11, 1, tzinfo=UTC), "test")
    newest = max(migrations())
    more = {**migrations(), newest + 1: ("create table later (x integer)", "insert into later values (7)")}
    for module in ("sqlite", "dialect"):
        monkeypatch.setattr(f"campaigns.ledger.{module}.migrations", lambda: more)
    with Ledger(place) as ledger:
        assert ledger.store.query("select x, (select count(*) from opt_outs) from later") == [(7, 1)]
        assert ledger.store.query("select value from meta where key = 'schema'") == [(str(newest + 1),)]


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(place, monkeypatch):
    Ledger(place).close()
    broken = {
        **migrations(),
        max(migrations()) + 1: ("create table later (x integer)", "insert into nowhere values (7)"),
    }
    with monkeypatch.context() as patch, pytest.raises(LedgerError, match="nowhere"):
        for module in ("sqlite", "dialect"):
            patch.setattr(f"campaigns.ledger.{module}.migrations", lambda: broken)
        Ledger(place)
    with Ledger(place) as ledger:
        assert "later" not in ledger.store.tables()


def test_a_failed_transaction_leaves_nothing_behind(kept):
    with pytest.raises(RuntimeError), kept.store.transaction():
        kept.store.run("opt_out", {"customer_id": "C1", "purpose": "*", "medium": "*", "at": 1, "source": "x"})
        raise RuntimeError
    assert kept.store.query("select count(*) from opt_outs") == [(0,)]


def test_commits_are_durable(ledger, place):
    if isinstance(place, str):
        assert ledger.store.query("select current_setting('synchronous_commit')") == [("on",)]
        return
    assert ledger.store.query("pragma journal_mode") == [("wal",)]
    assert ledger.store.query("pragma synchronous") == [(2,)]


def test_what_is_deleted_from_a_file_is_overwritten(tmp_path):
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.store.query("pragma secure_delete") == [(1,)]


def test_every_statement_is_named_once_and_compiles(ledger):
    for name, sql in statements().items():
        placeholders = sql.count("?")
        values = (None,) * placeholders if placeholders else dict.fromkeys(re.findall(r":(\w+)", sql), "1")
        ledger.store.execute(f"explain {sql}", values)
        assert name.islower()


def test_what_is_asked_about_some_customers_is_looked_up_and_never_read_through(tmp_path):
    asked = {name: sql for name, sql in statements().items() if "from temp.wanted w" in sql}
    with Ledger(tmp_path / "ledger.db") as ledger:
        for name, sql in asked.items():
            values = dict.fromkeys(re.findall(r"(?<!:):(\w+)", sql), 0)
            plan = [row[-1] for row in ledger.store.execute(f"explain query plan {sql}", values).fetchall()]
            assert [
                step for step in plan if step.startswith("SCAN") and step != "SCAN w" and "VIRTUAL TABLE" not in step
            ] == [], name
    assert len(asked) >= 6
