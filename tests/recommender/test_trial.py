"""A trial on somebody's own files: what is known as of each interaction, and the comparison on real purchases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kairos.cli.app import app
from recommender.calibration import pool, probabilities
from recommender.comparison import compare
from recommender.errors import TrialError
from recommender.exposure import log_exposure
from recommender.folds import _parts
from recommender.foresight import Asked
from recommender.models import models
from recommender.trial import read_trial
from recommender.tuning import fading

TRAIN = """event_id,user_id,time,item_id
1,ann,2026-01-01,item_2
2,ann,2026-03-01,item_10
3,bob,2026-02-01,item_2
4,ann,2026-03-01,item_1
"""
TEST = "event_id,user_id,time,item_id\n7,ann,2026-05-01,item_3\n8,eve,2026-05-02,item_2\n8,eve,2026-05-02,item_1\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Four interactions of two users, and two later events, one of a new user."""
    (tmp_path / "train.csv").write_text(TRAIN, encoding="utf-8")
    (tmp_path / "test.csv").write_text(TEST, encoding="utf-8")
    return tmp_path / "train.csv", tmp_path / "test.csv"


def test_items_are_in_their_natural_order_and_events_whole(files):
    trial = read_trial(*files)
    assert trial.items == ("item_1", "item_2", "item_3", "item_10")
    np.testing.assert_array_equal(trial.relevant, [[0, 0, 1, 0], [1, 1, 0, 0]])
    assert trial.history.tolist() == [True, False]


def test_a_row_knows_what_was_taken_before_it_and_nothing_later(files):
    trial = read_trial(*files)
    held = trial.features[:, :4].toarray() > 0
    assert [trial.items[target] for target in trial.targets] == ["item_2", "item_2", "item_10", "item_1"]
    np.testing.assert_array_equal(held, [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]])


def test_a_test_event_knows_the_training_interactions_alone(files):
    trial = read_trial(*files)
    np.testing.assert_array_equal(trial.test[:, :4].toarray() > 0, [[1, 1, 0, 1], [0, 0, 0, 0]])


def test_a_user_may_take_what_they_have_not_unless_a_file_says_what(files, tmp_path):
    np.testing.assert_array_equal(read_trial(*files).candidates, [[0, 0, 1, 0], [1, 1, 1, 1]])
    (tmp_path / "eligible.csv").write_text("event_id,item_id\n7,item_1\n7,item_3\n8,item_2\n", encoding="utf-8")
    allowed = read_trial(*files, eligible=tmp_path / "eligible.csv").candidates
    np.testing.assert_array_equal(allowed, [[1, 0, 1, 0], [0, 1, 0, 0]])


def test_columns_of_the_users_become_features(files, tmp_path):
    (tmp_path / "users.csv").write_text("user_id,age,city\nann,30,Wuhan\nbob,50,Wuhan\neve,41,Oslo\n", encoding="utf-8")
    plain, more = read_trial(*files), read_trial(*files, users=tmp_path / "users.csv")
    assert more.features.shape[1] > plain.features.shape[1]
    assert more.features.shape[0] == 4
    np.testing.assert_allclose(more.test.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("train", "said"),
    [("user_id,thing\na,b\n", "has no column item_id; it has user_id, thing"), (None, "cannot be read")],
)
def test_a_file_that_cannot_be_used_is_named_with_what_it_lacks(files, tmp_path, train, said):
    path = tmp_path / "other.csv"
    if train:
        path.write_text(train, encoding="utf-8")
    with pytest.raises(TrialError, match=said):
        read_trial(path, files[1])


USERS = "user_id,age\nann,30\nann,31\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("train", "user_id,item_id,time\nann,a,yesterday\n", "time is no time"),
        ("train", "user_id,item_id\nann,a\n", "has times and .* has none"),
        ("train", "user_id,item_id,time\n,a,2026-01-01\n", "no row with both"),
        ("users", USERS, "the user ann more than once"),
        ("users", "user_id,taken\nann,3\n", "a column taken, a name the trial needs"),
        ("eligible", "event_id,item_id\n99,item_1\n", "names no event of the test file"),
    ],
)
def test_what_would_be_compared_wrongly_is_refused(files, tmp_path, name, content, said):
    path = tmp_path / "given.csv"
    path.write_text(content, encoding="utf-8")
    given = {"train": files[0], "test": files[1], name: path}
    with pytest.raises(TrialError, match=said):
        read_trial(**given)


def test_files_without_times_show_whatever_else_a_user_took(tmp_path):
    (tmp_path / "train.csv").write_text("user_id,item_id\nann,a\nann,b\nbob,a\n", encoding="utf-8")
    (tmp_path / "test.csv").write_text("user_id,item_id\nbob,b\n", encoding="utf-8")
    trial = read_trial(tmp_path / "train.csv", tmp_path / "test.csv")
    shown = {
        (trial.items[target], *row)
        for target, row in zip(trial.targets, trial.features[:, :2].toarray() > 0, strict=True)
    }
    assert shown == {("a", False, True), ("b", True, False), ("a", False, False)}


