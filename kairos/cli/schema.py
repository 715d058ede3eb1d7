"""`kairos schema`: what may stand in the files, for editors and for people."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from kairos.cli.output import as_json


class Kind(StrEnum):
    """The files there is a schema of."""

    campaign = "campaign"
    settings = "settings"
    views = "views"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema")(schema)


def schema(of: Annotated[Kind, typer.Argument(help="which file")] = Kind.campaign) -> None:
    """Print the JSON Schema of campaign files or kairos.yaml (yaml-language-server reads it), or the canonical views."""
    if of is Kind.views:
        from triggers.views import VIEWS

        as_json(
            {
                name: {
                    column.name: {"type": column.type, "required": column.required, "description": column.description}
                    | ({"values": column.values} if column.values else {})
                    for column in view.columns
                }
                for name, view in VIEWS.items()
            }
        )
        return
    if of is Kind.settings:
        from kairos.settings import Settings

        as_json(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema(by_alias=True)}
        )
        return
    from campaigns.definition import Campaign

    as_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **Campaign.model_json_schema(by_alias=True)})
