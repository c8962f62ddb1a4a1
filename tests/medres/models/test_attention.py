"""Learnt weights over views: pooled by scan, the same in training and in use."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medres.models.attention import GatedAttention, ask_network, pool_bags, weigh_views
from medres.models.probability import combine_views, softmax
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec


def test_pooling_by_scan_in_a_batch_equals_pooling_each_scan_alone():
    logits, scores, bags = torch.randn(7, 3), torch.randn(7), torch.tensor([4, 1, 4, 4, 1, 9, 1])
    pooled, first = pool_bags(logits, scores, bags)
    assert bags[first].tolist() == [1, 4, 9]
    for row, scan in zip(pooled, (1, 4, 9), strict=True):
        own = bags == scan
        wanted = combine_views(logits[own], "attention", 1, attention=scores[own])
        assert np.allclose(softmax(row[None].numpy())[0], wanted, atol=1e-6)


def test_a_weighty_view_speaks_for_the_scan():
    assert weigh_views([10.0, 0.0, 0.0]) == pytest.approx([1, 0, 0], abs=1e-3)
    found = combine_views([[0.0, 3.0], [3.0, 0.0]], "attention", 1, attention=[9.0, 0.0])
    assert found[1] > 0.9


def test_a_network_with_attention_gives_one_score_for_each_view():
    spec = NetworkSpec(
        name="resnet10", spatial_dims=2, in_channels=1, label_count=2, width=0.125, stem="small", attention=8
    )
    network = build_network(spec).eval()
    assert isinstance(network.attention, GatedAttention)
    found = ask_network(network, torch.zeros(3, 1, 16, 16))
    assert found["attention"].shape == (3,)
    plain = build_network(spec.model_copy(update={"attention": 0})).eval()
    assert set(ask_network(plain, torch.zeros(1, 1, 16, 16))) == {"logits", "embedding"}
