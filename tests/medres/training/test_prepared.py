"""Patches are cut from the grid, from memory and from the cache file alike."""

from __future__ import annotations

import torch
from safetensors.torch import save_file

from medres.preprocessing.spec import PatchesView
from medres.preprocessing.views import cut_boxes, find_views
from medres.training.prepared import GRID, VIEWS, PreparedScan

GRID_VALUES = torch.arange(2 * 10 * 9 * 8, dtype=torch.float32).reshape(2, 10, 9, 8)
BOXES = find_views(PatchesView(size=(4, 4, 4), overlap=0.25), (10, 9, 8))


def prepared(source, boxes=BOXES):
    """One scan of two channels."""
    return PreparedScan(2, "a", "p", 1, source, "0" * 64, {}, len(boxes or source), boxes=boxes)


def test_views_of_patches_are_those_of_the_one_path():
    scan = prepared(GRID_VALUES)
    assert torch.equal(scan.tensor, cut_boxes(GRID_VALUES.numpy(), BOXES))
    for number in (0, 3, len(BOXES) - 1):
        assert torch.equal(scan.view(number), scan.tensor[number])


def test_a_scan_in_the_cache_file_gives_the_same_patches(tmp_path):
    place = tmp_path / "entry.safetensors"
    save_file({GRID: GRID_VALUES}, place)
    held, kept = prepared(GRID_VALUES), prepared(place)
    assert kept.shape == held.shape == (10, 9, 8)
    assert torch.equal(kept.tensor, held.tensor)
    assert torch.equal(kept.cut((1, 2, 3)), GRID_VALUES[:, 1:5, 2:6, 3:7])
    assert kept.cut((1, 2, 3)).is_contiguous()


def test_a_patch_does_not_share_memory_with_the_grid():
    scan = prepared(GRID_VALUES.clone())
    scan.cut((0, 0, 0)).zero_()
    assert torch.equal(scan.cut((0, 0, 0)), GRID_VALUES[:, :4, :4, :4])


def test_other_views_are_kept_as_they_are(tmp_path):
    views = torch.rand(3, 1, 5, 5)
    save_file({VIEWS: views}, tmp_path / "entry.safetensors")
    for source in (views, tmp_path / "entry.safetensors"):
        scan = PreparedScan(2, "a", "p", 0, source, "0" * 64, {}, 3)
        assert torch.equal(scan.view(1), views[1])
        assert torch.equal(scan.tensor, views)
