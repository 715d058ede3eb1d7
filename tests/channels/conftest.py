"""Every adapter on a bench: its settings, its real loopback server, and how to make that server misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from channels import Channel, Message, read_adapter
from channels.adapter import Ports

GATEWAYS = Path(__file__).parents[1] / "gateways"
SECRETS = ("loopback-token", "loopback-password", "loopback-access-token", "PRIVATE KEY")


def load(name: str) -> ModuleType:
    """A gateway's module, by its file: tests import nothing from one another."""
    known = sys.modules.get(f"gateway_{name}")
    if known is None:
        spec = importlib.util.spec_from_file_location(f"gateway_{name}", GATEWAYS / f"{name}_gateway.py")
        assert spec is not None
        assert spec.loader is not None
        known = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(known)
    return known


@dataclass
class Bench:
    """One adapter, opened. `fault(name)` makes the next request lost, refused, retried or go to a dead server."""

    name: str
    channel: Channel
    medium: str
    address: str
    parts: dict[str, str]
    fault: Callable[[str], None]
    copies: Callable[[Message], Awaitable[int]]
    faults: frozenset[str]
    more: dict[str, Any] = field(default_factory=dict)

    def message(self, message_id: str, **changes: Any) -> Message:
        now = datetime.now(UTC)
        said = {
            "message_id": message_id,
            "campaign": "motor-renewal",
            "purpose": "service",
            "medium": self.medium,
            "customer_id": "C1",
            "address": self.address,
            "locale": "zh-CN",
            "parts": {name: f"{text} {message_id}" for name, text in self.parts.items()},
            "not_before": now,
            "expires_at": now + timedelta(hours=8),
            "reserved_at": now,
            "timezone": "Asia/Shanghai",
        }
        return Message(**{**said, **changes})


def ports(folder: Path, **more: Any) -> Ports:
    return Ports(now=lambda: datetime.now(UTC), folder=folder, **more)


