"""Segmentations are told from scans by names that stand side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.datasets.mask_names import find_named_masks


@pytest.mark.parametrize(
    ("scan", "mask"),
    [
        ("benign (1).png", "benign (1)_mask.png"),
        ("s1.nii.gz", "s1_seg.nii.gz"),
        ("7.jpg", "7-Segmentation.PNG"),
    ],
)
def test_names_that_go_together_are_paired(scan: str, mask: str) -> None:
    assert find_named_masks([Path("f") / scan, Path("f") / mask]) == {0: (1,)}


def test_several_segmentations_of_one_scan_are_all_named() -> None:
    files = [Path("1.png"), Path("1_mask.png"), Path("1_mask_1.png")]
    assert find_named_masks(files) == {0: (1, 2)}


def test_a_name_alone_or_in_another_folder_is_a_scan() -> None:
    assert find_named_masks([Path("a/1.png"), Path("b/1_mask.png"), Path("c/face_mask.png")]) == {}
