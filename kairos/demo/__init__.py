"""A made-up insurer whose facts surround a day of your choice: to try Kairos out, to test it and to measure it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kairos.demo.generator import DemoError, generate
    from kairos.demo.summary import DemoSummary

__all__ = ["DemoError", "DemoSummary", "generate"]


def __getattr__(name: str) -> Any:
    """Load the generator, and numpy and pyarrow with it, only when it is asked for."""
    if name in ("DemoError", "generate"):
        from kairos.demo import generator

        return getattr(generator, name)
    if name == "DemoSummary":
        from kairos.demo.summary import DemoSummary

        return DemoSummary
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
