"""The outbox folder: every batch is one text file anybody can open. It serves what no other adapter does."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from threading import Lock
from typing import ClassVar, Literal

from pydantic import Field

from channels.adapter import AdapterSettings, ChannelError, Ports
from channels.contract import MEDIA, Absent, Accepted, Finding, Message, Profile, Result, RetryLater, Unknown

_MESSAGE_ID = re.compile(rb"^Message: (\S+)$", re.MULTILINE)
_RULE = "-" * 72
_DISK_TROUBLE = timedelta(minutes=5)


class OutboxSettings(AdapterSettings):
    """Write messages into files below a folder of the workspace, by day and medium."""

    adapter: Literal["outbox"] = "outbox"
    folder: str = Field(
        default="outbox", min_length=1, description="folder for the files, below the workspace", examples=["outbox"]
    )

    media: ClassVar[frozenset[str]] = frozenset(MEDIA)
    own_profile: ClassVar[str] = "generic"

    def open(self, env: Mapping[str, str], ports: Ports) -> OutboxFolder:
        """Make the folder. Raises ChannelError where that is impossible."""
        folder = ports.folder / self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ChannelError(f"the outbox folder {folder} cannot be made: {error.strerror}") from error
        return OutboxFolder(folder, ports, self.profile_for("sms"))


class _Day:
    """What the files of one folder hold: names of the files read so far, and which of them each message id is in."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.places: dict[str, str] = {}

    def read(self, folder: Path) -> dict[str, str]:
        """Message id -> file name; only files not seen yet are opened, for a file never changes once it is there."""
        for name in {path.name for path in folder.iterdir() if path.suffix == ".txt"} - self.files:
            self.add(name, _ids(folder / name))
        return self.places

    def add(self, name: str, ids: Iterable[str]) -> None:
        """Note one file and what is in it."""
        self.places |= dict.fromkeys(ids, name)
        self.files.add(name)


class OutboxFolder:
    """A folder with one file per batch: `<local date>/<medium>/batch-<id>.txt`, complete or not there at all.

    The files are the only truth: which messages are in a day's files is read from them, and read again when a file has
    come. A message is looked for in every day from its reservation to now, so that handing it again never writes it
    twice. Two senders must not hold the same message at the same time; the ledger's lease sees to that.
    """

    def __init__(self, folder: Path, ports: Ports, profile: Profile) -> None:
        self.profile = profile
        self.folder = folder
        self._ports = ports
        self._days: dict[Path, _Day] = {}
        self._lock = Lock()

    async def hand(self, messages: Sequence[Message]) -> list[Result]:
        """Write one file per medium with all messages that are in none yet; durable on return."""
        return await asyncio.to_thread(self._hand, messages)

    async def reconcile(self, messages: Sequence[Message]) -> list[Finding]:
        """Is each message in a file? Unknown where the folder cannot be read."""
        return await asyncio.to_thread(self._reconcile, messages)

    async def close(self) -> None:
        """Forget what was read."""
        self._days.clear()

    def _hand(self, messages: Sequence[Message]) -> list[Result]:
        with self._lock:
            results: dict[str, Result] = {}
            for medium in dict.fromkeys(message.medium for message in messages):
                results |= self._hand_medium(medium, [message for message in messages if message.medium == medium])
        return [results[message.message_id] for message in messages]

    def _hand_medium(self, medium: str, messages: Sequence[Message]) -> dict[str, Result]:
        """One file for what is new, and where every message is now."""
        try:
            found = self._find(messages)
            fresh = list(
                {message.message_id: message for message in messages if message.message_id not in found}.values()
            )
            path = self._write(medium, fresh) if fresh else ""
        except OSError as error:
            trouble = RetryLater(_DISK_TROUBLE, "disk", f"{type(error).__name__}: {error.strerror}")
            return {message.message_id: trouble for message in messages}
        results: dict[str, Result] = {message_id: Accepted(place) for message_id, place in found.items()}
        durable = not fresh or _settle(self.folder / path)
        written: Result = Accepted(path) if durable else Unknown("written, but the disk did not confirm it")
        return results | {message.message_id: written for message in fresh}

    def _write(self, medium: str, messages: Sequence[Message]) -> str:
        """Write a batch; its place below the outbox. Complete and on disk under another name first, then renamed."""
        place = f"{self._today().isoformat()}/{medium}/{_name(messages)}"
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        with unfinished.open("wb") as file:
            file.write(f"{len(messages)} messages\n{_RULE}\n".encode() + "".join(map(_entry, messages)).encode())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        self._days.setdefault(path.parent, _Day()).add(path.name, [message.message_id for message in messages])
        return place

    def _reconcile(self, messages: Sequence[Message]) -> list[Finding]:
        with self._lock:
            try:
                found = self._find(messages)
            except OSError as error:
                return [Unknown(f"the outbox cannot be read: {error.strerror}")] * len(messages)
        ids = [message.message_id for message in messages]
        return [Accepted(found[name]) if name in found else Absent() for name in ids]

    def _find(self, messages: Sequence[Message]) -> dict[str, str]:
        """Message id -> file it is in, below the outbox."""
        wanted: dict[str, set[str]] = {}
        first = self._today()
        for message in messages:
            wanted.setdefault(message.medium, set()).add(message.message_id)
            first = min(first, message.reserved_at.astimezone(self._ports.timezone).date() - timedelta(days=1))
        found: dict[str, str] = {}
        for day in _days(first, self._today()):
            for medium, ids in wanted.items():
                places = self._read(self.folder / day.isoformat() / medium)
                found |= {name: f"{day.isoformat()}/{medium}/{places[name]}" for name in ids & places.keys()}
        return found

    def _read(self, folder: Path) -> dict[str, str]:
        if not folder.is_dir():
            self._days.pop(folder, None)
            return {}
        return self._days.setdefault(folder, _Day()).read(folder)

    def _today(self) -> date:
        return self._ports.now().astimezone(self._ports.timezone).date()


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _ids(path: Path) -> list[str]:
    return [found.decode() for found in _MESSAGE_ID.findall(path.read_bytes())]


def _name(messages: Sequence[Message]) -> str:
    digest = hashlib.sha256("\n".join(sorted(message.message_id for message in messages)).encode())
    return f"batch-{digest.hexdigest()[:16]}.txt"


def _entry(message: Message) -> str:
    """Headers at the margin, words indented: no word of a message can pass for a header."""
    if not re.fullmatch(r"\S+", message.message_id):
        raise ValueError("a message id has no spaces and is not empty")
    words = "".join(
        f"[{name}]\n    {text.replace(chr(10), chr(10) + '    ')}\n" for name, text in message.parts.items()
    )
    return (
        f"Message: {message.message_id}\nTo: {_line(message.address)}\nCustomer: {_line(message.customer_id)}\n"
        f"Campaign: {_line(message.campaign)} ({message.purpose})\nLocale: {_line(message.locale)}\n"
        f"Between: {message.not_before.isoformat()} and {message.expires_at.isoformat()}\n{_task(message)}{words}{_RULE}\n"
    )


def _task(message: Message) -> str:
    """What an agent task says beside its words."""
    due = f"Due: {message.due_at.isoformat()}\n" if message.due_at else ""
    return due + (f"Priority: {_line(message.priority)}\n" if message.priority else "")


def _line(value: str) -> str:
    return " ".join(value.split())


def _settle(path: Path) -> bool:
    """Make the renaming and the folders durable; False where the disk does not say so."""
    try:
        for folder in list(path.parents)[:3]:
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    except OSError:
        return False
    return True
