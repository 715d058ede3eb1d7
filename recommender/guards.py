"""The door of every model: what numerical libraries accept without a word is refused here.

LightFM takes features scaled by 10,000 (weights explode), NaN features at prediction (NaN scores), prediction without
the features it was trained with (another customer's scores) and -1 under WARP (dropped). None gets past this door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.errors import UnfitInputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LARGEST = 4.0
"""Rows are normalised to a sum of 1, so no value comes near this; larger ones are raw amounts, never scaled."""


def check_features(features: csr_matrix, columns: int) -> None:
    """Refuse features that are missing, not finite, not scaled or not the columns a model knows."""
    _check_sparse(features, "features")
    if features.shape[1] != columns:
        raise UnfitInputError(f"features have {features.shape[1]} columns, the model was fitted with {columns}")
    if features.nnz and float(np.abs(features.data).max()) > LARGEST:
        raise UnfitInputError(f"features must be scaled: values within {LARGEST}, rows normalised")
    empty = np.diff(features.indptr) == 0
    if empty.any():
        raise UnfitInputError(f"{int(empty.sum())} rows have no features at all; encode them with the feature schema")


def check_interactions(interactions: csr_matrix, rows: int) -> None:
    """Refuse interactions that are not finite, negative, or not one row for every row of features."""
    _check_sparse(interactions, "interactions")
    if interactions.shape[0] != rows:
        raise UnfitInputError(f"{interactions.shape[0]} rows of interactions for {rows} rows of features")
    if interactions.nnz and float(interactions.data.min()) < 0:
        raise UnfitInputError("negative interactions are not learnt from: leave them out")


def check_weights(name: str, *arrays: NDArray[np.floating]) -> None:
    """Refuse weights that are not finite: the training has diverged."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise UnfitInputError(f"{name} diverged while fitting: its weights are not finite")


def _check_sparse(matrix: csr_matrix, what: str) -> None:
    if getattr(matrix, "format", None) != "csr":
        raise UnfitInputError(f"{what} must be a scipy CSR matrix, got {type(matrix).__name__}")
    if matrix.nnz and not np.isfinite(matrix.data).all():
        raise UnfitInputError(f"{what} hold NaN or infinite values")
