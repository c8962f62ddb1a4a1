"""Detail is taken away or added; even scans stay as they are."""

from __future__ import annotations

import pytest
import torch
from scipy import ndimage

from medres.training.augmentation.pipeline import augment
from medres.training.augmentation.resolution import smooth
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import Units
from tests.medres.training.augmentation.batches import batch_of, generator


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("change", [{"blur": 1.5}, {"low_resolution": 3.0}])
def test_blur_and_low_resolution_take_detail_away(dims, change):
    batch = batch_of(dims, 8)
    found = augment(batch, AugmentationSpec(**change, intensity_probability=1.0), generator())
    assert found.var() < batch.var()
    constant = torch.full_like(batch, 0.7)
    torch.testing.assert_close(
        augment(constant, AugmentationSpec(**change, intensity_probability=1.0), generator()), constant
    )


def test_blur_in_mm_is_the_same_in_mm_along_every_axis():
    spot = torch.zeros(1, 1, 41, 41)
    spot[0, 0, 20, 20] = 1.0
    spec = AugmentationSpec(blur_mm=2.0, intensity_probability=1.0)
    found = augment(spot, spec, generator(1), Units(spacing_mm=(1.0, 0.5)))[0, 0]
    place = torch.arange(41.0) - 20
    rows, columns = ((found.sum(axis) * place**2).sum().sqrt() for axis in (1, 0))
    assert rows * 1.0 == pytest.approx(float(columns) * 0.5, rel=0.1)


def test_sharpening_steepens_an_edge_within_the_range_of_the_scan():
    edge = torch.linspace(-3, 3, 24).sigmoid().view(1, 1, 1, 24).repeat(1, 1, 12, 1)
    found = augment(edge, AugmentationSpec(sharpen=3.0, intensity_probability=1.0), generator())
    assert found.diff(dim=3).max() > edge.diff(dim=3).max()
    assert found.min() >= edge.min()
    assert found.max() <= edge.max()


@pytest.mark.parametrize("dims", [2, 3])
def test_smoothing_is_that_of_scipy_with_each_scan_its_own_width(dims):
    batch, sigmas = batch_of(dims, 2), [torch.tensor([0.0, 1.2])] * dims
    found = smooth(batch, sigmas, [1.5] * dims)
    torch.testing.assert_close(found[0], batch[0])
    expected = ndimage.gaussian_filter(batch[1, 0].numpy(), 1.2, mode="nearest", radius=3)
    torch.testing.assert_close(found[1, 0], torch.from_numpy(expected), atol=1e-5, rtol=1e-5)
