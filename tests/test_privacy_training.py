"""A manifest full of names goes through split, audit, train, evaluate: the model that comes out holds none of them."""

import csv

import numpy as np
import pytest

from medres.io.nifti_writing import write_nifti
from tests import canary
from tests.pipelines.program import medres
from tests.test_privacy_canary import assert_nothing_came_out, everything_said

CONFIG = """
name = "canary-3d"
intended_use = "Tests."
not_for = "Patients."
licence = "Apache-2.0"
synthetic = true
[labels]
positive = "tumour"
groups = { none = ["none"], tumour = ["tumour"] }
[network]
name = "resnet10"
width = 0.125
stem = "small"
[preprocessing]
spatial_dims = 3
modality = "CT"
spacing_mm = [2.0, 2.0, 2.0]
size = [16, 16, 16]
fit = "crop_pad"
intensity = { kind = "window", lower = -1000, upper = 400 }
[training]
epochs = 2
batch_size = 4
learning_rate = 1e-3
"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Forty-eight small scans of twenty-four patients, in folders and under numbers that are canaries."""
    root = tmp_path_factory.mktemp("cohort")
    (root / canary.FOLDER).mkdir()
    rng = np.random.default_rng(0)
    with (root / "manifest.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["patient_id", "path", "label", "modality"])
        for number in range(48):
            tumour = number % 2
            voxels = rng.normal(-300, 200, (16, 16, 16)) + 200 * tumour
            path = f"{canary.FOLDER}/{canary.FILE} {number}.nii"
            write_nifti(voxels.astype(np.int16), np.diag([2.0, 2.0, 2.0, 1.0]), root / path)
            table.writerow([f"MRN-778812-{number // 2 * 2 + tumour}", path, "tumour" if tumour else "none", "CT"])
    (root / "experiment.toml").write_text(CONFIG)
    return root


@pytest.mark.slow
def test_no_canary_comes_out_of_training_and_evaluation(cohort, tmp_path, caplog, capfd):
    manifest, split = cohort / "manifest.csv", cohort / "split.json"
    commands = (
        ("split", manifest, "--out", split, "--seed", 1),
        ("audit", manifest, "--split", split, "--out", tmp_path / "audit"),
        ("train", cohort / "experiment.toml", "--manifest", manifest, "--split", split, "--out", tmp_path / "run"),
        (
            "evaluate",
            tmp_path / "run" / "model",
            "--manifest",
            manifest,
            "--split",
            split,
            "--out",
            tmp_path / "test",
            "--bootstrap",
            50,
        ),
    )
    for command in commands:
        with everything_said(caplog) as said:
            done = medres(*command)
        assert done.returncode == 0, done.stderr
        said += capfd.readouterr()
        assert_nothing_came_out(done, said, tmp_path, [split, manifest])
    assert (tmp_path / "run" / "model" / "training_data.json").is_file()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"{canary.FILE} 3.nii", f"{canary.FILE} 399.nii"),
        ("tumour,CT", "sarcoma,CT"),
        ("MRN-778812-0,", ","),
        ("path", "way"),
    ],
)
def test_a_faulty_manifest_is_named_without_a_name(cohort, tmp_path, caplog, old, new):
    faulty = cohort / "faulty.csv"
    faulty.write_text((cohort / "manifest.csv").read_text().replace(old, new))
    for command in (
        ("split", faulty, "--out", tmp_path / "split.json"),
        (
            "train",
            cohort / "experiment.toml",
            "--manifest",
            faulty,
            "--split",
            cohort / "none.json",
            "--out",
            tmp_path / "r",
        ),
    ):
        with everything_said(caplog) as said:
            done = medres(*command)
        assert command[0] == "split" or (done.returncode != 0 and len(done.stderr.splitlines()) == 1), done.stderr
        assert_nothing_came_out(done, said, tmp_path, [faulty])
