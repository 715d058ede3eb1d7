"""A small insurer for the recommender's tests: canonical views in DuckDB, filled by hand or from hidden traits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from recommender import FitReport, fit
from triggers.views import VIEWS

NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
Insurer = Callable[[Rows], duckdb.DuckDBPyConnection]

_CATALOGUE = (
    ("home", "家财险", "Home cover", "insurance", "home"),
    ("health", "医疗险", "Medical cover", "insurance", "health"),
    ("life", "寿险", "Life cover", "insurance", "life"),
    ("motor", "车险", "Motor cover", "insurance", "motor"),
    ("travel", "旅行险", "Travel cover", "insurance", "travel"),
    ("checkup", "年度体检", "Check-up", "service", "health"),
    ("driver", "代驾", "Designated driver", "service", "motor"),
    ("roadside", "道路救援", "Roadside help", "service", "motor"),
)
PRODUCTS: list[dict[str, Any]] = [
    {"product_id": product, "name": name, "name_en": english, "kind": kind, "line": line, "active": True}
    for product, name, english, kind, line in _CATALOGUE
]


def _lay_out(rows: Rows) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("SET TimeZone = 'Asia/Shanghai'")
    for view in VIEWS.values():
        given = list(rows.get(view.name, ()))
        extras = sorted({name for row in given for name in row} - set(view.types))
        columns = {**view.types, **dict.fromkeys(extras, "VARCHAR")}
        db.execute(f"CREATE TABLE {view.name} (" + ", ".join(f'"{n}" {t}' for n, t in columns.items()) + ")")
        if given:
            lent = pa.table({name: [row.get(name) for row in given] for name in {n for row in given for n in row}})
            db.register("lent", lent)
            db.execute(f"INSERT INTO {view.name} BY NAME SELECT * FROM lent")
            db.unregister("lent")
    return db


@pytest.fixture
def insurer() -> Iterator[Insurer]:
    """Canonical views filled with the rows given, all other views empty."""
    opened: list[duckdb.DuckDBPyConnection] = []

    def lay_out(rows: Rows) -> duckdb.DuckDBPyConnection:
        opened.append(_lay_out(rows))
        return opened[-1]

    yield lay_out
    for db in opened:
        db.close()


@pytest.fixture
def policy() -> Callable[..., dict[str, Any]]:
    """An active policy of a customer, numbered by what it is."""

    def make(customer: str, product: str, **other: Any) -> dict[str, Any]:
        lines = {row["product_id"]: row["line"] for row in PRODUCTS}
        plain = {
            "policy_id": f"{customer}-{product}",
            "customer_id": customer,
            "product_id": product,
            "line": lines.get(product),
            "status": "active",
            "effective_date": date(2025, 1, 1),
        }
        return {**plain, **other}

    return make


@pytest.fixture
def used() -> Callable[..., dict[str, Any]]:
    """A service used by a customer some days before `now`."""

    def make(customer: str, product: str, days: int = 30) -> dict[str, Any]:
        at = NOW - timedelta(days=days)
        plain = {"event_id": f"{customer}-{product}-{days}", "customer_id": customer, "type": "service_used"}
        return {**plain, "subject_id": product, "occurred_at": at}

    return make


def traits(customers: int, seed: int = 7) -> Rows:
    """An insurer whose customers have hidden tastes: drivers, householders and carers, who buy and use accordingly."""
    draw = np.random.default_rng(seed)
    taste = draw.integers(0, 3, customers)
    liking = np.array(
        [  # home health life motor travel checkup driver roadside
            [0.10, 0.08, 0.08, 0.90, 0.45, 0.05, 0.70, 0.75],
            [0.90, 0.25, 0.55, 0.20, 0.10, 0.15, 0.05, 0.10],
            [0.15, 0.90, 0.60, 0.10, 0.08, 0.80, 0.03, 0.05],
        ]
    )
    has = draw.random((customers, len(PRODUCTS))) < liking[taste]
    age = np.array([30, 45, 62])[taste] + draw.integers(-8, 9, customers)
    people, policies, events = [], [], []
    for i in range(customers):
        name = f"C{i:05d}"
        people.append(
            {
                "customer_id": name,
                "gender": ("female", "male")[int(draw.integers(2))],
                "birth_date": date(2026 - int(age[i]), 3, 1),
                "tier": ("gold", "silver")[int(draw.integers(2))],
                "region_code": ("310101", "440103", "110101")[int(draw.integers(3))],
                "joined_on": date(2015 + int(draw.integers(10)), 5, 1),
                "locale": ("zh-CN", "en")[i % 2],
                "personalisation": None if i % 10 else i % 20 == 0,
            }
        )
        for position in np.flatnonzero(has[i]):
            product = PRODUCTS[int(position)]
            days = int(draw.integers(10, 360))
            at, subject = NOW - timedelta(days=days), product["product_id"]
            if product["kind"] == "service":
                event = {"event_id": f"{name}-{subject}", "customer_id": name, "type": "service_used"}
                events.append({**event, "subject_id": subject, "occurred_at": at})
            else:
                term = {"policy_id": f"{name}-{subject}", "customer_id": name, "product_id": subject}
                policies.append({**term, "line": product["line"], "status": "active", "effective_date": at.date()})
    return {"customers": people, "policies": policies, "events": events, "products": PRODUCTS}


@pytest.fixture
def tastes() -> Callable[[int], Rows]:
    """The rows of an insurer of so many customers with hidden tastes, to change at will."""
    return traits


@pytest.fixture(scope="session")
def tasteful() -> Iterator[duckdb.DuckDBPyConnection]:
    """2,000 customers with hidden tastes; tests must not change it."""
    db = _lay_out(traits(2000))
    yield db
    db.close()


@pytest.fixture
def now() -> datetime:
    """The instant of the tests."""
    return NOW


@pytest.fixture
def products() -> list[dict[str, Any]]:
    """The catalogue of the tests, to change at will."""
    return [dict(row) for row in PRODUCTS]


@pytest.fixture
def ask() -> Callable[..., pa.Table]:
    """Customers to ask about, all of one locale."""

    def make(*customers: str, locale: str | None = "en") -> pa.Table:
        return pa.table(
            {
                "customer_id": pa.array(customers, pa.string()),
                "locale": pa.array([locale] * len(customers), pa.string()),
            }
        )

    return make


@pytest.fixture(scope="session")
def fitted(tasteful: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FitReport]:
    """The folder and the report of a fit on `tasteful`."""
    folder = tmp_path_factory.mktemp("models")
    return folder, fit(tasteful, folder, NOW, seed=1)
