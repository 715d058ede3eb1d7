"""Who was in a segment, or beyond a line, when Kairos last looked: what a trigger that remembers compares with."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds
from campaigns.scene import Scene
from triggers import memberships

if TYPE_CHECKING:
    import pyarrow as pa

    from triggers.facts import Facts

REMEMBERED = timedelta(days=3_660)
"""Whoever left longer ago than this is not looked at: beyond any delay and age a campaign has a use for."""
_ENTERED = """select customer_id, subject from members
                anti join (select * from memberships where left_at is null) using (customer_id, subject) order by all"""
_LEFT = """select customer_id, subject from memberships
             anti join members using (customer_id, subject) where left_at is null order by all"""


def remember(scene: Scene, campaign: Campaign, ledger: Ledger, among: Collection[str] | None = None) -> None:
    """Note who entered and who left since the last look, and lay the memberships out beside the facts.

    `among` says that the facts are those of these customers only: of others nothing is known, so none of them left.
    Nothing happens for triggers that do not remember.
    """
    if not campaign.trigger.remembers:
        return
    lay_out(scene.facts, campaign, ledger, among)
    members = _members(scene, campaign)
    scene.db.register("members", members)
    entered, left = (scene.db.execute(sql).fetchall() for sql in (_ENTERED, _LEFT))
    scene.db.unregister("members")
    name, now = campaign.name, seconds(scene.now)
    first = ledger.store.one("looked_at", key=f"members:{name}") is None
    with ledger.store.transaction():
        ledger.store.many("leave", [(now, name, *member) for member in left])
        ledger.store.many("enter", [(name, *member, now, int(first)) for member in entered])
        if among is None:
            ledger.store.run("look", {"key": f"members:{name}", "now": now})
    if entered or left:
        lay_out(scene.facts, campaign, ledger, among)


def lay_out(facts: Facts, campaign: Campaign, ledger: Ledger, among: Collection[str] | None = None) -> None:
    """Fill the table `memberships` with the campaign's as of the facts' instant, without those that ended too long ago."""
    if not campaign.trigger.remembers:
        return
    asked = {"campaign": campaign.name, "now": seconds(facts.now), "since": seconds(facts.now - REMEMBERED)}
    if among is None:
        rows = ledger.store.all("members_of", **asked)
    else:
        ledger.want(among)
        rows = ledger.store.all("members_of_wanted", **asked)
    memberships.remember(facts.db, _table(rows))


def _members(scene: Scene, campaign: Campaign) -> pa.Table:
    import pyarrow as pa

    from triggers.moments import batches_of

    now = scene.now.astimezone(ZoneInfo(scene.rules.timezone))
    query = campaign.trigger.members(scene.facts.columns, now)
    batches = list(batches_of(query, scene.facts))
    schema = pa.schema([("customer_id", pa.string()), ("subject", pa.string())])
    return pa.Table.from_batches(batches) if batches else schema.empty_table()


def _table(rows: list[tuple[str, str, int, int | None, int]]) -> pa.Table:
    import pyarrow as pa

    customers, subjects, entered, left, initial = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    at = pa.timestamp("s", "UTC")
    return pa.table(
        {
            "customer_id": pa.array(customers, pa.string()),
            "subject": pa.array(subjects, pa.string()),
            "entered_at": pa.array(entered, pa.int64()).cast(at),
            "left_at": pa.array(left, pa.int64()).cast(at),
            "initial": pa.array([bool(flag) for flag in initial], pa.bool_()),
        }
    )
