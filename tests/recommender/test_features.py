"""Features describe a customer coarsely, always completely, and never by what is sensitive."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from recommender.audience import audience, described, portfolio
from recommender.features import PROFILE, SENSITIVE, Block, Declared, FeatureSchema, fit_features

Make = Callable[..., dict[str, Any]]
Insurer = Callable[..., duckdb.DuckDBPyConnection]

SCHEMA = FeatureSchema(
    ("home", "motor", "roadside"),
    (
        Block("age", "age", (18, 30), ("<18", "18-29", ">=30", "(missing)")),
        Block("province", "province", (), ("31", "CN-GD", "(other)", "(missing)")),
        Block("held", "products_held", (1, 2), ("<1", "1-1", ">=2", "(missing)")),
    ),
)


def _asked(*rows: tuple[str, str | None]) -> pa.Table:
    return pa.table(
        {
            "row": pa.array(range(len(rows)), pa.int64()),
            "customer_id": pa.array([customer for customer, _ in rows], pa.string()),
            "hidden": pa.array([hidden for _, hidden in rows], pa.string()),
        }
    )


def _named(db: duckdb.DuckDBPyConnection, now: datetime, *rows: tuple[str, str | None]) -> list[dict[str, float]]:
    with audience(db, _asked(*rows), now):
        matrix = SCHEMA.encode(described(db), portfolio(db)).toarray()
    return [{n: round(float(v), 4) for n, v in zip(SCHEMA.columns, row, strict=True) if v} for row in matrix]


@pytest.fixture
def db(insurer: Insurer, policy: Make, used: Make, products: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """One customer with a car, a home and roadside help; one with nothing; one in another province."""
    people = [
        {"customer_id": "A", "birth_date": date(1996, 6, 1), "region_code": "310101"},
        {"customer_id": "B"},
        {"customer_id": "C", "birth_date": date(1996, 6, 2), "region_code": "cn-gd-01"},
        {"customer_id": "D", "birth_date": date(2030, 1, 1), "region_code": "440103"},
    ]
    terms = [
        policy("A", "motor"),
        policy("A", "home"),
        policy("C", "motor", status="lapsed"),
        policy("D", "home", effective_date=date(2026, 7, 1)),
    ]
    uses = [used("A", "roadside", 364), used("C", "roadside", 366)]
    return insurer({"customers": people, "policies": terms, "events": uses, "products": products})


def test_a_row_is_the_portfolio_and_the_profile_summing_to_one(db: duckdb.DuckDBPyConnection, now: datetime) -> None:
    ninth = round(1 / 9, 4)
    assert _named(db, now, ("A", None)) == [
        {
            "portfolio=home": round(2 / 9, 4),
            "portfolio=motor": round(2 / 9, 4),
            "portfolio=roadside": round(2 / 9, 4),
            "age=>=30": ninth,
            "province=31": ninth,
            "held=>=2": ninth,
        }
    ]


def test_the_hidden_product_is_neither_a_flag_nor_counted(db: duckdb.DuckDBPyConnection, now: datetime) -> None:
    row = _named(db, now, ("A", "motor"))[0]
    assert "portfolio=motor" not in row
    assert "held=1-1" in row


def test_nothing_known_is_the_missing_bucket_never_an_empty_row(db: duckdb.DuckDBPyConnection, now: datetime) -> None:
    bare = {"portfolio=(nothing)": 0.4, "age=(missing)": 0.2, "province=(missing)": 0.2, "held=<1": 0.2}
    assert _named(db, now, ("B", None), ("nobody", None)) == [bare, bare]


def test_lapsed_cover_and_services_of_long_ago_are_not_possessed(db: duckdb.DuckDBPyConnection, now: datetime) -> None:
    row = _named(db, now, ("C", None))[0]
    assert row == {"portfolio=(nothing)": 0.4, "age=18-29": 0.2, "province=CN-GD": 0.2, "held=<1": 0.2}


def test_cover_yet_to_begin_and_impossible_ages_are_not_features(db: duckdb.DuckDBPyConnection, now: datetime) -> None:
    row = _named(db, now, ("D", None))[0]
    assert row == {"portfolio=(nothing)": 0.4, "age=(missing)": 0.2, "province=(other)": 0.2, "held=<1": 0.2}


def test_a_schema_survives_being_stored() -> None:
    import json

    assert FeatureSchema.from_dict(json.loads(json.dumps(SCHEMA.as_dict()))) == SCHEMA


def test_rare_values_are_other_and_common_ones_are_columns() -> None:
    profile = pa.table({"tier": ["gold"] * 5 + ["silver"] * 4 + [None] * 9, "age": list(range(18))})
    schema = fit_features(profile, ["home"], (Declared("tier", "tier"), Declared("age", "age", (10,))))
    assert schema.columns == (
        "portfolio=home",
        "portfolio=(nothing)",
        "tier=gold",
        "tier=(other)",
        "tier=(missing)",
        "age=<10",
        "age=>=10",
        "age=(missing)",
    )


def test_sensitive_columns_cannot_be_declared() -> None:
    assert not SENSITIVE & {block.column for block in PROFILE}
    with pytest.raises(ValueError, match="phone is sensitive"):
        fit_features(pa.table({"phone": ["+86"]}), ["home"], (Declared("phone", "phone"),))


def test_every_row_of_a_portfolio_sums_to_one(tasteful: duckdb.DuckDBPyConnection, now: datetime) -> None:
    people = tasteful.sql("SELECT customer_id FROM customers ORDER BY customer_id").fetchall()
    with audience(tasteful, _asked(*((person, None) for (person,) in people)), now):
        profile, held = described(tasteful), portfolio(tasteful)
    matrix = fit_features(profile, ["home", "motor"]).encode(profile, held)
    np.testing.assert_allclose(np.asarray(matrix.sum(axis=1)).ravel(), 1.0, rtol=1e-6)


def test_nothing_is_left_behind_in_the_facts(db: duckdb.DuckDBPyConnection, now: datetime) -> None:
    before = db.sql("SHOW TABLES").fetchall()
    with pytest.raises(ZeroDivisionError), audience(db, _asked(("A", None)), now):
        raise ZeroDivisionError
    assert db.sql("SHOW TABLES").fetchall() == before
