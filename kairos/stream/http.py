"""What the stream serves over HTTP: metrics, health, and the AsyncAPI document of what may be sent to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kairos.listening import Receive, Scope, Send
from triggers.arrivals import VERSIONS
from triggers.views import VIEWS, Column, View

if TYPE_CHECKING:
    from kairos.stream.inlet import Inlet

PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Kairos stream</title>
<h1>Kairos stream</h1><ul><li><a href="/health">health</a><li><a href="/metrics">metrics</a>
<li><a href="/asyncapi.json">AsyncAPI document</a></ul></html>"""
_TYPES: dict[str, dict[str, Any]] = {
    "VARCHAR": {"type": "string"},
    "DATE": {"type": "string", "format": "date"},
    "TIMESTAMP WITH TIME ZONE": {"type": "string", "format": "date-time"},
    "DOUBLE": {"type": "number"},
    "BOOLEAN": {"type": "boolean"},
    "VARCHAR[]": {"type": "array", "items": {"type": "string"}},
}


def document(inlet: Inlet) -> dict[str, Any]:
    """The AsyncAPI document of an inlet: its channels, and the columns of each view that may arrive."""
    from faststream.specification import AsyncAPI

    words = "Facts as they happen: rows of the canonical views as JSON objects. Columns beyond them pass through."
    made = AsyncAPI(inlet.broker, title="Kairos stream", version="1.0.0", description=words)
    described: dict[str, Any] = made.to_specification().to_jsonable()
    schemas = {view: schema(VIEWS[view]) for view in VERSIONS}
    described.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
    payload = {"oneOf": [{"$ref": f"#/components/schemas/{view}"} for view in schemas]}
    for message in described["components"].get("messages", {}).values():
        message["payload"] = payload
    return described


def schema(view: View) -> dict[str, Any]:
    """The JSON schema of a view's rows."""
    version = VERSIONS[view.name]
    required = list(dict.fromkeys([*view.required, *([version] if version not in ("", "updated_at") else [])]))
    properties = {column.name: _property(column) for column in view.columns}
    properties.setdefault(
        "recorded_at", {**_TYPES["TIMESTAMP WITH TIME ZONE"], "description": "when this version was recorded"}
    )
    return {"type": "object", "title": view.name, "properties": properties, "required": required}


def _property(column: Column) -> dict[str, Any]:
    values = {"enum": list(column.values)} if column.values else {}
    return {**_TYPES[column.type], "description": column.description, **values}


class Status:
    """A small ASGI application, for the machine it runs on: it has no login."""

    def __init__(self, inlet: Inlet) -> None:
        self.inlet = inlet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        status, kind, body = self.answer(scope["path"])
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body of a page."""
        if path == "/":
            return 200, "text/html; charset=utf-8", PAGE
        if path == "/metrics":
            return 200, "text/plain; version=0.0.4; charset=utf-8", self.inlet.metrics.text()
        if path == "/health":
            return (
                (200 if self.inlet.healthy else 503),
                "application/json",
                json.dumps({"healthy": self.inlet.healthy}).encode(),
            )
        if path == "/asyncapi.json":
            return 200, "application/json", json.dumps(document(self.inlet), ensure_ascii=False, indent=2).encode()
        return 404, "text/plain", b"there is /, /health, /metrics and /asyncapi.json"
