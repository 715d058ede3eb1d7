"""P-values as people read them: none is ever 0."""

from __future__ import annotations

LEAST = 0.0001
"""What is smaller is told as smaller than this."""


def told(value: float | None) -> str:
    """Four digits; nothing where there is none."""
    if value is None:
        return ""
    return f"< {LEAST}" if value < LEAST else f"{value:.4f}"


def equation(value: float | None) -> str:
    """As a part of a sentence: `p = 0.0312`, `p < 0.0001`."""
    return "p = ?" if value is None else f"p < {LEAST}" if value < LEAST else f"p = {value:.4f}"
