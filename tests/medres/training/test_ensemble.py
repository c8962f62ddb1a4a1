"""Models that belong together become one; those that do not are refused."""

from __future__ import annotations

import numpy as np
import pytest

import medres
from medres.errors import ModelError
from medres.models.trained_model import extend_trained_model, load_trained_model
from medres.training.ensemble import OutOfFold, build_ensemble, join_training_data
from medres.training.train import Run, Source, train
from tests.medres.training import cohorts


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    folder = tmp_path_factory.mktemp("members")
    manifest = cohorts.write_cohort(folder / "scans", 16)
    source = Source(manifest, cohorts.split_of(manifest))
    return [
        train(cohorts.experiment(epochs=1, seed=seed), source, folder / str(seed), Run(tensorboard=False))
        for seed in (0, 1)
    ]


TABLE = OutOfFold(["healthy", "lesion"] * 4, np.linspace(0.1, 0.9, 8), b"scan,label\n")


def test_an_ensemble_proves_itself_and_keeps_its_members_when_files_are_added(members, tmp_path):
    model = build_ensemble(tmp_path / "model", "two", members, TABLE, {"why": "a test"})
    assert [member.digest for member in model.members] == [member.digest for member in members]
    assert model.state_dict == {}
    assert medres.load(model.folder).verify() <= 1e-5
    longer = extend_trained_model(model, {"evaluation.json": {"note": "later"}})
    assert len(load_trained_model(longer.folder).members) == 2
    assert longer.spec.weights_digest == model.spec.weights_digest


def test_scans_of_every_member_count_as_seen(members):
    joined = join_training_data(members)
    assert set(joined["training"]["scans"]) == set(members[0].training_data["training"]["scans"])


def test_one_member_and_members_of_members_are_refused(members, tmp_path):
    with pytest.raises(ModelError, match=r"E_MODEL_MEMBERS.*got 1"):
        build_ensemble(tmp_path / "one", "one", members[:1], TABLE, {})
    model = build_ensemble(tmp_path / "model", "two", members, TABLE, {})
    with pytest.raises(ModelError, match="E_MODEL_MEMBERS"):
        build_ensemble(tmp_path / "nested", "nested", [model, members[0]], TABLE, {})
