"""`kairos recommend fit` in a workspace: any model, tuned; from what the ledger knows of offers; and never stale in a turn."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from campaigns import inbox
from campaigns.offered import answers_to_offers, offers_made
from kairos.cli.app import app
from kairos.starter import write_starter
from kairos.stream.application import Watch
from kairos.stream.metrics import Metrics
from kairos.workspace import Workspace

NOW = datetime.now(UTC).replace(microsecond=0)  # what a sender writes down is the clock's time
CUSTOMERS, OFFERED = 600, 80
CAMPAIGN = """name: roadside
title: {zh-CN: 救援, en: Roadside}
purpose: service
trigger: {kind: date, of: policies.effective_date, offset: 30d, where: line = 'motor', max_age: 5d}
offers: {kind: service, only: [roadside_help]}
steps:
  - send: {template: motor_service_offer, channels: [sms]}
"""
PLAIN = """name: hello
title: {zh-CN: 好, en: Hello}
purpose: service
trigger: {kind: date, of: policies.effective_date, offset: 30d, where: line = 'motor', max_age: 5d}
steps:
  - send: {template: dormancy_care, channels: [sms]}
"""


def run(folder: Path, *words: str, code: int = 0) -> Any:
    answer = CliRunner().invoke(app, [*words, "-w", str(folder), "--json"])
    assert answer.exit_code == code, (answer.output, answer.exception)
    return json.loads(answer.stdout)


@pytest.fixture(params=["sqlite", "postgres"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Drivers and householders; eighty drivers are a month into their policy, and no one of them has used a service."""
    place = tmp_path / "w"
    write_starter(place, demo=False)
    for path in (place / "campaigns").glob("*.yaml"):
        path.unlink()
    (place / "campaigns" / "roadside.yaml").write_text(CAMPAIGN, encoding="utf-8")
    settings = (place / "kairos.yaml").read_text(encoding="utf-8")
    settings = settings.replace('hours: {from: "09:00", to: "20:00"}', 'hours: {from: "00:00", to: "23:59"}')
    settings = settings.replace("holdout: 1%", "holdout: 0%")
    if request.param == "postgres":
        settings = settings.replace("sqlite:///ledger.db", request.getfixturevalue("databases")())
    (place / "kairos.yaml").write_text(settings, encoding="utf-8")
    write_facts(place, CUSTOMERS)
    return place


def write_facts(place: Path, customers: int) -> None:
    """A third insures a home and two thirds a car; the drivers use roadside help, a driver, or neither."""
    today = NOW.date()
    month, year = today - timedelta(days=30), today - timedelta(days=200)
    people = [f"C{n:04},N{n},1380013{n:04},en,1980-01-01,true" for n in range(customers)]
    policies = [
        f"P{n:04},C{n:04},{'home_contents,home' if n % 3 == 0 else 'motor_comprehensive,motor'},active,"
        f"{month if is_new(n) else year},{today + timedelta(days=300)}"
        for n in range(customers)
    ]
    uses = [
        f"U{n:04},C{n:04},service_used,{NOW - timedelta(days=60)},{'roadside_help' if n % 5 < 2 else 'designated_driver'}"
        for n in range(customers)
        if n % 3 and n % 5 < 4 and not is_new(n)
    ]
    tables = {
        "customers": ["customer_id,name,phone,locale,birth_date,personalisation", *people],
        "policies": ["policy_id,customer_id,product_id,line,status,effective_date,expiry_date", *policies],
        "events": ["event_id,customer_id,type,occurred_at,subject_id", *uses],
    }
    for name, rows in tables.items():
        (place / "facts" / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for name in ("claims", "complaints", "consents", "alerts"):
        path = place / "facts" / f"{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")


def is_new(number: int) -> bool:
    """Whether this customer is one of the drivers a month into their policy."""
    return number % 3 == 1 and number < 3 * OFFERED


