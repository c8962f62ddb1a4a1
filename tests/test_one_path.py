"""One path: what training saw of a scan is, bit for bit, what the classifier shows the network.

Scans are read from files, through manifest and dataset on one side and `medres.read` on the other: 2D, 3D, slices,
patches and two channels. A reloaded model gives the same probability.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import medres
from medres.datasets.manifest import read_manifest
from medres.io import find_series
from medres.preprocessing.spec import PatchesView, Percentiles, SlicesView, Standardise
from medres.training.dataset import ScanDataset, prepare_scans
from medres.training.spec import LabelSpec
from tests.phantoms_dicom import Geometry, radiograph, save, save_ct
from tests.shared_data import shared
from tests.small import SOFT_TISSUE, save_tiny_model, spec_2d, spec_3d

ROOT = Path(__file__).resolve().parents[1]
LABELS = LabelSpec(positive="tumour", groups={"none": ("no",), "tumour": ("yes",)})
SPECS = {
    "3D": spec_3d(),
    "3D, contained and standardised": spec_3d(fit="contain", intensity=Standardise()),
    "3D, own voxels stretched": spec_3d(fit="stretch", spacing_mm=None, orientation="LPS"),
    "slices": spec_2d(modality="CT", size=(20, 20, 0), views=SlicesView(), intensity=SOFT_TISSUE),
    "patches": spec_3d(size=None, views=PatchesView(size=(8, 8, 8))),
    "two channels": spec_3d(channels=("t1c", "flair"), modality="MR", intensity=Percentiles()),
    "picture": spec_2d(),
    "colour picture": spec_2d(colour="rgb", fit="stretch"),
    "radiograph": spec_2d(modality="DX", intensity=Standardise()),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """CT and MR series, a colour picture and a radiograph, with a manifest for each."""
    folder = tmp_path_factory.mktemp("study")
    save_ct(folder / "ct", geometry=Geometry(tilt_degrees=12.0))
    save_ct(folder / "t1c", modality="MR")
    save_ct(folder / "flair", modality="MR", geometry=Geometry(origin=(-30.0, 18.0, -44.0)))
    for ds, flair in zip(*(sorted((folder / name).iterdir()) for name in ("t1c", "flair")), strict=True):
        shutil.copystat(ds, flair)
    _share_frame(folder / "t1c", folder / "flair")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (31, 44, 3), np.uint8)).save(folder / "us.png")
    save([radiograph(np.random.default_rng(1).integers(0, 4096, (40, 30), np.uint16))], folder / "dx")
    (folder / "CT.csv").write_text("patient_id,path,label,modality\np1,ct,yes,CT\n")
    (folder / "MR.csv").write_text("patient_id,path_t1c,path_flair,label\np1,t1c,flair,yes\n")
    (folder / "US.csv").write_text("patient_id,path,label,modality\np1,us.png,yes,US\n")
    (folder / "DX.csv").write_text("patient_id,path,label\np1,dx,no\n")
    return folder


def _share_frame(one: Path, two: Path) -> None:
    """Let two series lie in one frame of reference."""
    import pydicom

    uid = pydicom.dcmread(min(one.iterdir())).FrameOfReferenceUID
    for path in two.iterdir():
        ds = pydicom.dcmread(path)
        ds.FrameOfReferenceUID = uid
        ds.save_as(path)


def trained_on(study, spec, cache=None):
    """The tensor that training gets: manifest -> rows -> dataset."""
    manifest = read_manifest(study / f"{spec.modality}.csv")
    return prepare_scans(manifest, manifest.rows, spec, LABELS, cache=cache)


def read_again(study, spec):
    """The Volumes that a user reads."""
    if len(spec.channels) > 1:
        return {name: medres.read(study / name) for name in spec.channels}
    place = {"CT": "ct", "US": "us.png", "DX": "dx"}[spec.modality]
    return medres.read(study / place, modality=spec.modality)


@pytest.mark.parametrize("name", SPECS)
def test_training_and_classifier_tensors_are_equal_bit_for_bit(study, tmp_path, name):
    spec = SPECS[name]
    (scan,) = trained_on(study, spec)
    classifier = medres.load(save_tiny_model(tmp_path / "model", spec).folder)
    shown = classifier.prepare(read_again(study, spec))
    assert torch.equal(scan.tensor, shown.batch)
    assert scan.tensor.numpy().tobytes() == shown.batch.numpy().tobytes()
    assert scan.tensor.std() > 0.01
    dataset = ScanDataset([scan])
    for view in range(scan.views):
        tensor, label, _ = dataset[0, view]
        assert torch.equal(tensor, shown.batch[view])
        assert label == (0 if spec.modality == "DX" else 1)


@pytest.mark.parametrize("name", ["3D", "two channels", "patches"])
def test_what_comes_from_the_cache_is_equal_too(study, tmp_path, name):
    first, second = (trained_on(study, SPECS[name], cache=tmp_path / "cache")[0] for _ in range(2))
    assert torch.equal(first.tensor, second.tensor)
    assert torch.equal(first.tensor, trained_on(study, SPECS[name])[0].tensor)


@pytest.mark.parametrize("name", SPECS)
def test_a_reloaded_copy_of_the_model_gives_the_same_probability(study, tmp_path, name):
    spec = SPECS[name]
    folder = save_tiny_model(tmp_path / "model", spec).folder
    scan = read_again(study, spec)
    first = medres.load(folder).predict(scan)
    shutil.copytree(folder, tmp_path / "elsewhere")
    again = medres.load(tmp_path / "elsewhere").predict(scan)
    assert first.probability is not None
    assert dict(again.probabilities) == dict(first.probabilities)
    assert (again.input_digest, again.model_digest) == (first.input_digest, first.model_digest)


def test_a_monochrome1_radiograph_and_its_inverted_twin_are_one_input(tmp_path):
    stored = np.random.default_rng(1).integers(0, 65536, (40, 30)).astype(np.uint16)
    save([radiograph(stored, photometric="MONOCHROME1")], tmp_path / "one")
    save([radiograph(65535 - stored)], tmp_path / "two")
    classifier = medres.load(save_tiny_model(tmp_path / "model", SPECS["radiograph"]).folder)
    digests = {classifier.prepare(medres.read(tmp_path / name)).digest for name in ("one", "two")}
    assert len(digests) == 1


def test_a_real_ct_gives_one_tensor_from_dicom_and_from_nifti(tmp_path):
    folder = shared("data/dicom/ct_abdomen_18")
    key = next(series.key for series in find_series(folder).series if series.kind == "dicom")
    dicom = medres.read(folder, series=key)
    nifti = medres.read(folder / "reference" / "dcm2niix.nii.gz", modality="CT")
    classifier = medres.load(save_tiny_model(tmp_path / "model", spec_3d(size=(48, 48, 24))).folder)
    one, two = classifier.prepare(dicom), classifier.prepare(nifti)
    assert torch.allclose(one.tensor, two.tensor, atol=1e-4)
    assert np.allclose(one.affine, two.affine, atol=1e-3)


def test_preprocess_has_two_callers_and_no_more():
    callers = set()
    for path in sorted((ROOT / "medres").rglob("*.py")) + sorted((ROOT / "pipelines").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "preprocess":
                callers.add(path.relative_to(ROOT).as_posix())
    assert callers == {"medres/classifier/classifier.py", "medres/training/dataset.py"}
