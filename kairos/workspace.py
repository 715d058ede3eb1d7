"""A workspace: a folder with kairos.yaml, sources.yaml, campaigns and templates, and what is opened from it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from campaigns.definition import Campaign
from campaigns.documents import Document, read_document, validate
from campaigns.ledger.store import is_postgres
from campaigns.policy import ContactPolicy
from campaigns.problems import Problem
from campaigns.scene import Rules, Scene, Words
from channels.contract import MEDIA
from kairos.calendars import calendar_in
from kairos.errors import KairosError, ProblemsFoundError
from kairos.settings import Settings
from templates import Library

if TYPE_CHECKING:
    import pyarrow as pa

    from campaigns.ledger import Ledger
    from channels.adapter import AdapterSettings
    from channels.contract import Profile
    from recommender import Recommender
    from triggers.facts import Facts
    from triggers.sources import Sources
    from triggers.workdays import Calendar

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CampaignFile:
    """A campaign with the document it was read from."""

    document: Document
    campaign: Campaign


class Workspace:
    """Opened once a command. Raises KairosError where the folder is no workspace, ProblemsFoundError where kairos.yaml is faulty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "kairos.yaml").is_file():
            raise KairosError(f"{folder} is no workspace: it has no kairos.yaml. Make one with `kairos init {folder}`")
        document = read_document(folder / "kairos.yaml", self.shown(folder / "kairos.yaml"))
        if isinstance(document, Problem):
            raise ProblemsFoundError([document])
        settings = validate(document, Settings)
        if isinstance(settings, list):
            raise ProblemsFoundError(settings)
        self.settings = settings
        self.document = document

    def shown(self, path: Path) -> str:
        """How messages name a file of the workspace: as one can open it from here."""
        return str(path)

    def campaign_files(self) -> list[Path]:
        """The files of campaigns, by name."""
        return sorted((self.folder / "campaigns").glob("*.y*ml"))

    def campaigns(self) -> tuple[list[CampaignFile], list[Problem]]:
        """Every campaign file that can be read, and what is wrong with the others."""
        found: list[CampaignFile] = []
        problems: list[Problem] = []
        for path in self.campaign_files():
            document = read_document(path, self.shown(path))
            if isinstance(document, Problem):
                problems.append(document)
                continue
            campaign = validate(document, Campaign)
            if isinstance(campaign, list):
                problems += campaign
            else:
                found.append(CampaignFile(document, campaign))
        return found, problems

    def sources(self) -> Sources:
        """Where the facts come from. Raises SourceError."""
        from triggers import read_sources

        return read_sources(self.folder / "sources.yaml")

    def library(self) -> Library:
        """The templates: the workspace's own first."""
        return Library([self.folder / "templates"], self.settings.locales)

    def words(self) -> Words:
        """What messages are made of."""
        settings = self.settings
        name = settings.insurer if isinstance(settings.insurer, str) else next(iter(settings.insurer.values()))
        constants: dict[str, object] = {
            "insurer.name": settings.insurer,
            "insurer.phone": settings.phone,
            "insurer.site": settings.site,
            "insurer.currency": settings.currency,
        }
        return Words(self.library(), settings.locales, constants, settings.links, settings.signature or str(name))

    def policy(self) -> ContactPolicy:
        """The contact policy part of the settings. Raises ProblemsFoundError where the environment lacks `hash_salt`."""
        fields = set(ContactPolicy.model_fields)
        said = {name: value for name, value in self.settings if name in fields}
        return ContactPolicy.model_validate(said | {"hash_salt": self._secret("hash_salt", self.settings.hash_salt)})

    def _secret(self, name: str, written: str) -> str:
        self._need(name, os.path.expandvars(written))
        return os.path.expandvars(written)

    def _need(self, name: str, filled: str) -> None:
        """Raises ProblemsFoundError where a variable was left in a filled text; says the variable, not the text."""
        if missing := re.findall(r"\$\{\w+\}", filled):
            message = f"the environment has no value for {missing[0]}"
            raise ProblemsFoundError([self.document.problem((name,), message, "set it, then run again")])

    @property
    def do_not_contact(self) -> pa.Table | None:
        """The insurer's own list of whom not to contact, hashed, as it is now; None where there is none. Raises ProblemsFoundError."""
        if not self.settings.do_not_contact:
            return None
        from kairos.contactlist import read_list

        path = self.folder / self.settings.do_not_contact
        return read_list(path, self.policy().salt_of_hashes, self.settings.phone_region)

    @cached_property
    def calendar(self) -> Calendar:
        """The working days: the insurer's own file over the holidays of the country. Raises ProblemsFoundError."""
        return calendar_in(self.folder, self.settings, self.document)

    @property
    def dialling_code(self) -> str:
        """The country code of the insurer's phone numbers, as they begin."""
        from phonenumbers import country_code_for_region

        return f"+{country_code_for_region(self.settings.phone_region)}"

    def rules(self, profiles: Mapping[str, Profile]) -> Rules:
        """What decides besides facts and history."""
        return Rules(
            self.policy(), profiles, self.settings.timezone, self.calendar, self.do_not_contact, self.settings.prices
        )

    def scene(self, facts: Facts) -> Scene:
        """Everything decisions are made from."""
        return Scene(facts, self.rules(self.profiles()), self.words(), self.recommender())

    @property
    def state(self) -> Path:
        """Folder for what Kairos keeps for itself: working copies, locks."""
        folder = self.folder / ".kairos"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def models(self) -> Path:
        """Folder of the fitted models."""
        return self.folder / "models"

    @property
    def uplift_models(self) -> Path:
        """Folder of the fitted uplift models, one folder a name."""
        return self.models / "uplift"

    def ledger(self) -> Ledger:
        """The ledger, made where there is none."""
        from campaigns.ledger import Ledger

        return Ledger(self.ledger_place)

    @property
    def ledger_place(self) -> Path | str:
        """The ledger's file, or the address of its database. Raises ProblemsFoundError where the environment lacks a part of it."""
        return self.place_of(self.settings.ledger)

    def place_of(self, ledger: str) -> Path | str:
        """The file or the address that the URL of a ledger means here, with the variables it names filled in."""
        if is_postgres(ledger):
            values = {name: quote(value, safe="") for name, value in os.environ.items()}
            filled = re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], found[0]), ledger)
            self._need("ledger", filled)
            return filled
        return self.folder / ledger.removeprefix("sqlite:///")

    def facts(self, now: datetime, progress: Progress | None = None, *, versions: bool = False) -> Facts:
        """The checked facts as known at `now`: the sources, and what has arrived by itself since.

        `versions` keeps what later records took the place of, for asking about earlier days.
        """
        facts = self.facts_alone(now, progress, versions=versions)
        place = self.ledger_place
        if isinstance(place, str) or place.is_file():
            from campaigns.live import catch_up

            with self.ledger() as ledger:
                catch_up(facts, ledger, now)
        return facts

    def facts_alone(self, now: datetime, progress: Progress | None = None, *, versions: bool = False) -> Facts:
        """The checked facts of the sources as known at `now`, without what arrived by itself."""
        from triggers import open_facts

        return open_facts(
            self.sources(),
            now,
            timezone=self.settings.timezone,
            default_phone_region=self.settings.phone_region,
            folder=self.state,
            progress=progress,
            calendar=self.calendar,
            versions=versions,
            engine=self.settings.engine,
        )

    def fingerprint(self) -> tuple[tuple[str, int, int], ...]:
        """Name, size and time of change of every file that settings, campaigns, words, models and facts come from."""
        own = [
            path
            for pattern in ("*.yaml", "campaigns/*.y*ml", "templates/**/*.j2", "models/current")
            for path in self.folder.glob(pattern)
        ]
        listed = [self.folder / self.settings.do_not_contact] if self.settings.do_not_contact else []
        files = sorted({*own, *listed, *self.sources().files})
        return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file())

    def recommender(self) -> Recommender | None:
        """The model in service, None where none was ever fitted."""
        from recommender import NoModelError, load

        try:
            return load(self.models)
        except NoModelError:
            return None

    def instant(self, text: str | None, clock: Callable[[], datetime]) -> datetime:
        """The instant meant by --as-of: a date (at `run_at`), a date and time, or the clock where nothing is said."""
        zone = ZoneInfo(self.settings.timezone)
        if text is None:
            return clock().astimezone(zone)
        try:
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
                return datetime.combine(date.fromisoformat(text), time.fromisoformat(self.settings.run_at), zone)
            said = datetime.fromisoformat(text)
        except ValueError as error:
            raise KairosError(f"{text!r} is no date; write 2026-11-23 or 2026-11-23T10:00") from error
        return said.astimezone(zone) if said.tzinfo else said.replace(tzinfo=zone)

    def adapters(self) -> dict[str, AdapterSettings]:
        """The settings of each channel's adapter, checked. Raises ProblemsFoundError."""
        from channels import read_adapter

        chosen: dict[str, AdapterSettings] = {}
        problems: list[Problem] = []
        for medium in MEDIA:
            try:
                chosen[medium] = read_adapter(medium, self.settings.channels[medium])
            except ValueError as error:
                message, _, hint = str(error).partition(" | ")
                problems.append(self.document.problem(("channels", medium), message, hint))
        if problems:
            raise ProblemsFoundError(problems)
        return chosen

    def profiles(self) -> dict[str, Profile]:
        """What each channel's gateway takes."""
        return {medium: adapter.profile_for(medium) for medium, adapter in self.adapters().items()}
