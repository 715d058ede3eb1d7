"""The pages of docs/reference, made from the code: the code is the only place where anything of this is said."""

from __future__ import annotations

import inspect
from pathlib import Path

import commands
import filters
from fields import field_table, gaps
from gateways import channel_page
from markdown import code, page, prose, section, table
from pydantic import BaseModel

from campaigns.check import AUDIT, LAWS
from campaigns.context import OFFER_NAMES, SCOPES
from campaigns.definition import Campaign, Goal, Rivalry, Suits
from campaigns.delivery import Delivery
from campaigns.gate import Gate
from campaigns.gates import gates
from campaigns.policy import Arbitration, Cap, Circumstances, Consent, DoNotCall, Hours, Limit
from campaigns.slot import Offers
from campaigns.steps import Send, SendStep, WaitStep
from campaigns.uplift import Uplift
from campaigns.variants import Change, Variant
from channels import adapters
from channels.contract import MEDIA
from channels.profiles import PROFILES
from channels.protocol import TRANSITIONS, Event
from kairos.settings import RecommendSettings, Settings, StreamSettings
from recommender.learning import Learning
from templates.grammar import TESTS
from templates.names import LOOP_FIELDS
from templates.parts import HTML_PARTS, PARTS
from triggers import rejects
from triggers.kinds import KINDS
from triggers.trigger import Trigger
from triggers.views import VIEWS, Column, View
from triggers.vocabulary import FUNCTIONS

STARTER = Path(inspect.getfile(Settings)).parent / "starter" / "campaigns"
CAMPAIGN_PARTS: tuple[type[BaseModel], ...] = (
    Offers,
    Goal,
    SendStep,
    Send,
    WaitStep,
    Variant,
    Change,
    Hours,
    Suits,
    Uplift,
    Rivalry,
    Limit,
)
NAMES = [
    ("`insurer.name`", "`insurer` of kairos.yaml, in the language of the message"),
    ("`insurer.phone`, `insurer.site`, `insurer.currency`", "`phone`, `site` and `currency` of kairos.yaml"),
    ("`links.<name>`", "`links` of kairos.yaml"),
    ("`message.id`", "the message's own id, the same for ever"),
    ("`today`", "the day of the run, in the insurer's zone"),
    ("`campaign.name`", "the campaign's title in the language of the message"),
]
SETTINGS_PARTS: tuple[type[BaseModel], ...] = (
    Consent,
    DoNotCall,
    Circumstances,
    Cap,
    Arbitration,
    Limit,
    Hours,
    RecommendSettings,
    Learning,
    StreamSettings,
    Delivery,
)
LENGTHS = """A length of time is a whole number with `h`, `d`, `w` or `mo`: `24h`, `14d`, `2w`, `1mo`.
Days, weeks and months follow the calendar of the insurer's zone.
"""


def pages() -> dict[str, str]:
    """File name to text of every page."""
    return {
        "campaign-file.md": campaign_file(),
        "settings.md": settings(),
        "trigger-kinds.md": trigger_kinds(),
        "gates.md": gate_page(),
        "channels.md": channel_page(),
        "templates.md": template_page(),
        "views.md": view_page(),
        "ledger.md": ledger_page(),
        "commands.md": command_page(),
    }


def campaign_file() -> str:
    """campaigns/*.yaml."""
    parts = [section(model.__name__, prose(model.__doc__), field_table(model)) for model in CAMPAIGN_PARTS]
    intro = "One file a campaign, `campaigns/<name>.yaml`. `kairos schema campaign` prints the same as JSON Schema.\n"
    kinds = "What stands under `trigger` depends on its `kind`: see [trigger kinds](trigger-kinds.md).\n"
    return page("Campaign file", intro, LENGTHS, field_table(Campaign), kinds, *parts)


def settings() -> str:
    """kairos.yaml."""
    parts = [section(model.__name__, prose(model.__doc__), field_table(model)) for model in SETTINGS_PARTS]
    intro = "What holds for the whole workspace. `kairos schema settings` prints the same as JSON Schema.\n"
    secrets = "Secrets never stand in this file: see the environment variables of each [adapter](channels.md).\n"
    return page("kairos.yaml", intro, LENGTHS, secrets, field_table(Settings), *parts)


def trigger_kinds() -> str:
    """triggers/kinds/*.py."""
    shared = section("What every kind has", field_table(Trigger, ("kind",)))
    every = tuple(Trigger.model_fields)
    parts = []
    for name, kind in KINDS.items():
        own = [field for field in every if kind.model_fields[field].default == Trigger.model_fields[field].default]
        below = [section(each.__name__, prose(each.__doc__), field_table(each), level=3) for each in _nested(kind)]
        table_ = field_table(kind, {*own, "kind"})
        parts.append(section(f"`{name}`", prose(kind.__doc__), table_, *below, _used(name)))
    functions = ", ".join(map(code, sorted(set(FUNCTIONS.values()))))
    where = section("Functions of `where`", f"Besides operators, `case`, casts, `today` and `now`: {functions}.\n")
    return page("Trigger kinds", LENGTHS, shared, *parts, where)


def _used(kind: str) -> str:
    files = sorted(STARTER.glob("*.yaml"))
    names = [code(file.stem) for file in files if f"kind: {kind}\n" in file.read_text(encoding="utf-8")]
    return f"Starter campaigns of this kind: {', '.join(names) or 'none'}.\n"


