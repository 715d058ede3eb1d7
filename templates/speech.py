"""What reaches the page: the checks on every printed value, and the environment of a locale."""

from __future__ import annotations

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from templates.faults import UnsayableError
from templates.filters import filters
from templates.filters.lists import entries

SAID, SAID_NAME, ENTRIES = "_said", "_said_name", "_entries"
"""Filters of the press itself, which no author can name: for any value, for a name that stands alone, for a loop."""

_SPOKEN = (str, int)


def is_blank(value: object) -> bool:
    """Is there nothing to say? None and blank text both mean "not known"."""
    return value is None or (isinstance(value, str) and not value.strip())


def _said(value: object) -> object:
    """Let text and whole numbers through: anything else would be printed as the machine keeps it."""
    if value.__class__ in _SPOKEN:
        return value
    if isinstance(value, StrictUndefined):
        str(value)  # raises, and names what is missing
    if value is None:
        raise UnsayableError("there is no value")
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise UnsayableError(f"{value!r} is not text: a filter such as date, money, number or join_list says it")


def _said_name(value: object) -> object:
    """Let a value that stands by itself through unless it is blank."""
    if value.__class__ is str and value and not value.isspace():
        return value
    if is_blank(value):
        raise UnsayableError("there is no value")
    return _said(value)


def environment_for(locale: str, html: bool) -> SandboxedEnvironment:
    """Return the sandbox of a locale: its filters and the two tests, nothing else; `html` escapes values."""
    environment = SandboxedEnvironment(autoescape=html, undefined=StrictUndefined, cache_size=0)
    environment.globals.clear()
    environment.filters = {**filters(locale), SAID: _said, SAID_NAME: _said_name, ENTRIES: entries}
    environment.tests = {"given": lambda value: not is_blank(value), "none": lambda value: value is None}
    return environment
