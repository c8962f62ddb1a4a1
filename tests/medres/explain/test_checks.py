import math

import numpy as np
import pytest
import torch
from torch import nn

from medres.explain.checks import Lesion, deletion_gain, hits, likeness, randomised
from medres.preprocessing.model_input import ModelInput, View

AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])


def given(tensor, shape, views=()):
    return ModelInput(tensor, np.eye(4), shape, tuple(views), 1.0, (), "")


class Bright(nn.Module):
    """Logit 0 is the number of bright voxels."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return ((x > 0.9).float().flatten(1).sum(dim=1) * self.weight)[:, None]


def test_cells_within_one_cell_of_a_lesion_are_hits():
    near = hits(np.zeros((5, 5, 5), np.float32), AFFINE, [Lesion((20.0, 20.0, 20.0))])
    assert near.sum() == 27
    assert near[1:4, 1:4, 1:4].all()


def test_a_lesions_radius_reaches_further():
    near = hits(np.zeros((5, 5, 5), np.float32), AFFINE, [Lesion((20.0, 20.0, 20.0), 10.0)])
    assert near.all()


def test_random_weights_differ_repeat_and_leave_the_network_alone():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    before = network[0].weight.clone()
    first, second = randomised(network, 0), randomised(network, 0)
    assert torch.equal(network[0].weight, before)
    assert not torch.equal(first[0].weight, before)
    assert torch.equal(first[0].weight, second[0].weight)


def test_drawing_weights_leaves_torchs_own_generator_alone():
    network = nn.Linear(3, 3)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    randomised(network, 1)
    assert torch.equal(torch.rand(3), expected)


def test_likeness_is_spearmans_and_undefined_for_flat_maps():
    rising = np.arange(8.0).reshape(2, 2, 2)
    assert likeness(rising, np.exp(rising)) == pytest.approx(1.0)
    assert likeness(rising, -rising) == pytest.approx(-1.0)
    assert math.isnan(likeness(rising, np.zeros((2, 2, 2))))


@pytest.mark.parametrize("kind", ["whole 3d", "picture", "slices", "patches"])
def test_deleting_the_hottest_cell_lowers_the_logit_further_where_the_map_is_right(kind):
    shape = {"picture": (40, 20, 1)}.get(kind, (20, 20, 20))
    grid = np.zeros(shape, np.float32)
    grid[12:18, 12:18, -1] = 1.0  # last slice only
    if kind == "slices":
        views = [View((0, 0, k), (20, 20, 1)) for k in range(20)]
        tensor = torch.from_numpy(np.stack([grid[None, :, :, k].swapaxes(1, 2) for k in range(20)]))
    elif kind == "patches":
        views = [View((0, 0, 0), (20, 20, 12)), View((0, 0, 8), (20, 20, 12))]
        tensor = torch.from_numpy(np.stack([grid[None, :, :, :12], grid[None, :, :, 8:]]))
    else:
        views = []
        tensor = torch.from_numpy(grid[None, :, :, 0].swapaxes(1, 2) if kind == "picture" else grid[None])
    native = np.diag([10.0, 10.0, 1.0 if kind == "picture" else 10.0, 1.0])
    native[:3, 3] = [5.0, 5.0, 0.0 if kind == "picture" else 5.0]
    relevance = np.zeros((shape[0] // 10, 2, 1 if kind == "picture" else 2), np.float32)
    relevance[1, 1, -1] = 1.0
    shown = given(tensor.contiguous(), shape, views)
    right = deletion_gain(Bright(), shown, 0, relevance, native, rng=np.random.default_rng(0))
    wrong = deletion_gain(Bright(), shown, 0, relevance[::-1, ::-1], native, rng=np.random.default_rng(0))
    assert right > wrong
    assert right > 0
