"""Every learner keeps the contract and finds an effect that is there."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.errors import UnfitInputError
from recommender.uplift.learner import Served
from recommender.uplift.learners import learners

every = pytest.mark.parametrize("kind", learners().values(), ids=lambda kind: kind.name)
causal = pytest.mark.parametrize("kind", [k for k in learners().values() if k.causal], ids=lambda kind: kind.name)
served = pytest.mark.parametrize(
    "kind", [k for k in learners().values() if issubclass(k, Served)], ids=lambda kind: kind.name
)


def fitted(kind, found, seed=1):
    return kind(seed).fit(found["x"], found["treatment"], found["outcome"], found["propensity"])


def test_the_learners_are_the_files_of_the_folder():
    assert list(learners()) == [
        "class-transformation", "class-transformation-boosted", "doubly-robust", "r", "response", "response-boosted",
        "single", "single-boosted", "two-model", "two-model-boosted", "x", "x-boosted",
    ]  # fmt: skip


@every
def test_the_same_rows_and_seed_give_the_same_scores(kind, trial):
    found = trial(1_500, lambda x: 0.2 * (x[:, 0] > 0))
    one, other = (fitted(kind, found).effect(found["x"]) for _ in range(2))
    assert one.shape == (1_500,)
    assert (one == other).all()
    assert kind.source


@causal
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_an_effect_of_some_customers_is_found_and_its_size_too(kind, share, trial):
    found, new = (trial(6_000, lambda x: 0.3 * (x[:, 0] > 0), share, seed) for seed in (1, 2))
    effect = fitted(kind, found).effect(new["x"])
    gets = new["x"][:, 0] > 0
    assert effect.mean() == pytest.approx(0.15, abs=0.05)
    assert effect[gets].mean() - effect[~gets].mean() > 0.12


@causal
def test_an_effect_that_puts_some_off_is_below_zero_for_them(kind, trial):
    found = trial(6_000, lambda x: np.where(x[:, 0] > 0, 0.25, -0.25))
    effect = fitted(kind, found).effect(found["x"])
    far = np.abs(found["x"][:, 0]) > 0.5
    assert (np.sign(effect) == np.sign(found["x"][:, 0]))[far].mean() > 0.9


@pytest.mark.parametrize("name", ["doubly-robust", "r", "class-transformation"])
def test_customers_treated_because_they_buy_anyway_are_seen_through_where_the_propensity_is_known(name):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20_000, 1))
    propensity = np.where(x[:, 0] > 0, 0.8, 0.2)
    treatment = (rng.random(20_000) < propensity).astype(float)
    outcome = (rng.random(20_000) < 0.2 + 0.4 * (x[:, 0] > 0) + 0.1 * treatment).astype(float)
    naive = outcome[treatment == 1].mean() - outcome[treatment == 0].mean()
    effect = learners()[name](1).fit(x, treatment, outcome, propensity).effect(x)
    assert naive > 0.3
    assert effect.mean() == pytest.approx(0.1, abs=0.03)


@served
def test_a_learner_restored_from_its_arrays_scores_the_same_to_the_last_bit(kind, trial):
    found = trial(1_500, lambda x: 0.2 * (x[:, 0] > 0))
    learner = fitted(kind, found)
    again = kind.restore(learner.arrays())
    assert (again.effect(found["x"]) == learner.effect(found["x"])).all()


@every
def test_what_would_be_taken_without_a_word_is_refused(kind, trial):
    found = trial(400, lambda x: 0.0 * x[:, 0])
    learner = fitted(kind, found)
    with pytest.raises(UnfitInputError, match="fitted with 3 columns"):
        learner.effect(found["x"][:, :2])
    with pytest.raises(UnfitInputError, match="NaN"):
        learner.effect(np.full((1, 3), np.nan))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"treatment": lambda v: v + 1}, "treatment must be 0 or 1"),
        ({"outcome": lambda v: v * np.nan}, "no NaN"),
        ({"propensity": lambda v: v * 0}, "between 0 and 1"),
        ({"outcome": lambda v: v * 0}, "0 rows untreated with the outcome: at least 20"),
        ({"propensity": lambda v: v[:-1]}, "one row a customer"),
    ],
)
def test_rows_nothing_can_be_learnt_from_are_refused(change, words, trial):
    found = trial(400, lambda x: 0.0 * x[:, 0])
    for name, how in change.items():
        found[name] = how(found[name])
    with pytest.raises(UnfitInputError, match=words):
        fitted(learners()["two-model"], found)
