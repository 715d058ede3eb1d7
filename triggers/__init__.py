"""Facts in, moments out: the insurer's tables, the kinds of trigger, the calendar.

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from triggers.errors import FactsError, SourceError, TriggersError
    from triggers.facts import Facts, open_facts
    from triggers.rejects import Report, ViewReport
    from triggers.sourcecolumns import columns_of
    from triggers.sources import Sources, read_sources

_HOMES = {
    "Facts": "triggers.facts",
    "FactsError": "triggers.errors",
    "Report": "triggers.rejects",
    "SourceError": "triggers.errors",
    "Sources": "triggers.sources",
    "TriggersError": "triggers.errors",
    "ViewReport": "triggers.rejects",
    "columns_of": "triggers.sourcecolumns",
    "open_facts": "triggers.facts",
    "read_sources": "triggers.sources",
}

__all__ = [
    "Facts",
    "FactsError",
    "Report",
    "SourceError",
    "Sources",
    "TriggersError",
    "ViewReport",
    "columns_of",
    "open_facts",
    "read_sources",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
