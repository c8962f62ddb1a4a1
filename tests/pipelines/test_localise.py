"""`medres evaluate --localise`: a model's heatmaps against segmentations, and the same numbers from its own tables."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from medres.errors import EvaluationError
from medres.evaluation.resampling import Resampling
from medres.models.trained_model import extend_trained_model, load_trained_model
from medres.results.evaluation_json import to_bytes
from pipelines import evaluate
from pipelines.marks import read_froc
from tests.tiny_models import LABELS, picture

ILL = 5


@pytest.fixture
def model(tiny_us, tmp_path):
    """A model with a fixed scale, whose heatmaps failed one test."""
    shutil.copytree(tiny_us, tmp_path / "model")
    loaded = load_trained_model(tmp_path / "model")
    spec = loaded.spec
    card = {"passed": False, "reason": "pointed at nothing"}
    content = {"label": spec.positive_label, "layer": "layer4", "scale": 1.0, "threshold": 1e-6, "scorecard": card}
    extend_trained_model(loaded, {"explanation.json": content})
    return tmp_path / "model"


@pytest.fixture
def manifest(tmp_path):
    """Ten pictures; of the ill ones all but the last have a segmentation."""
    rows = []
    for number in range(2 * ILL):
        ill, place = number >= ILL, (20 + 4 * number, 30)
        pixels = np.asarray(picture(2000 + number, place if ill else None).voxels)[:, :, 0].T
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        mask = ""
        if ill and number < 2 * ILL - 1:
            mask = f"mask{number}.png"
            columns, lines = np.mgrid[0:80, 0:64]
            disc = np.hypot(columns - place[0], lines - place[1]) < 10
            Image.fromarray((255 * disc.T).astype(np.uint8)).save(tmp_path / mask)
        rows.append([f"p{number}", f"{number}.png", LABELS[ill], "US", "no", mask])
    head = ["patient_id", "path", "label", "modality", "spacing_known", "mask_path"]
    with (tmp_path / "m.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return tmp_path / "m.csv"


def test_heatmaps_are_held_against_the_lesions_of_positive_scans(model, manifest, tmp_path):
    source = evaluate.from_model(model, manifest, None, "test", "cpu", localise=True)
    measured = evaluate.measure(source, Resampling(20))
    found = json.loads(to_bytes(measured.document))
    place = found["localisation"]
    assert (place["hit_rate"]["n"], place["lesions_marked"]["n"]) == (ILL - 1, ILL - 1)
    assert place["hit_rate"]["value"] > place["hit_rate_blind"]["value"]
    assert found["headline"]["hit_rate"] == place["hit_rate"]
    assert "probability times" in found["hit_rule"]
    assert (
        "localisation leaves 1 positive scans out, whose segmentation or points are missing or unreadable"
        in found["notes"]
    )
    assert any("failed their tests on validation scans: pointed at nothing" in note for note in found["notes"])
    for name in ("marks.csv", "lesions.csv"):
        (tmp_path / name).write_bytes(measured.setting.kept[name])
    again = read_froc(tmp_path / "marks.csv", tmp_path / "lesions.csv", Resampling(0))["localisation"]
    assert again["froc_mean"].value == pytest.approx(place["froc_mean"]["value"], abs=1e-12)
    assert again["false_marks"].value == pytest.approx(place["false_marks"]["value"], abs=1e-12)


def test_reject_a_model_without_a_fixed_heatmap_scale(tiny_us, manifest):
    with pytest.raises(EvaluationError, match=r"E_EVAL_VALUE: --localise needs .* got one without"):
        evaluate.from_model(tiny_us, manifest, None, "test", "cpu", localise=True)


def test_reject_a_manifest_without_any_segmentation(model, manifest):
    head, *rows = manifest.read_text().splitlines()
    manifest.write_text("\n".join([head, *(row.rpartition(",")[0] + "," for row in rows)]) + "\n")
    source = evaluate.from_model(model, manifest, None, "test", "cpu", localise=True)
    with pytest.raises(EvaluationError, match="E_EVAL_EMPTY: --localise needs at least one positive scan"):
        evaluate.measure(source, Resampling(0))
