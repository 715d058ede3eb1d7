"""Draw docs/images/run.svg: the table `kairos run` prints for the insurer that scripts/run makes."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

TARGET = Path(__file__).parents[2] / "docs" / "images" / "run.svg"
AS_OF = "2026-11-23"
WIDTH = 140
# Rich loads a font from the net; the reader's own does as well
TEMPLATE = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def kairos(*arguments: str) -> str:
    """What a command prints on a terminal that shows colours; raises CalledProcessError where it fails."""
    command = [str(Path(sys.executable).with_name("kairos")), *arguments]
    environment = {**os.environ, "FORCE_COLOR": "1"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def printed(customers: int) -> str:
    """The moments table and the lines after it, from a fresh insurer."""
    with tempfile.TemporaryDirectory() as folder:
        place = f"{folder}/demo"
        kairos("init", place, "--demo", "--customers", str(customers), "--seed", "1", "--as-of", AS_OF)
        kairos("recommend", "fit", "-w", place, "--as-of", AS_OF)
        shown = kairos("run", "-w", place, "--as-of", AS_OF)
    return shown[shown.index("Moments as of") :].rstrip()


def drawn(text: str) -> str:
    """The text of a terminal as SVG, with no address in it that is fetched."""
    screen = Console(record=True, width=WIDTH, file=io.StringIO())
    screen.print(Text.from_ansi(text), soft_wrap=False)
    return screen.export_svg(title="kairos run", theme=DIMMED_MONOKAI, code_format=TEMPLATE, unique_id="run")


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(drawn(printed(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)), encoding="utf-8")
    print(f"Drawn: docs/images/{TARGET.name}")