def test_two_users_of_one_event_are_foreseen_apart(files, tmp_path):
    (tmp_path / "two.csv").write_text(
        "event_id,user_id,time,item_id\n7,ann,2026-05-01,item_3\n7,eve,2026-05-01,item_2\n", encoding="utf-8"
    )
    trial = read_trial(files[0], tmp_path / "two.csv")
    np.testing.assert_array_equal(trial.relevant, [[0, 0, 1, 0], [0, 1, 0, 0]])


def test_the_command_prints_every_model_as_json(files):
    asked = ["recommend", "evaluate", "--interactions", str(files[0]), "--test", str(files[1]), "--k", "2", "--json"]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    report = json.loads(answer.stdout)
    assert (report["k"], report["items"], report["training_rows"]) == (2, 4, 4)
    assert {line["segment"] for line in report["models"]} == {"all", "with history", "new"}
    assert {"popularity", "itemknn", "ease"} <= {line["model"] for line in report["models"]}


def test_real_purchases_give_the_published_figures_and_history_beats_popularity(real_data):
    place = real_data("bruun-insurance-purchases")
    trial = read_trial(
        place / "purchase_events_train.csv.gz",
        place / "purchase_events_test.csv.gz",
        eligible=place / "filter_test.csv.gz",
    )
    found = compare(trial, 3, 1, asked=Asked(only=["ease", "itemknn", "lightfm"]))
    lines = {(line.model, line.segment): line for line in found.lines}
    popular = lines["popularity", "all"].metrics
    published = {"hr": 0.6793, "mrr": 0.4980, "precision": 0.2421, "recall": 0.6499, "map": 0.4822}
    assert {name: round(popular[name].value, 4) for name in published} == published
    assert (lines["popularity", "all"].events, lines["popularity", "with history"].events) == (5_376, 1_111)
    best = max(line.metrics["hr"].value for (_, segment), line in lines.items() if segment == "all")
    for segment in ("all", "with history", "new"):
        for model in ("ease", "lightfm", "blend"):
            assert lines[model, segment].over_popularity["hr"].low > 0, (model, segment)
    assert best > 0.725
    assert lines["lightfm", "all"].metrics["hr"].value > best - 0.005


def test_settings_are_chosen_on_the_last_of_the_training_rows_and_never_on_the_test(files, tmp_path):
    rows = "".join(
        f"{i},u{i % 40},2026-01-{1 + i // 40:02}T{i % 24:02}:00:00,item_{(i * i + i // 3) % 5 + 1}\n"
        for i in range(400)
    )
    (tmp_path / "many.csv").write_text("event_id,user_id,time,item_id\n" + rows, encoding="utf-8")
    one = compare(read_trial(tmp_path / "many.csv", files[1]), 2, 1, asked=Asked(only=["ease"]))
    (tmp_path / "else.csv").write_text(TEST.replace("item_3", "item_5").replace("item_2", "item_4"), encoding="utf-8")
    other = compare(read_trial(tmp_path / "many.csv", tmp_path / "else.csv"), 2, 1, asked=Asked(only=["ease"]))
    assert (one.half_life, one.settings) == (other.half_life, other.settings)
    assert set(one.settings) == {"ease"}


def test_asked_for_the_blend_all_its_members_are_foreseen_and_it_is_made_of_them_once(files, tmp_path):
    rows = "".join(f"{i},u{i % 40},2026-01-{1 + i // 40:02},item_{(i * i + i // 3) % 5 + 1}\n" for i in range(400))
    (tmp_path / "many.csv").write_text("event_id,user_id,time,item_id\n" + rows, encoding="utf-8")
    found = compare(read_trial(tmp_path / "many.csv", files[1]), 1, 1, asked=Asked(only=["blend"], search=False))
    fitted = {line.model for line in found.lines} | set(found.not_fitted)
    assert fitted == set(models())
    assert set(found.settings) >= {"ease", "itemknn"}
    assert "blend" not in found.settings


def test_the_window_is_what_the_file_marks_or_the_last_tenth(files, tmp_path):
    rows = [f"{i},u{i},2026-01-{i + 1:02},item_{i % 3 + 1},{int(i < 4)}\n" for i in range(20)]
    (tmp_path / "marked.csv").write_text("event_id,user_id,time,item_id,valid\n" + "".join(rows), encoding="utf-8")
    assert np.flatnonzero(read_trial(tmp_path / "marked.csv", files[1]).window).tolist() == [0, 1, 2, 3]
    plain = "event_id,user_id,time,item_id\n" + "".join(row.rsplit(",", 1)[0] + "\n" for row in rows)
    (tmp_path / "plain.csv").write_text(plain, encoding="utf-8")
    trial = read_trial(tmp_path / "plain.csv", files[1])
    assert np.flatnonzero(trial.window).tolist() == [18, 19]
    assert trial.age.tolist() == list(range(19, -1, -1))


def test_the_past_fades_by_half_each_half_life():
    age = np.array([0.0, 90.0, 180.0, 1e6])
    assert fading(age, 90.0).tolist() == pytest.approx([1, 0.5, 0.25, 0.001])
    assert fading(age, 0.0).tolist() == [1, 1, 1, 1]


