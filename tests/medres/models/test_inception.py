"""Inception-v3: the grids of the paper, and kernels along every axis in 3D."""

from __future__ import annotations

import pytest
import torch

from medres.models.registry import build_network
from medres.models.spec import NetworkSpec


def build(name="inception_v3", dims=2, **changes):
    facts = {"name": name, "spatial_dims": dims, "in_channels": 1, "label_count": 2, "width": 0.125}
    return build_network(NetworkSpec(**facts | changes)).eval()


@pytest.mark.parametrize(("edge", "cells"), [(299, 8), (75, 1)])
def test_grids_are_those_of_the_paper(edge, cells):
    assert build(width=0.0625).features(torch.zeros(1, 1, edge, edge)).shape[2:] == (cells, cells)


@pytest.mark.parametrize(("dims", "channels"), [(2, 2048), (3, 2816)])
def test_last_map_has_one_fan_for_each_axis(dims, channels):
    with torch.device("meta"):
        assert build(dims=dims, width=1.0).fc.in_features == channels


@pytest.mark.parametrize("dims", [2, 3])
def test_factorised_branches_look_along_every_axis(dims):
    kernels = [m.kernel_size for m in build(dims=dims).stage2[1][1].modules() if hasattr(m, "kernel_size")]
    assert {max(range(dims), key=lambda axis: k[axis]) for k in kernels if max(k) == 7} == set(range(dims))


@pytest.mark.parametrize("dims", [2, 3])
def test_small_stem_halves_three_times(dims):
    assert build(dims=dims, stem="small").features(torch.zeros(1, 1, *[33] * dims)).shape[2:] == (3,) * dims
