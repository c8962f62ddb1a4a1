"""MedMNIST files become scans, rows and a split column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medres.datasets.found import Gathered
from medres.datasets.medmnist_source import gather_medmnist
from medres.errors import DatasetError
from medres.io import read

GENERATOR = np.random.default_rng(0)


def write(path: Path, shape: tuple[int, ...]) -> Path:
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = GENERATOR.integers(0, 255, (3, *shape)).astype(np.uint8)
        arrays[f"{part}_labels"] = np.array([[0], [1], [1]], np.uint8)
    np.savez(path, **arrays)
    return path


def gather(source: Path, **options: object) -> Gathered:
    return gather_medmnist(source, source.parent, source.parent / "scans", **options)


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 3), (12, 14, 16)])
def test_every_scan_is_written_as_it_was(tmp_path: Path, shape: tuple[int, ...]) -> None:
    source = write(tmp_path / "set.npz", shape)
    gathered = gather(source, label_names=("normal", "tumour"), modality="US")
    assert [row.label for row in gathered.manifest.rows[:3]] == ["normal", "tumour", "tumour"]
    assert {row.extra["split"] for row in gathered.manifest.rows} == {"train", "validation", "test"}
    voxels = np.asarray(read(gathered.manifest.path(gathered.manifest.rows[1]), modality="US").voxels)
    image = np.load(source)["train_images"][1]
    expected = image if len(shape) == 3 and shape[2] != 3 else image.swapaxes(0, 1)[:, :, None]
    assert np.array_equal(voxels, expected)


def test_labels_need_names(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"labels 0 to 1 must have names, got 0.*--label-names"):
        gather(write(tmp_path / "unknown.npz", (28, 28)))
    assert gather(write(tmp_path / "pneumoniamnist_28.npz", (28, 28))).manifest.label_names == ("normal", "pneumonia")
