"""A torch view of one part of a split."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.utils.data import DataLoader

from medres.datasets.manifest import read_manifest
from medres.datasets.split_file import split_from_column
from medres.datasets.torch_view import ScanView
from tests.medres.datasets.pictures import write_cohort, write_manifest


def test_a_loop_of_ones_own_sees_the_rows_of_its_part(tmp_path: Path) -> None:
    splits = ["train"] * 4 + ["test"] * 2
    manifest = read_manifest(write_manifest(tmp_path / "m.csv", write_cohort(tmp_path, 6), splits))

    def prepare(volumes: dict) -> torch.Tensor:
        return torch.from_numpy(volumes["image"].voxels.copy()).float()

    view = ScanView(manifest, split_from_column(manifest), "train", ("benign", "malignant"), prepare)
    tensors, labels = next(iter(DataLoader(view, batch_size=4)))
    assert tensors.shape == (4, 96, 96, 1)
    assert labels.tolist() == [1, 0, 1, 0]
