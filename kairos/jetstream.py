"""Streams of a NATS server, made where they are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nats.js.api import StreamConfig


async def ensure_streams(jetstream: Any, streams: Sequence[StreamConfig]) -> None:
    """Make the streams; one that exists with other limits gets the ones given."""
    from nats.js.errors import BadRequestError

    for stream in streams:
        try:
            await jetstream.add_stream(stream)
        except BadRequestError:
            await jetstream.update_stream(stream)