def _nested(model: type[BaseModel]) -> list[type[BaseModel]]:
    found = [field.annotation for field in model.model_fields.values()]
    return [each for each in found if isinstance(each, type) and issubclass(each, BaseModel)]


def gate_page() -> str:
    """campaigns/gates/*.py."""
    intro = """In the order in which they are asked. A gate of scope *channel* that refuses only rules out that channel:
the next one of the step is tried. A gate of scope *moment* settles the matter.
"""
    return page("Gates", intro, *map(_gate, gates()))


def _gate(gate: Gate) -> str:
    rows = [(code(f"{gate.name}.{name}"), words) for name, words in gate.reasons.items()]
    place = f"Order {gate.order}, scope {gate.scope}.\n"
    return section(f"`{gate.name}`", prose(type(gate).__doc__), place, table(("reason code", "meaning"), rows))


def template_page() -> str:
    """templates/."""
    rows = [(code(part), _users(part), "HTML" if part in HTML_PARTS else "text") for part in PARTS]
    tests = ", ".join(code(f"is {test}") for test in TESTS)
    loop = ", ".join(code(f"loop.{each}") for each in LOOP_FIELDS)
    tags = "Tags: `block`, `if`, `elif`, `else`, `for`. Nothing can be called, set, included or imported.\n"
    return page(
        "Templates",
        section("Parts", table(("part", "used by", "written as"), rows)),
        section("Names", table(("name", "meaning"), [*_columns(), *NAMES])),
        section("Language", tags, f"Tests: {tests}. Inside a loop: {loop}.\n"),
        section("Filters", "The columns in the middle are what the filter really prints.\n", filters.filter_table()),
    )


def _columns() -> list[tuple[str, str]]:
    offers = "what the campaign's `offers` slot was filled with"
    views = [
        (code(f"{scope}.<column>"), f"columns of `{view}`, extra ones too") for scope, (view, *_) in SCOPES.items()
    ]
    return [*views, *((code(name), offers) for name in OFFER_NAMES)]


def _users(part: str) -> str:
    return ", ".join(code(medium.name) for medium in MEDIA.values() if part in medium.parts)


def view_page() -> str:
    """triggers/views.py."""
    intro = """The shape in which Kairos sees your data. Columns beyond these pass through and may be used in conditions
and templates. An instant without a zone is local to the insurer.
"""
    reasons = (inspect.getdoc(rejects) or "").split("Reasons:", 1)[1].strip() + "\n"
    return page(
        "Canonical views", intro, *map(_view, VIEWS.values()), section("Why a row or a value is set aside", reasons)
    )


def _view(view: View) -> str:
    known = f"A row is known since its `recorded_at`, else its `{view.known_at}`.\n" if view.known_at else ""
    rows = [(code(c.name), c.type.lower(), "yes" if c.required else "", _told(c)) for c in view.columns]
    return section(f"`{view.name}`", known, table(("column", "type", "required", "meaning"), rows))


def _told(column: Column) -> str:
    return column.description + (f" ({', '.join(column.values)})" if column.values else "")


def ledger_page() -> str:
    """campaigns/check.py and channels/protocol.py."""
    laws = table(
        ("law", "means"),
        [(code(law), means) for law, means in [*((law, means) for law, (means, _) in LAWS.items()), AUDIT]],
    )
    moves: dict[Event, list[str]] = {}
    for (state, event), after in TRANSITIONS.items():
        if state is not after:
            moves.setdefault(event, []).append(f"{state} -> {after}")
    rows = [(code(event.value), ", ".join(sorted(found))) for event, found in moves.items()]
    laws_part = section("Laws", "`kairos ledger check` tries each of them.\n", laws)
    return page("Ledger", laws_part, section("What may become of a message", table(("event", "moves"), rows)))


def command_page() -> str:
    """kairos/cli/*.py."""
    codes = "Exit code 0: done; 1: problems found; 2: used wrongly. Every command explains itself with `-h`.\n"
    return page("Commands", codes, *(commands.command_section(*each) for each in commands.commands()))


def undocumented() -> list[str]:
    """Everything a user can write or read that no one has put into words."""
    models: tuple[type[BaseModel], ...] = (*CAMPAIGN_PARTS, Campaign, *SETTINGS_PARTS, Settings)
    found = [gap for model in dict.fromkeys(models) for gap in gaps(model)]
    extensible: dict[str, type[BaseModel]] = {**KINDS, **adapters()}
    for name, kind in extensible.items():
        found += [] if kind.__doc__ else [f"{name} has no docstring"]
        found += gaps(kind, ("kind", "adapter"))
        found += [gap for nested in _nested(kind) for gap in gaps(nested)]
    for gate in gates():
        found += [] if type(gate).__doc__ else [f"gate {gate.name} has no docstring"]
        found += [f"gate {gate.name}.{reason}" for reason, words in gate.reasons.items() if not words]
    found += [f"profile {name}" for name, profile in PROFILES.items() if not profile.source]
    found += [f"column {v.name}.{c.name}" for v in VIEWS.values() for c in v.columns if not c.description]
    return found + filters.gaps() + commands.gaps()
