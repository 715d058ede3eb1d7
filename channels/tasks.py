"""Tasks for others to carry out: calls for a voice robot, follow-ups for an agent; and what a call came to."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

Priority = Literal["low", "normal", "high", "urgent"]
RESULTS = "kairos.results.ai_outbound"
"""Subject under which call results come back."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Task(_Record):
    """What any task says. It may be handed over again: `dedup_key` is the same for ever."""

    job_id: str = Field(min_length=1, description="our id of the task; send it back with the result")
    dedup_key: str = Field(min_length=1, description="a task with a key already seen is not done again")
    campaign: str = Field(description="campaign the task is part of")
    purpose: str = Field(description="contract, service, care or marketing")
    customer_id: str = Field(description="the insurer's id of the customer")
    locale: str = Field(description="language of the words", examples=["zh-CN"])
    words: str = Field(description="what to say or do")
    variables: dict[str, str] = Field(default_factory=dict, description="values for the script")
    not_before: AwareDatetime = Field(description="earliest instant")
    not_after: AwareDatetime = Field(
        description="latest instant: the end of decent hours, or when it makes no sense any more"
    )
    expires_at: AwareDatetime = Field(description="after this the task is void, whatever became of it")
    timezone: str = Field(description="IANA zone of the customer", examples=["Asia/Shanghai"])
    priority: Priority = Field(default="normal", description="as the campaign says; contract notices are urgent")

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {name!r}") from error
        return name


class CallTask(_Task):
    """A call for an AI outbound platform: the least that all of them understand."""

    phone: str = Field(pattern=r"^\+[1-9]\d{6,14}$", description="number to call, E.164", repr=False)
    script_id: str = Field(min_length=1, description="the platform's script, or the template's name")
    max_attempts: int = Field(default=1, ge=1, le=3, description="calls at most")
    min_interval: int = Field(default=600, ge=600, le=86_400, description="seconds between two attempts")
    consent_ref: str = Field(default="", description="where the customer's consent is recorded")
    callback_subject: str = Field(default=RESULTS, description="where to publish the result")


class AgentTask(_Task):
    """Something for the customer's agent to do."""

    agent_id: str = Field(min_length=1, description="agent who looks after the customer")
    title: str = Field(min_length=1, description="one line")
    due_at: AwareDatetime | None = Field(default=None, description="by when it is to be done; no date where absent")


class CallResult(_Record):
    """What came of one attempt to call."""

    result_id: str = Field(min_length=1, description="unique id of this result: the same result may come twice")
    job_id: str = Field(min_length=1, description="job_id of the task")
    attempt: int = Field(default=1, ge=1, description="number of the attempt")
    outcome: Literal["answered", "no_answer", "busy", "rejected", "unreachable", "bad_number", "failed"] = Field(
        description="how the attempt ended"
    )
    occurred_at: AwareDatetime = Field(description="when")
    provider_call_id: str = Field(default="", description="the platform's id of the call")
    duration_seconds: float = Field(default=0.0, ge=0, description="seconds of talk")
    score: int | None = Field(default=None, ge=0, le=10, description="satisfaction, 0 to 10")
    wants_person: bool = Field(default=False, description="the customer asked for a person")
    do_not_call: bool = Field(default=False, description="the customer does not want to be called")
    tags: tuple[str, ...] = Field(default=(), description="intents the platform recognised")
    transcript_url: str = Field(default="", description="where the words are kept")
    recording_url: str = Field(default="", description="where the recording is kept")
    hangup_code: str = Field(default="", description="the platform's code")
