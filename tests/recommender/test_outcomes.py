"""What came of offers is learnt from: in the right direction, each offer as of when it was made, nothing of later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from recommender import FitReport, fit, load
from recommender.audience import audience, described, portfolio
from recommender.fitting import Choice
from recommender.interactions import Split, outcome_rows
from recommender.learning import Learning
from recommender.outcomes import Feedback, judge, voted

Insurer = Callable[..., duckdb.DuckDBPyConnection]
Tastes = Callable[[int], dict[str, list[dict[str, Any]]]]
ALL = Split(train=1_000_000, validate=0)


def on_record(
    offers: Iterable[tuple[str, str, datetime, Sequence[str]]], answers: Iterable[tuple[str, str, datetime]] = ()
) -> Feedback:
    """Messages (id, customer, when, products) and what the ledger knows of them (id, event, when)."""
    made = [
        {
            "message_id": m,
            "customer_id": c,
            "offered_at": at,
            "offers": json.dumps([{"product_id": p} for p in products]),
        }
        for m, c, at, products in offers
    ]
    told = [{"message_id": m, "event": event, "answered_at": at} for m, event, at in answers]
    stamp = pa.timestamp("s", "UTC")
    texts = ("message_id", "customer_id", "offers", "event")

    def table(rows: list[dict[str, Any]], *names: str) -> pa.Table:
        schema = pa.schema([(name, pa.string() if name in texts else stamp) for name in names])
        return pa.Table.from_pylist(rows, schema)

    return Feedback(
        table(made, "message_id", "customer_id", "offered_at", "offers"),
        table(told, "message_id", "event", "answered_at"),
    )


def outcomes(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    found = db.execute("select customer_id, product_id, outcome from recommender_outcomes").fetchall()
    return {(customer, product): outcome for customer, product, outcome in found}


def event(customer: str, type_: str, subject: str, at: datetime) -> dict[str, Any]:
    name = f"{customer}-{type_}-{subject}-{at.timestamp()}"
    return {"event_id": name, "customer_id": customer, "type": type_, "subject_id": subject, "occurred_at": at}


@pytest.fixture
def judged(
    insurer: Insurer, policy: Callable[..., dict[str, Any]], products: list[dict[str, Any]], now: datetime
) -> Any:
    """One offer to each of some customers forty days ago, judged as of a day."""
    then = now - timedelta(days=40)
    later = then + timedelta(days=3)
    people = [{"customer_id": c, "personalisation": c != "X"} for c in "ABCDEFGHX"]
    events = [
        event("B", "offer_clicked", "m-B", later),
        event("C", "offer_clicked", "roadside", later),
        event("C", "offer_refused", "roadside", later + timedelta(days=1)),
        event("D", "service_used", "roadside", later),
        event("E", "offer_refused", "roadside", then - timedelta(days=1)),
        event("F", "offer_clicked", "roadside", then + timedelta(days=31)),
    ]
    bought = [policy("G", "travel", effective_date=later.date())]
    db = insurer({"customers": people, "products": products, "events": events, "policies": bought})
    offers = [(f"m-{c}", c, then, ["travel" if c == "G" else "roadside"]) for c in "ABCDEFGHX"]
    feedback = on_record([*offers, ("m-new", "A", now - timedelta(days=1), ["driver"])], [("m-H", "opted_out", later)])

    def at(day: datetime) -> tuple[dict[str, int], dict[tuple[str, str], str]]:
        counts = judge(db, feedback, Learning(), day)
        return counts, outcomes(db)

    return at


def test_an_offer_is_judged_by_what_happened_within_its_days(judged: Any, now: datetime) -> None:
    counts, found = judged(now)
    assert found == {
        ("A", "roadside"): "ignored",
        ("A", "driver"): "open",
        ("B", "roadside"): "clicked",
        ("C", "roadside"): "refused",
        ("D", "roadside"): "purchased",
        ("E", "roadside"): "ignored",  # refused before it was offered
        ("F", "roadside"): "ignored",  # looked at a day too late
        ("G", "travel"): "purchased",
        ("H", "roadside"): "refused",  # the ledger says: no more of these
    }
    assert counts == {"purchased": 2, "clicked": 1, "refused": 2, "ignored": 3, "open": 1}


def test_nothing_later_than_the_fit_is_known(judged: Any, now: datetime) -> None:
    then = now - timedelta(days=40)
    assert set(judged(then + timedelta(days=2))[1].values()) == {"open"}
    assert judged(then - timedelta(days=1))[1] == {}
    known = judged(then + timedelta(days=5))[1]
    assert (known["C", "roadside"], known["A", "roadside"]) == ("refused", "open")


def test_an_offer_is_seen_as_of_when_it_was_made(
    insurer: Insurer, policy: Callable[..., dict[str, Any]], products: list[dict[str, Any]], now: datetime
) -> None:
    then = now - timedelta(days=40)
    held = [
        policy("A", "motor", effective_date=(then - timedelta(days=5)).date()),
        policy("A", "home", effective_date=(then + timedelta(days=5)).date()),
    ]
    born = (then + timedelta(days=1)).date().replace(year=1990)
    people = [{"customer_id": "A", "birth_date": born}]
    db = insurer({"customers": people, "products": products, "policies": held})
    judge(db, on_record([("m", "A", then, ["roadside"])]), Learning(), now)
    asked = outcome_rows(db, ALL, apart=False, rows=10, seed=1)
    with audience(db, asked, now):
        assert portfolio(db)["product_id"].to_pylist() == ["motor"]
        assert described(db)["age"].to_pylist() == [then.year - 1990 - 1]


def test_a_no_is_a_yes_to_what_else_there_was_by_how_often_it_is_taken() -> None:
    could = np.ones((4000, 4), dtype=bool)
    could[:, 3] = False
    could[0] = [True, False, False, False]
    named = np.zeros(4000, dtype=np.int64)
    against = np.arange(4000) < 3000
    rows, items, shares = voted(named, against, could, np.array([50.0, 299.0, 99.0, 500.0]), seed=1)
    assert 0 not in rows  # nothing else was there
    assert (items[rows >= 3000] == 0).all()
    votes = np.bincount(items[rows < 3000], minlength=4) / (rows < 3000).sum()
    assert votes[0] == votes[3] == 0
    assert votes[1] == pytest.approx(0.75, abs=0.02)
    np.testing.assert_allclose(np.bincount(rows, shares, minlength=4000), [0.0, *np.ones(3999)])


def offered_to_drivers(rows: dict[str, list[dict[str, Any]]], now: datetime, product: str) -> list[Any]:
    """The product, sixty days ago, to every other driver that had not used it and may be learnt from."""
    drivers = [p["customer_id"] for p in rows["policies"] if p["product_id"] == "motor"]
    has = {e["customer_id"] for e in rows["events"] if e["subject_id"] == product}
    has |= {c["customer_id"] for c in rows["customers"] if c["personalisation"] is False}
    return [(f"m-{c}", c, now - timedelta(days=60), [product]) for c in drivers if c not in has][::2]


@pytest.mark.parametrize("model", ["lightfm", "logistic"])
@pytest.mark.parametrize(("answer", "sign"), [("offer_refused", -1), ("offer_accepted", 1)])
def test_a_fit_after_outcomes_differs_in_the_right_direction(
    *, insurer: Insurer, tastes: Tastes, now: datetime, tmp_path: Path, ask: Callable[..., pa.Table],
    model: str, answer: str, sign: int,
) -> None:  # fmt: skip
    rows = tastes(1500)
    made = offered_to_drivers(rows, now, "roadside")
    told = [(message, answer, at + timedelta(days=2)) for message, _, at, _ in made]
    db = insurer(rows)
    asked = {name for _, name, _, _ in made}
    others = [
        p["customer_id"] for p in rows["policies"] if p["product_id"] == "motor" and p["customer_id"] not in asked
    ]

    def chance(feedback: Feedback | None) -> tuple[float, FitReport]:
        report = fit(db, tmp_path, now, seed=1, choice=Choice(model), feedback=feedback)
        found = load(tmp_path).top(db, ask(*others), kind=None, top=9, now=now).to_pylist()
        chances = [o["probability"] for o in found if o["product_id"] == "roadside" and o["model"] == model]
        assert len(chances) > 20
        return float(np.mean(chances)), report

    before, _ = chance(None)
    after, report = chance(on_record(made, told))
    counts = report.as_dict()["outcomes"]
    assert counts == {**dict.fromkeys(counts, 0), "refused" if sign < 0 else "purchased": len(made)}
    assert sign * (after - before) > 0.05 * before
    assert report.validation_customers == fit(db, tmp_path, now, seed=1).validation_customers


def test_weights_of_nothing_teach_nothing(insurer: Insurer, tastes: Tastes, now: datetime, tmp_path: Path) -> None:
    rows = tastes(400)
    made = offered_to_drivers(rows, now, "roadside")
    told = [(message, "offer_refused", at) for message, _, at, _ in made]
    nothing = Learning(purchased=0, clicked=0, refused=0, ignored=0)
    db = insurer(rows)
    plain = fit(db, tmp_path / "plain", now, seed=1).folder
    deaf = fit(
        db, tmp_path / "deaf", now, seed=1, choice=Choice(learning=nothing), feedback=on_record(made, told)
    ).folder
    assert (plain / "lightfm.npz").read_bytes() == (deaf / "lightfm.npz").read_bytes()
