"""Gradient boosting: trees on the same rows, histogram by histogram, walked at serving time as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recommender.errors import UnfitInputError
from recommender.guards import check_weights
from recommender.model import Arrays, Model, Scores, Settings

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.ensemble import HistGradientBoostingClassifier

ROUNDS, LEAVES, DEPTH, LEAST_LEAF, RATE, RIDGE = 40, 12, 6, 30, 0.1, 1.0
MOST_CLASSES = 64
"""A round is one tree a product; beyond this many it takes minutes to learn and to walk."""
BLOCK = 2_000
NODES = ("feature", "threshold", "left", "right", "value")


@dataclass(frozen=True)
class Trees:
    """All trees in one list of nodes; `roots` (rounds x classes) says where each begins. A leaf leads to itself."""

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    start: NDArray[np.float64]

    def sums(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds of each class: `start` and the leaves reached, added up; rows x classes."""
        node = np.broadcast_to(self.roots.ravel(), (len(features), self.roots.size)).copy()
        rows = np.arange(len(features))[:, None]
        for _ in range(DEPTH):
            onward = features[rows, self.feature[node]] <= self.threshold[node]
            node = np.where(onward, self.left[node], self.right[node])
        total: NDArray[np.float64] = self.start + self.value[node].reshape(len(features), *self.roots.shape).sum(axis=1)
        return total


class Boosting(Model):
    """Multinomial log-odds by trees (Friedman 2001; histograms as in LightGBM, Ke et al. 2017; scikit-learn's)."""

    name = "boosting"
    rows = 20_000
    linear = False
    served = False  # ten times the time of all others together: fitted where it, or the blend, is asked for
    choices: ClassVar = {"rounds": (ROUNDS,)}

    def __init__(self, features: int, items: int, classes: NDArray[np.int64], trees: Trees) -> None:
        super().__init__(features, items)
        self.classes = classes
        self.trees = trees

    @classmethod
    def unavailable(cls) -> str:
        """Why scikit-learn cannot be imported here; empty when it can."""
        try:
            import sklearn.ensemble  # noqa: F401
        except ImportError as error:
            return f"scikit-learn cannot be imported: {error}"
        return ""

    @classmethod
    def _fit(cls, interactions: csr_matrix, features: csr_matrix, seed: int, settings: Settings) -> Self:
        rows, taken = interactions.nonzero()
        classes = np.unique(taken)
        if not 2 <= len(classes) <= MOST_CLASSES:
            raise UnfitInputError(f"{len(classes)} products were taken; boosting needs 2 to {MOST_CLASSES}")
        trees = _grown(features[rows], taken, interactions.data, int(settings["rounds"]), seed)
        check_weights(cls.name, trees.value, trees.start)
        return cls(features.shape[1], interactions.shape[1], classes.astype(np.int64), trees)

    def _scores(self, features: csr_matrix) -> Scores:
        scores = np.empty((features.shape[0], self.items), dtype=np.float32)
        for begin in range(0, features.shape[0], BLOCK):
            block = slice(begin, begin + BLOCK)
            sums = self.trees.sums(features[block].toarray().astype(np.float64))
            # a product nobody took is below every product somebody did
            scores[block] = sums.min(axis=1, keepdims=True) - np.log(2)
            scores[block, self.classes] = sums
        return scores

    def influence(self) -> Scores:
        """What each feature alone adds to the score of a row without any."""
        alone = self.trees.sums(np.vstack([np.zeros(self.features), np.eye(self.features)]))
        added = np.zeros((self.features, self.items), dtype=np.float32)
        added[:, self.classes] = alone[1:] - alone[0]
        return added

    def arrays(self) -> Arrays:
        """The nodes of all trees, where each begins, and which item each class is."""
        nodes = {name: getattr(self.trees, name) for name in (*NODES, "roots", "start")}
        return {**nodes, "classes": self.classes, "shape": np.array([self.features, self.items])}

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The model again from `arrays()`; scikit-learn is not needed."""
        trees = Trees(**{name: arrays[name] for name in (*NODES, "roots", "start")})  # type: ignore[arg-type]
        features, items = (int(size) for size in arrays["shape"])
        return cls(features, items, arrays["classes"].astype(np.int64), trees)


def _grown(
    features: csr_matrix, taken: NDArray[np.int64], weights: NDArray[np.float32], rounds: int, seed: int
) -> Trees:
    """Grow the trees in one thread, so that one seed gives one model."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    engine = HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        max_depth=DEPTH,
        min_samples_leaf=LEAST_LEAF,
        l2_regularization=RIDGE,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(limits=1):
        engine.fit(features.toarray(), taken, sample_weight=weights.astype(np.float64))
    return _flattened(engine)


def _flattened(engine: HistGradientBoostingClassifier) -> Trees:
    """The trees of scikit-learn as arrays; of two classes it grows one tree a round, the log-odds of the second."""
    grown = [[tree.nodes for tree in round_] for round_ in engine._predictors]
    parts = [nodes for round_ in grown for nodes in round_]
    begins = np.concatenate([[0], np.cumsum([len(nodes) for nodes in parts])])[:-1].astype(np.int32)
    nodes = np.concatenate(parts)
    own = np.arange(len(nodes), dtype=np.int32)
    offset = np.repeat(begins, [len(part) for part in parts])
    leaf = nodes["is_leaf"].astype(bool)
    trees = Trees(
        roots=begins.reshape(len(grown), -1),
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
        threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
        left=np.where(leaf, own, nodes["left"].astype(np.int32) + offset).astype(np.int32),
        right=np.where(leaf, own, nodes["right"].astype(np.int32) + offset).astype(np.int32),
        value=np.where(leaf, nodes["value"], 0.0),
        start=np.asarray(engine._baseline_prediction, dtype=np.float64).ravel(),
    )
    return trees if trees.roots.shape[1] > 1 else _both(trees)


def _both(trees: Trees) -> Trees:
    """Two classes from the log-odds of the second: each tree once more with its leaves turned round, halved."""
    size = np.int32(len(trees.value))
    twice = {name: np.concatenate([getattr(trees, name)] * 2) for name in ("feature", "threshold")}
    ways = {name: np.concatenate([getattr(trees, name), getattr(trees, name) + size]) for name in ("left", "right")}
    return Trees(
        roots=np.hstack([trees.roots, trees.roots + size]),
        value=np.concatenate([-trees.value, trees.value]) / 2,
        start=np.concatenate([-trees.start, trees.start]) / 2,
        **twice,
        **ways,
    )
