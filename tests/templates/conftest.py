"""One insurer, one customer, and every situation the library has words for.

Run this file to write the golden texts anew, then read what changed before keeping it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from templates import PARTS, Draft, Library, TemplateFault

GOLDEN = Path(__file__).parent / "golden"
LOCALES = ("zh-CN", "en")
SHANGHAI = timezone(timedelta(hours=8))

INSURER = {
    "insurer.name": "示例保险",
    "insurer.phone": "95500",
    "insurer.site": "https://example.com",
    "insurer.currency": "CNY",
    "links.claims_guide": "https://example.com/g",
    "links.survey": "https://example.com/s/7Q2",
    "links.renew": "https://example.com/r?c=1&m=7Q2",
    "links.pay": "https://example.com/p",
    "links.upload": "https://example.com/u",
    "links.app": "https://example.com/a",
    "message.id": "7Q2",
    "campaign.name": "motor-renewal",
    "today": date(2026, 11, 23),
}
FACTS: dict[str, Any] = {
    "customer.customer_id": "C7",
    "customer.name": "欧阳小明",
    "customer.gender": "male",
    "customer.birth_date": date(1988, 11, 23),
    "customer.tier": "gold",
    "customer.agent_id": "A1",
    "policy.policy_id": "PDAA202600012345",
    "policy.product_id": "M1",
    "policy.line": "motor",
    "policy.effective_date": date(2026, 1, 23),
    "policy.expiry_date": date(2027, 1, 22),
    "policy.premium": 4321.5,
    "policy.currency": None,
    "policy.insured_object": "沪A12345",
    "policy.next_premium_due": date(2026, 12, 1),
    "policy.renewal_premium": 3980.0,
    "policy.no_claim_discount": 0.3,
    "claim.claim_id": "CL20260098761234",
    "claim.status": "paid",
    "claim.updated_at": datetime(2026, 11, 20, 16, 5, tzinfo=SHANGHAI),
    "claim.amount": 8250.0,
    "claim.missing_documents": ["身份证复印件", "维修发票", "银行卡复印件"],
    "alert.event": "typhoon",
    "alert.severity": "severe",
    "alert.headline": "上海中心气象台发布台风橙色预警",
    "alert.effective_at": datetime(2026, 11, 23, 8, 0, tzinfo=SHANGHAI),
    "alert.expires_at": datetime(2026, 11, 24, 20, 0, tzinfo=SHANGHAI),
    "event.type": "claim_completed",
    "event.occurred_at": datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
    "offer.name": "道路救援",
    "offer.reason": "因为您在我们这里投保了车险",
    "offer.product_id": "S1",
    "offers": [
        {"name": "道路救援", "reason": "因为您在我们这里投保了车险", "product_id": "S1"},
        {"name": "代驾服务", "reason": "很多客户都在使用", "product_id": "S2"},
    ],
}
ENGLISH: dict[str, object] = {
    "customer.name": "John Smith",
    "insurer.name": "Example Mutual",
    "claim.missing_documents": ["copy of your ID", "repair invoice", "bank card"],
    "alert.headline": "Shanghai weather office: orange typhoon warning",
    "offer.name": "Roadside help",
    "offer.reason": "because you insure a car with us",
    "offers": [
        {"name": "Roadside help", "reason": "because you insure a car with us", "product_id": "S1"},
        {"name": "Designated driver", "reason": "popular with our customers", "product_id": "S2"},
    ],
}
UNKNOWN = (
    *("customer.name", "customer.gender", "policy.insured_object", "policy.renewal_premium"),
    *("policy.no_claim_discount", "policy.premium", "claim.amount", "alert.headline", "alert.expires_at"),
    *("links.renew", "links.upload", "links.app", "links.claims_guide"),
)
BARE: dict[str, object] = dict.fromkeys(UNKNOWN)
STATES = ("reported", "accepted", "in_review", "awaiting_documents", "approved", "denied", "paid", "closed", "reopened")
SITUATIONS: dict[str, tuple[str, dict[str, object]]] = {
    "motor_renewal": ("motor_renewal", {}),
    "motor_renewal, nothing but the dates known": ("motor_renewal", BARE),
    "motor_renewal, a price without a discount": ("motor_renewal", {"policy.no_claim_discount": None}),
    "premium_due": ("premium_due", {"policy.line": "life", "policy.currency": "USD"}),
    **{f"claim_progress, {state}": ("claim_progress", {"claim.status": state}) for state in STATES},
    "claim_progress, paid, amount not known": ("claim_progress", BARE),
    "claim_documents": ("claim_documents", {}),
    "claim_documents, one": ("claim_documents", {"claim.missing_documents": ["ID"], "links.upload": None}),
    "claim_survey": ("claim_survey", {}),
    "disaster_care, before": (
        "disaster_care",
        {"alert.effective_at": datetime(2026, 11, 24, 6, 30, tzinfo=SHANGHAI)},
    ),
    "disaster_care, during": ("disaster_care", {}),
    "disaster_care, during, little known": ("disaster_care", {**BARE, "alert.event": "UFO"}),
    "disaster_care, after": (
        "disaster_care",
        {
            "alert.effective_at": datetime(2026, 11, 20, 9, 0, tzinfo=SHANGHAI),
            "alert.expires_at": datetime(2026, 11, 22, 20, 0, tzinfo=SHANGHAI),
        },
    ),
    "dormancy_care": ("dormancy_care", {"customer.gender": "female"}),
    "birthday": ("birthday", {}),
    "motor_service_offer": ("motor_service_offer", {}),
    "health_cross_sell": ("health_cross_sell", {"offer.name": "e-Health 2027", "offer.product_id": "H1"}),
    "health_cross_sell, one": ("health_cross_sell", {"offers": [FACTS["offers"][0]]}),
    "motor_service_offer_general": ("motor_service_offer_general", {}),
    "health_cross_sell_general": (
        "health_cross_sell_general",
        {"offer.name": "e-Health 2027", "offer.product_id": "H1"},
    ),
    "agent_follow_up": ("agent_follow_up", {}),
    "agent_follow_up, no policy and no claim": ("agent_follow_up", {"policy.policy_id": None, "claim.claim_id": None}),
}
Texts = dict[str, dict[str, str]]
Compose = Callable[..., list[Draft | TemplateFault]]


def parts_of(library: Library, name: str, locale: str) -> list[str]:
    """Return the parts a template has in a locale."""
    source = library.path_of(name, locale).read_text(encoding="utf-8")
    return [part for part in PARTS if f"{{% block {part} %}}" in source]


def values(locale: str, changes: dict[str, object]) -> dict[str, object]:
    """Return the facts of a situation in a locale."""
    spoken = ENGLISH if locale == "en" else {}
    return {**INSURER, **FACTS, **spoken, **changes}


def golden_texts(library: Library, locale: str) -> Texts:
    """Compose every situation."""
    texts: Texts = {}
    for title, (name, changes) in SITUATIONS.items():
        (draft,) = library.compose(name, locale, parts_of(library, name, locale), {}, values(locale, changes))
        assert isinstance(draft, Draft), draft
        texts[title] = dict(draft.parts)
    return texts


def written(texts: Texts) -> str:
    """Return golden texts as a file people read."""
    lines = (f"=== {title} / {part}\n{text}\n" for title, parts in texts.items() for part, text in parts.items())
    return "\n".join(lines)


def read(locale: str) -> Texts:
    """Return the golden texts of a locale."""
    texts: Texts = {}
    entries = re.split(r"^=== (.+) / (\w+)\n", (GOLDEN / f"{locale}.txt").read_text(encoding="utf-8"), flags=re.M)[1:]
    for title, part, text in zip(entries[::3], entries[1::3], entries[2::3], strict=True):
        texts.setdefault(title, {})[part] = text.strip("\n")
    return texts


def known_names(leave_out: Iterable[str] = ()) -> frozenset[str]:
    """Return the names of the test insurer."""
    return frozenset({*INSURER, *FACTS} - set(leave_out))


@pytest.fixture(scope="session")
def own() -> Library:
    """Return the library that comes with Kairos."""
    return Library([], LOCALES)


@pytest.fixture(scope="session", params=LOCALES)
def told(request: pytest.FixtureRequest, own: Library) -> tuple[str, Texts, Texts]:
    """Return a locale, its composed texts and its golden ones."""
    return request.param, golden_texts(own, request.param), read(request.param)


@pytest.fixture(scope="session")
def known() -> Callable[..., frozenset[str]]:
    """Return the names there are, less those given."""
    return known_names


@pytest.fixture
def shelf(tmp_path: Path) -> Callable[..., Library]:
    """Return a library of one template, t, whose text is given per part or as a whole file."""

    def make(source: str = "", locale: str = "zh-CN", **parts: str) -> Library:
        folder = tmp_path / "mine" / locale
        folder.mkdir(parents=True, exist_ok=True)
        blocks = "".join(f"{{% block {part} %}}{text}{{% endblock %}}\n" for part, text in parts.items())
        (folder / "t.j2").write_text(source or blocks, encoding="utf-8")
        return Library([tmp_path / "mine"], [locale])

    return make


@pytest.fixture
def say(shelf: Callable[..., Library]) -> Callable[..., str | TemplateFault]:
    """Compose the SMS part of a one-line template for one customer."""

    def compose(text: str, locale: str = "zh-CN", /, **facts: object) -> str | TemplateFault:
        named = {name.replace("__", "."): value for name, value in facts.items()}
        (draft,) = shelf(locale=locale, sms=text).compose("t", locale, ["sms"], {}, named)
        return draft.parts["sms"] if isinstance(draft, Draft) else draft

    return compose


if __name__ == "__main__":
    for spoken in LOCALES:
        (GOLDEN / f"{spoken}.txt").write_text(written(golden_texts(Library([], LOCALES), spoken)), encoding="utf-8")
