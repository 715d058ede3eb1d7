"""Write docs/reference, or with --check say which pages are out of date and what nobody has put into words."""

from __future__ import annotations

import sys
from pathlib import Path

from reference import pages, undocumented

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def main(arguments: list[str]) -> int:
    """0 where all is well, 1 where something is out of date or undocumented, 2 where used wrongly."""
    if arguments not in ([], ["--check"]):
        print("usage: scripts/reference [--check]", file=sys.stderr)
        return 2
    made = pages()
    missing = undocumented()
    for gap in missing:
        print(f"undocumented: {gap}")
    if arguments:
        stale = _stale(made)
        for name in stale:
            print(f"out of date: docs/reference/{name}; run scripts/reference")
        return int(bool(stale or missing))
    _write(made)
    return int(bool(missing))


def _stale(made: dict[str, str]) -> list[str]:
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def _write(made: dict[str, str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
