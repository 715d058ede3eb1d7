"""Draft, reviewed, live, paused, ended: who may do what to a campaign, and what the ledger then says."""

from __future__ import annotations

import json
from datetime import timedelta
from time import sleep

import pytest

from campaigns.audit import entries, faults
from campaigns.check import check
from campaigns.errors import LedgerError
from campaigns.ledger import Ledger
from campaigns.ledger.outbox import Outbox
from campaigns.lifecycle import LifecycleError
from campaigns.register import Register
from campaigns.switch import Watch
from campaigns.versions import body_of, campaign_of, diff, text_of
from kairos.starter import write_starter
from kairos.workspace import Workspace

SOON = timedelta(minutes=1)


@pytest.fixture
def register(ledger):
    return Register(ledger)


@pytest.fixture
def live(register, campaign, now):
    """The reminder, written by ann, approved by bob, and run once."""
    register.propose(campaign(), now, "ann")
    register.approve("reminder", now, "bob", ())
    register.begin(["reminder"], now, "ann")
    return register


def acts(ledger):
    return [(entry.actor, entry.act, entry.campaign) for entry in entries(ledger)]


def test_a_campaign_goes_from_draft_to_reviewed_to_live_and_each_act_is_logged(register, ledger, campaign, now):
    assert register.propose(campaign(), now, "ann").state == "draft"
    reviewed = register.approve("reminder", now, "bob", ())
    assert (reviewed.state, reviewed.version, reviewed.proposed) == ("reviewed", campaign().version, "")
    register.begin(["reminder"], now, "cron")
    assert register.standing("reminder").state == "live"
    assert acts(ledger) == [
        ("ann", "publish", "reminder"),
        ("bob", "approve", "reminder"),
        ("cron", "begin", "reminder"),
    ]


def test_nobody_approves_what_they_wrote_also_not_when_another_person_publishes_it_again(register, campaign, now):
    register.propose(campaign(), now, "ann")
    with pytest.raises(LifecycleError, match="ann wrote this version"):
        register.approve("reminder", now, "ann", ())
    register.propose(campaign(holdout="5%"), now, "bob")
    register.propose(campaign(), now, "bob")
    for author in ("ann", "bob"):
        with pytest.raises(LifecycleError, match=f"{author} wrote this version"):
            register.approve("reminder", now, author, ())
    assert register.approve("reminder", now, "eve", ()).version == campaign().version


def test_only_those_named_approve_where_some_are_named(register, campaign, now):
    register.propose(campaign(), now, "ann")
    with pytest.raises(LifecycleError, match="eve is not among the approvers in kairos\\.yaml: bob"):
        register.approve("reminder", now, "eve", ("bob",))
    assert register.approve("reminder", now, "bob", ("bob",)).state == "reviewed"


def test_an_approval_is_for_the_version_that_was_read(register, campaign, now):
    read = register.propose(campaign(), now, "ann").proposed
    register.propose(campaign(holdout="5%"), now, "ann")
    with pytest.raises(LifecycleError, match="read the diff again"):
        register.approve("reminder", now, "bob", (), read)
    assert register.standing("reminder").version == ""


