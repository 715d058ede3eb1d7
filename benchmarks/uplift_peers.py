"""The same scores and the same models in scikit-uplift and causalml, which live in an environment of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

LEARNERS = ("two-model", "x", "class-transformation", "single", "response")
LIBRARIES = ("sklift", "causalml")


def agreement(python: Path, data: Path) -> dict[str, float]:
    """How far apart coefficients of the same scores, and scores of the same models, are at most; 0 is equal."""
    with TemporaryDirectory() as folder:
        given, answered = Path(folder) / "given.npz", Path(folder) / "answered.npz"
        own = _own(data)
        np.savez(given, **own)
        subprocess.run([str(python), "-W", "ignore", __file__, str(given), str(answered)], check=True)
        with np.load(answered) as theirs:
            return {name: float(np.abs(theirs[name] - own[name]).max()) for name in theirs.files}


def _own(data: Path) -> dict[str, Any]:
    from recommender.uplift.bases import PENALTIES
    from recommender.uplift.curves import cells_of, coefficients, groups_of
    from recommender.uplift.features import fit_schema
    from recommender.uplift.frame import Columns, read_frame
    from recommender.uplift.learners import learners
    from recommender.uplift.propensity import share_treated
    from recommender.uplift.trial import halves

    columns = Columns("visit", "segment", "Womens E-Mail", "No E-Mail", ignore=("conversion", "spend"))
    frame = read_frame(data / "uplift-hillstrom" / "hillstrom.csv.gz", columns)
    one, other = (frame.take(rows) for rows in halves(frame, 1))
    schema = fit_schema(one.table, one.names)
    known, new = schema.encode(one.table), schema.encode(other.table)
    made: dict[str, Any] = {"known": known, "new": new, "penalties": np.array(PENALTIES)}
    for name, values in (("t", "treatment"), ("y", "outcome")):
        made |= {f"known_{name}": getattr(one, values), f"new_{name}": getattr(other, values)}
    for name in LEARNERS:
        scores = learners()[name](1).fit(known, one.treatment, one.outcome, share_treated(one.treatment)).effect(new)
        found = coefficients(cells_of(groups_of(scores), other.treatment, other.outcome))
        made |= {f"score {name}": scores, f"Qini {name}": found.qini, f"AUUC {name}": found.auuc}
    return made


def _theirs(given: Any) -> dict[str, Any]:
    """Runs in the other environment."""
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklift.metrics import qini_auc_score, uplift_auc_score
    from sklift.models import TwoModels

    def logistic() -> Any:
        return LogisticRegression(C=1.0, max_iter=2_000)

    x, t, y, new = given["known"], given["known_t"].astype(int), given["known_y"].astype(int), given["new"]
    outcome, arm = given["new_y"].astype(int), given["new_t"].astype(int)
    found = {}
    for name in LEARNERS:
        scores = given[f"score {name}"]
        found[f"Qini {name}"] = qini_auc_score(outcome, scores, arm)
        found[f"AUUC {name}"] = uplift_auc_score(outcome, scores, arm)
    found["score two-model"] = TwoModels(logistic(), logistic()).fit(x, y, t).predict(new)
    try:
        from causalml.inference.meta import BaseXLearner
    except ImportError as error:
        print(f"causalml is left out: {error}", file=sys.stderr)
        return found

    class Rate(LogisticRegression):
        """causalml asks a learner of outcomes for numbers."""

        def predict(self, rows: Any) -> Any:
            return self.predict_proba(rows)[:, 1]

    ridge = {f"{side}_effect_learner": RidgeCV(alphas=given["penalties"]) for side in ("control", "treatment")}
    rates = {f"{side}_outcome_learner": Rate(C=1.0, max_iter=2_000) for side in ("control", "treatment")}
    model = BaseXLearner(**rates, **ridge, control_name=0)
    share = np.full(len(x), t.mean())
    model.fit(X=x, treatment=t, y=y, p=share)
    found["score x"] = model.predict(new, p=np.full(len(new), t.mean()))[:, 0]
    return found


if __name__ == "__main__":
    with np.load(sys.argv[1]) as there:
        np.savez(sys.argv[2], **_theirs(there))
