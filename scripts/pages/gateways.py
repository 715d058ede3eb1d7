"""The page of channels: what campaigns may name, the adapters that serve them, and the rules of gateways."""

from __future__ import annotations

from dataclasses import fields

from fields import field_table
from markdown import code, page, prose, section, table

from channels import adapters
from channels.adapter import AdapterSettings
from channels.contract import MEDIA, Profile
from channels.profiles import PROFILES

RULES = "Rules of trade read in public documents: defaults to check, not advice.\n"


def channel_page() -> str:
    """channels/*.py."""
    parts = [_adapter(name, kind) for name, kind in adapters().items()]
    rows = [(code(name), _rules(profile), profile.source) for name, profile in PROFILES.items()]
    profiles = section("Gateway profiles", RULES, table(("profile", "rules", "source"), rows))
    return page("Channels", _media(), *parts, profiles)


def _media() -> str:
    rows = [(code(m.name), code(m.address), ", ".join(map(code, m.parts))) for m in MEDIA.values()]
    named = table(("channel", "address, a column of customers", "parts of the template"), rows)
    return section("Channels", "What a campaign may name.\n", named)


def _adapter(name: str, kind: type[AdapterSettings]) -> str:
    serves = ", ".join(code(medium) for medium in MEDIA if medium in kind.media)
    secrets = [str(field.default) for each, field in kind.model_fields.items() if each.endswith("_env")]
    profile = f"Serves {serves}. Profile: {code(kind.own_profile)} unless `profile` names another.\n"
    needs = f"Environment: {', '.join(map(code, secrets))}.\n" if secrets else "Needs no environment variables.\n"
    return section(f"Adapter `{name}`", prose(kind.__doc__), profile, needs, field_table(kind, ("adapter",)))


def _rules(profile: Profile) -> str:
    usual = Profile()
    names = [field.name for field in fields(profile) if field.name != "source"]
    changed = {name: getattr(profile, name) for name in names if getattr(profile, name) != getattr(usual, name)}
    return "; ".join(f"{name}: {_said(value)}" for name, value in changed.items()) or "no rule of its own"


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(" follows ".join(each) if isinstance(each, tuple) else str(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