def test_an_edit_of_a_live_campaign_waits_while_the_old_version_runs(live, campaign, now):
    edited = campaign(holdout="5%")
    standing = live.propose(edited, now, "ann")
    assert (standing.state, standing.version, standing.proposed) == ("live", campaign().version, edited.version)
    lines = diff(live.body("reminder", standing.version), live.body("reminder", edited.version), ("a", "b"))
    assert [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")] == ["+holdout: 0.05"]


def test_a_campaign_approved_while_paused_stays_paused(live, campaign, now):
    live.pause("reminder", now, "ann")
    live.propose(campaign(holdout="5%"), now, "ann")
    assert live.approve("reminder", now, "bob", ()).state == "paused"
    assert live.resume("reminder", now, "ann").state == "live"


@pytest.mark.parametrize("act", ["resume", "approve"])
def test_what_cannot_be_done_says_so_and_changes_nothing(live, ledger, now, act):
    before = acts(ledger)
    with pytest.raises(LifecycleError):
        live.resume("reminder", now, "ann") if act == "resume" else live.approve("reminder", now, "bob", ())
    with pytest.raises(LifecycleError, match="no campaign 'remainder' was ever published; known: reminder"):
        live.pause("remainder", now, "ann")
    assert acts(ledger) == before


def test_a_stopped_campaign_never_comes_back_under_its_name(live, campaign, now):
    live.stop("reminder", now, "ann")
    for act in (
        lambda: live.propose(campaign(holdout="5%"), now, "ann"),
        lambda: live.resume("reminder", now, "ann"),
        lambda: live.stop("reminder", now, "ann"),
    ):
        with pytest.raises(LifecycleError):
            act()
    assert live.adopt([campaign()], now, "ann")["reminder"].state == "ended"


def test_a_rollback_goes_to_what_was_in_service_and_the_unchanged_file_does_not_undo_it(register, campaign, now):
    first, second, third = campaign(), campaign(holdout="5%"), campaign(holdout="6%")
    register.adopt([first], now, "ann")
    register.adopt([second], now + SOON, "ann")
    with pytest.raises(LifecycleError, match="was never approved"):
        register.roll_back("reminder", third.version, now, "ann")
    assert register.roll_back("reminder", first.version, now, "ann").version == first.version
    assert register.adopt([second], now, "cron")["reminder"].version == first.version
    assert register.adopt([third], now, "cron")["reminder"].version == third.version


def test_a_campaign_whose_file_went_away_ends_and_lives_again_with_it(register, campaign, now):
    register.adopt([campaign()], now, "ann")
    register.vanish(["reminder"], now, "cron")
    assert (register.standing("reminder").state, list(register.halts())) == ("ended", ["reminder"])
    assert register.adopt([campaign()], now, "ann")["reminder"].state == "live"
    assert register.halts() == {}


def outbox_states(ledger):
    return dict(ledger.store.query("select state || coalesce(' ' || code, ''), count(*) from messages group by 1"))


@pytest.fixture
def sent(insurer, live, ledger):
    """Three reserved messages of the live campaign."""
    for number in range(3):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
    insurer.turn(ledger)
    return Outbox(ledger)


def lease(outbox, now, limit=10):
    return len(outbox.lease("sms", "t", now, now, limit))


def test_nothing_of_a_paused_campaign_is_leased_until_it_is_resumed(sent, live, now):
    live.pause("reminder", now, "ann")
    assert lease(sent, now) == 0
    live.resume("reminder", now, "ann")
    assert lease(sent, now) == 3


def test_the_kill_switch_stops_every_lease_and_leaves_what_was_paused_paused(sent, live, now):
    assert lease(sent, now, 1) == 1
    live.pause("reminder", now, "ann")
    live.stop_all(now, "ann")
    live.stop_all(now, "ann")
    assert lease(sent, now) == 0
    live.resume_all(now, "ann")
    assert (lease(sent, now), live.standing("reminder").state) == (0, "paused")
    live.resume("reminder", now, "ann")
    assert lease(sent, now) == 2


def test_stopping_withdraws_what_waits_and_every_law_still_holds(sent, live, ledger, insurer, campaign, now):
    steps = [
        {"send": {"template": "note", "channels": ["sms"]}},
        {"wait": "7d"},
        {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
    ]
    insurer.campaigns = [campaign(steps=steps)]
    insurer.expiring("P9", "C0").customer("C4").expiring("P4", "C4", phone="x").turn(ledger)
    assert lease(sent, now, 1) == 1
    assert live.stop("reminder", now + SOON, "ann") == 4
    assert outbox_states(ledger) == {"handed": 1, "retracted stopped": 4}
    assert ledger.store.query("select count(*) from moments where wake_at is not null") == [(0,)]
    assert ledger.store.query("select status, count(*) from moments group by 1 order by 1") == [
        ("retracted", 4),
        ("sent", 1),
    ]
    assert [finding for finding in check(ledger) if not finding.holds] == []


def test_a_message_stopped_in_hand_is_no_attempt_and_waits(sent, live, ledger, now):
    from channels.contract import not_tried

    for _ in range(9):
        leased = sent.lease("sms", "t", now, now, 10)
        sent.settle([(message, tries, not_tried()) for message, tries in leased], "t", now - SOON, 5)
    assert outbox_states(ledger) == {"reserved stopped": 3}


def test_a_sender_that_cannot_read_the_switch_sends_nothing_and_says_why(ledger):
    class Unreadable:
        def __enter__(self):
            raise OSError("the disk is gone")

        def __exit__(self, *_):
            pass

    watch = Watch(Unreadable)
    with pytest.raises(LedgerError, match="could not be read: the disk is gone"), watch:
        assert watch.stopped("reminder")


def test_the_watch_sees_a_stop_and_its_end_while_it_looks(live, place, now):
    def seen(stopped):
        for _ in range(200):
            if watch.stopped("reminder") == stopped:
                return True
            sleep(0.05)
        return False

    with Watch(lambda: Ledger(place)) as watch:
        assert not watch.stopped("reminder")
        live.stop_all(now, "ann")
        assert seen(True)
        live.resume_all(now, "ann")
        assert seen(False)


# --- the audit log


def test_a_whole_log_has_no_faults(live, ledger):
    assert (len(list(entries(ledger))), faults(ledger)) == (3, [])


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("update audit set actor = 'eve' where seq = 2", "entry 2 (approve reminder): changed"),
        ("update audit set detail = '{' where seq = 2", "entry 2 (approve reminder): changed"),
        ("delete from audit where seq = 2", "entry 2 before entry 3 (begin reminder): removed"),
        ("delete from audit where seq = 3", "the end, after entry 2: removed or added"),
        ("update audit set seq = 9 where seq = 2; update audit set seq = 2 where seq = 3; update audit set seq = 3 where seq = 9",
         "entry 2 (begin reminder): does not follow the one before it"),
        ("delete from audit", "the end, after entry 0: removed or added"),
    ],
)  # fmt: skip
def test_what_was_changed_removed_or_moved_in_the_log_is_named(live, ledger, tampering, fault):
    with ledger.store.transaction():
        for statement in tampering.split("; "):
            ledger.store.query(statement)
    assert faults(ledger)[0] == fault
    assert [(f.law, f.first) for f in check(ledger) if not f.holds] == [("audit", fault)]


def test_an_act_and_its_entry_are_there_together_or_not_at_all(live, ledger, now, monkeypatch):
    def dies(*_):
        raise RuntimeError("the process dies here")

    monkeypatch.setattr("campaigns.register.record", dies)
    with pytest.raises(RuntimeError):
        live.pause("reminder", now, "ann")
    assert (live.standing("reminder").state, live.halts(), faults(ledger)) == ("live", {}, [])


# --- versions


def test_every_campaign_of_the_starter_reads_back_from_the_ledger_and_from_its_own_text(tmp_path):
    import yaml

    from campaigns.definition import Campaign

    write_starter(tmp_path / "w", demo=True)
    files, problems = Workspace(tmp_path / "w").campaigns()
    assert (len(files) > 10, problems) == (True, [])
    for file in files:
        body = body_of(file.campaign)
        assert campaign_of(body) == file.campaign
        assert campaign_of(body).version == file.campaign.version
        assert Campaign.model_validate(yaml.safe_load(text_of(body))).version == file.campaign.version
        assert json.loads(body)["name"] == file.campaign.name
