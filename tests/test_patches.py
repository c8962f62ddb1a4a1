"""A planted ball is found in mm by a network of patches that was taught by scan labels alone, or by points.

From files to places: manifest, training, TrainedModel, prediction, FROC. And a patch cut anywhere for training is, bit
for bit, what the classifier would cut there.
"""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch

import medres
from medres import geometry
from medres.datasets.manifest import read_manifest
from medres.datasets.split_file import split_from_column
from medres.errors import DatasetError
from medres.evaluation.resampling import Resampling
from medres.preprocessing.model_input import View
from medres.preprocessing.pipeline import preprocess
from medres.preprocessing.views import cut_boxes
from medres.training.dataset import prepare_scans
from medres.training.toml_file import parse_experiment
from medres.training.train import Run, Source, train
from pipelines.evaluate import from_model, measure
from pipelines.find_rate import sweep_rates
from pipelines.training import Task

SHAPE, SPACING_MM = (24, 22, 20), (2.0, 2.0, 2.5)
RADIUS_MM = 4.0
TRAIN, OTHERS = 20, 8
TOML = """
name = "balls"
synthetic = true
[labels]
positive = "ball"
groups = {{ none = ["none"], ball = ["ball"] }}
[network]
name = "resnet10"
width = 0.125
stem = "small"
last_stride = 1
[preprocessing]
spatial_dims = 3
modality = "CT"
spacing_mm = [2.0, 2.0, 2.0]
intensity = {{ kind = "window", lower = -100, upper = 400 }}
views = {{ kind = "patches", size = [12, 12, 12], overlap = 0.25, aggregate = "max" }}
[training]
epochs = 5
batch_size = 8
learning_rate = 5e-3
precision = "fp32"
[training.instances]
{instances}
[augmentation]
flips = ["i", "j", "k"]
"""
WAYS = {
    "scan": 'supervision = "scan"\ntop = 2\ndrawn = 2',
    "points": 'supervision = "points"\ntop = 1\ndrawn = 4',
}


def write_scan(folder, number, part):
    """Noise in HU, and in every second scan a bright ball; gives the row of the manifest."""
    random, ball = np.random.default_rng(number), number % 2 == 0
    affine = np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0])
    affine[:3, 3] = random.uniform(-30, 30, 3)
    voxels = random.normal(0, 40, SHAPE)
    name, points = f"{part}{number}", ""
    if ball:
        centre = random.uniform(4, np.array(SHAPE) - 5)
        away = np.linalg.norm((np.moveaxis(np.indices(SHAPE), 0, -1) - centre) * SPACING_MM, axis=-1)
        voxels += 250 * (away < RADIUS_MM)
        x, y, z = geometry.apply_affine(affine, centre)
        points = f"{name}.csv"
        (folder / points).write_text(f"x_lps_mm,y_lps_mm,z_lps_mm,diameter_mm\n{-x},{-y},{z},{2 * RADIUS_MM}\n")
    nib.save(nib.Nifti1Image(voxels.astype(np.int16), affine), folder / f"{name}.nii")
    return f"{name},{name}.nii,{'ball' if ball else 'none'},CT,{points},{part}"


@pytest.fixture(scope="module")
def balls(tmp_path_factory):
    """A manifest of scans with and without a ball, in three parts."""
    folder = tmp_path_factory.mktemp("balls")
    counts = {"train": TRAIN, "validation": OTHERS, "test": OTHERS}
    rows = [
        write_scan(folder, 100 * n + k, part) for n, (part, count) in enumerate(counts.items()) for k in range(count)
    ]
    text = "patient_id,path,label,modality,points_path,split\n" + "\n".join(rows) + "\n"
    (folder / "manifest.csv").write_text(text)
    lines = [line for line in text.splitlines() if not line.endswith((",train", ",validation"))]
    (folder / "test.csv").write_text("\n".join(line.rsplit(",", 1)[0] for line in lines) + "\n")
    return folder


def true_place(folder, row):
    """The ball's centre, RAS+ mm."""
    x, y, z, _ = map(float, (folder / row.points_path).read_text().splitlines()[1].split(","))
    return np.array([-x, -y, z])