@asynccontextmanager
async def outbox(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    channel = read_adapter("sms", "outbox").open({}, ports(folder))
    real, armed = os.fsync, []

    def fsync(descriptor: int) -> None:
        is_folder = Path(f"/proc/self/fd/{descriptor}").is_dir()
        if armed and is_folder == (armed[0] == "lost"):
            armed.clear()
            raise OSError(28, "No space left on device")
        real(descriptor)

    async def copies(message: Message) -> int:
        return sum(f"Message: {message.message_id}\n" in path.read_text() for path in folder.rglob("*.txt"))

    patch.setattr(os, "fsync", fsync)
    yield Bench(
        "outbox",
        channel,
        "sms",
        "+8613800138000",
        {"sms": "您的车险"},
        armed.append,
        copies,
        frozenset({"lost", "retry"}),
    )
    await channel.close()


@asynccontextmanager
async def twilio(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    module = load("twilio")
    with module.TwilioGateway(folder / "journal.jsonl") as gateway:
        written = {
            "adapter": "twilio",
            "messaging_service_sid": "MG" + "1" * 32,
            "base_url": gateway.url,
            "timeout": 1.0,
        }
        written["callback_url"] = "https://kairos.example.com/twilio"
        env = {"TWILIO_ACCOUNT_SID": module.ACCOUNT, "TWILIO_AUTH_TOKEN": module.TOKEN}
        settings = read_adapter("sms", written)
        channel = settings.open(env, ports(folder))

        def fault(name: str) -> None:
            gateway.faults.append({"lost": "cut", "retry": "429"}[name])

        async def copies(message: Message) -> int:
            return sum(f"mid={message.message_id}" in taken["form"]["StatusCallback"] for taken in gateway.messages)

        more = {"gateway": gateway, "settings": settings, "env": env, "refused": {"address": "+15005550001"}}
        parts, kinds = {"sms": "您的车险将到期"}, frozenset({"lost", "retry", "refused"})
        yield Bench("twilio", channel, "sms", "+8613800138000", parts, fault, copies, kinds, more)
        await channel.close()


def service_account(url: str) -> tuple[str, Any]:
    """A service account's key, as the console gives it out, and the public half."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(encoding, kind, serialization.NoEncryption()).decode()
    info = {
        "type": "service_account",
        "project_id": "insurer-app",
        "private_key_id": "k1",
        "private_key": pem,
        "client_email": "kairos@insurer-app.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"{url}/token",
    }
    return json.dumps(info), key.public_key()


@asynccontextmanager
async def fcm(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    module = load("fcm")
    with module.FcmGateway(None) as gateway:
        key, gateway.public_key = service_account(gateway.url)
        settings = read_adapter("push", {"adapter": "fcm", "base_url": gateway.url, "timeout": 2.0})
        env = {"GOOGLE_APPLICATION_CREDENTIALS": key}
        channel = settings.open(env, ports(folder))
        gateway.gone.add("token-of-a-removed-app")

        def fault(name: str) -> None:
            gateway.faults.append({"lost": "cut", "retry": "429"}[name])

        async def copies(message: Message) -> int:
            return sum(taken["data"]["message_id"] == message.message_id for taken in gateway.taken)

        parts, kinds = {"push_title": "续保提醒", "push": "您的车险将到期"}, frozenset({"lost", "retry", "refused"})
        more = {"gateway": gateway, "settings": settings, "env": env, "refused": {"address": "token-of-a-removed-app"}}
        yield Bench("fcm", channel, "push", "token-of-an-app", parts, fault, copies, kinds, more)
        await channel.close()


def own_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")]),
    )
    now, alternative = datetime.now(UTC), x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    certificate = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "server.pem").write_bytes(certificate.public_bytes(encoding))
    (folder / "server.key").write_bytes(key.private_bytes(encoding, kind, serialization.NoEncryption()))
    return folder / "server.pem", folder / "server.key"


@asynccontextmanager
async def smtp(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    module = load("smtp")
    certificate, key = own_certificate(folder)
    with module.SmtpGateway(certificate, key) as gateway:
        gateway.unknown.add("nobody@example.com")
        written = {"adapter": "smtp", "host": "127.0.0.1", "port": gateway.port, "from": "service@example.com"}
        written |= {"ca_file": str(certificate), "timeout": 2.0, "unsubscribe": "https://example.com/u/{message_id}"}
        settings = read_adapter("email", written)
        env = {"SMTP_USERNAME": module.USER, "SMTP_PASSWORD": module.PASSWORD}
        channel = settings.open(env, ports(folder))

        def fault(name: str) -> None:
            gateway.faults.append({"lost": "cut", "retry": "retry"}[name])

        async def copies(message: Message) -> int:
            return sum(mail["Message-ID"] == f"<{message.message_id}@example.com>" for mail in gateway.taken)

        parts = {"email_subject": "续保提醒", "email": "<p>您的车险将到期</p>"}
        more = {"gateway": gateway, "settings": settings, "env": env, "refused": {"address": "nobody@example.com"}}
        kinds = frozenset({"lost", "retry", "refused"})
        yield Bench("smtp", channel, "email", "li@example.com", parts, fault, copies, kinds, more)
        await channel.close()


class Wire:
    """A TCP relay before the queue's server that can swallow what the server answers, or be cut."""

    def __init__(self, port: int) -> None:
        self.port, self.deaf = port, False
        self.tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection("127.0.0.1", self.port)
        upward = asyncio.create_task(self.relay(reader, before, lambda: False))
        downward = asyncio.create_task(self.relay(behind, writer, lambda: self.deaf))
        self.tasks |= {upward, downward}

    async def relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallow: Callable[[], bool]
    ) -> None:
        try:
            while data := await reader.read(65536):
                if not swallow():
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def queue(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    from kairos import nats_server
    from kairos.queues import QueueLimits, Queues

    with nats_server.start(folder / "queue") as server:
        wire = Wire(int(server.url.rpartition(":")[2]))
        relay = await asyncio.start_server(wire, "127.0.0.1", 0)
        url = f"nats://127.0.0.1:{relay.sockets[0].getsockname()[1]}"
        async with Queues(url, limits=QueueLimits(timeout=1.0)) as queues:

            async def publish(subject: str, payload: bytes, message_id: str) -> None:
                try:
                    await queues.publish(subject, payload, message_id)
                finally:
                    wire.deaf = False

            def fault(name: str) -> None:
                wire.deaf = name == "lost"
                if name == "retry":
                    patch.setattr(Queues, "_connected", lambda _: patch.undo())

            async def copies(message: Message) -> int:
                subject = f"kairos.tasks.ai_outbound.{message.message_id}"
                info = await queues.jetstream().stream_info("KAIROS_TASKS", subjects_filter=subject)
                return (info.state.subjects or {}).get(subject, 0)

            channel = read_adapter("ai_outbound", "queue").open(
                {}, ports(folder, publish=publish, lookup=queues.lookup)
            )
            more = {"queues": queues, "refused": {"address": "95500"}}
            kinds = frozenset({"lost", "retry", "refused"})
            yield Bench("queue", channel, "ai_outbound", "+8613800138000", {"call": "您好"}, fault, copies, kinds, more)
        # the client has gone, so both directions come to their end
        await asyncio.gather(*wire.tasks)
        relay.close()
        await relay.wait_closed()


BENCHES = {"outbox": outbox, "twilio": twilio, "fcm": fcm, "smtp": smtp, "queue": queue}
Open = Callable[[], AbstractAsyncContextManager[Bench]]


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens an adapter; every test that asks for it runs once for each."""
    return lambda: BENCHES[request.param](tmp_path, monkeypatch)


@pytest.fixture
def bench_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], AbstractAsyncContextManager[Bench]]:
    """Opens the named adapter."""
    return lambda name: BENCHES[name](tmp_path, monkeypatch)


@pytest.fixture
def gateway_module() -> Callable[[str], ModuleType]:
    return load


@pytest.fixture
def secrets() -> tuple[str, ...]:
    return SECRETS


@pytest.fixture
def twilio_openapi() -> Iterator[dict[str, Any]]:
    """Twilio's own description of its API."""
    import gzip

    here = Path(os.environ.get("KAIROS_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    file = here / "twilio-openapi" / "twilio_api_v2010.json.gz"
    if not file.is_file():
        pytest.skip(f"Twilio's OpenAPI is not at {file}: set KAIROS_DATA")
    yield json.loads(gzip.decompress(file.read_bytes()))
