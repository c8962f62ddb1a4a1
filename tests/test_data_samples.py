"""The samples of the repository are what their script makes, and are read as they were made."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import medres

FOLDER = Path(__file__).resolve().parents[1] / "data_samples"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    specification = importlib.util.spec_from_file_location("make_samples", FOLDER / "make_samples.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.make_samples(folder)
    return folder


@pytest.mark.parametrize("name", ["ct_lesion", "ct_healthy", "mr_lesion.nii.gz", "picture.png"])
def test_sample_is_what_its_script_makes(name: str, made: Path) -> None:
    kept, fresh = medres.read(FOLDER / name, modality=None), medres.read(made / name, modality=None)
    assert np.array_equal(kept.voxels, fresh.voxels)
    assert np.allclose(kept.affine, fresh.affine)


def test_truth_is_kept_beside_the_samples(made: Path) -> None:
    assert json.loads((FOLDER / "truth.json").read_text()) == json.loads((made / "truth.json").read_text())
