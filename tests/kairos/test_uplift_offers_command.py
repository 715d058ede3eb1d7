"""`kairos uplift offers` and `kairos uplift interleave` on small files of one's own."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kairos.cli import main


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["uplift", *map(str, arguments)])
    told = capsys.readouterr()
    return ended.value.code, told.out, told.err


@pytest.fixture
def occasions(tmp_path):
    rng = np.random.default_rng(1)
    lines = ["offer,segment,time,arm,taken"]
    for _ in range(4_000):
        offer, segment, time, arm = (
            rng.choice(["driver", "check-up"]),
            rng.choice(["city", "country"]),
            rng.integers(1, 4),
            rng.choice(["model", "none"]),
        )
        taken = rng.random() < 0.1 + (arm == "model") * (offer == "driver") * 0.15
        lines.append(f"{offer},{segment},{time},{arm},{'yes' if taken else 'no'}")
    path = tmp_path / "occasions.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


ROLES = ["--treatment", "arm", "--treated", "model", "--control", "none", "--outcome", "taken", "--offer", "offer"]


def test_effects_are_told_by_offer_segment_and_both_and_by_the_times(occasions, capsys):
    code, out, _ = run(
        capsys, "offers", "--data", occasions, *ROLES, "--segment", "segment", "--exposure", "time", "--json"
    )
    report = json.loads(out)
    assert code == 0
    assert list(report["effects"]) == ["offer", "segment", "offer, segment"]
    found = {cell["offer"]: cell["p_value"] < 0.05 for cell in report["effects"]["offer"]["cells"]}
    assert found == {"check-up": False, "driver": True}
    assert report["fatigue"]["verdict"] == "no evidence that the effect changes with the times"
    code, out, _ = run(capsys, "offers", "--data", occasions, *ROLES, "--exposure", "time")
    assert "no evidence that the effect changes with the times" in out


def test_the_model_whose_offers_are_taken_is_told(tmp_path, capsys):
    path = tmp_path / "shown.csv"
    rows = [f"C{n},{team},{int(team == 'new' and n % 3 == 0)}" for n in range(60) for team in ("new", "old")]
    path.write_text("customer_id,team,taken\n" + "\n".join(rows), encoding="utf-8")
    code, out, _ = run(capsys, "interleave", "--data", path, "--json")
    report = json.loads(out)
    assert (code, report["models"], report["first"], report["second"], report["ties"]) == (0, ["new", "old"], 20, 0, 40)
    assert report["verdict"] == "new's offers are preferred"
    assert "new's offers are preferred: new less old 0.1667" in run(capsys, "interleave", "--data", path)[1]


def test_what_cannot_be_compared_is_told(tmp_path, occasions, capsys):
    path = tmp_path / "shown.csv"
    path.write_text("customer_id,team,taken\nC1,a,1\nC1,a,0\n", encoding="utf-8")
    code, _, err = run(capsys, "interleave", "--data", path)
    assert (code, "team has the values a; an interleaved list is of two models" in err) == (1, True)
    code, _, err = run(capsys, "offers", "--data", occasions, *ROLES, "--exposure", "segment")
    assert (code, "segment is no whole number in every row" in err) == (1, True)
