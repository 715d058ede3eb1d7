"""The new files that the how-to shows are put into place, found and used."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-kind-gate-channel-or-model.md"
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
Put = Callable[[str], ModuleType]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Put]:
    """Put a file of the page into a folder that its package lists as well; gives the package."""
    names: list[str] = []

    def place(name: str) -> ModuleType:
        found = re.search(rf"`{name}`\n.*?```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        assert found, name
        package = importlib.import_module(".".join(Path(name).parts[:-1]))
        (tmp_path / Path(name).name).write_text(found[1], encoding="utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        names.append(".".join(Path(name).with_suffix("").parts))
        return package

    yield place
    for name in names:
        sys.modules.pop(name, None)


def test_a_new_kind_is_found_and_its_moments_too(put):
    from triggers.moments import moments
    from triggers.testing import facts

    kinds = put("triggers/kinds/settlement.py")._kinds()
    assert set(kinds) - {"settlement"} == {
        "count",
        "date",
        "dormancy",
        "event",
        "missing",
        "region",
        "score",
        "segment",
    }
    trigger = kinds["settlement"].model_validate({"kind": "settlement", "after": "1d"})
    opened = {"opened_at": "2026-11-01T09:00", "closed_at": "2026-11-21T09:00"}
    complaints = [
        {"complaint_id": "K1", "customer_id": "C1", **opened},
        {"complaint_id": "K2", "customer_id": "C2", **opened, "closed_at": None},
    ]
    with facts(NOW, customers=[{"customer_id": "C1"}, {"customer_id": "C2"}], complaints=complaints) as known:
        found = [row["subject"] for batch in moments(trigger, known) for row in batch.to_pylist()]
        told = trigger.nearest(known, "C2")[0].words
    assert found == ["complaint:K1"]
    assert told == "customer C2 has no settled complaint"


@pytest.fixture
def fresh_gates() -> Iterator[None]:
    """The list of gates is made anew, before and after."""
    from campaigns.gates import gates

    gates.cache_clear()
    yield
    gates.cache_clear()


def test_a_new_gate_is_asked_in_its_place_and_refuses(put, fresh_gates, tmp_path):
    from kairos.runs import run_workspace
    from kairos.starter import write_starter
    from kairos.workspace import Workspace
    from recommender import fit

    assert [gate.name for gate in put("campaigns/gates/minor.py").gates()][4:8] == [
        "reachable",
        "circumstance",
        "minor",
        "suitability",
    ]
    folder = tmp_path / "workspace"
    write_starter(folder, demo=False)
    customers = folder / "facts" / "customers.csv"
    customers.write_text(customers.read_text(encoding="utf-8").replace("1978-11-23", "2012-11-23"), encoding="utf-8")
    place = Workspace(folder)
    with place.facts(NOW) as facts:
        fit(facts.db, place.models, NOW, seed=1)
    report = run_workspace(place, NOW, only=["motor-service-offer"], rehearsal=False, progress=lambda *_: None)
    assert report["campaigns"][0]["reasons"] == {"minor.under_age": 1}


class Gateway(BaseHTTPRequestHandler):
    """Keeps what it is put; answers as `status` says."""

    kept: dict[str, bytes]
    status = 201

    def do_PUT(self) -> None:
        self.kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(self.status)

    def do_GET(self) -> None:
        self._answer(200 if self.path in self.kept else 404)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[tuple[str, type[Gateway]]]:
    """A server on loopback and its handler."""
    handler = type("Fresh", (Gateway,), {"kept": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/messages", handler
        server.shutdown()
        thread.join()


def test_a_new_channel_is_found_and_says_what_is_certain(put, gateway, monkeypatch, tmp_path):
    from channels.adapter import Ports
    from channels.contract import Absent, Accepted, Message, Refused, RetryLater, Unknown

    url, handler = gateway
    package = put("channels/webhook.py")
    monkeypatch.setattr(package, "_LISTED", {})
    settings = package.read_adapter("sms", {"adapter": "webhook", "url": url})
    assert settings.missing({}) == ["WEBHOOK_TOKEN"]
    channel = settings.open({"WEBHOOK_TOKEN": "t"}, Ports(now=lambda: NOW, folder=tmp_path))
    later = NOW + timedelta(hours=1)
    message = Message("m1", "c", "care", "sms", "C1", "+8613800138001", "en", {"sms": "Hello"}, NOW, later, NOW)
    assert asyncio.run(channel.reconcile([message])) == [Absent()]
    answers = []
    for status in (201, 429, 400, 502):
        handler.status = status
        answers += asyncio.run(channel.hand([message]))
    assert [type(answer) for answer in answers] == [Accepted, RetryLater, Refused, Unknown]
    assert asyncio.run(channel.reconcile([message])) == [Accepted("m1")]


def test_a_new_model_is_found_learns_and_comes_back_from_its_arrays(put):
    from scipy.sparse import csr_matrix

    from recommender.models import models

    models.cache_clear()
    try:
        put("recommender/models/neighbours.py")
        kind = models()["neighbours"]
        features = csr_matrix(np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32))
        taken = csr_matrix(np.array([[1, 0], [0, 1], [0, 1]], dtype=np.float32))
        model = kind.fit(taken, features, seed=1)
        again = kind.restore(model.arrays())
    finally:
        models.cache_clear()
    assert again.scores(features).tolist() == [[0.5, 0.5], [0.5, 0.5], [0.0, 1.0]]


def test_a_new_uplift_learner_is_found_learns_and_comes_back_from_its_arrays(put):
    from recommender.uplift.learners import learners

    learners.cache_clear()
    try:
        put("recommender/uplift/learners/halves.py")
        kind = learners()["halves"]
    finally:
        learners.cache_clear()
    features = np.repeat([[1.0], [-1.0]], 100, axis=0)
    treatment, outcome = np.tile([1.0, 1.0, 0.0, 0.0], 50), np.tile([1.0, 0.0, 0.0, 1.0], 50)
    outcome[:100] = np.tile([1.0, 1.0, 0.0, 1.0], 25)
    learner = kind().fit(features, treatment, outcome, np.full(200, 0.5))
    assert learner.effect(features[[0, 199]]).tolist() == [0.5, 0.0]
    assert kind.restore(learner.arrays()).effect(features).tolist() == learner.effect(features).tolist()
