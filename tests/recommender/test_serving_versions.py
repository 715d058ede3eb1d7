"""Versions are listed, rolled back to in one step, refused when stale; what was refused rests for a while."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recommender import FitReport, load
from recommender.errors import NoModelError, NoVersionError, StaleModelError, TornModelError
from recommender.inventory import inventory
from recommender.staleness import DRIFT, check_fresh, differences, staleness
from recommender.store import put_in_service, read_version, write_version

FITTED = {"customers": 1000, "products": 40, "interactions": 3000, "interacting_customers": 900, "hash": "aa"}


def test_versions_are_listed_the_newest_first_with_what_each_is(fitted: tuple[Path, FitReport], now: datetime) -> None:
    [one] = inventory(fitted[0])
    assert (one.version, one.current, one.served, one.torn) == (fitted[1].version, True, "lightfm", "")
    assert one.training_rows == fitted[1].training_rows
    assert one.now == now.isoformat()


def test_rolling_back_serves_the_version_before_and_names_it(tmp_path: Path, now: datetime) -> None:
    first = write_version(tmp_path, {"metrics.json": b"1"}, now)
    second = write_version(tmp_path, {"metrics.json": b"2"}, now + timedelta(days=1))
    assert put_in_service(tmp_path, None) == first == read_version(tmp_path)[0]
    assert put_in_service(tmp_path, second) == second == read_version(tmp_path)[0]


def test_there_is_nothing_before_the_first_and_nothing_of_an_unknown_name(tmp_path: Path, now: datetime) -> None:
    with pytest.raises(NoModelError):
        put_in_service(tmp_path, None)
    first = write_version(tmp_path, {"metrics.json": b"1"}, now)
    with pytest.raises(NoVersionError, match=f"older than {first}"):
        put_in_service(tmp_path, None)
    with pytest.raises(NoVersionError, match=f"called ../x in .*there are {first}"):
        put_in_service(tmp_path, "../x")


def test_a_torn_version_is_listed_as_torn_and_never_put_in_service(tmp_path: Path, now: datetime) -> None:
    first = write_version(tmp_path, {"metrics.json": b"1"}, now)
    second = write_version(tmp_path, {"metrics.json": b"2"}, now + timedelta(days=1))
    (tmp_path / first / "metrics.json").write_bytes(b"3")
    with pytest.raises(TornModelError):
        put_in_service(tmp_path, None)
    assert read_version(tmp_path)[0] == second
    (tmp_path / second / "metrics.json").unlink()
    assert [each.torn for each in inventory(tmp_path)] == [
        "metrics.json cannot be read: No such file or directory",
        "metrics.json is not the file that was written",
    ]


@pytest.mark.parametrize(
    ("change", "days", "reasons"),
    [
        ({}, 10, []),
        ({"customers": 1400, "interactions": 4400, "products": 50}, 10, []),
        ({"customers": 1600}, 10, ["fitted on 1,000 customers, there are 1,600"]),
        ({"interactions": 1000}, 10, ["fitted on 3,000 interactions, there are 1,000"]),
        ({"products": 65}, 10, ["fitted on 40 products, there are 65"]),
        ({}, 200, ["fitted 200 days ago, at most 180 are served"]),
        ({}, -200, []),
    ],
)
def test_a_model_is_stale_when_the_facts_moved_on(now: datetime, change: Any, days: int, reasons: list[str]) -> None:
    described = {"version": "v", "now": now.isoformat(), "fingerprint": FITTED}
    assert differences(described, {**FITTED, **change}, now + timedelta(days=days)) == reasons


def test_the_same_facts_do_not_make_a_model_stale_however_old_it_is(
    fitted: tuple[Path, FitReport], tasteful: Any, insurer: Callable[..., Any], now: datetime
) -> None:
    model, later = load(fitted[0]).describe(), now + timedelta(days=200)
    assert staleness(tasteful, {**model, "now": (now - timedelta(days=200)).isoformat()}, now) == []
    assert differences(model, {name: model["fingerprint"][name] for name in DRIFT}, later) != []


def test_a_stale_model_is_refused_with_the_way_out(
    fitted: tuple[Path, FitReport], tasteful: Any, insurer: Callable[..., Any], now: datetime
) -> None:
    model = load(fitted[0]).describe()
    check_fresh(tasteful, model, now)
    with pytest.raises(StaleModelError, match=r"fitted on 2,000 customers, there are 0.*run `kairos recommend fit`"):
        check_fresh(insurer({}), model, now)


@pytest.mark.parametrize(("days", "offered"), [(1, False), (89, False), (91, True), (-1, True)])
def test_what_was_refused_is_not_offered_for_a_quarter_of_a_year(
    *, fitted: tuple[Path, FitReport], insurer: Callable[..., Any], used: Callable[..., dict[str, Any]],
    products: list[dict[str, Any]], ask: Callable[..., Any], now: datetime, days: int, offered: bool,
) -> None:  # fmt: skip
    refusal = {**used("A", "roadside", days), "type": "offer_refused"}
    people = [{"customer_id": "A"}, {"customer_id": "B"}]
    db = insurer({"customers": people, "events": [refusal], "products": products})
    found = load(fitted[0]).top(db, ask("A", "B"), kind="service", top=9, now=now).to_pylist()
    offers = {who: {o["product_id"] for o in found if o["customer_id"] == who} for who in "AB"}
    assert ("roadside" in offers["A"]) == offered
    assert offers["B"] == {"checkup", "driver", "roadside"}
    assert offers["A"] >= {"checkup", "driver"}


def test_the_commands_list_and_roll_back(tmp_path: Path, now: datetime) -> None:
    from typer.testing import CliRunner

    from kairos.cli.app import app
    from kairos.starter import write_starter

    write_starter(tmp_path / "w", demo=False)
    place = tmp_path / "w" / "models"
    metrics = {"models": [{"name": "ease", "mrr_at_3": 0.5}], "served": "ease", "now": "then", "training_rows": 7}
    names = [
        write_version(place, {"metrics.json": json.dumps({**metrics, "seed": day}).encode()}, now + timedelta(days=day))
        for day in (0, 1)
    ]

    def run(*arguments: str) -> Any:
        answer = CliRunner().invoke(app, ["recommend", *arguments, "-w", str(tmp_path / "w"), "--json"])
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    assert [(each["version"], each["current"]) for each in run("list")] == [(names[1], True), (names[0], False)]
    assert run("use") == {"version": names[0]}
    assert [each["current"] for each in run("list")] == [False, True]
    assert run("use", names[1]) == {"version": names[1]}
