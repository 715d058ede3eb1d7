"""Offers: only what may be offered, best first, the same however many are asked about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import recommender.serving
from recommender import FitReport, Recommender, load

Make = Callable[..., dict[str, Any]]
Insurer = Callable[..., duckdb.DuckDBPyConnection]
Ask = Callable[..., pa.Table]
Offers = Callable[..., list[dict[str, Any]]]

GROWN = {"customer_id": "A", "birth_date": date(1990, 1, 1), "gender": "female", "region_code": "310101"}


@pytest.fixture(scope="session")
def model(fitted: tuple[Path, FitReport]) -> Recommender:
    """The model fitted on `tasteful`."""
    return load(fitted[0])


@pytest.fixture
def offers(model: Recommender, insurer: Insurer, ask: Ask, now: datetime, products: list[dict[str, Any]]) -> Offers:
    """All offers to customer A of an insurer with these rows."""

    def make(locale: str = "en", kind: Any = None, top: int = 9, only: Any = None, **rows: Any) -> list[dict[str, Any]]:
        db = insurer({"customers": [GROWN], "products": products, **rows})
        found: list[dict[str, Any]] = model.top(
            db, ask("A", locale=locale), kind=kind, top=top, now=now, only=only
        ).to_pylist()
        return found

    return make


def _ids(offers: list[dict[str, Any]]) -> set[str]:
    return {offer["product_id"] for offer in offers}


ALL = {"home", "health", "life", "motor", "travel", "checkup", "driver", "roadside"}


def test_someone_without_anything_may_be_offered_everything(offers: Offers) -> None:
    assert _ids(offers()) == ALL


def test_what_is_held_or_was_used_this_year_is_not_offered(offers: Offers, policy: Make, used: Make) -> None:
    terms = [policy("A", "motor"), policy("A", "home", status="lapsed"), policy("A", "life", status="renewed")]
    uses = [used("A", "roadside", 364), used("A", "driver", 366)]
    assert _ids(offers(policies=terms, events=uses)) == ALL - {"motor", "roadside"}


def test_what_was_bought_but_has_yet_to_begin_is_not_offered(offers: Offers, policy: Make) -> None:
    assert "motor" not in _ids(offers(policies=[policy("A", "motor", effective_date=date(2026, 9, 1))]))


def test_only_the_kind_asked_for_is_offered(offers: Offers) -> None:
    assert _ids(offers(kind="service")) == {"checkup", "driver", "roadside"}
    assert _ids(offers(kind="insurance")) == {"home", "health", "life", "motor", "travel"}


def test_a_slot_may_narrow_the_choice_without_changing_the_chances(offers: Offers) -> None:
    narrowed = offers(only=["motor", "roadside", "unheard-of"])
    assert _ids(narrowed) == {"motor", "roadside"}
    assert _ids(offers(kind="service", only=["motor", "roadside"])) == {"roadside"}
    assert offers(only=[]) == []
    whole = {offer["product_id"]: offer["probability"] for offer in offers()}
    assert all(offer["probability"] == whole[offer["product_id"]] for offer in narrowed)


def test_ranks_count_from_one_and_probabilities_fall(offers: Offers) -> None:
    found = offers(top=4)
    assert [offer["rank"] for offer in found] == [1, 2, 3, 4]
    chances = [offer["probability"] for offer in found]
    assert chances == sorted(chances, reverse=True)
    assert [offer["score"] for offer in found] == sorted((offer["score"] for offer in found), reverse=True)


def test_probabilities_of_all_candidates_sum_to_one_whatever_kind_is_asked_for(offers: Offers) -> None:
    whole = {offer["product_id"]: offer["probability"] for offer in offers()}
    assert sum(whole.values()) == pytest.approx(1, abs=1e-6)
    services = {offer["product_id"]: offer["probability"] for offer in offers(kind="service")}
    assert services == pytest.approx({item: whole[item] for item in services})


def test_inactive_and_undeclared_products_are_not_offered(offers: Offers, products: list[dict[str, Any]]) -> None:
    products[0]["active"], products[1]["active"] = False, None
    assert _ids(offers(products=products)) == ALL - {"home", "health"}


def test_a_product_that_left_the_catalogue_is_not_offered(offers: Offers, products: list[dict[str, Any]]) -> None:
    assert _ids(offers(products=products[1:])) == ALL - {"home"}


@pytest.mark.parametrize(
    ("condition", "eligible"),
    [
        ("age between 18 and 60", True),
        ("age = 36 and gender = 'female'", True),
        ("age > 36", False),
        ("tier = 'gold'", False),
        ("tier is null", True),
        ("tenure_years < 3", False),
        ("holds_motor", True),
        ("holds_motor and not holds_home", True),
        ("not holds_motor", False),
        ("starts_with(region_code, '31')", True),
        ("region_code > 3", False),
        ("whatever(", False),
    ],
)
def test_eligibility_decides_and_fails_closed(
    offers: Offers, products: list[dict[str, Any]], policy: Make, condition: str, eligible: bool
) -> None:
    products[2]["eligibility"] = condition
    assert ("life" in _ids(offers(products=products, policies=[policy("A", "motor")]))) is eligible


def test_a_broken_condition_takes_nothing_else_down_and_is_reported(
    model: Recommender, insurer: Insurer, ask: Ask, products: list[dict[str, Any]], now: datetime
) -> None:
    products[2]["eligibility"] = "agee > 18"
    products[4]["active"] = None
    db = insurer({"customers": [GROWN], "products": [*products, {**products[0], "product_id": "new"}]})
    assert _ids(model.top(db, ask("A"), kind=None, top=9, now=now).to_pylist()) == ALL - {"life", "travel"}
    assert [(problem.product_id, problem.message) for problem in model.problems(db)] == [
        ("life", "agee is not a column eligibility may use"),
        ("new", "it came after the model was fitted"),
        ("travel", "the source does not say whether it is active"),
    ]


def test_a_condition_the_database_refuses_excludes_its_product_only(
    *,
    model: Recommender,
    insurer: Insurer,
    ask: Ask,
    products: list[dict[str, Any]],
    now: datetime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    products[2]["eligibility"] = "substr(region_code, 9223372036854775808, 1) = '3'"
    products[3]["eligibility"] = "age > 18"
    db = insurer({"customers": [GROWN], "products": products})
    with caplog.at_level("WARNING"):
        assert _ids(model.top(db, ask("A"), kind=None, top=9, now=now).to_pylist()) == ALL - {"life"}
    assert "product life is not offered: the database refuses it: Binder Error" in caplog.text


def test_unknown_customers_get_the_popular_order_of_what_has_no_conditions(
    model: Recommender, insurer: Insurer, ask: Ask, products: list[dict[str, Any]], now: datetime
) -> None:
    products[2]["eligibility"] = "not holds_motor"
    db = insurer({"customers": [GROWN], "products": products})
    found = model.top(db, ask("nobody"), kind=None, top=9, now=now).to_pylist()
    assert _ids(found) == ALL - {"life"}
    assert {(offer["model"], offer["reason"]) for offer in found} == {("popularity", "popular with our customers")}


def test_whoever_refused_personalisation_gets_the_popular_order_and_a_neutral_reason(
    *,
    model: Recommender,
    insurer: Insurer,
    ask: Ask,
    policy: Make,
    used: Make,
    products: list[dict[str, Any]],
    now: datetime,
) -> None:
    people = [{**GROWN, "personalisation": False}, {**GROWN, "customer_id": "B", "personalisation": True}]
    terms = [policy("A", "motor"), policy("B", "motor")]
    db = insurer({"customers": people, "policies": terms, "events": [used("B", "roadside")], "products": products})
    refused = model.top(db, ask("A"), kind=None, top=9, now=now).to_pylist()
    unknown = model.top(db, ask("nobody"), kind=None, top=9, now=now).to_pylist()
    popular = [offer["product_id"] for offer in unknown if offer["product_id"] != "motor"]
    assert [offer["product_id"] for offer in refused] == popular
    assert {(offer["model"], offer["reason"]) for offer in refused} == {("popularity", "popular with our customers")}
    assert {offer["model"] for offer in model.top(db, ask("B"), kind=None, top=9, now=now).to_pylist()} == {"lightfm"}


def test_names_and_reasons_speak_the_language_of_the_customer(offers: Offers, policy: Make) -> None:
    rows = {"policies": [policy("A", "motor")]}
    driver = {
        locale: next(offer for offer in offers(locale=locale, **rows) if offer["product_id"] == "driver")
        for locale in ("zh-CN", "en", "fr")
    }
    assert (driver["zh-CN"]["name"], driver["zh-CN"]["reason"]) == ("代驾", "因为您在我们这里投保了车险")
    assert (driver["en"]["name"], driver["en"]["reason"]) == ("Designated driver", "because you insure a car with us")
    assert (driver["fr"]["name"], driver["fr"]["reason"]) == ("代驾", "because you insure a car with us")


def test_everybody_is_answered_in_the_order_asked(model: Recommender, tasteful: Any, ask: Ask, now: datetime) -> None:
    found = model.top(tasteful, ask("C00007", "nobody", "C00003"), kind="service", top=1, now=now)
    assert found["customer_id"].to_pylist() == ["C00007", "nobody", "C00003"]


def test_nobody_asked_nobody_answered(model: Recommender, tasteful: Any, ask: Ask, now: datetime) -> None:
    found = model.top(tasteful, ask(), kind=None, top=3, now=now)
    assert found.num_rows == 0
    assert found.column_names == [
        "customer_id",
        "rank",
        "product_id",
        "name",
        "reason",
        "probability",
        "score",
        "model",
    ]


def test_asking_for_no_offers_is_a_mistake(model: Recommender, tasteful: Any, ask: Ask, now: datetime) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        model.top(tasteful, ask("C00001"), kind=None, top=0, now=now)


def test_chunks_do_not_change_the_answer(
    model: Recommender, tasteful: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = tasteful.sql("SELECT customer_id, locale FROM customers ORDER BY customer_id").to_arrow_table()
    whole = model.top(tasteful, everyone, kind=None, top=3, now=now)
    monkeypatch.setattr(recommender.serving, "AUDIENCE", 700)
    monkeypatch.setattr(recommender.serving, "BLOCK", 64)
    parts = model.top(tasteful, everyone, kind=None, top=3, now=now)
    exact = ["customer_id", "rank", "product_id", "name", "reason", "model"]
    assert whole.select(exact).equals(parts.select(exact).combine_chunks())
    assert parts["score"].to_pylist() == pytest.approx(whole["score"].to_pylist(), abs=1e-4)


possession = st.fixed_dictionaries(
    {
        "held": st.sets(st.sampled_from(["home", "health", "life", "motor", "travel"])),
        "used": st.sets(st.sampled_from(["checkup", "driver", "roadside"])),
        "inactive": st.sets(st.sampled_from(sorted(ALL))),
        "barred": st.sets(st.sampled_from(sorted(ALL))),
        "top": st.integers(1, 10),
        "kind": st.sampled_from([None, "insurance", "service"]),
        "personalisation": st.sampled_from([None, True, False]),
    }
)


@given(case=possession)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exactly_the_candidates_are_offered_up_to_the_number_asked_for(
    *,
    case: dict[str, Any], model: Recommender, insurer: Insurer, ask: Ask, policy: Make, used: Make, now: datetime,
    products: list[dict[str, Any]],
) -> None:  # fmt: skip
    catalogue = [
        {**row, "active": row["product_id"] not in case["inactive"]}
        | ({"eligibility": "age > 90"} if row["product_id"] in case["barred"] else {})
        for row in products
    ]
    db = insurer(
        {
            "customers": [{**GROWN, "personalisation": case["personalisation"]}],
            "products": catalogue,
            "policies": [policy("A", item) for item in case["held"]],
            "events": [used("A", item) for item in case["used"]],
        }
    )
    found = model.top(db, ask("A"), kind=case["kind"], top=case["top"], now=now).to_pylist()
    of_kind = {row["product_id"] for row in products if case["kind"] in (None, row["kind"])}
    candidates = of_kind - case["held"] - case["used"] - case["inactive"] - case["barred"]
    assert _ids(found) <= candidates
    assert len(found) == len(_ids(found)) == min(case["top"], len(candidates))
