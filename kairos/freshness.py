"""Whether the model of offers may serve a turn: campaigns with offers do not run on one that no longer fits the facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from campaigns.definition import Campaign
from campaigns.problems import Problem
from kairos.errors import KairosError
from kairos.service import Service, resting
from kairos.workspace import Workspace

if TYPE_CHECKING:
    from triggers.facts import Facts


def with_offers(campaigns: Sequence[Campaign]) -> list[str]:
    """The names of those that run and offer something."""
    return [
        each.name
        for each in campaigns
        if each.enabled and (each.offers or any(variant.offers for variant in each.variants))
    ]


def need_model(place: Workspace, campaigns: Sequence[Campaign]) -> None:
    """Raises KairosError where a campaign that runs offers something and no model is fitted."""
    names = with_offers(campaigns)
    if names and place.recommender() is None:
        raise KairosError(
            f"{', '.join(names)} offer something, and no model is fitted; run `kairos recommend fit -w {place.folder}` first"
        )


def fresh(place: Workspace, facts: Facts, service: Service, now: datetime) -> Service:
    """The same, its campaigns with offers resting where the model is stale as of `now`, which is told under `problems`.

    Resting, they keep what waits and take it up again after the next fit, by their own rule for lateness. With `stale: serve`
    in the settings they run all the same, and it is a warning.
    """
    names = with_offers(service.campaigns)
    model = place.recommender() if names else None
    if model is None:
        return service
    from recommender.staleness import staleness

    reasons = staleness(facts.db, model.describe(), now)
    if not reasons:
        return service
    said = f"the model {model.version} is stale ({'; '.join(reasons)})"
    if place.settings.recommend.stale == "serve":
        warning = f"{said} and serves {', '.join(names)} all the same; run `kairos recommend fit -w {place.folder}`"
        return replace(service, warnings=[*service.warnings, warning])
    message = f"{said}: {', '.join(names)} wait for `kairos recommend fit -w {place.folder}`"
    hint = "`recommend: {stale: serve}` in kairos.yaml lets them run with it all the same"
    problem = Problem(place.shown(place.models / "current"), 1, 1, "", message, hint)
    campaigns = [resting(each) if each.name in names else each for each in service.campaigns]
    return replace(service, campaigns=campaigns, problems=[*service.problems, problem])