def roadside(folder: Path, day: datetime) -> float:
    """The mean chance that roadside help is what a driver who has no service takes next."""
    asked = [
        option for n in range(3 * OFFERED, CUSTOMERS) if n % 3 and n % 5 == 4 for option in ("--customer", f"C{n:04}")
    ]
    offers = run(folder, "recommend", "top", "--as-of", day.isoformat(), "--top", "9", *asked)
    chances = [offer["probability"] for offer in offers if offer["product_id"] == "roadside_help"]
    assert len(chances) > 30
    return sum(chances) / len(chances)


def test_what_became_of_the_offers_sent_is_learnt_by_the_next_fit(folder: Path) -> None:
    later = NOW + timedelta(days=40)
    as_of = ("--as-of", later.isoformat())
    first = run(folder, "recommend", "fit", "--as-of", NOW.isoformat())
    assert first["outcomes"] == {}
    assert run(folder, "run", "--as-of", NOW.isoformat())["reserved"] == OFFERED
    run(folder, "send", "--as-of", NOW.isoformat())
    place, answered = Workspace(folder), NOW + timedelta(days=2)
    with place.ledger() as ledger:
        made = offers_made(ledger, later).to_pylist()
        assert len(made) == len({row["customer_id"] for row in made}) == OFFERED
        assert {row["product_id"] for message in made for row in json.loads(message["offers"])} == {"roadside_help"}
        assert offers_made(ledger, NOW - timedelta(days=1)).num_rows == 0
        told = [("offer_refused", row["customer_id"], row["message_id"]) for row in made[:60]]
        told += [("offer_clicked", row["customer_id"], "roadside_help") for row in made[60:65]]
        told += [("service_used", row["customer_id"], "roadside_help") for row in made[65:68]]
        bodies = [
            {
                "event_id": f"T{n}",
                "customer_id": who,
                "type": type_,
                "occurred_at": answered.isoformat(),
                "subject_id": what,
            }
            for n, (type_, who, what) in enumerate(told)
        ]
        reasons = inbox.take(ledger, [("events", json.dumps(each).encode()) for each in bodies], answered)
        assert reasons == [None] * 68
        for row in made[68:75]:
            ledger.opt_out(row["customer_id"], answered, "answer", medium="sms")
        stops = answers_to_offers(ledger, later).to_pylist()
        assert {row["message_id"] for row in stops} == {row["message_id"] for row in made[68:75]}
        assert {row["event"] for row in stops} == {"opted_out"}
        assert answers_to_offers(ledger, NOW + timedelta(days=1)).num_rows == 0
    run(folder, "recommend", "fit", *as_of, "--no-outcomes", "--model", "logistic")
    before = roadside(folder, later)
    report = run(folder, "recommend", "fit", *as_of, "--model", "logistic")
    assert report["outcomes"] == {"purchased": 3, "clicked": 5, "refused": 67, "ignored": 5, "open": 0}
    assert roadside(folder, later) < 0.95 * before
    day_after = run(folder, "recommend", "fit", "--as-of", (NOW + timedelta(days=1)).isoformat())
    assert day_after["outcomes"] == {"purchased": 0, "clicked": 0, "refused": 0, "ignored": 0, "open": OFFERED}


def test_weights_are_settings(folder: Path) -> None:
    with (folder / "kairos.yaml").open("a", encoding="utf-8") as file:
        file.write("recommend: {learning: {refused: 0.8, within_days: 14, click_events: [banner_clicked]}}\n")
    learning = Workspace(folder).settings.recommend.learning
    assert (learning.refused, learning.within_days, learning.purchased) == (0.8, 14, 1.0)
    assert learning.click_events == ("banner_clicked",)


@pytest.mark.parametrize("folder", ["sqlite"], indirect=True)
def test_the_blend_is_tuned_stored_listed_and_serves_a_campaign(folder: Path) -> None:
    as_of = ("--as-of", NOW.isoformat())
    report = run(folder, "recommend", "fit", "--model", "blend", "--tune", *as_of)
    assert report["served"] == "blend"
    assert report["blend"]
    assert "settings" in report["models"][0]
    assert run(folder, "recommend", "list")[0]["served"] == "blend"
    assert run(folder, "run", *as_of)["reserved"] == OFFERED
    shown = CliRunner().invoke(app, ["recommend", "fit", "--model", "boosting", "-w", str(folder), *as_of])
    assert shown.exit_code == 0
    assert "boosting was asked for" in " ".join(shown.stdout.split())
    refused = CliRunner().invoke(app, ["recommend", "fit", "--model", "crystal", "-w", str(folder)])
    assert refused.exit_code == 2
    assert "is none of" in refused.output


