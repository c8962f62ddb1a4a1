"""Fields, ringing, ghosts and motion do what they are named after; a scan stays where it is."""

from __future__ import annotations

import torch

from medres.training.augmentation.pipeline import augment
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units
from tests.medres.training.augmentation.batches import batch_of, generator


def test_cutout_sets_one_box_to_the_smallest_value():
    batch = batch_of(3, 8) + 1
    found = augment(batch, AugmentationSpec(cutout=0.6, intensity_probability=1.0), generator())
    changed = found != batch
    assert changed.any()
    lowest = batch.flatten(1).amin(1).view(-1, 1, 1, 1, 1).expand_as(batch)
    assert torch.equal(found[changed], lowest[changed])


CERTAIN = {"intensity_probability": 1.0}


def disc(count: int = 8) -> torch.Tensor:
    """Give bright discs on black, (count, 1, 48, 48)."""
    place = torch.arange(48.0) - 23.5
    return ((place[:, None] ** 2 + place**2) < 100).float().repeat(count, 1, 1, 1)


def test_bias_field_is_smooth_and_keeps_the_ground_black():
    batch = disc()
    found = augment(batch, AugmentationSpec(bias_field=0.5, **CERTAIN), generator())
    assert (found[batch == 0] == 0).all()
    inside = found[:, 0, 20:28, 20:28]
    assert inside.flatten(1).std(1).max() > 0.005
    assert inside.diff(dim=1).abs().max() < 0.2


def test_gibbs_rings_at_edges_and_leaves_an_even_scan():
    batch = disc()
    found = augment(batch, AugmentationSpec(gibbs=0.7, **CERTAIN), generator(1))
    changed = (found - batch).abs()
    assert changed[:, 0, 23, 10:18].amax(1).max() > 0.1  # the disc's edge lies there
    even = torch.full_like(batch, 0.3)
    torch.testing.assert_close(augment(even, AugmentationSpec(gibbs=0.7, **CERTAIN), generator()), even)


def test_ghosts_lie_beside_the_scan_along_one_axis():
    batch = disc()
    found = augment(batch, AugmentationSpec(ghosting=1.0, **CERTAIN), generator(4))
    outside = (found - batch).abs()[:, 0]
    corner = outside[:, :8, :8].max()
    beside = max(outside[:, :8, 20:28].max(), outside[:, 20:28, :8].max())
    assert beside > 0.02
    assert beside > 3 * corner


def test_motion_leaves_the_scan_where_it_is():
    batch = disc(16)
    found = augment(batch, AugmentationSpec(motion=0.06, **CERTAIN), generator())
    assert (found - batch).abs().max() > 0.1
    place = torch.arange(48.0) - 23.5
    middle = (found[:, 0].sum(1) * place).sum(1) / found[:, 0].sum((1, 2))
    assert middle.abs().max() < 1.5  # voxels


def test_motion_in_mm_needs_fewer_voxels_where_they_are_larger():
    batch = disc(8)
    spec = AugmentationSpec(motion_mm=3.0, **CERTAIN)
    fine, coarse = (augment(batch, spec, generator(2), Units(spacing_mm=(s, s))) for s in (1.0, 6.0))
    assert (fine - batch).abs().mean() > (coarse - batch).abs().mean()


def test_cutout_in_mm_is_a_box_of_that_edge_at_most():
    batch = disc(32) + 1.0
    spec = AugmentationSpec(cutout_mm=10.0, **CERTAIN)
    found = augment(batch, spec, generator(), Units(spacing_mm=(1.0, 2.0)))
    cut = (found != batch)[:, 0]
    assert cut.any()
    assert cut.any(2).sum(1).max() <= 10
    assert cut.any(1).sum(1).max() <= 5
