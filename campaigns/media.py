"""Names of channels, as campaign files and settings write them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, TypeVar

from pydantic import AfterValidator

from channels.contract import MEDIA

_Names = TypeVar("_Names", bound=Collection[str])


def known(names: _Names) -> _Names:
    """The names as they are. Raises ValueError for one that is no channel."""
    for name in names:
        if name not in MEDIA:
            raise ValueError(f"unknown channel {name!r} | known: {', '.join(MEDIA)}")
    return names


Channels = Annotated[tuple[str, ...], AfterValidator(known)]
