"""The register of campaigns: where each one stands, kept in the ledger; every act is one transaction with its audit entry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from campaigns import lifecycle
from campaigns.audit import record
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant, seconds
from campaigns.lifecycle import LifecycleError, Standing
from campaigns.versions import body_of

ALL = "*"
"""In the place of a campaign's name: everything."""


class Register:
    """The acts of people and of turns on campaigns. `by` is who does it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.store = ledger, ledger.store

    def standing(self, campaign: str) -> Standing | None:
        """Where a campaign stands; None where it was never published."""
        rows = self.store.rows("standing", campaign=campaign)
        return _standing(rows[0]) if rows else None

    def standings(self) -> dict[str, Standing]:
        """Where every campaign stands."""
        return {row["campaign"]: _standing(row) for row in self.store.rows("standings")}

    def listed(self) -> list[dict[str, Any]]:
        """Every standing with who changed it last, and when."""
        return [
            {**vars(_standing(row)), "changed_at": instant(row["changed_at"]).isoformat(), "by": row["changed_by"]}
            for row in self.store.rows("standings")
        ]

    def body(self, campaign: str, version: str) -> str:
        """What a version says. Raises LifecycleError where there is none such."""
        row = self.store.one("version", campaign=campaign, version=version)
        if row is None:
            known = ", ".join(each["version"] for each in self.versions(campaign)) or "none"
            raise LifecycleError(f"{campaign} has no version {version!r}; known: {known}")
        return str(row[0])

    def versions(self, campaign: str) -> list[dict[str, Any]]:
        """Every version, oldest first, with who wrote and who approved it."""
        rows = self.store.rows("versions", campaign=campaign)
        for row in rows:
            for name in ("published_at", "approved_at"):
                row[name] = instant(row[name]).isoformat() if row[name] is not None else None
        return rows

    def acts(self, campaign: str, limit: int = 20) -> list[dict[str, Any]]:
        """What was done about it, newest first."""
        rows = self.store.rows("audit_of", campaign=campaign, limit=limit)
        return [{**row, "at": instant(row["at"]).isoformat()} for row in rows]

    def halts(self) -> dict[str, str]:
        """Of whom nothing is handed over, and since when and by whom; `*` is everything."""
        rows = self.store.all("halts")
        return {name: f"stopped {instant(at).isoformat()} by {by}" for name, at, by in rows}

    def revision(self) -> int:
        """Grows with every act."""
        row = self.store.one("audit_last")
        return int(row[0]) if row else 0

    def propose(self, campaign: Campaign, now: datetime, by: str) -> Standing:
        """Put the campaign as it is up for approval."""
        with self._acting():
            self._keep(campaign, now, by)
            return self._act("publish", campaign.name, now, by, lambda it: lifecycle.propose(it, campaign.version, by))

    def approve(self, name: str, now: datetime, by: str, approvers: Collection[str], version: str = "") -> Standing:
        """Let the proposed version into service; where `version` is given it must be that one, as read in the diff."""
        with self._acting():
            before = self._known(name)
            if version and before.proposed and version != before.proposed:
                raise LifecycleError(
                    f"what waits of {name} is now {before.proposed}, not {version}; read the diff again"
                )
            authors = {before.proposed_by}
            if before.proposed:
                row = self.store.one("version", campaign=name, version=before.proposed)
                authors |= {row[2]} if row else set()
            after = self._act("approve", name, now, by, lambda it: lifecycle.approve(it, by, authors, approvers))
            self._approved(name, after.version, now, by)
            return after

    def adopt(self, campaigns: Iterable[Campaign], now: datetime, by: str) -> dict[str, Standing]:
        """Take what the files say into service, where nobody need approve it. Where they stand then, by name."""
        found: dict[str, Standing] = {}
        with self._acting():
            for campaign in campaigns:
                version = campaign.version
                before = self.standing(campaign.name) or Standing(campaign.name)
                after = found[campaign.name] = lifecycle.adopt(before, version)
                if after != before:
                    self._keep(campaign, now, by)
                    self._approved(campaign.name, version, now, by)
                    self._write("publish", before, after, now, by)
        return found

    def begin(self, names: Iterable[str], now: datetime, by: str) -> None:
        """A turn is about to run these."""
        with self._acting():
            for name in names:
                self._act("begin", name, now, by, lifecycle.begin)

    def vanish(self, names: Iterable[str], now: datetime, by: str) -> None:
        """The files of these are gone."""
        with self._acting():
            for name in names:
                self._act("file_gone", name, now, by, lifecycle.vanish)

    def pause(self, name: str, now: datetime, by: str) -> Standing:
        """Nothing is found, decided or handed over until it is resumed."""
        with self._acting():
            return self._act("pause", name, now, by, lifecycle.pause)

    def resume(self, name: str, now: datetime, by: str) -> Standing:
        """It goes on."""
        with self._acting():
            return self._act("resume", name, now, by, lifecycle.resume)

    def roll_back(self, name: str, version: str, now: datetime, by: str) -> Standing:
        """An earlier version is in service again."""
        with self._acting():
            served = {row["version"] for row in self.versions(name) if row["approved_at"] is not None}
            return self._act("rollback", name, now, by, lambda it: lifecycle.roll_back(it, version, served))

    def stop(self, name: str, now: datetime, by: str) -> int:
        """The end, for ever: what waits is withdrawn. The number of messages that were."""
        with self._acting():  # first of all nothing more leaves: to withdraw what waits may take a while
            self._known(name)
            self.store.run("halt", {"campaign": name, "at": seconds(now), "by": by})
        with self._acting():
            after = self._act("stop", name, now, by, lifecycle.stop)
            gone = self.store.run("stop_messages", {"campaign": name})
            self.store.run("stop_decisions", {"campaign": name, "at": seconds(now), "version": after.version})
            self.store.run("stop_moments", {"campaign": name})
        return gone

    def stop_all(self, now: datetime, by: str) -> None:
        """The kill switch: nothing of anything is handed over."""
        with self._acting():
            if self.store.run("halt", {"campaign": ALL, "at": seconds(now), "by": by}):
                record(self.ledger, now, by, "stop", ALL, {})

    def resume_all(self, now: datetime, by: str) -> None:
        """The kill switch is taken back; what was paused or stopped by itself stays so."""
        with self._acting():
            if self.store.run("go_on", {"campaign": ALL}):
                record(self.ledger, now, by, "resume", ALL, {})

    @contextmanager
    def _acting(self) -> Iterator[None]:
        """One act at a time: it is judged by where things stand, and the log goes on from its last entry."""
        with self.store.transaction():
            self.store.in_line("audit")
            yield

    def _act(self, act: str, name: str, now: datetime, by: str, made: Callable[[Standing], Standing]) -> Standing:
        before = Standing(name) if act == "publish" and self.standing(name) is None else self._known(name)
        after = made(before)
        if after != before:
            self._write(act, before, after, now, by)
        return after

    def _write(self, act: str, before: Standing, after: Standing, now: datetime, by: str) -> None:
        name = after.campaign
        changed = {"changed_at": seconds(now), "changed_by": by}
        self.store.run("stand", {**vars(after), "final": int(after.final), **changed})
        if after.silent:
            self.store.run("halt", {"campaign": name, "at": seconds(now), "by": by})
        else:
            self.store.run("go_on", {"campaign": name})
        detail = {key: value for key, value in vars(after).items() if value != vars(before)[key]}
        record(self.ledger, now, by, act, name, detail)

    def _keep(self, campaign: Campaign, now: datetime, by: str) -> None:
        said = {"campaign": campaign.name, "version": campaign.version, "body": body_of(campaign)}
        self.store.run("publish", {**said, "at": seconds(now), "by": by})

    def _approved(self, name: str, version: str, now: datetime, by: str) -> None:
        self.store.run("approve", {"campaign": name, "version": version, "at": seconds(now), "by": by})

    def _known(self, name: str) -> Standing:
        standing = self.standing(name)
        if standing is None:
            known = ", ".join(self.standings()) or "none"
            raise LifecycleError(f"no campaign {name!r} was ever published; known: {known}")
        return standing


def _standing(row: dict[str, Any]) -> Standing:
    kept = ("campaign", "state", "version", "proposed", "proposed_by", "declined")
    return Standing(**{name: row[name] for name in kept}, final=bool(row["final"]))
