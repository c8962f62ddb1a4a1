import csv

import nibabel as nib
import numpy as np
import pytest

from medres.classifier import load_classifier
from medres.explain.gradcam import build_heatmap
from medres.io import read
from medres.io.nifti_writing import write_volume
from tests.pipelines.program import medres
from tests.tiny_models import PLACES_MM, ct_volume


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    path = tmp_path_factory.mktemp("scans") / "scan.nii.gz"
    write_volume(ct_volume(60, PLACES_MM[0]), path)
    return path


def test_heatmap_lies_on_the_scans_own_grid(tiny_ct, scan, tmp_path):
    done = medres("explain", tiny_ct, scan, "--modality", "CT", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    heat, source = nib.load(tmp_path / "heatmap.nii.gz"), nib.load(scan)
    assert heat.shape == source.shape
    assert np.allclose(heat.affine, source.affine, atol=1e-5)
    volume = read(scan, modality="CT")
    expected = build_heatmap(load_classifier(tiny_ct), volume).on_grid(volume.affine, volume.shape)
    assert np.allclose(heat.get_fdata(), expected, atol=1e-5)


def test_table_of_regions_and_pictures_are_written(tiny_ct, scan, tmp_path):
    medres("explain", tiny_ct, scan, "--modality", "CT", "--out", tmp_path)
    rows = list(csv.DictReader((tmp_path / "regions.csv").open()))
    hottest = [float(rows[0][f"ras_{axis}_mm"]) for axis in "xyz"]
    assert np.abs(np.array(hottest) - PLACES_MM[0]).max() < 32.0  # one native cell
    assert len(list(tmp_path.glob("slice-*-heatmap.png"))) == 3


def test_another_label_and_layer(tiny_ct, scan, tmp_path):
    options = ("--label", "benign", "--layer", "layer3")
    assert medres("explain", tiny_ct, scan, "--modality", "CT", "--out", tmp_path, *options).returncode == 0
    assert np.allclose(nib.load(tmp_path / "heatmap_native.nii.gz").header.get_zooms(), 16.0)


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        (("--layer", "layer9"), 1, "E_EXPLAIN_LAYER"),
        (("--label", "cyst"), 1, "E_EXPLAIN_LABEL"),
        (("--modality", "MR"), 3, "E_EXPLAIN_INPUT"),
    ],
)
def test_what_cannot_be_explained_is_said_and_nothing_is_written(tiny_ct, scan, tmp_path, options, status, code):
    out = tmp_path / "out"
    done = medres("explain", tiny_ct, scan, "--modality", "CT", "--out", out, *options)
    assert done.returncode == status
    assert done.stderr.startswith(f"{code}: ")
    assert not out.exists()
