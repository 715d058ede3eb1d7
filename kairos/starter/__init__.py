"""What a new workspace begins with: commented settings and sources, ten campaigns of the trade, a handful of facts."""

from __future__ import annotations

import shutil
from pathlib import Path

HERE = Path(__file__).parent


def write_starter(folder: Path, *, demo: bool) -> list[Path]:
    """Copy the starter files that are not there yet; with `demo` the facts and sources are the generator's business.

    Returns the files written. Nothing that exists is touched.
    """
    written: list[Path] = []
    for source in sorted(HERE.rglob("*")):
        name = source.relative_to(HERE)
        if source.is_dir() or source.suffix in (".py", ".pyc"):
            continue
        if demo and (name.parts[0] == "facts" or name.name == "sources.yaml"):
            continue
        target = folder / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            written.append(target)
    return written
