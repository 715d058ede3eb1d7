"""Models on disk: one folder a version, complete or not there at all, and a small file that names the one in service.

A version is written beside its place, forced to disk and renamed; only then is `current` replaced. Dying anywhere
before that leaves the former version in service (and perhaps a `.fitting-*` folder, which may be deleted).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from recommender.errors import NoModelError, NoVersionError, TornModelError
from recommender.model import Arrays

CURRENT = "current"
MANIFEST = "manifest.json"
FORMAT = 1


def packed(arrays: Arrays) -> bytes:
    """Arrays as the bytes of an npz file; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return buffer.getvalue()


def unpacked(content: bytes) -> Arrays:
    """The arrays of an npz file."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def as_json(value: object) -> bytes:
    """Readable, stable JSON."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def version_name(files: Mapping[str, bytes], now: datetime) -> str:
    """The instant in UTC and a hash of the content: the same fit of the same facts has the same name."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{_content_hash(_hashes(files))}"


def write_version(folder: Path, files: Mapping[str, bytes], now: datetime) -> str:
    """Write a version and put it in service; gives its name. Writing the same content again changes nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    version = version_name(files, now)
    manifest = {"format": FORMAT, "version": version, "files": _hashes(files)}
    if not _intact(folder / version):
        _lay_down(folder, version, {**files, MANIFEST: as_json(manifest)})
    switch(folder, version)
    return version


def switch(folder: Path, version: str) -> None:
    """Put a version in service, in one step: readers see the old name or the new one."""
    handle, temporary = tempfile.mkstemp(prefix=f".{CURRENT}-", dir=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(f"{version}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(folder / CURRENT)
    _sync_folder(folder)


def versions(folder: Path) -> list[str]:
    """Every version in the folder, whole or torn, the oldest first: a name begins with its instant."""
    if not folder.is_dir():
        return []
    return sorted(place.name for place in folder.iterdir() if place.is_dir() and not place.name.startswith("."))


def put_in_service(folder: Path, version: str | None) -> str:
    """Switch to this version, or to the newest one older than that in service; gives its name.

    Every byte is checked first: a torn version never serves. Raises `NoVersionError` where there is no such version,
    `TornModelError` where it is not whole.
    """
    known = versions(folder)
    if version is None:
        current = _named(folder)
        older = [name for name in known if name < current]
        if not older:
            raise NoVersionError(folder, f"older than {current}", known)
        version = older[-1]
    elif version not in known:
        raise NoVersionError(folder, f"called {version}", known)
    read_files(folder / version)
    switch(folder, version)
    return version


def _named(folder: Path) -> str:
    """The name of the version in service; raises `NoModelError`."""
    try:
        return (folder / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise NoModelError(folder) from None


def read_version(folder: Path) -> tuple[str, dict[str, bytes]]:
    """Name and files of the version in service, every byte checked; raises `NoModelError` or `TornModelError`."""
    version = _named(folder)
    if not version or Path(version).name != version:
        raise TornModelError(folder / CURRENT, "it does not name a version")
    return version, read_files(folder / version)


def read_files(place: Path) -> dict[str, bytes]:
    """The files of one version, checked against its manifest and its name."""
    manifest = _manifest(place)
    files: dict[str, bytes] = {}
    for name, expected in manifest["files"].items():
        try:
            files[name] = (place / name).read_bytes()
        except OSError as error:
            raise TornModelError(place, f"{name} cannot be read: {error.strerror}") from error
        if hashlib.sha256(files[name]).hexdigest() != expected:
            raise TornModelError(place, f"{name} is not the file that was written")
    return files


def _manifest(place: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((place / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise TornModelError(place, f"{MANIFEST} is missing or unreadable") from error
    if manifest.get("format") != FORMAT:
        raise TornModelError(place, f"format {manifest.get('format')} is not the one this release reads ({FORMAT})")
    if not place.name.endswith(_content_hash(manifest["files"])):
        raise TornModelError(place, "its name does not match its content")
    return manifest


def _intact(place: Path) -> bool:
    try:
        read_files(place)
    except TornModelError:
        return False
    return True


def _lay_down(folder: Path, version: str, files: Mapping[str, bytes]) -> None:
    fitting = Path(tempfile.mkdtemp(prefix=f".fitting-{version}-", dir=folder))
    for name, content in files.items():
        with (fitting / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _sync_folder(fitting)
    if (folder / version).exists():  # a torn folder of this very name: out of the way first
        shutil.rmtree(folder / version)
    fitting.chmod(0o755)
    fitting.rename(folder / version)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    """Force a rename to disk; systems that cannot open folders (Windows) do so by themselves."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}


def _content_hash(hashes: Mapping[str, str]) -> str:
    return hashlib.sha256("".join(f"{name}:{hashes[name]}\n" for name in sorted(hashes)).encode()).hexdigest()[:10]
