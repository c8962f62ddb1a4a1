"""The repository's samples, scored with a tiny ensemble: FOLDER/model, made of three models, and FOLDER/results."""

from __future__ import annotations

from pathlib import Path

from medres.models.trained_model import load_trained_model, save_ensemble
from tests.pipelines.program import ROOT, medres
from tests.tiny_models import tiny_ct_model

VIEWS = ("whole", "whole", "slices")  # two that are built alike, and one that is not


def build_ensemble_results(folder: Path) -> Path:
    """Make both; gives the results."""
    members = [load_trained_model(tiny_ct_model(folder / str(n), views, scope=False)) for n, views in enumerate(VIEWS)]
    spec = members[0].spec.model_copy(update={"name": "trio", "files": {}})
    save_ensemble(folder / "model", spec, members, {"validation.csv": members[0].read_file("validation.csv")})
    done = medres("score", ROOT / "data_samples", "--model", folder / "model", "--out", folder / "results")
    assert (folder / "results" / "ledger.sqlite").is_file(), done.stderr
    return folder / "results"
