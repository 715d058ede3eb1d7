"""How likely each customer was to be treated: known, the share of a trial, or estimated from the features."""

from __future__ import annotations

import numpy as np

from recommender.uplift.bases import Predict, linear_rate, out_of_fold
from recommender.uplift.learner import Floats, Rows

EDGE = 0.02
"""Estimates are kept this far from 0 and 1: nearer ones would let single customers decide (Crump and others 2009)."""


def share_treated(treatment: Floats) -> Floats:
    """Of a trial that drew everybody with the same probability: the share it treated, for each row."""
    return np.full(len(treatment), treatment.mean())


def estimated(features: Floats, treatment: Floats, seed: int) -> Floats:
    """By cross-fitted logistic regression on the features: right only if nothing else decided who was treated."""

    def learn(rows: Rows) -> Predict:
        return linear_rate(features[rows], treatment[rows]).rate

    found: Floats = np.clip(out_of_fold(learn, features, treatment, seed), EDGE, 1 - EDGE)
    return found


def weights(treatment: Floats, propensity: Floats) -> Floats:
    """Stabilised inverse-propensity weights, 1 for all where everybody had the same probability.

    Share treated over the propensity for the treated, the rest over the rest for the others (Robins, Hernan, Brumback
    2000, Epidemiology 11(5)).
    """
    if np.ptp(propensity) == 0:
        return np.ones(len(treatment))
    share = treatment.mean()
    found: Floats = np.where(treatment == 1, share / propensity, (1 - share) / (1 - propensity))
    return found
