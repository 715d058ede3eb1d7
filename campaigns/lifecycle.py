"""The life of a campaign: draft, reviewed, live, paused, ended; what each act makes of it, and when it may not be done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from campaigns.errors import CampaignError

State = Literal["draft", "reviewed", "live", "paused", "ended"]


class LifecycleError(CampaignError):
    """The campaign is not where this can be done; see `kairos campaigns list`."""


@dataclass(frozen=True)
class Standing:
    """Where a campaign stands.

    `version` is in service, `proposed` waits for an approval, `declined` was rolled back from: what the file says does
    not bring that one back. `final`: stopped by hand; one that ended because its file was gone lives again with it.
    """

    campaign: str
    state: State = "draft"
    version: str = ""
    proposed: str = ""
    proposed_by: str = ""
    declined: str = ""
    final: bool = False

    @property
    def runs(self) -> bool:
        """Whether a turn finds its moments and decides them."""
        return self.state in ("reviewed", "live")

    @property
    def silent(self) -> bool:
        """Whether nothing of it may be handed over."""
        return self.state in ("paused", "ended")


def propose(standing: Standing, version: str, by: str) -> Standing:
    """A version is put up for approval, in the place of one that waits already."""
    _not_over(standing)
    if version == standing.version:
        return replace(standing, proposed="", proposed_by="")
    return replace(standing, proposed=version, proposed_by=by)


def approve(standing: Standing, by: str, authors: Collection[str], approvers: Collection[str]) -> Standing:
    """Somebody else lets the proposed version into service; a paused campaign stays paused."""
    _not_over(standing)
    if not standing.proposed:
        raise LifecycleError(f"nothing of {standing.campaign} waits for an approval; see `kairos campaigns publish`")
    if by in authors:
        raise LifecycleError(f"{by} wrote this version of {standing.campaign}; somebody else must approve it")
    if approvers and by not in approvers:
        raise LifecycleError(f"{by} is not among the approvers in kairos.yaml: {', '.join(sorted(approvers))}")
    state: State = "reviewed" if standing.state == "draft" else standing.state
    return replace(standing, state=state, version=standing.proposed, proposed="", proposed_by="", declined="")


def adopt(standing: Standing, version: str) -> Standing:
    """Where nobody need approve, what the file says goes into service: a turn is about to run it."""
    if standing.final or (version in (standing.declined, standing.version) and standing.state in ("live", "paused")):
        return standing
    state: State = "paused" if standing.state == "paused" else "live"
    return replace(standing, state=state, version=version, proposed="", proposed_by="", declined="")


def begin(standing: Standing) -> Standing:
    """A turn is about to run it for the first time."""
    return replace(standing, state="live") if standing.state == "reviewed" else standing


def pause(standing: Standing) -> Standing:
    """Nothing is found, decided or sent until it is resumed."""
    if not standing.runs:
        raise LifecycleError(f"{standing.campaign} is {standing.state}; only what runs can be paused")
    return replace(standing, state="paused")


def resume(standing: Standing) -> Standing:
    """It goes on; what came due meanwhile follows the campaign's own rules for what is late."""
    if standing.state != "paused":
        raise LifecycleError(f"{standing.campaign} is {standing.state}; only what is paused can be resumed")
    return replace(standing, state="live")


def stop(standing: Standing) -> Standing:
    """The end, for ever."""
    _not_over(standing)
    return replace(standing, state="ended", proposed="", proposed_by="", final=True)


def vanish(standing: Standing) -> Standing:
    """Its file is gone: it ends, and lives again when the file comes back."""
    return replace(standing, state="ended") if standing.state != "ended" else standing


def roll_back(standing: Standing, version: str, served: Collection[str]) -> Standing:
    """An earlier version that was in service is so again."""
    _not_over(standing)
    if version not in served:
        known = ", ".join(sorted(served)) or "none"
        raise LifecycleError(f"version {version} of {standing.campaign} was never approved; those that were: {known}")
    if version == standing.version:
        raise LifecycleError(f"version {version} of {standing.campaign} is in service already")
    return replace(standing, version=version, declined=standing.version, proposed="", proposed_by="")


def _not_over(standing: Standing) -> None:
    if standing.final:
        raise LifecycleError(
            f"{standing.campaign} was stopped for good; begin it anew under another name, with a file of that name"
        )
