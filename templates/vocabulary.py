"""The names there are, against the names a template mentions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from templates.faults import TemplateFault
from templates.names import Mention, Role, optional
from templates.positions import unpack

LISTS = frozenset({"offers", "claim.missing_documents", "alert.region_codes"})
"""The names that hold lists in the canonical views."""

_TYPING_SLIP = 0.8


def unknown_names(
    path: Path, found: Sequence[Mention], known: Collection[str], lists: Collection[str]
) -> Iterator[TemplateFault]:
    """Yield a fault for every mention of a name there is not, and for every text gone through as a list.

    A name the part asks about with `is given` may be unknown, unless it looks like a known one with a typing slip.
    """
    spared = {name for name in optional(list(found)) if name not in known and not _slip(name, known)}
    for mention in found:
        if mention.name in spared:
            continue
        if mention.name not in known:
            yield TemplateFault(path, *unpack(mention.position), f"there is no {mention.name}", _hint(mention, known))
        elif mention.role is Role.LIST and mention.name not in lists:
            hint = f"the lists are {', '.join(sorted(set(lists) & set(known)))}"
            yield TemplateFault(path, *unpack(mention.position), f"{mention.name} is not a list", hint)


def _slip(name: str, known: Collection[str]) -> str | None:
    """Return the known name of the same root that was probably meant."""
    root, _, field = name.partition(".")
    fields = [other.partition(".")[2] for other in known if other.startswith(f"{root}.")]
    near = get_close_matches(field, fields, 1, _TYPING_SLIP) if field else []
    return f"{root}.{near[0]}" if near else None


def _hint(mention: Mention, known: Collection[str]) -> str:
    root = mention.name.partition(".")[0]
    siblings = sorted(name for name in known if name.startswith(f"{root}."))
    roots = sorted({name.partition(".")[0] for name in known})
    namesakes = sorted(name for name in known if name.endswith(f".{mention.name}"))
    near = [_slip(mention.name, known) or "", *namesakes, *get_close_matches(mention.name, known, 1)]
    meant = next((name for name in near if name), None)
    there = f"{root} has {', '.join(siblings)}" if siblings else f"there are {', '.join(roots)}"
    return f"did you mean {meant}? {there}" if meant else there
