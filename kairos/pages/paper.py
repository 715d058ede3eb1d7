"""What all pages are made with: templates that escape what they are given, the page's language, the insurer's name in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


def template(name: str) -> Template:
    """A template of this folder; a name it is not given is an error, not a blank."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(name)


def language_of(locale: str) -> str:
    """The language of the page nearest to a locale: zh or en."""
    return "zh" if locale.lower().startswith("zh") else "en"


def tag_of(language: str) -> str:
    """What the page says of its language."""
    return "zh-CN" if language == "zh" else "en"


def in_locale(names: str | Mapping[str, str], locale: str) -> str:
    """A name by locale in this one, else in the first there is."""
    return names if isinstance(names, str) else names.get(locale) or next(iter(names.values()))
