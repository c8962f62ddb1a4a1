"""ModelInput gives the network a batch of views, whichever kind they are."""

from __future__ import annotations

from medres.preprocessing.pipeline import preprocess
from medres.preprocessing.spec import PatchesView
from tests.small import noise_volume, spec_3d


def test_a_whole_grid_is_a_batch_of_one():
    shown = preprocess(noise_volume(), spec_3d())
    assert shown.batch.shape == (1, 1, 16, 16, 16)


def test_views_are_the_batch():
    shown = preprocess(noise_volume(), spec_3d(size=None, views=PatchesView(size=(8, 8, 8))))
    assert shown.batch is shown.tensor
    assert len(shown.views) == len(shown.batch)
