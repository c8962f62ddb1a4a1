"""`medres select`: runs on the same folds become one model, which answers, proves itself and is explained."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

import medres as library
from medres.datasets.manifest import read_manifest
from medres.datasets.split import build_split
from medres.datasets.split_file import write_split
from medres.explain.gradcam import build_heatmap
from medres.models.trained_model import load_trained_model
from medres.training.dataset import read_volume
from pipelines.select import list_subsets
from tests.medres.training import cohorts
from tests.pipelines.program import medres

SECOND = cohorts.TOML.replace('"tiny"', '"wider"').replace("width = 0.125", "width = 0.25")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("select")
    manifest = cohorts.write_cohort(folder / "scans", 24)
    write_split(build_split(manifest, folds=3), folder / "folds.json")
    for name, text in (("a", cohorts.TOML + '[test_time]\nflips = ["j"]\n'), ("b", SECOND)):
        (folder / f"{name}.toml").write_text(text)
        places = ("--manifest", folder / "scans" / "manifest.csv", "--split", folder / "folds.json")
        done = medres("train", folder / f"{name}.toml", *places, "--out", folder / name, "--folds")
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def chosen(work):
    done = medres("select", work / "a", work / "b", "--out", work / "best", "--name", "both")
    assert done.returncode == 0, done.stderr
    return done


def test_every_run_and_ensemble_is_compared_and_one_model_comes_out(work, chosen):
    found = json.loads((work / "best" / "selection.json").read_text())
    assert list(found["candidates"]) == ["tiny", "wider", "tiny + wider"]
    assert len(found["comparisons"]) == 2
    model = load_trained_model(work / "best" / "model")
    assert model.spec.name == "both"
    assert len(model.members) in (3, 6)
    assert "flatters" in chosen.stdout


def test_nothing_is_written_over(work, chosen):
    before = [(work / "a" / "predictions.csv").read_bytes(), (work / "best" / "selection.json").read_bytes()]
    for out, held in ((work / "a", "the folds of a training"), (work / "best", "a model")):
        done = medres("select", work / "a", "--out", out)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == (
            f"E_TRAIN_OUT: the output folder must be free, got one with {held} - choose another --out"
        )
    assert [(work / "a" / "predictions.csv").read_bytes(), (work / "best" / "selection.json").read_bytes()] == before


def test_the_ensemble_gives_the_mean_of_its_members_and_its_golden_probability(work, chosen):
    classifier = library.load(work / "best" / "model")
    assert classifier.verify() <= 1e-5
    manifest = read_manifest(work / "scans" / "manifest.csv")
    volume = read_volume(manifest, manifest.rows[1])
    answer = classifier.predict(volume)
    each = [member.predict(volume).probability for member in classifier.members]
    answered = [one for one in each if one is not None]
    if 2 * (len(each) - len(answered)) >= len(each):
        assert answer.decision == "out_of_scope"
        assert "members of the ensemble refuse" in answer.reason
    else:
        assert answer.probability == pytest.approx(np.mean(answered), abs=1e-9)


def test_the_ensemble_is_explained_by_the_mean_of_alike_members(work, chosen):
    classifier = library.load(work / "best" / "model")
    manifest = read_manifest(work / "scans" / "manifest.csv")
    for row in manifest.rows:
        volume = read_volume(manifest, row)
        if classifier.predict(volume).decision != "out_of_scope":
            heatmap = build_heatmap(classifier, volume)
            assert heatmap.method.startswith("Grad-CAM, mean of 3")
            assert np.isfinite(heatmap.relevance).all()
            return
    pytest.fail("every scan was out of scope")


def test_the_ensemble_runs_on_openvino_too(work, chosen):
    one, other = (library.load(work / "best" / "model", engine=engine) for engine in ("torch", "openvino"))
    manifest = read_manifest(work / "scans" / "manifest.csv")
    volume = read_volume(manifest, manifest.rows[3])
    assert one.predict(volume).probabilities == pytest.approx(other.predict(volume).probabilities, abs=1e-4)


def test_the_ensemble_can_be_scored_and_its_table_evaluated(work, chosen, tmp_path):
    model = work / "best" / "model"
    done = medres("score", work / "scans", "--model", model, "--out", tmp_path / "s", "--modality", "CT")
    assert done.returncode in (0, 3), done.stderr
    table = work / "best" / "predictions.csv"
    more = ("--positive", "lesion", "--bootstrap", 20)
    done = medres("evaluate", "--predictions", table, *more, "--out", tmp_path / "e")
    assert done.returncode == 0, done.stderr
    manifest = work / "scans" / "manifest.csv"
    refused = medres("evaluate", work / "best" / "model", "--manifest", manifest, "--out", tmp_path / "f")
    assert refused.stderr.startswith("E_EVAL_EMPTY")  # its members have seen every patient


def test_a_changed_member_is_refused(work, chosen, tmp_path):
    shutil.copytree(work / "best" / "model", tmp_path / "model")
    place = tmp_path / "model" / "members" / "1" / "trained_model.json"
    place.write_text(place.read_text().replace('"version": "1"', '"version": "2"'))
    with pytest.raises(Exception, match="E_MODEL_DIGEST"):
        load_trained_model(tmp_path / "model")


def test_runs_of_other_folds_are_refused(work, chosen, tmp_path):
    shutil.copytree(work / "b", tmp_path / "b")
    table = tmp_path / "b" / "predictions.csv"
    rows = list(csv.reader(table.open()))
    column = rows[0].index("fold")
    rows[1][column] = str((int(rows[1][column]) + 1) % 3)
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    done = medres("select", work / "a", tmp_path / "b", "--out", tmp_path / "out")
    assert done.stderr.startswith("E_SELECT_FOLDS: runs must hold the same scans in the same folds")
    assert medres("select", work / "scans", "--out", tmp_path / "out").stderr.startswith("E_SELECT_RUN")


def test_beyond_four_runs_only_pairs_and_all_are_candidates():
    assert len(list_subsets(4)) == 15
    assert len(list_subsets(6)) == 6 + 15 + 1
