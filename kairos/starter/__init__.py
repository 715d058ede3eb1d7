"""What a new workspace begins with: commented settings and sources, thirteen campaigns of the trade, a handful of facts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pydantic import BaseModel

HERE = Path(__file__).parent


def write_starter(folder: Path, *, demo: bool) -> list[Path]:
    """Copy the starter files that are not there yet; with `demo` the facts and sources are the generator's business.

    Returns the files written. Nothing that exists is touched.
    """
    written: list[Path] = []
    own_sources = demo or (folder / "sources.yaml").exists()
    for source in sorted(HERE.rglob("*")):
        name = source.relative_to(HERE)
        if source.is_dir() or source.suffix in (".py", ".pyc"):
            continue
        if own_sources and (name.parts[0] == "facts" or name.name == "sources.yaml"):
            continue
        target = folder / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            written.append(target)
    return written + [path for path, model in _schemas(folder).items() if _write_schema(path, model)]


def _schemas(folder: Path) -> dict[Path, type[BaseModel]]:
    """What the comment in the first line of the files refers to: completion and checks in most editors."""
    from campaigns.definition import Campaign
    from kairos.settings import Settings

    return {folder / "campaign.schema.json": Campaign, folder / "kairos.schema.json": Settings}


def _write_schema(path: Path, model: type[BaseModel]) -> bool:
    if path.exists():
        return False
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}
    path.write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return True
