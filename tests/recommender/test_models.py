"""Every model keeps the contract; LightFM's matrix product is LightFM's prediction."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import recommender.models.lightfm
from recommender.calibration import probabilities
from recommender.errors import UnfitInputError
from recommender.model import Model, taken
from recommender.models import models
from recommender.models.blend import Blend
from recommender.models.boosting import Boosting
from recommender.models.ease import Ease
from recommender.models.itemknn import ItemKNN
from recommender.models.lightfm import DIMENSIONS, RATE, LightFM, _epochs, _with_noes
from recommender.models.logistic import Logistic
from recommender.models.popularity import Popularity
from recommender.store import packed

Matrices = tuple[csr_matrix, csr_matrix]


@pytest.fixture
def rows() -> Matrices:
    """(interactions, features) of 120 rows: features 0 to 2 mean items 0 to 2, item 3 is never taken."""
    draw = np.random.default_rng(3)
    kind = draw.integers(0, 3, 120)
    features = np.zeros((120, 5), dtype=np.float32)
    features[np.arange(120), kind] = 0.7
    features[np.arange(120), draw.integers(3, 5, 120)] = 0.3
    taken = csr_matrix((np.ones(120, dtype=np.float32), (np.arange(120), kind)), shape=(120, 4))
    return taken, csr_matrix(features)


@pytest.fixture(params=sorted(models()))
def model(request: pytest.FixtureRequest) -> type[Model]:
    """Each registered model in turn."""
    return models()[request.param]


def test_the_folder_is_the_list_of_models() -> None:
    assert models() == {
        "blend": Blend,
        "boosting": Boosting,
        "ease": Ease,
        "itemknn": ItemKNN,
        "lightfm": LightFM,
        "logistic": Logistic,
        "popularity": Popularity,
    }


def test_scores_are_one_finite_number_for_every_row_and_item(model: type[Model], rows: Matrices) -> None:
    scores = model.fit(*rows, seed=1).scores(rows[1])
    assert scores.shape == (120, 4)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


def test_a_restored_model_scores_the_same(model: type[Model], rows: Matrices) -> None:
    one = model.fit(*rows, seed=1)
    np.testing.assert_array_equal(model.restore(one.arrays()).scores(rows[1]), one.scores(rows[1]))


def test_the_same_seed_gives_the_same_bytes(model: type[Model], rows: Matrices) -> None:
    assert packed(model.fit(*rows, seed=5).arrays()) == packed(model.fit(*rows, seed=5).arrays())


def test_influence_is_what_a_feature_adds(model: type[Model], rows: Matrices) -> None:
    if not model.linear:
        pytest.skip("its scores are no sum over features")
    one = model.fit(*rows, seed=1)
    both = csr_matrix(np.array([[0.5, 0, 0, 0.5, 0], [0.7, 0, 0, 0.3, 0]], dtype=np.float32))
    difference = np.diff(one.scores(both), axis=0).ravel()
    expected = 0.2 * (one.influence()[0] - one.influence()[3])
    # what is the same for every item of a row does not rank
    np.testing.assert_allclose(difference - difference.mean(), expected - expected.mean(), atol=1e-4)


def test_what_speaks_for_an_item_alone_is_the_influence_of_trees(rows: Matrices) -> None:
    influence = Boosting.fit(*rows, seed=1).influence()
    assert influence[:3].argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("classes", [[0, 1, 2], [0, 2]])
def test_walking_the_stored_trees_is_what_scikit_learn_predicts(classes: list[int]) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    draw = np.random.default_rng(2)
    features = draw.random((400, 6)).astype(np.float32)
    target = np.array(classes)[np.minimum((features[:, 0] * len(classes)).astype(int), len(classes) - 1)]
    model = Boosting.fit(taken(target, 4), csr_matrix(features), seed=1)
    engine = HistGradientBoostingClassifier(
        max_iter=40, learning_rate=0.1, max_leaf_nodes=12, max_depth=6, min_samples_leaf=30, l2_regularization=1.0,
        early_stopping=False, random_state=1,
    ).fit(features, target)  # fmt: skip
    ours = probabilities(model.scores(csr_matrix(features))[:, classes], np.ones((400, len(classes)), bool))
    np.testing.assert_allclose(ours, engine.predict_proba(features), atol=1e-5)


def test_a_row_of_weight_two_counts_as_two_rows(model: type[Model], rows: Matrices) -> None:
    if model in (LightFM, Boosting, Blend):
        pytest.skip("it goes through the rows in an order of its own")
    twice = np.where(np.arange(120) < 40, 2, 1)
    doubled = np.repeat(np.arange(120), twice)
    weighed = model.fit(taken(rows[0].indices.astype(np.int64), 4, twice), rows[1], seed=1)
    repeated = model.fit(taken(rows[0].indices[doubled].astype(np.int64), 4), rows[1][doubled], seed=1)
    np.testing.assert_allclose(weighed.scores(rows[1]), repeated.scores(rows[1]), rtol=5e-3, atol=5e-3)


def test_each_setting_has_its_default_first_and_others_are_refused(model: type[Model], rows: Matrices) -> None:
    defaults = {name: values[0] for name, values in model.choices.items()}
    one, other = (model.fit(*rows, seed=1, settings=each) for each in (None, defaults))
    np.testing.assert_array_equal(one.scores(rows[1]), other.scores(rows[1]))
    with pytest.raises(UnfitInputError, match="has no setting volume"):
        model.fit(*rows, seed=1, settings={"volume": 3})


@pytest.mark.parametrize("name", ["blend", "boosting", "ease", "itemknn", "lightfm", "logistic"])
def test_a_feature_that_means_an_item_puts_it_first(name: str, rows: Matrices) -> None:
    scores = models()[name].fit(*rows, seed=1).scores(rows[1])
    np.testing.assert_array_equal(scores.argmax(axis=1), rows[0].indices)


def test_popularity_is_the_order_of_what_was_taken(rows: Matrices) -> None:
    counts = np.asarray(rows[0].sum(axis=0)).ravel()
    scores = Popularity.fit(*rows, seed=1).scores(rows[1])
    np.testing.assert_allclose(scores, np.tile(np.log(counts + 0.5), (120, 1)), rtol=1e-6)


@pytest.mark.parametrize("classes", [[0], [0, 2]])
def test_logistic_puts_what_nobody_took_last(classes: list[int], rows: Matrices) -> None:
    kept = np.isin(rows[0].indices, classes)
    scores = Logistic.fit(rows[0][kept], rows[1][kept], seed=1).scores(rows[1][kept])
    untaken = np.setdiff1d(np.arange(4), classes)
    assert scores[:, untaken].max() < scores[:, classes].max(axis=1).min()


def test_the_matrix_product_is_what_lightfm_predicts(rows: Matrices) -> None:
    import lightfm

    taken, features = rows
    engine = lightfm.LightFM(no_components=DIMENSIONS, loss="warp", learning_rate=RATE, random_state=9)
    engine.fit(taken.tocoo(), user_features=features, epochs=_epochs(120), num_threads=1)
    user, item = np.divmod(np.arange(480, dtype=np.int32), np.int32(4))
    predicted = engine.predict(user, item, user_features=features).reshape(120, 4)
    np.testing.assert_allclose(LightFM.fit(taken, features, seed=9).scores(features), predicted, atol=1e-5)


def test_a_feature_lightfm_never_saw_carries_nothing(rows: Matrices) -> None:
    taken, features = rows
    wider = csr_matrix((features.data, features.indices, features.indptr), shape=(120, 6))
    model = LightFM.fit(taken, wider, seed=1)
    assert not model.influence()[5].any()
    assert model.influence()[:5].any(axis=1).all()


def test_nan_features_are_refused(model: type[Model], rows: Matrices) -> None:
    spoilt = rows[1].copy()
    spoilt.data[7] = np.nan
    with pytest.raises(UnfitInputError, match="NaN"):
        model.fit(rows[0], spoilt, seed=1)
    with pytest.raises(UnfitInputError, match="NaN"):
        model.fit(*rows, seed=1).scores(spoilt)


def test_features_that_were_never_scaled_are_refused(model: type[Model], rows: Matrices) -> None:
    with pytest.raises(UnfitInputError, match="scaled"):
        model.fit(*rows, seed=1).scores(rows[1] * 10_000)


def test_other_columns_than_those_fitted_are_refused(model: type[Model], rows: Matrices) -> None:
    with pytest.raises(UnfitInputError, match="4 columns, the model was fitted with 5"):
        model.fit(*rows, seed=1).scores(rows[1][:, :4])


def test_a_row_without_features_is_refused(model: type[Model], rows: Matrices) -> None:
    bare = csr_matrix((2, 5), dtype=np.float32)
    with pytest.raises(UnfitInputError, match="2 rows have no features"):
        model.fit(*rows, seed=1).scores(bare)


def test_negative_interactions_are_refused(model: type[Model], rows: Matrices) -> None:
    with pytest.raises(UnfitInputError, match="negative"):
        model.fit(-rows[0], rows[1], seed=1)


def test_interactions_must_match_the_rows_of_features(model: type[Model], rows: Matrices) -> None:
    with pytest.raises(UnfitInputError, match="119 rows of interactions for 120"):
        model.fit(rows[0][:119], rows[1], seed=1)


def test_dense_features_are_refused(model: type[Model], rows: Matrices) -> None:
    with pytest.raises(UnfitInputError, match="CSR"):
        model.fit(*rows, seed=1).scores(rows[1].toarray())


@pytest.mark.parametrize("budget", [10_000, 120])
def test_what_a_row_did_not_take_is_a_no_to_the_logistic_loss(
    budget: int, rows: Matrices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recommender.models.lightfm, "NOES_TO_SEE", budget)
    monkeypatch.setattr(recommender.models.lightfm, "LEAST_NOES", 1)
    given = rows[0].tocoo().astype(np.float32)
    weights, answers = _with_noes(given, seed=1)
    assert len(answers) == 120 * (1 + min(3, budget // 120))
    assert sorted(zip(weights.row[answers > 0], weights.col[answers > 0], strict=True)) == sorted(
        zip(given.row, given.col, strict=True)
    )
    no = answers < 0
    assert not (weights.col[no] == rows[0].indices[weights.row[no]]).any()
    assert weights.data[no].sum() == pytest.approx(3 * given.data.sum())
    scores = LightFM.fit(*rows, seed=1, settings={"loss": 2}).scores(rows[1])
    np.testing.assert_array_equal(scores.argmax(axis=1), rows[0].indices)