@pytest.mark.parametrize("way", WAYS)
def test_a_planted_ball_is_found_and_placed(balls, tmp_path, way):
    manifest = read_manifest(balls / "manifest.csv")
    experiment = parse_experiment(TOML.format(instances=WAYS[way]))
    source = Source(manifest, split_from_column(manifest), cache=tmp_path / "cache")
    model = train(experiment, source, tmp_path / way, Run(tensorboard=False))
    assert model is not None
    told = "scan labels alone" if way == "scan" else "points of lesions in training scans"
    assert told in model.read_file("MODEL_CARD.md").decode()
    classifier = medres.load(model.folder)
    rows = [row for row in manifest.rows if row.value("split") == "test"]
    found = {row.key: classifier.predict(medres.read(manifest.path(row), modality="CT")) for row in rows}
    assert all(answer.coverage == 1.0 for answer in found.values())
    scores = {label: [found[row.key].probability for row in rows if row.label == label] for label in ("ball", "none")}
    assert np.mean([high > low for high in scores["ball"] for low in scores["none"]]) > 0.9
    away = [
        np.linalg.norm(np.array(found[row.key].places[0].centre_mm) - true_place(balls, row))
        for row in rows
        if row.label == "ball"
    ]
    assert np.median(away) < 3.0
    measured = measure(from_model(model.folder, balls / "test.csv", None, "test", "cpu", localise=True), Resampling(10))
    localised = measured.setting.localisation
    assert localised["lesions_marked"].n == OTHERS // 2
    assert localised["hit_rate"].value > localised["hit_rate_blind"].value


def test_rates_are_swept_over_the_patches_that_a_training_would_learn_from(balls, tmp_path):
    manifest = read_manifest(balls / "manifest.csv")
    experiment = parse_experiment(TOML.format(instances=WAYS["points"]))
    task = Task(experiment, manifest, None, tmp_path / "cache")
    assert sweep_rates(task, split_from_column(manifest), tmp_path) == 0
    assert (tmp_path / "learning_rates.csv").read_text().startswith("learning_rate,loss\n1e-06,")
    blind = manifest.with_rows([replace(row, points_path=None) for row in manifest.rows])
    with pytest.raises(DatasetError, match="E_LESION_NONE"):
        sweep_rates(replace(task, scans=blind), split_from_column(blind), tmp_path)


def test_reject_points_of_the_wrong_frame_by_row_before_anything_is_learnt(balls, tmp_path):
    manifest = read_manifest(balls / "manifest.csv")
    row = next(row for row in manifest.rows if row.points_path)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("x_ras_mm,y_ras_mm,z_ras_mm\n500,0,0\n")
    other = manifest.with_rows([replace(row, points_path=wrong)])
    experiment = parse_experiment(TOML.format(instances=WAYS["points"]))
    with pytest.raises(DatasetError, match=rf"E_POINTS: row {row.number}: .*row 2 of the points"):
        prepare_scans(other, other.rows, experiment.preprocessing, experiment.labels, supervision="points")


def test_a_patch_cut_anywhere_is_what_the_classifier_would_cut_there(balls, tmp_path):
    manifest = read_manifest(balls / "manifest.csv")
    experiment = parse_experiment(TOML.format(instances=WAYS["points"]))
    about = {"cache": tmp_path / "cache", "supervision": "points"}
    for _ in range(2):  # prepared, then from the cache
        (scan,) = prepare_scans(manifest, manifest.rows[:1], experiment.preprocessing, experiment.labels, **about)
        shown = preprocess(medres.read(manifest.path(manifest.rows[0]), modality="CT"), experiment.preprocessing)
        assert torch.equal(scan.tensor, shown.batch)
        assert shown.grid is not None
        assert torch.equal(scan.cut((3, 5, 1)), cut_boxes(shown.grid, [View((3, 5, 1), (12, 12, 12))])[0])
        (lesion,) = scan.lesions
        mm = geometry.apply_affine(shown.affine, lesion.cells[0])
        assert np.allclose(mm, true_place(balls, manifest.rows[0]), atol=1e-3)
