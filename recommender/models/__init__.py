"""The models, one file each: put a file with a `Model` in this folder and it is fitted, measured and listed."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recommender.model import Model


@cache
def models() -> dict[str, type[Model]]:
    """Every model of this folder by its name, in the order of names."""
    from recommender.model import Model

    found: dict[str, type[Model]] = {}
    for file in sorted(module.name for module in iter_modules(__path__)):
        module = import_module(f"{__name__}.{file}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Model) and not isabstract(value):
                found[value.name] = value
    return dict(sorted(found.items()))
