"""What customers say: indices as they are defined, falls beyond chance, topics in both languages, one column for triggers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from recommender.errors import QualityError
from recommender.quality.answers import lay_out
from recommender.quality.customers import write_scores
from recommender.quality.falls import falls
from recommender.quality.indices import indices
from recommender.quality.report import quality
from recommender.quality.topics import struck_out, topics, words
from triggers.testing import facts as facts_of

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
NOBODY = {name: pa.array([], pa.string()) for name in ("event_id", "customer_id")}
CALLED = pa.table({**NOBODY, "at": pa.array([], pa.timestamp("s", "UTC")), "detail": pa.array([], pa.string())})
ASKED = pa.table({"event_id": pa.array([], pa.string()), "campaign": pa.array([], pa.string())})


PAIR = [{"customer_id": "C1"}, {"customer_id": "C2"}]


def answer(number, score, days=5.0, customer="C1", channel="sms", **said):
    return {
        "event_id": f"E{number}", "customer_id": customer, "type": "survey_answered", "channel": channel,
        "occurred_at": NOW - timedelta(days=days), "properties": json.dumps({"score": score, **said}, ensure_ascii=False),
    }  # fmt: skip


def opened(events, called=CALLED, asked=ASKED, customers=({"customer_id": "C1"},)):
    facts = facts_of(NOW, customers=list(customers), events=list(events))
    return facts, lay_out(facts.db, called, asked, NOW)


def of_all(facts, kind):
    found = indices(facts.db, NOW - timedelta(days=90), NOW + timedelta(days=1), of_region=2)
    return next(each for each in found if (each.scale.name, each.dimension) == (kind, ""))


def test_the_net_promoter_score_is_promoters_less_detractors():
    scores = [10] * 5 + [9] * 2 + [8] * 2 + [6] * 1
    facts, _ = opened(answer(number, score, kind="NPS") for number, score in enumerate(scores))
    with facts:
        index = of_all(facts, "nps")
    assert (index.n, index.value, index.good, index.poor) == (10, 60.0, 7, 1)


def test_satisfaction_is_the_share_of_fours_and_fives_and_ease_a_mean():
    rows = [answer(number, score) for number, score in enumerate([5, 4, 3, 1])]
    rows += [answer(10 + number, score, kind="ces") for number, score in enumerate([7, 6, 2])]
    facts, _ = opened(rows)
    with facts:
        assert (of_all(facts, "csat").value, of_all(facts, "ces").value) == (50.0, 5.0)


def test_the_interval_of_a_mean_is_students_and_stays_on_the_scale():
    facts, _ = opened(answer(number, score, kind="nps") for number, score in enumerate([10] * 30 + [0] * 10))
    with facts:
        index = of_all(facts, "nps")
    half = 2.0226909 * np.std([100] * 30 + [-100] * 10, ddof=1) / 40**0.5
    assert index.interval.as_list() == pytest.approx([50 - half, 50 + half], abs=1e-5)
    facts, _ = opened(answer(number, score, kind="ces") for number, score in enumerate([7] * 29 + [6]))
    with facts:
        assert of_all(facts, "ces").interval.high == 7.0


def test_the_interval_of_a_share_is_wilsons():
    facts, _ = opened(answer(number, 5) for number in range(40))
    with facts:
        assert of_all(facts, "csat").interval.as_list() == pytest.approx([91.2378, 100.0], abs=1e-3)


def test_a_few_answers_have_no_interval():
    facts, _ = opened(answer(number, 5) for number in range(29))
    with facts:
        assert of_all(facts, "csat").as_dict()["interval"] == [None, None]


def test_what_no_scale_knows_is_set_aside_and_counted():
    rows = [
        answer(1, 9),
        answer(2, 4, kind="stars"),
        answer(3, "many"),
        answer(4, 5),
        {**answer(5, 5), "properties": "{"},
    ]
    facts, unread = opened(rows)
    with facts:
        assert (unread.unknown_kind, unread.no_number, unread.off_scale, of_all(facts, "csat").n) == (1, 2, 1, 1)


def test_an_answer_given_on_a_call_counts_once_though_the_insurer_tells_of_it_too():
    called = pa.table(
        {
            "event_id": ["call:1", "E1"], "customer_id": ["C1", "C1"],
            "at": pa.array([NOW - timedelta(days=1)] * 2, pa.timestamp("s", "UTC")), "detail": ['{"score": 10}', '{"score": 10}'],
        }
    )  # fmt: skip
    asked = pa.table({"event_id": ["call:1"], "campaign": ["claim-survey"]})
    facts, _ = opened([answer(1, 5)], called, asked)
    with facts:
        found = indices(facts.db, NOW - timedelta(days=90), NOW, of_region=2)
    told = {
        (each.scale.name, each.dimension, each.group): each.n
        for each in found
        if each.dimension in ("campaign", "channel")
    }
    assert told == {
        ("nps", "campaign", "claim-survey"): 1,
        ("nps", "channel", "ai_outbound"): 1,
        ("csat", "channel", "sms"): 1,
    }


def test_answers_are_told_by_region_and_agent():
    people = [
        {"customer_id": "C1", "region_code": "310115", "agent_id": "A1"},
        {"customer_id": "C2", "region_code": "440300", "agent_id": "A1"},
    ]
    facts, _ = opened([answer(1, 5), answer(2, 1, customer="C2")], customers=people)
    with facts:
        found = indices(facts.db, NOW - timedelta(days=90), NOW, of_region=2)
    told = {
        (each.dimension, each.group): each.value for each in found if each.dimension in ("region", "agent", "month")
    }
    assert told == {("region", "31"): 100.0, ("region", "44"): 0.0, ("agent", "A1"): 50.0, ("month", "2026-11"): 50.0}


def fallen(before, now):
    """Falls of an agent whose answers were so before and are so now, shares of good ones in 200."""
    people = [{"customer_id": "C1", "agent_id": "A1"}]
    rows = [answer(number, 5 if number < 200 * before else 1, days=60) for number in range(200)]
    rows += [answer(1000 + number, 5 if number < 200 * now else 1, days=5) for number in range(200)]
    facts, unread = opened(rows, customers=people)
    with facts:
        return quality(facts.db, unread, NOW - timedelta(days=90), NOW, NOW - timedelta(days=28), of_region=2)["falls"]


def test_a_fall_beyond_chance_is_told_with_both_values():
    found = {(fall["by"], fall["group"]): (fall["before"], fall["now"]) for fall in fallen(0.9, 0.7)}
    assert found == {("", ""): (90.0, 70.0), ("agent", "A1"): (90.0, 70.0), ("channel", "sms"): (90.0, 70.0)}


@pytest.mark.parametrize(("before", "now"), [(0.8, 0.78), (0.7, 0.9)])
def test_a_tremble_and_a_rise_are_no_falls(before, now):
    assert fallen(before, now) == []


def test_where_nothing_changed_few_groups_are_called_fallen():
    dice, found = np.random.default_rng(7), 0
    for _ in range(20):
        people = [{"customer_id": f"C{number}", "agent_id": f"A{number}"} for number in range(20)]
        rows = [
            answer(number, int(dice.choice([1, 3, 5])), days=float(dice.choice([5, 60])), customer=f"C{number % 20}")
            for number in range(1600)
        ]
        facts, _ = opened(rows, customers=people)
        with facts:
            spans = ((NOW - timedelta(days=90), NOW - timedelta(days=28)), (NOW - timedelta(days=28), NOW))
            found += bool(falls(*(indices(facts.db, *span, of_region=2) for span in spans)))
    assert found <= 3  # one in twenty by chance


def test_topics_are_found_in_both_languages_worst_first():
    said = ["等了很久，赔付太慢"] * 12 + ["客服态度很好"] * 10 + ["The app was easy to use"] * 9
    found = topics(said, [0.0] * 12 + [100.0] * 10 + [80.0] * 9, number=3)
    assert [round(topic.share, 2) for topic in found] == [0.39, 0.29, 0.32]
    assert ("太慢" in "".join(found[0].terms), set(found[1].terms) >= {"app", "easy"}) == (True, True)
    assert [topic.mark for topic in found] == [0.0, 80.0, 100.0]


def test_a_few_comments_make_no_topics():
    assert topics(["太慢了"] * 5, [1.0] * 5) == []
    assert topics(["all the same"] * 50, [1.0] * 50) == []


def test_the_same_comments_make_the_same_topics():
    said = [
        f"{a} {b}"
        for a in ("slow payment", "kind staff", "easy app")
        for b in ("again", "indeed", "today")
        for _ in range(5)
    ]
    marks = [float(number % 3) for number in range(len(said))]
    assert topics(said, marks) == topics(said, marks)


def test_chinese_is_read_in_pairs_and_triples():
    assert words("赔付太慢 slow") == ["slow", "赔付", "付太", "太慢", "赔付太", "付太慢"]


def test_numbers_and_addresses_are_struck_out_of_what_is_shown():
    assert struck_out("call 138 0000 0000 or a.b@example.com, room 12") == "call *** or ***, room 12"


@pytest.mark.parametrize("name", ["scores.csv", "scores.parquet"])
def test_the_last_answer_of_each_customer_is_written_on_one_scale(tmp_path, name):
    facts, _ = opened(
        [answer(1, 1, days=9), answer(2, 5, days=2), answer(3, 4, days=5, customer="C2", kind="ces")], customers=PAIR
    )
    with facts:
        assert write_scores(facts.db, tmp_path / name) == 2
        found = facts.db.sql(f"select customer_id, satisfaction, satisfaction_kind from '{tmp_path / name}'").fetchall()
    assert found == [("C1", 10.0, "csat"), ("C2", 5.0, "ces")]


def test_scores_under_another_ending_are_refused(tmp_path):
    facts, _ = opened([answer(1, 1)])
    with facts, pytest.raises(QualityError, match=r"neither \.csv nor \.parquet"):
        write_scores(facts.db, tmp_path / "scores.xlsx")
