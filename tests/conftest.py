"""What all tests share: where the real data sets are, and how property tests choose their examples."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every run, so that a change is judged by what it changed; HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("search", derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """The folder of a public data set; the test is skipped, with the reason, where it is absent."""
    base = Path(os.environ.get("KAIROS_DATA", ROOT.parent / "shared" / "data"))

    def folder(name: str) -> Path:
        if not (base / name).is_dir():
            pytest.skip(f"the data set {name} is not in {base} (set KAIROS_DATA)")
        return base / name

    return folder
