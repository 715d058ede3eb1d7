"""The filters of the template language, each with an expression and what it really prints in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from markdown import code, table

from templates.filters import filters

DAY = date(2027, 1, 22)
REPORTED = datetime(2026, 11, 18, 9, 30)  # noqa: DTZ001 - what a clock on the wall shows
PLATE, PHONE = "沪A12345", "+8613812345678"
LIST = ["A", "B", "C"]
WORDS: dict[str, tuple[str, Any, tuple[Any, ...], str]] = {
    "date": ("policy.expiry_date | date", DAY, (), "a day in words; `date('short')` and `date('medium')` are shorter"),
    "day_month": ("policy.expiry_date | day_month", DAY, (), "day and month without the year"),
    "datetime": ("claim.reported_at | datetime", REPORTED, (), "day and time of day"),
    "day": ("claim.reported_at | day", REPORTED, (), "the day of an instant"),
    "days": ("3 | days", 3, (), "a number of days in words"),
    "money": ("policy.premium | money(policy.currency)", 3680, ("CNY",), "an amount with its currency (ISO 4217)"),
    "number": ("claim.amount | number", 1234.5, (), "a number; `number(2)` fixes the decimal places"),
    "percent": ("policy.no_claim_discount | percent", 0.1, (), "a share as a percentage"),
    "round": ("claim.amount | round", 1234.5, (), "rounded half up, to 0 decimal places or as many as given"),
    "honorific": ("customer.name | honorific(customer.gender)", "张伟", ("male",), "how to address a customer"),
    "masked_name": ("customer.name | masked_name", "张伟", (), "a name with enough left to recognise"),
    "masked_plate": ("policy.insured_object | masked_plate", PLATE, (), "a number plate with enough left to recognise"),
    "masked_phone": ("customer.phone | masked_phone", PHONE, (), "a phone number with enough left to recognise"),
    "ending": ("policy.policy_id | ending", "P20260417", (), "the last 4 characters, or as many as given"),
    "line_name": ("policy.line | line_name", "motor", (), "a line of business in words"),
    "peril": ("alert.event | peril", "typhoon", (), "the kind of an alert in words"),
    "join_list": ("claim.missing_documents | join_list", LIST, (), "a list as one would say it"),
    "join": ("claim.missing_documents | join('; ')", LIST, ("; ",), "a list with a separator of your own"),
    "first": ("claim.missing_documents | first", LIST, (), "the first entry of a list"),
    "length": ("claim.missing_documents | length", LIST, (), "how many entries, or characters"),
    "default": ("customer.name | default('-')", None, ("-",), "what to write where nothing, or only blanks, is known"),
    "upper": ("customer.tier | upper", "gold", (), "capital letters"),
    "lower": ("customer.tier | lower", "GOLD", (), "small letters"),
    "title": ("customer.tier | title", "gold circle", (), "a capital at the start of each word"),
    "trim": ("customer.name | trim", " Li Na ", (), "without blanks at both ends"),
}  # fmt: skip
"""Filter -> expression, value, arguments, meaning; a test holds that no filter is missing."""


def filter_table(locales: tuple[str, str] = ("zh-CN", "en")) -> str:
    """Every filter with an expression, what it prints per locale, and its meaning."""
    rows = []
    for name, (expression, value, arguments, words) in WORDS.items():
        shown = [printed(filters(locale), name, value, arguments) for locale in locales]
        rows.append((code(name), code(expression), *shown, words))
    return table(("filter", "written", *(f"prints in {locale}" for locale in locales), "meaning"), rows)


def printed(known: Mapping[str, Any], name: str, value: Any, arguments: tuple[Any, ...]) -> str:
    """What a filter makes of a value."""
    return str(known[name](value, *arguments))


def gaps() -> list[str]:
    """Filters without words here, and words without a filter."""
    there = set(filters("en"))
    return [f"filter {name}" for name in sorted(there ^ set(WORDS))] + [
        f"filter {name}" for name, (*_, words) in WORDS.items() if not words
    ]
