"""A saved model says the same when it is loaded, of any table with its columns, and of nobody who refused."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from recommender.errors import UpliftError
from recommender.uplift.frame import Columns, frame_of
from recommender.uplift.people import PROFILE, among_customers, known_customers
from recommender.uplift.serving import fit_model, load, save, servable
from recommender.uplift.trial import Plan

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)
PLAN = Plan(("two-model",))


@pytest.fixture
def frame(trial, table):
    return frame_of(table(trial(1_000, lambda x: 0.2 * (x[:, 0] > 0))), Columns("bought", "treated"))


@pytest.mark.parametrize("name", servable())
def test_a_model_says_the_same_after_it_was_saved_and_loaded(name, frame, tmp_path):
    model = fit_model(frame, name, PLAN, {"verdict": "tried"})
    version = save(model, tmp_path, "renewal-call", NOW)
    again = load(tmp_path, "renewal-call")
    assert again.version == version
    assert again.report == {"learner": name, "verdict": "tried"}
    assert (again.effect(frame.table) == model.effect(frame.table)).all()
    assert save(fit_model(frame, name, PLAN, {"verdict": "tried"}), tmp_path, "renewal-call", NOW) == version


def test_what_cannot_be_saved_loaded_or_applied_is_told(frame, tmp_path):
    with pytest.raises(UpliftError, match="there is none yet: fit one with `kairos uplift model --save call`"):
        load(tmp_path, "call")
    model = fit_model(frame, "x", PLAN, {})
    with pytest.raises(UpliftError, match="no name of a model"):
        save(model, tmp_path, "../call", NOW)
    version = save(model, tmp_path, "call", NOW)
    with pytest.raises(UpliftError, match="no uplift model 'cal'; there are call"):
        load(tmp_path, "cal")
    with pytest.raises(UpliftError, match="needs the columns b, c; the table has a"):
        load(tmp_path, "call").effect(pa.table({"a": [1.0]}))
    (tmp_path / "call" / version / "learner.npz").write_bytes(b"torn")
    with pytest.raises(UpliftError, match=r"is torn \(learner.npz"):
        load(tmp_path, "call")
    with pytest.raises(UpliftError, match="response-boosted cannot be served; these can: class-transformation"):
        fit_model(frame, "response-boosted", PLAN, {})


CUSTOMERS = [
    {"customer_id": "C1", "birth_date": "1990-01-01", "tier": "gold"},
    {"customer_id": "C2", "personalisation": False},
    {"customer_id": "C3", "deceased_on": "2026-01-01"},
    {"customer_id": "C4", "personalisation": True},
]


def test_customers_are_laid_out_with_their_profile_but_for_those_who_refused_or_died(insurer, policy):
    db = insurer({"customers": CUSTOMERS, "policies": [policy("C1", "motor")]})
    people = known_customers(db, NOW)
    assert people["customer_id"].to_pylist() == ["C1", "C4"]
    assert [people[name][0].as_py() for name in PROFILE] == [36, None, None, 1, 0]
    assert people["tier"].to_pylist() == ["gold", None]


def test_rows_of_a_file_count_once_and_only_of_customers_who_may_be_scored(insurer):
    db = insurer({"customers": CUSTOMERS})
    table = pa.table({"customer_id": ["C4", "C2", "C9", "C1", "C4"], "a": np.arange(5)})
    kept, others = among_customers(table, db)
    assert (kept.to_pylist(), others) == ([{"customer_id": "C4", "a": 0}, {"customer_id": "C1", "a": 3}], 3)
    with pytest.raises(UpliftError, match="no column customer_id; it has id"):
        among_customers(pa.table({"id": [1]}), db)
