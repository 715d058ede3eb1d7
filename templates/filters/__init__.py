"""The filters of the template language, for one locale at a time.

Only these exist in templates. They are pure, raise `UnsayableError` for what they cannot say, and remember formatted
dates and amounts, since Babel is some fourteen times slower than the rest of a message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from templates.filters.amounts import amount_filters
from templates.filters.dates import date_filters
from templates.filters.lists import list_filters
from templates.filters.masks import MASK_FILTERS
from templates.filters.people import people_filters
from templates.filters.plain import PLAIN_FILTERS
from templates.filters.terms import term_filters

Filter = Callable[..., object]
"""A filter: the value first, then its arguments."""


@cache
def filters(locale: str) -> Mapping[str, Filter]:
    """Return the filters of a locale, e.g. zh-CN or en, by the name templates use."""
    return MappingProxyType(
        {
            **PLAIN_FILTERS,
            **MASK_FILTERS,
            **amount_filters(locale),
            **date_filters(locale),
            **list_filters(locale),
            **people_filters(locale),
            **term_filters(locale),
        }
    )
