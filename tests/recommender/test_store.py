"""A version is whole or refused, and dying half-way leaves the former one in service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

import recommender.store
from kairos.starter import write_starter
from recommender.errors import NoModelError, TornModelError
from recommender.store import packed, read_version, unpacked, version_name, write_version

NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
FILES = {"a.json": b"{}", "b.npz": b"weights"}


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    version = write_version(tmp_path / "models", FILES, NOW)
    assert read_version(tmp_path / "models") == (version, FILES)


def test_a_version_is_named_by_its_instant_in_utc_and_its_content(tmp_path: Path) -> None:
    local = NOW.astimezone(timezone(timedelta(hours=8)))
    assert write_version(tmp_path, FILES, local) == version_name(FILES, NOW)
    assert version_name(FILES, NOW).startswith("20260601T040000Z-")
    assert version_name({**FILES, "a.json": b"[]"}, NOW) != version_name(FILES, NOW)


def test_the_newest_version_serves_and_the_former_one_is_kept(tmp_path: Path) -> None:
    first = write_version(tmp_path, FILES, NOW)
    second = write_version(tmp_path, {"a.json": b"new"}, NOW)
    assert read_version(tmp_path) == (second, {"a.json": b"new"})
    assert {first, second, "current"} == {path.name for path in tmp_path.iterdir()}


def test_writing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    assert write_version(tmp_path, FILES, NOW) == write_version(tmp_path, FILES, NOW)
    assert len(list(tmp_path.iterdir())) == 2


def test_no_model_is_said_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NoModelError, match="run `kairos recommend fit`"):
        read_version(tmp_path)


@pytest.mark.parametrize(
    ("damage", "detail"),
    [
        (lambda place: (place / "b.npz").unlink(), "b.npz cannot be read"),
        (lambda place: (place / "b.npz").write_bytes(b"weight"), "b.npz is not the file that was written"),
        (lambda place: (place / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda place: (place / "manifest.json").write_text("{"), "manifest.json is missing or unreadable"),
        (lambda place: (place / "manifest.json").write_text('{"format": 99}'), "format 99"),
    ],
)
def test_a_torn_version_is_refused_with_the_way_out(
    tmp_path: Path, damage: Callable[[Path], object], detail: str
) -> None:
    damage(tmp_path / write_version(tmp_path, FILES, NOW))
    with pytest.raises(TornModelError, match=detail) as refusal:
        read_version(tmp_path)
    assert "run `kairos recommend fit` again" in str(refusal.value)
    assert str(tmp_path / "current") in str(refusal.value)


def test_a_manifest_changed_along_with_its_files_is_refused(tmp_path: Path) -> None:
    place = tmp_path / write_version(tmp_path, FILES, NOW)
    manifest = json.loads((place / "manifest.json").read_text())
    del manifest["files"]["b.npz"]
    (place / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(TornModelError, match="name does not match its content"):
        read_version(tmp_path)


@pytest.mark.parametrize("content", ["", "../elsewhere", "no-such-version"])
def test_a_pointer_to_nowhere_is_refused(tmp_path: Path, content: str) -> None:
    write_version(tmp_path, FILES, NOW)
    (tmp_path / "current").write_text(content)
    with pytest.raises(TornModelError):
        read_version(tmp_path)


def test_a_torn_version_is_mended_by_fitting_the_same_again(tmp_path: Path) -> None:
    version = write_version(tmp_path, FILES, NOW)
    (tmp_path / version / "b.npz").unlink()
    write_version(tmp_path, FILES, NOW)
    assert read_version(tmp_path) == (version, FILES)


@pytest.mark.parametrize("step", ["_lay_down", "switch"])
def test_dying_before_the_switch_leaves_the_former_model_in_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first = write_version(tmp_path, FILES, NOW)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(recommender.store, step, dies)
    with pytest.raises(KeyboardInterrupt):
        write_version(tmp_path, {"a.json": b"new"}, NOW)
    assert read_version(tmp_path) == (first, FILES)


def test_dying_while_files_are_written_leaves_no_half_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_version(tmp_path, FILES, NOW)

    def dies(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(recommender.store, "_sync_folder", dies)
    with pytest.raises(KeyboardInterrupt):
        write_version(tmp_path, {"a.json": b"new"}, NOW)
    monkeypatch.undo()
    assert read_version(tmp_path) == (first, FILES)
    versions = [path.name for path in tmp_path.iterdir() if path.is_dir() and not path.name.startswith(".")]
    assert versions == [first]


def test_the_same_arrays_are_the_same_bytes_whatever_their_order() -> None:
    one, two = np.arange(3.0), np.ones((2, 2), dtype=np.float32)
    content = packed({"one": one, "two": two})
    assert content == packed({"two": two, "one": one})
    np.testing.assert_array_equal(unpacked(content)["two"], two)


def test_a_switch_killed_at_any_step_leaves_the_old_version_or_the_new_one(tmp_path: Path) -> None:
    old = write_version(tmp_path, {"a.json": b"old"}, NOW)
    new = write_version(tmp_path, {"a.json": b"new"}, NOW + timedelta(days=1))
    script = Path(__file__).parent / "switch_rounds.py"
    root = Path(recommender.store.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), old, new],
        capture_output=True, text=True, check=True, timeout=100, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    found = json.loads(done.stdout)
    switched = found.index(new)
    assert set(found[:switched]) == {old}
    assert set(found[switched:]) == {new}
    assert switched > 20  # it was killed while it checked, wrote and renamed
    assert len(found) - switched > 3  # and after the name was in place
    assert write_version(tmp_path, {"a.json": b"old"}, NOW) == old  # what dead ones left is in nobody's way


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.45, 0.6])
def test_the_command_killed_at_any_time_leaves_one_of_the_two_in_service(tmp_path: Path, seconds: float) -> None:
    place = tmp_path / "w"
    write_starter(place, demo=False)
    names = [
        write_version(place / "models", {"a.json": str(day).encode()}, NOW + timedelta(days=day)) for day in (0, 1)
    ]
    root = Path(recommender.store.__file__).parents[1]
    child = subprocess.Popen(
        [sys.executable, "-c", "from kairos.cli import main; main()", "recommend", "use", "-w", str(place)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    assert read_version(place / "models")[0] in names
