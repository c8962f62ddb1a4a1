"""Which patches are learnt from: the most suspicious of each scan, or those around lesions and elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from medres.preprocessing.model_input import View
from medres.preprocessing.spec import PatchesView
from medres.preprocessing.views import find_views
from medres.training.instances import InstanceSpec
from medres.training.lesions import Lesion, held_by_patch
from medres.training.patch_batches import PatchBatches, judging, score_patches, watch_suspects
from medres.training.prepared import PreparedScan

SHAPE, SIZE, OVERLAP = (20, 18, 16), (8, 8, 8), 0.25
BOXES = find_views(PatchesView(size=SIZE, overlap=OVERLAP), SHAPE)
PLACE = (6.0, 9.0, 12.0)


def scan(label, *, known=False, bright=None):
    """A dark scan, perhaps with one bright voxel and perhaps with the point that names it."""
    grid = torch.zeros(1, *SHAPE)
    if bright is not None:
        grid[(0, *(int(n) for n in bright))] = 100.0
    lesions = (Lesion(np.array([PLACE]), 0.0, np.ones(3)),) if known else ()
    return PreparedScan(2, "a", "p", label, grid, "0" * 64, {}, len(BOXES), boxes=BOXES, lesions=lesions)


def batches_of(scans, **asked):
    """Batches with the positive label 1."""
    return PatchBatches(scans, InstanceSpec(**asked), positive=1, overlap=OVERLAP, batch_size=4, seed=3)


def cuts_of(batches):
    """All patches of an epoch."""
    return [cut for batch in batches for cut in batch]


class Brightness(nn.Module):
    """The mean of a patch as the logit of the positive label."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm3d(1, affine=False)

    def forward(self, x):
        level = x.flatten(1).mean(dim=1)
        return torch.stack([-level, level], dim=1)


def test_the_most_suspicious_patches_of_every_scan_carry_its_label():
    scans = [scan(1, bright=PLACE), scan(0), scan(0, bright=(1, 1, 1))]
    batches = batches_of(scans, supervision="scan", top=1, drawn=2)
    batches.suspicion = lambda: score_patches(Brightness(), scans, 1, batch_size=5)
    batches.set_epoch(1)
    cuts = cuts_of(batches)
    assert [sum(cut.scan == n for cut in cuts) for n in range(3)] == [1, 3, 3]
    (top,) = (cut for cut in cuts if cut.scan == 0)
    assert scans[0].cut(top.start).max() == 100.0
    assert any(scans[2].cut(cut.start).max() == 100.0 for cut in cuts if cut.scan == 2)
    assert all(cut.label == scans[cut.scan].label for cut in cuts)
    assert batches.label_counts == (6, 1)
    assert sum(map(len, batches)) == len(cuts)


def test_points_cut_half_of_the_patches_around_lesions_anywhere_in_the_grid():
    scans = [scan(1, known=True), scan(0)]
    batches = batches_of(scans, supervision="points", top=1, drawn=12)
    cuts = cuts_of(batches)
    around = [cut for cut in cuts if cut.label == 1]
    assert len(around) == 6
    assert {cut.scan for cut in around} == {0}
    for cut in cuts:
        held = held_by_patch(scans[cut.scan].lesions, View(cut.start, SIZE), SHAPE, 1 - OVERLAP)
        assert held == ("lesion" if cut.label else "nothing")
    starts = {box.start for box in BOXES}
    assert any(cut.start not in starts for cut in around)
    assert batches.label_counts == (6 + 1 + 12 + 1, 6)


def test_suspects_beside_points_hold_no_lesion():
    scans = [scan(1, known=True, bright=PLACE), scan(0, bright=(1, 1, 1))]
    batches = batches_of(scans, supervision="points", top=1, drawn=2)
    batches.suspicion = lambda: score_patches(Brightness(), scans, 1, batch_size=64)
    batches.set_epoch(1)
    false_alarms = [cut for cut in cuts_of(batches) if cut.scan == 1 and scans[1].cut(cut.start).max() > 0]
    assert false_alarms
    assert all(cut.label == 0 for cut in false_alarms)


def test_the_same_epoch_gives_the_same_patches_and_another_one_others():
    scans = [scan(1, known=True), scan(0)]
    batches = batches_of(scans, supervision="points", top=0, drawn=4)
    first = list(batches)
    assert list(batches) == first
    batches.set_epoch(1)
    assert list(batches) != first


def test_a_lesion_that_fills_the_scan_leaves_no_negative_patch():
    everywhere = Lesion(np.argwhere(np.ones(SHAPE)).astype(float), 1.0, np.full(3, 0.5))
    full = PreparedScan(2, "a", "p", 1, torch.zeros(1, *SHAPE), "0", {}, len(BOXES), boxes=BOXES, lesions=(everywhere,))
    cuts = cuts_of(batches_of([full, scan(0)], supervision="masks", top=1, drawn=4))
    assert {cut.label for cut in cuts if cut.scan == 0} == {1}


def test_scoring_leaves_every_part_of_the_network_as_it_was():
    network = nn.Sequential(Brightness(), nn.Dropout(0.5)).train()
    network[1].eval()
    with judging(network):
        assert not any(module.training for module in network.modules())
    assert [network.training, network[0].training, network[0].norm.training, network[1].training] == [True] * 3 + [
        False
    ]


@pytest.mark.parametrize("other", [None, object()])
def test_batches_that_draw_scans_ask_no_network(other):
    watch_suspects(other, None, [])


@pytest.mark.parametrize(("first", "value"), [("bright", 100.0), ("dark", -100.0)])
def test_before_the_network_can_tell_the_brightest_or_darkest_patch_is_the_suspect(first, value):
    marked = scan(1, bright=PLACE)
    marked.source.mul_(value / 100.0)
    batches = batches_of([marked, scan(0)], supervision="scan", top=1, first=first, first_epochs=2)
    batches.suspicion = lambda: pytest.fail("the network is not asked yet")
    for epoch in (0, 1):
        batches.set_epoch(epoch)
        (cut,) = (cut for cut in cuts_of(batches) if cut.scan == 0)
        assert marked.cut(cut.start).abs().max() == 100.0