@pytest.fixture
def outgrown(folder: Path) -> Path:
    """A fitted workspace whose customers have doubled since; beside the campaign with offers there is one without."""
    run(folder, "recommend", "fit", "--as-of", NOW.isoformat())
    write_facts(folder, 2 * CUSTOMERS)
    (folder / "campaigns" / "hello.yaml").write_text(PLAIN, encoding="utf-8")
    return folder


@pytest.mark.parametrize("folder", ["sqlite"], indirect=True)
def test_a_run_leaves_out_campaigns_with_offers_while_the_model_is_stale(outgrown: Path) -> None:
    day = NOW + timedelta(minutes=1)
    report = run(outgrown, "run", "--as-of", day.isoformat(), code=1)
    [problem] = report["problems"]
    assert "is stale (fitted on 600 customers, there are 1,200; " in problem["message"]
    assert problem["message"].endswith(f"): roadside wait for `kairos recommend fit -w {outgrown}`")
    assert problem["hint"] == "`recommend: {stale: serve}` in kairos.yaml lets them run with it all the same"
    assert {line["campaign"]: line["sent"] for line in report["campaigns"]} == {"hello": OFFERED, "roadside": 0}
    only = run(outgrown, "run", "--campaign", "hello", "--as-of", day.isoformat())
    assert only["problems"] == []
    run(outgrown, "recommend", "fit", "--as-of", day.isoformat())
    again = run(outgrown, "run", "--as-of", (day + timedelta(minutes=1)).isoformat())
    assert again["problems"] == []
    assert {line["campaign"]: line["sent"] for line in again["campaigns"]} == {"hello": OFFERED, "roadside": OFFERED}


@pytest.mark.parametrize("folder", ["sqlite"], indirect=True)
def test_a_stale_model_serves_where_the_settings_say_so_and_the_report_warns(outgrown: Path) -> None:
    with (outgrown / "kairos.yaml").open("a", encoding="utf-8") as file:
        file.write("recommend: {stale: serve}\n")
    day = NOW + timedelta(minutes=1)
    report = run(outgrown, "run", "--as-of", day.isoformat())
    assert report["reserved"] == 2 * OFFERED
    [warning] = report["warnings"]
    assert "is stale" in warning
    assert "serves roadside all the same" in warning
    shown = CliRunner().invoke(app, ["run", "--as-of", day.isoformat(), "-w", str(outgrown)])
    assert "warning: the model" in " ".join(shown.stdout.split())


@pytest.mark.parametrize("folder", ["sqlite"], indirect=True)
def test_facts_that_change_a_little_every_night_make_no_model_stale(folder: Path) -> None:
    run(folder, "recommend", "fit", "--as-of", NOW.isoformat())
    write_facts(folder, CUSTOMERS + 60)
    report = run(folder, "run", "--as-of", (NOW + timedelta(days=2)).isoformat())
    assert (report["problems"], report["warnings"], report["reserved"]) == ([], [], OFFERED)


@pytest.mark.parametrize("folder", ["sqlite"], indirect=True)
def test_the_stream_leaves_them_out_too_and_takes_them_up_after_the_next_fit(
    outgrown: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [NOW + timedelta(minutes=1)]
    place = Workspace(outgrown)

    def sent() -> dict[str, int]:
        with place.ledger() as ledger:
            return dict(ledger.store.query("select campaign, count(*) from messages group by 1"))

    watch = Watch(place, lambda: clock[0], Metrics())
    try:
        watch.look()
        assert sent() == {"hello": OFFERED}
        assert "is stale" in capsys.readouterr().out
        run(outgrown, "recommend", "fit", "--as-of", clock[0].isoformat())
        clock[0] += timedelta(hours=2)
        watch.look()
        assert sent() == {"hello": OFFERED, "roadside": OFFERED}
    finally:
        watch.close()
