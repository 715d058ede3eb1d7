"""What was taken is read strictly as of the instant, and shared out by a hash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from recommender.interactions import Split, fingerprint, interactions, split, training_rows, validation_rows

Make = Callable[..., dict[str, Any]]
Insurer = Callable[..., duckdb.DuckDBPyConnection]


def _pairs(db: duckdb.DuckDBPyConnection, now: datetime) -> list[tuple[str, str]]:
    return [(row["customer_id"], row["product_id"]) for row in interactions(db, now).to_pylist()]


def test_holdings_of_any_state_and_services_used_count_once_each(
    insurer: Insurer, policy: Make, used: Make, products: list[dict[str, Any]], now: datetime
) -> None:
    terms = [
        policy("A", "motor", policy_id="1", status="renewed", effective_date=date(2024, 3, 1)),
        policy("A", "motor", policy_id="2", effective_date=date(2025, 3, 1)),
        policy("B", "home", status="lapsed"),
    ]
    uses = [used("A", "roadside", 5), used("A", "roadside", 700)]
    db = insurer({"policies": terms, "events": uses, "products": products})
    assert _pairs(db, now) == [("A", "motor"), ("A", "roadside"), ("B", "home")]
    first = {row["product_id"]: row["first_at"] for row in interactions(db, now).to_pylist()}
    assert first["motor"].date() == date(2024, 3, 1)
    assert first["roadside"] == now - timedelta(days=700)


def test_nothing_after_now_is_known(
    insurer: Insurer, policy: Make, used: Make, products: list[dict[str, Any]], now: datetime
) -> None:
    terms = [
        policy("A", "motor", effective_date=date(2026, 6, 2)),
        policy("A", "home", effective_date=date(2026, 6, 1)),
    ]
    db = insurer(
        {"policies": terms, "events": [used("A", "driver", -1), used("A", "roadside", 0)], "products": products}
    )
    assert _pairs(db, now) == [("A", "home"), ("A", "roadside")]


def test_other_events_and_products_that_do_not_exist_are_no_interactions(
    insurer: Insurer, policy: Make, used: Make, products: list[dict[str, Any]], now: datetime
) -> None:
    login = {**used("A", "driver"), "type": "app_login"}
    db = insurer({"policies": [policy("A", "unheard-of")], "events": [login], "products": products})
    assert _pairs(db, now) == []


def test_nobody_is_learnt_from_who_refused_personalisation(
    insurer: Insurer, policy: Make, products: list[dict[str, Any]], now: datetime
) -> None:
    people = [{"customer_id": "A", "personalisation": False}, {"customer_id": "B", "personalisation": None}]
    terms = [policy("A", "motor"), policy("B", "home")]
    db = insurer({"customers": people, "policies": terms, "products": products})
    everyone = Split(train=1_000_000, validate=1_000_000)
    assert training_rows(db, now, everyone, rows=10, seed=1)["customer_id"].to_pylist() == ["B"]
    assert validation_rows(db, now, everyone, seed=1)["customer_id"].to_pylist() == ["B"]
    assert fingerprint(db, now).interactions == 1


def test_validation_hides_the_latest_product_still_offered(
    insurer: Insurer, policy: Make, products: list[dict[str, Any]], now: datetime
) -> None:
    for product in products:
        product["active"] = product["product_id"] != "travel"
    terms = [
        policy("A", "home", effective_date=date(2024, 1, 1)),
        policy("A", "motor", effective_date=date(2025, 1, 1)),
        policy("A", "travel", effective_date=date(2026, 1, 1)),
    ]
    db = insurer({"customers": [{"customer_id": "A"}], "policies": terms, "products": products})
    hidden = validation_rows(db, now, Split(train=0, validate=1_000_000), seed=1)
    assert hidden.to_pylist() == [{"row": 0, "customer_id": "A", "hidden": "motor"}]


def test_no_customer_both_trains_and_validates(tasteful: duckdb.DuckDBPyConnection, now: datetime) -> None:
    shares = split(fingerprint(tasteful, now), 200_000)
    trained = set(training_rows(tasteful, now, shares, rows=200_000, seed=1)["customer_id"].to_pylist())
    measured = set(validation_rows(tasteful, now, shares, seed=1)["customer_id"].to_pylist())
    assert not trained & measured
    assert len(trained | measured) == fingerprint(tasteful, now).interacting_customers
    assert 0.15 < len(measured) / len(trained | measured) < 0.25


def test_a_large_portfolio_is_thinned_the_same_way_every_time(
    tasteful: duckdb.DuckDBPyConnection, now: datetime
) -> None:
    shares = split(fingerprint(tasteful, now), 500)
    first = training_rows(tasteful, now, shares, rows=500, seed=1)
    assert 400 < first.num_rows <= 500
    assert first["row"].to_pylist() == list(range(first.num_rows))
    assert first.equals(training_rows(tasteful, now, shares, rows=500, seed=1))
    assert not first.equals(training_rows(tasteful, now, shares, rows=500, seed=2))


def test_the_fingerprint_knows_the_data_but_not_the_order_of_rows(
    insurer: Insurer, policy: Make, products: list[dict[str, Any]], now: datetime
) -> None:
    terms = [policy("A", "motor"), policy("B", "home"), policy("C", "life")]
    plain = fingerprint(insurer({"policies": terms, "products": products}), now)
    turned = fingerprint(insurer({"policies": terms[::-1], "products": products[::-1]}), now)
    other = fingerprint(insurer({"policies": [*terms[:2], policy("C", "motor")], "products": products}), now)
    assert plain == turned
    assert (plain.interactions, plain.interacting_customers, plain.products) == (3, 3, 8)
    assert plain.hash != other.hash
