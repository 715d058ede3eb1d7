"""An uplift report as sheets of a workbook: what an analyst goes on to reckon with."""

from __future__ import annotations

from typing import Any

from kairos.workbook import Cell

Rows = list[list[Cell]]
_EFFECT = (
    "campaign", "group", "segment", "verdict", "why", "effect", "always valid from", "to", "looked at once from", "to", "standard error",
    "p", "p adjusted", "customers treated", "level treated", "customers control", "level control", "outcomes it brought about",
    "cost of one more outcome", "cost from", "to", "rows needed", "days needed",
)  # fmt: skip


def sheets(report: dict[str, Any]) -> dict[str, Rows]:
    """Sheet name to rows, headings first."""
    made = report["campaigns"]
    funnel = ("moments", "messaged", "delivered", "failed", "reached", "window_closed")
    days = [(each["campaign"], day) for each in made for day in each["days"]]
    return {
        "effects": [list(_EFFECT), *(_effect(each, part) for each in made for part in each["effects"])],
        "segments": [list(_EFFECT), *(_effect(each, part) for each in made for part in each["segments"])],
        "health": [
            ["campaign", "check", "sound", "seen"],
            *([each["campaign"], c["check"], c["sound"], c["seen"]] for each in made for c in each["health"]),
        ],
        "funnel": [
            ["campaign", "group", *funnel],
            *([each["campaign"], line["group"], *(line[s] for s in funnel)] for each in made for line in each["funnel"]),
        ],
        "days": [
            ["campaign", "day", "group", "customers", "effect", "always valid from", "to"],
            *([name, d["day"], d["group"], d["customers"], d["estimate"], *d["always_valid"]] for name, d in days),
        ],
        "tenths": [
            ["campaign", "tenth", "customers", "score", "level treated", "level control", "effect", "from", "to"],
            *(_tenth(each["campaign"], n, t) for each in made for n, t in enumerate((each["ranking"] or {}).get("tenths", ()), 1)),
        ],
        "counted twice": [
            ["campaign", "and", "events", "of customers held out"],
            *([each["campaign"], t["campaign"], t["events"], t["held_out"]] for each in made for t in each["counted_twice"]),
        ],
        "queries": [
            ["campaign", "name", "query"],
            *([each["campaign"], name, text] for each in made for name, text in each["queries"].items()),
        ],
        "not measured": [["campaign", "why"], *([name, why] for name, why in report["not_measured"].items())],
    }  # fmt: skip


def _tenth(campaign: str, number: int, tenth: dict[str, Any]) -> list[Cell]:
    rates, effect = (tenth["treated_rate"], tenth["untreated_rate"]), tenth["effect"]
    return [campaign, number, tenth["rows"], tenth["score"], *rates, effect["value"], effect["low"], effect["high"]]


def _effect(made: dict[str, Any], part: dict[str, Any]) -> list[Cell]:
    cost = part["cost_per_outcome"] or {"value": None, "fixed": [None, None]}
    return [
        made["campaign"], part["group"], part.get("segment", ""), part["verdict"], part["why"], part["estimate"],
        *part["always_valid"], *part["fixed"], part["standard_error"], part["p_value"], part["p_adjusted"],
        part["treated"]["n"], part["treated"]["level"], part["control"]["n"], part["control"]["level"], part.get("incremental"),
        cost["value"], *cost["fixed"], part["rows_needed"], part.get("days_needed"),
    ]  # fmt: skip
