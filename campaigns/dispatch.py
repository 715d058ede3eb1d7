"""Handing the outbox over: intend, hand, write down; what nobody knows about is asked for, never blindly sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from campaigns.definition import Campaign
from campaigns.delivery import Delivery
from campaigns.ledger import Ledger
from campaigns.ledger.outbox import Outbox
from campaigns.policy import ContactPolicy
from campaigns.senders import Sender
from campaigns.turn import Progress
from campaigns.windows import home_zone, hours_for, next_window, zone_of
from channels.contract import Channel, Message, Refused, Result
from triggers.workdays import Calendar, calendar_of


@dataclass
class Handover:
    """What one call did, by channel and outcome; why a channel stopped early."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    cleared: dict[str, int] = field(default_factory=dict)
    reconciled: Counter[str] = field(default_factory=Counter)
    replanned: int = 0
    halted: dict[str, str] = field(default_factory=dict)
    """Channel or campaign -> why nothing more of it was handed over."""

    @property
    def halted_campaigns(self) -> list[str]:
        """Names in `halted`; a channel's name is never a campaign's (campaign files are checked for it)."""
        return sorted(self.halted)


@dataclass(frozen=True)
class Desk:
    """Everything the handing over needs. `now` is business time, `clock` the process's own for leases and retries."""

    ledger: Ledger
    channels: Mapping[str, Channel]
    campaigns: Sequence[Campaign]
    policy: ContactPolicy
    delivery: Delivery
    timezone: str
    now: datetime
    clock: Callable[[], datetime]
    sender: Sender
    calendar: Calendar | None = None
    """Working days; those of `policy.holidays` where None."""


async def dispatch(desk: Desk, progress: Progress = lambda _stage, _done, _total: None) -> Handover:
    """Hand over every message that is due. May be killed at any point and called again, by several processes at once."""
    outbox, report = Outbox(desk.ledger), Handover()
    for token in outbox.tokens():
        if desk.sender.is_dead(token):
            outbox.orphan(token)
    for medium, channel in desk.channels.items():
        await _reconcile(desk, outbox, medium, channel, report)
    report.cleared = outbox.clear(desk.now, desk.policy)
    report.replanned = _replan(desk, outbox)
    for medium, channel in desk.channels.items():
        await _hand(desk, outbox, medium, channel, report, progress)
        await _reconcile(desk, outbox, medium, channel, report)
    return report


async def _hand(
    desk: Desk, outbox: Outbox, medium: str, channel: Channel, report: Handover, progress: Progress
) -> None:
    done = 0
    while medium not in report.halted:
        batch = channel.profile.batch
        leased = outbox.lease(medium, desk.sender.token, desk.now, desk.clock(), batch, report.halted_campaigns)
        if not leased:
            return
        results = await channel.hand([message for message, _ in leased])
        settled = [(message, tries, result) for (message, tries), result in zip(leased, results, strict=True)]
        outbox.settle(settled, desk.sender.token, desk.clock(), desk.delivery.attempts)
        done += len(leased)
        progress(medium, done, done)
        for message, _, result in settled:
            _count(report, medium, message, result)


def _count(report: Handover, medium: str, message: Message, result: Result) -> None:
    report.outcomes[(medium, type(result).__name__.lower())] += 1
    if isinstance(result, Refused) and result.halt != "message":
        halted = medium if result.halt == "channel" else message.campaign
        report.halted[halted] = (
            f"{medium} refused {message.campaign}: {result.reason} ({result.code}) {result.detail}".strip()
        )


async def _reconcile(desk: Desk, outbox: Outbox, medium: str, channel: Channel, report: Handover) -> None:
    after = ""
    settled = desk.clock() - timedelta(seconds=desk.delivery.settle_seconds)
    while asked := outbox.unknown(medium, settled, after, channel.profile.batch):
        after = asked[-1][0].message_id
        findings = await channel.reconcile([message for message, _ in asked])
        told = [(message, token, finding) for (message, token), finding in zip(asked, findings, strict=True)]
        report.reconciled.update(outbox.reconcile(told, desk.clock()))
    outbox.give_up(medium, desk.delivery.reconcile_within.before(desk.clock()))


def _replan(desk: Desk, outbox: Outbox) -> int:
    """Messages that missed their hours get the next ones, by the same rules as at first; at night nothing goes out late."""
    campaigns = {campaign.name: campaign for campaign in desk.campaigns}
    calendar = desk.calendar or calendar_of(desk.policy.holidays)
    moved: list[tuple[datetime, datetime, str]] = []
    for row in outbox.missed(desk.now):
        campaign, channel = campaigns.get(row["campaign"]), desk.channels.get(row["medium"])
        if campaign is None or channel is None:
            continue
        home = home_zone(desk.timezone)
        zone = zone_of(row["timezone"]) if row["timezone"] else home
        rules = hours_for(desk.policy, campaign, channel.profile, known_zone=zone is not None)
        until = datetime.fromtimestamp(row["expires_at"], desk.now.tzinfo)
        window = next_window(desk.now, until, zone or home, rules, calendar)
        if window:
            moved.append((*window, row["message_id"]))
    return outbox.replan(moved)
