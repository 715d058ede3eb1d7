"""What a version of a campaign says: kept as JSON, read back as a campaign, shown as YAML, compared line by line."""

from __future__ import annotations

import json
from difflib import unified_diff
from typing import Any

import yaml

from campaigns.definition import Campaign
from campaigns.documents import Document


def body_of(campaign: Campaign) -> str:
    """The campaign as the ledger keeps it."""
    return json.dumps(campaign.body(), ensure_ascii=False)


def campaign_of(body: str) -> Campaign:
    """A campaign from what the ledger kept. Raises pydantic's ValidationError where this Kairos cannot read it."""
    return Campaign.model_validate(json.loads(body))


def text_of(body: str) -> str:
    """A version as the campaign file it could have been: without what is as it is by default."""
    said: dict[str, Any] = campaign_of(body).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return yaml.safe_dump(_plain(said), sort_keys=False, allow_unicode=True, width=120)


def _plain(value: Any) -> Any:
    """Without what says nothing."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def document_of(campaign: str, version: str, body: str) -> Document:
    """A version as a file that lint can point into."""
    text = text_of(body)
    return Document(
        f"version {version}/{campaign}.yaml", yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    )


def diff(before: str, after: str, names: tuple[str, str]) -> list[str]:
    """Unified difference of two bodies, either of them "" where there is none; no lines where they say the same."""
    old, new = (text_of(body).splitlines() if body else [] for body in (before, after))
    return list(unified_diff(old, new, names[0], names[1], lineterm=""))