def test_what_few_may_take_is_told_by_the_other_half_of_the_rows():
    eligible = np.array([[1, 0], [1, 1], [1, 0], [0, 1]], dtype=bool)
    np.testing.assert_allclose(np.exp(log_exposure(eligible)), [[0.5, 1], [1, 0.25], [0.5, 1], [1, 0.25]])
    assert log_exposure(eligible[:1]).tolist() == [[0, 0]]


def test_a_pool_of_two_opinions_leans_on_the_one_that_knows():
    draw = np.random.default_rng(1)
    knows = draw.normal(size=(2000, 3)).astype(np.float32)
    targets = (probabilities(knows, np.ones((2000, 3), bool)).cumsum(axis=1) > draw.random((2000, 1))).argmax(axis=1)
    guesses = draw.normal(size=(2000, 3)).astype(np.float32)
    one, other = pool([knows, guesses], np.ones((2000, 3), bool), targets)
    assert one.sharpness == pytest.approx(1, abs=0.1)
    assert other.sharpness < 0.05
    assert not other.bias.any()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--model", "magic"), "magic is none of blend, boosting"),
        (("--exposure",), "needs --eligible"),
        (("--folds", "3"), "needs --eligible"),
    ],
)
def test_what_cannot_be_compared_is_said(files, more, said):
    asked = ["recommend", "evaluate", "--interactions", str(files[0]), "--test", str(files[1]), *more]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 2
    assert said in " ".join(answer.output.replace("│", " ").split())


def test_a_part_is_foreseen_by_the_others_and_a_user_is_in_one_part(files, tmp_path):
    rows = [(i, f"u{i // 2}", f"2026-05-{1 + i % 28:02}", f"item_{1 + i % 3}") for i in range(60)]
    text = "".join(f"{event},{user},{time},{item}\n" for event, user, time, item in rows)
    (tmp_path / "later.csv").write_text("event_id,user_id,time,item_id\n" + text, encoding="utf-8")
    could = "".join(f"{event},{item}\n{event},item_10\n" for event, _, _, item in rows)
    (tmp_path / "could.csv").write_text("event_id,item_id\n" + could, encoding="utf-8")
    trial = read_trial(files[0], tmp_path / "later.csv", eligible=tmp_path / "could.csv")
    parts = list(_parts(trial, 3, 1))
    assert sorted(np.concatenate([rows for rows, _ in parts]).tolist()) == list(range(60))
    persons = [set(trial.person[rows].tolist()) for rows, _ in parts]
    assert not persons[0] & persons[1] and not persons[1] & persons[2] and not persons[0] & persons[2]
    for rows, part in parts:
        assert len(part.targets) == 60 - len(rows)
        np.testing.assert_array_equal(part.test[:, :4].toarray() > 0, ~trial.candidates[rows])
    found = compare(trial, 1, 1, asked=Asked(only=["ease"]), folds=3)
    lines = {line.model: line.metrics["hr"].value for line in found.lines if line.segment == "all"}
    assert lines["ease"] == 1.0
    assert not found.exposure


def test_a_row_counts_by_its_weight_over_the_chance_it_was_shown_with(files, tmp_path):
    rows = "u1,a,2026-01-01,1,1\nu2,b,2026-01-02,0.5,1\nu3,a,2026-01-03,1,0.25\nu4,b,2026-01-04,1,0.001\nu5,a,2026-01-05,0,1\n"
    (tmp_path / "weighed.csv").write_text("user_id,item_id,time,weight,propensity\n" + rows, encoding="utf-8")
    trial = read_trial(tmp_path / "weighed.csv", files[1])
    assert (trial.weight / trial.weight[0]).tolist() == pytest.approx([1, 0.5, 4, 20])
    assert trial.weight.mean() == pytest.approx(1)


@pytest.mark.parametrize(("locale", "title"), [("en", "Which model offers best"), ("zh-CN", "哪个模型推荐得最好")])
def test_the_page_holds_every_model_and_loads_nothing(files, tmp_path, locale, title):
    page = tmp_path / "page.html"
    asked = ["--interactions", str(files[0]), "--test", str(files[1]), "--html", str(page), "--locale", locale]
    answer = CliRunner().invoke(app, ["recommend", "evaluate", *asked, "--model", "ease"])
    assert answer.exit_code == 0, answer.output
    text = page.read_text(encoding="utf-8")
    assert title in text
    assert text.count('<svg class="dots"') == 3
    assert text.count('<svg class="curve"') == 2
    assert text.count("aria-label=") == 5
    assert "ease: 0." in text or "ease: 1." in text
    assert not {"http:", "https:", "src=", "<script", "@import"} & set(text.split())
    assert "http" not in text


def test_a_model_whose_name_is_markup_stays_text():
    from kairos.pages.charts import curve, intervals

    span = {"value": 0.5, "low": 0.5, "high": 0.5}
    drawn = intervals({"<b>": span, "popularity": span}, "a & b", "popularity")
    assert "&lt;b&gt;" in drawn and "<b>" not in drawn and "a &amp; b" in drawn
    assert curve([], "nothing").count("<circle") == 0
