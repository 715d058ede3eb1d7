"""How figures are written, in tables and on pages alike."""

from __future__ import annotations

from math import isnan

LEAST = 1e-4


def p_value(p: float | None) -> str:
    """With four digits; a smaller one is told to be smaller, never to be 0. "" where there is none."""
    if p is None or isnan(p):
        return ""
    return f"< {LEAST:.4f}" if p < LEAST else f"{p:.4f}"
