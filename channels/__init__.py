"""Hand one message over and learn what became of it: SMS, push, e-mail, AI outbound calls, tasks for agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from channels.contract import MEDIA as MEDIA
from channels.contract import Channel as Channel
from channels.contract import Message as Message
from channels.contract import Profile as Profile

if TYPE_CHECKING:
    from channels.adapter import AdapterSettings

_LISTED: dict[str, type[AdapterSettings]] = {}


def adapters() -> dict[str, type[AdapterSettings]]:
    """Every adapter by name: each file of this folder that defines settings of its own.

    A file named `<adapter>_<part>.py` is a part of an adapter and is not looked into: it may load what is heavy.
    """
    if not _LISTED:
        from importlib import import_module
        from pkgutil import iter_modules

        for module in sorted(found.name for found in iter_modules(__path__) if "_" not in found.name):
            _LISTED.update(_settings_of(import_module(f"{__name__}.{module}")))
    return dict(_LISTED)


def _settings_of(module: Any) -> dict[str, type[AdapterSettings]]:
    from channels.adapter import AdapterSettings

    own = [thing for thing in vars(module).values() if getattr(thing, "__module__", "") == module.__name__]
    kinds = [thing for thing in own if isinstance(thing, type) and issubclass(thing, AdapterSettings)]
    return {kind.model_fields["adapter"].default: kind for kind in kinds if kind is not AdapterSettings}


def read_adapter(medium: str, written: Any) -> AdapterSettings:
    """Settings from what a workspace writes for a medium: an adapter's name, or a mapping with `adapter` and options.

    Raises ValueError, "what is wrong | what to do".
    """
    from pydantic import ValidationError

    options = {"adapter": written} if isinstance(written, str) else written
    kind = _kind(medium, options)
    try:
        return kind.model_validate(options)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        names = ", ".join(field.alias or name for name, field in kind.model_fields.items())
        hint = "" if " | " in message else f" | options of {options['adapter']}: {names}"
        raise ValueError(f"{place}: {message}{hint}" if place else f"{message}{hint}") from error


def _kind(medium: str, options: Any) -> type[AdapterSettings]:
    known = adapters()
    usable = ", ".join(name for name, kind in known.items() if medium in kind.media)
    name = options.get("adapter") if isinstance(options, dict) else None
    if name is None:
        raise ValueError(f"no adapter is named | write one of {usable}, or a mapping with `adapter:`")
    if name not in known:
        raise ValueError(f"there is no adapter {name!r} | for {medium}: {usable}")
    if medium not in known[name].media:
        raise ValueError(f"the adapter {name} does not serve {medium} | for {medium}: {usable}")
    return known[name]
