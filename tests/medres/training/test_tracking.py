"""MLflow gets the experiment's keys, each epoch's numbers and the model's papers; a store that fails ends no training.

Where MLflow is not installed, a small stand-in with its client's interface keeps what it is sent in a JSON file.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys

import pytest

from medres.training.tracking import find_mlflow, flatten
from medres.training.train import Run, Source, train
from tests.medres.training import cohorts

STAND_IN = """
import json, os, pathlib, types

class MlflowClient:
    def __init__(self, tracking_uri):
        self.file = pathlib.Path(os.environ["STAND_IN"])
        self.kept = json.loads(self.file.read_text()) if self.file.is_file() else []
        self.note("store", tracking_uri)

    def note(self, *what):
        if os.environ.get("STAND_IN_FAILS") == what[0]:
            raise ConnectionError("the store is away")
        self.kept.append(what)
        self.file.write_text(json.dumps(self.kept))

    def get_experiment_by_name(self, name):
        return None

    def create_experiment(self, name, artifact_location=None):
        self.note("experiment", name)
        return "1"

    def create_run(self, experiment_id):
        self.note("run", experiment_id)
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id="r1"))

    def get_run(self, run_id):
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id=run_id))

    def log_param(self, run, name, value):
        self.note("param", name, value)

    def log_metric(self, run, name, value, step=0):
        self.note("metric", name, value, step)

    def log_artifact(self, run, path):
        self.note("artefact", pathlib.Path(path).name)

    def set_terminated(self, run, status):
        self.note("ended", status)
"""


@pytest.fixture
def sent(tmp_path, monkeypatch):
    """Put the stand-in where MLflow would be imported from; gives what it was sent."""
    if importlib.util.find_spec("mlflow") is not None:
        pytest.skip("MLflow is installed: the stand-in would hide it")
    package = tmp_path / "packages" / "mlflow"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "tracking.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setenv("STAND_IN", str(tmp_path / "sent.json"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    importlib.invalidate_caches()
    yield lambda: json.loads((tmp_path / "sent.json").read_text())
    for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
        del sys.modules[name]


def train_tiny(folder):
    manifest = cohorts.write_cohort(folder / "scans")
    return train(cohorts.experiment(), Source(manifest, cohorts.split_of(manifest)), folder / "out", Run())


def test_a_training_sends_its_keys_its_epochs_and_its_papers(tmp_path, sent):
    model = train_tiny(tmp_path)
    found = sent()
    assert ["param", "training.batch_size", "8"] in found
    losses = [one for one in found if one[:2] == ["metric", "validation_auroc"]]
    assert len(losses) == 2
    assert ["ended", "FINISHED"] in found
    papers = [name for kind, name in (one[:2] for one in found) if kind == "artefact"]
    assert papers == ["MODEL_CARD.md", "experiment.json", "history.csv", "trained_model.json"]
    assert [one for one in found if one[0] == "run"] == [["run", "1"]]  # one run, found again for the papers
    assert model.spec.name == "tiny"


@pytest.mark.parametrize("where", ["store", "metric", "artefact"])
def test_a_store_that_fails_is_told_once_and_the_model_is_made(tmp_path, sent, monkeypatch, caplog, where):
    monkeypatch.setenv("STAND_IN_FAILS", where)
    assert train_tiny(tmp_path) is not None
    told = [record.message for record in caplog.records if "MLflow failed" in record.message]
    assert told == ["MLflow failed (ConnectionError): the training goes on without it"]


@pytest.mark.parametrize(
    ("installed", "store", "wanted"),
    [
        ((), "", False),
        (("mlflow",), "", False),
        (("mlflow",), "http://127.0.0.1:9", True),
        (("mlflow", "sqlalchemy", "alembic"), "", True),
    ],
)
def test_there_is_a_tracker_where_mlflow_has_a_store(tmp_path, monkeypatch, installed, store, wanted):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in installed else None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    assert (find_mlflow(tmp_path, cohorts.experiment()) is not None) == wanted


def test_values_of_nested_tables_are_named_by_their_place():
    assert dict(flatten({"a": {"b": {"c": (1, 2)}}, "d": {}})) == {"a.b.c": "(1, 2)", "d": "{}"}
