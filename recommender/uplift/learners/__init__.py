"""The learners, one file each: put a file with a `Learner` in this folder and it is fitted, measured and listed."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recommender.uplift.learner import Learner


@cache
def learners() -> dict[str, type[Learner]]:
    """Every learner of this folder by its name, in the order of names."""
    from recommender.uplift.learner import Learner

    found: dict[str, type[Learner]] = {}
    for file in sorted(module.name for module in iter_modules(__path__)):
        for value in vars(import_module(f"{__name__}.{file}")).values():
            if isinstance(value, type) and issubclass(value, Learner) and not isabstract(value):
                found[value.name] = value
    return dict(sorted(found.items()))
