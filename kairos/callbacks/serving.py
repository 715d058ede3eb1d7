"""Serve callbacks until somebody ends it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import datetime

from kairos.callbacks.desk import Desk
from kairos.callbacks.http import Callbacks
from kairos.errors import KairosError
from kairos.listening import served
from kairos.workspace import Workspace


async def serve_callbacks(
    place: Workspace, clock: Callable[[], datetime], http: str, ready: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is told the address. Raises KairosError where nothing can be served."""
    token = _auth_token(place)
    public = place.settings.public_url
    if token and not public:
        raise KairosError(
            "Twilio signs the public address it calls; write it into kairos.yaml, e.g. public_url: https://kairos.example.com"
        )
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with Desk(place, clock) as desk:
        async with served(Callbacks(desk, public, token), http) as url:
            ready(url)
            await stop.wait()


def _auth_token(place: Workspace) -> str:
    """What Twilio signs with, where a channel is Twilio's; "" refuses whatever claims to come from there."""
    for adapter in place.adapters().values():
        if name := getattr(adapter, "auth_token_env", ""):
            if name not in os.environ:
                raise KairosError(f"Twilio's calls cannot be checked: set the environment variable {name}")
            return os.environ[name]
    return ""
