"""Types of fields that several kinds share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StringConstraints

EventType = Annotated[str, StringConstraints(min_length=1)]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


EventTypes = Annotated[
    tuple[EventType, ...],
    BeforeValidator(_listed, json_schema_input_type=EventType | tuple[EventType, ...]),
]
"""One type of event or several; a single one may be written without brackets."""

ClaimState = Literal["reported", "accepted", "in_review", "awaiting_documents", "approved", "denied", "paid", "closed"]
"""The states of `triggers.views.CLAIM_STATES`, spelled out for type checkers and editors."""

ClaimStates = Annotated[
    tuple[ClaimState, ...],
    BeforeValidator(_listed, json_schema_input_type=ClaimState | tuple[ClaimState, ...]),
]
"""One state or several."""
