"""The kinds of trigger: one file each, found by listing this folder."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Union, get_args

from pydantic import Field

from triggers.trigger import Trigger


def _kinds() -> dict[str, type[Trigger]]:
    found: dict[str, type[Trigger]] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        home = f"{__name__}.{module.name}"
        for value in vars(import_module(home)).values():
            if isinstance(value, type) and issubclass(value, Trigger) and value.__module__ == home:
                found[name_of(value)] = value
    return found


def name_of(kind: type[Trigger]) -> str:
    """What campaigns call this kind: the one value of its `kind` field."""
    return str(get_args(kind.model_fields["kind"].annotation)[0])


KINDS: dict[str, type[Trigger]] = _kinds()
"""All kinds by the name campaigns use."""

if TYPE_CHECKING:
    AnyTrigger = Trigger
else:
    AnyTrigger = Annotated[Union[tuple(KINDS.values())], Field(discriminator="kind")]  # noqa: UP007 - built at run time
"""Any kind, told apart by `kind`: the type of a campaign's `trigger` field and of its JSON schema."""
