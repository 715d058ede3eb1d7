"""The gates, in the order in which they are asked. A new gate is a new file here with a class `Gate...`; nothing else changes."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from campaigns.gate import Gate


@cache
def gates() -> tuple[Gate, ...]:
    """One instance of every gate of this folder, by `order`."""
    found: list[Gate] = []
    for module in pkgutil.iter_modules(__path__):
        content = vars(importlib.import_module(f"{__name__}.{module.name}"))
        found += [
            value()
            for value in content.values()
            if isinstance(value, type) and issubclass(value, Gate) and value.__module__.endswith(module.name)
        ]
    return tuple(sorted(found, key=lambda gate: gate.order))
