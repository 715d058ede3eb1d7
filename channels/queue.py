"""Tasks on a queue: calls for an AI outbound platform, follow-ups for agents. The broker is a port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, ValidationError

from channels.adapter import (
    AdapterSettings,
    ChannelError,
    Lookup,
    MaybePublishedError,
    NotPublishedError,
    Ports,
    Publish,
)
from channels.contract import Absent, Accepted, Finding, Message, Profile, Refused, Result, RetryLater, Unknown
from channels.pace import Pace
from channels.tasks import AgentTask, CallTask

PREFIX = "kairos.tasks"


def subject(message: Message) -> str:
    """The subject of a message's task: one for each, so that the queue can be asked for it."""
    return f"{PREFIX}.{message.medium}.{quote(message.message_id, safe='').replace('.', '%2E')}"


class QueueSettings(AdapterSettings):
    """Put tasks for calls or agents on the task queue."""

    adapter: Literal["queue"] = "queue"
    scripts: dict[str, str] = Field(
        default_factory=dict,
        description="template name -> script id of the outbound platform; the template's name where absent",
        examples=[{"motor_renewal_call": "script-117"}],
    )
    max_attempts: int = Field(default=1, ge=1, le=3, description="calls at most for one task")
    min_interval: int = Field(default=3600, ge=600, le=86_400, description="seconds between two attempts")
    timeout: float = Field(default=10.0, gt=0, le=50, description="seconds to wait for the queue's answer")
    concurrency: int = Field(default=64, ge=1, le=1000, description="tasks put side by side")

    media: ClassVar[frozenset[str]] = frozenset({"ai_outbound", "agent_task"})
    own_profile: ClassVar[str] = "queue"

    def open(self, env: Mapping[str, str], ports: Ports) -> QueueChannel:
        """Open the channel. Raises ChannelError where the application gave it no queue."""
        if ports.publish is None or ports.lookup is None:
            raise ChannelError("the queue channel needs a running task queue: none was given")
        return QueueChannel(self, ports, ports.publish, ports.lookup)


class QueueChannel:
    """A task is accepted once the queue says it is on disk; its subject tells later whether it is."""

    def __init__(self, settings: QueueSettings, ports: Ports, publish: Publish, lookup: Lookup) -> None:
        self.profile: Profile = settings.profile_for("ai_outbound")
        self._settings, self._ports, self._publish, self._lookup = settings, ports, publish, lookup
        self._pace = Pace(self.profile, settings.concurrency, settings.timeout, ports.stopped)

    async def hand(self, messages: Sequence[Message]) -> list[Result]:
        """Put each task on the queue once."""
        return await self._pace.each(messages, self._put)

    async def reconcile(self, messages: Sequence[Message]) -> list[Finding]:
        """Is there a task under each message's subject?"""
        return [await self._find(message) for message in messages]

    async def close(self) -> None:
        """The queue belongs to the application."""

    async def _put(self, message: Message) -> Result:
        if message.expires_at <= self._ports.now():
            return Refused("expired", "expired", "too late to be done")
        try:
            task = self.task(message)
        except ValidationError as error:
            return _refused(error)
        try:
            await self._publish(subject(message), task.model_dump_json().encode(), message.message_id)
        except NotPublishedError as error:
            return RetryLater(timedelta(seconds=30), "no_queue", str(error))
        except MaybePublishedError as error:
            return Unknown(str(error))
        return Accepted(subject(message))

    async def _find(self, message: Message) -> Finding:
        try:
            found = await self._lookup(subject(message))
        except MaybePublishedError as error:
            return Unknown(str(error))
        return Accepted(subject(message)) if found else Absent()

    def task(self, message: Message) -> CallTask | AgentTask:
        """The task a message is. Raises pydantic's ValidationError, where the phone number is none."""
        said = {
            "job_id": message.message_id,
            "dedup_key": message.message_id,
            "campaign": message.campaign,
            "purpose": message.purpose,
            "customer_id": message.customer_id,
            "locale": message.locale,
            "variables": dict(message.variables),
            "not_before": message.not_before,
            "not_after": message.expires_at,
            "expires_at": message.expires_at,
            "timezone": message.timezone,
            "priority": message.priority or ("urgent" if message.purpose == "contract" else "normal"),
        }
        if message.medium == "agent_task":
            parts = {"title": message.parts["task_title"].strip(), "words": message.parts["task"]}
            return AgentTask.model_validate({**said, **parts, "agent_id": message.address, "due_at": message.due_at})
        template = message.variables.get("template", message.campaign)
        call = {
            "phone": message.address,
            "words": message.parts["call"],
            "script_id": self._settings.scripts.get(template, template),
            "max_attempts": self._settings.max_attempts,
            "min_interval": self._settings.min_interval,
            "consent_ref": message.variables.get("consent_ref", ""),
        }
        return CallTask.model_validate({**said, **call})


def _refused(error: ValidationError) -> Refused:
    fields = {str(fault["loc"][0]) for fault in error.errors(include_url=False, include_input=False)}
    bad_address = bool(fields & {"phone", "agent_id"})
    return Refused(
        "bad_address" if bad_address else "refuse",
        "task",
        f"no task: {', '.join(sorted(fields))}",
        bad_address=bad_address,
    )
