"""An ASGI application at an address, for as long as a command runs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from kairos.errors import KairosError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


@asynccontextmanager
async def served(application: Application, http: str) -> AsyncIterator[str]:
    """Serve at `host:port` and give the address; port 0 takes a free one. Raises KairosError where nothing can be served there."""
    import uvicorn

    host, _, port = http.rpartition(":")
    if not port.isdigit():
        raise KairosError(f"{http!r} is no address; write 127.0.0.1:8787")
    try:
        listening = socket.create_server((host or "127.0.0.1", int(port)))
    except (OSError, OverflowError) as error:
        raise KairosError(f"nothing can be served at {http}: {error}") from error
    with listening:
        # requests are not logged: their paths hold tokens
        settings = uvicorn.Config(
            application, log_level="warning", access_log=False, lifespan="off", server_header=False
        )
        server = uvicorn.Server(settings)
        serving = asyncio.create_task(server._serve([listening]))  # `serve` would take the signals for itself
        try:
            yield f"http://{listening.getsockname()[0]}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
