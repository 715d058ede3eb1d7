"""What every adapter file offers: settings a workspace may write, the secrets it needs, how its channel is opened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from channels.contract import Channel, Profile
from channels.profiles import PROFILES

Publish = Callable[[str, bytes, str], Awaitable[None]]
"""Store a payload under a subject, once; (subject, payload, message id). On return it is durable.

Raises NotPublishedError or MaybePublishedError.
"""
Lookup = Callable[[str], Awaitable[bool]]
"""Is there something under this subject? Raises MaybePublishedError if nobody can say."""
Claimed = Callable[[Sequence[str]], Collection[str]]
"""Which of these provider ids belong to messages of ours already."""

Stopped = Callable[[str], bool]
"""Has somebody stopped this campaign, or everything? May be asked from any thread, before each message."""


class ChannelError(Exception):
    """Something about a channel is not as it must be; the message says what to do."""


class MissingSecretError(ChannelError):
    """An environment variable an adapter needs is not set."""


class NotPublishedError(ChannelError):
    """The queue certainly did not take it."""


class MaybePublishedError(ChannelError):
    """The queue may or may not have taken it: its answer was lost."""


def _nothing_stopped(_campaign: str) -> bool:
    return False


def _nothing_claimed(_provider_ids: Sequence[str]) -> Collection[str]:
    return ()


@dataclass(frozen=True)
class Ports:
    """What a channel gets from outside: the clock, the workspace's folder, the insurer's zone, the task queue."""

    now: Callable[[], datetime]
    folder: Path
    timezone: tzinfo = UTC
    publish: Publish | None = None
    lookup: Lookup | None = None
    claimed: Claimed = _nothing_claimed
    stopped: Stopped = _nothing_stopped


class AdapterSettings(BaseModel, ABC):
    """What a workspace writes under `channels:` for one medium. An adapter file derives one class from this."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    adapter: str
    profile: str = Field(
        default="", description=f"rules of the gateway, where they are not the adapter's own: {', '.join(PROFILES)}"
    )

    media: ClassVar[frozenset[str]]
    """Media this adapter can serve."""
    own_profile: ClassVar[str]
    """Name of the profile that holds unless the workspace names another."""

    @field_validator("profile")
    @classmethod
    def _known_profile(cls, name: str) -> str:
        if name and name not in PROFILES:
            raise ValueError(f"there is no gateway profile {name!r} | known: {', '.join(PROFILES)}")
        return name

    def profile_for(self, medium: str) -> Profile:
        """The rules words for this medium must keep. Rules of text messages do not concern other media."""
        profile = PROFILES[self.profile or self.own_profile]
        if medium == "sms" or profile.alphabet != "sms":
            return profile
        return Profile(batch=profile.batch, looks_up=profile.looks_up, hours=profile.hours, source=profile.source)

    def variables(self) -> tuple[str, ...]:
        """Names of the environment variables that must be set: secrets are never written into a file."""
        return ()

    def missing(self, env: Mapping[str, str]) -> list[str]:
        """Those of `variables` that are not set, in order."""
        return [name for name in self.variables() if not env.get(name)]

    def secret(self, env: Mapping[str, str], name: str) -> str:
        """The value of an environment variable. Raises MissingSecretError naming it."""
        if not env.get(name):
            raise MissingSecretError(
                f"the {self.adapter} channel needs the environment variable {name}: set it and try again"
            )
        return env[name]

    @abstractmethod
    def open(self, env: Mapping[str, str], ports: Ports) -> Channel:
        """Open the channel; nothing is sent yet. Raises ChannelError."""
