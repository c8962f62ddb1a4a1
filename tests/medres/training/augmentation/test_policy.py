"""One dial: at 0 nothing changes, further up more does; MR's artefacts are drawn for MR alone."""

from __future__ import annotations

import pytest
import torch

from medres.training.augmentation import policy
from medres.training.augmentation.pipeline import augment
from medres.training.augmentation.spec import AugmentationSpec
from tests.medres.training.augmentation.batches import batch_of, generator


def varied(strength: float, dims: int = 2, seed: int = 0) -> float:
    """Say how far a batch is from itself at a strength of the dial, as a mean of many draws."""
    batch = batch_of(dims, 32)
    spec = AugmentationSpec(policy_strength=strength)
    return float((augment(batch, spec, generator(seed), is_mr=True) - batch).abs().mean())


@pytest.mark.parametrize("dims", [2, 3])
def test_further_up_the_dial_scans_change_more(dims):
    amounts = [varied(strength, dims) for strength in (0.0, 0.2, 0.6, 1.0)]
    assert amounts[0] == 0
    assert amounts == sorted(amounts)


@pytest.mark.parametrize("name", policy.CHANGES | policy.CHANGES_OF_MR)
def test_every_change_of_the_policy_does_something_in_2d_and_3d(name):
    change, keys = (policy.CHANGES | policy.CHANGES_OF_MR)[name]
    for dims in (2, 3):
        batch = batch_of(dims, 8)
        found = change(batch, policy.at_strength(keys, 1.0), policy.Units(), generator())
        assert found.shape == batch.shape
        assert not torch.equal(found, batch)


def test_artefacts_of_mr_are_drawn_for_mr_alone():
    drawn = {is_mr: set() for is_mr in (False, True)}
    for is_mr, names in drawn.items():
        names.update(policy.CHANGES | policy.CHANGES_OF_MR if is_mr else policy.CHANGES)
    assert drawn[True] - drawn[False] == set(policy.CHANGES_OF_MR)
    batch, spec = batch_of(2, 64), AugmentationSpec(policy_strength=1.0, policy_count=1)
    plain, mr = (augment(batch, spec, generator(), is_mr=is_mr) for is_mr in (False, True))
    assert not torch.equal(plain, mr)


def test_nothing_in_the_policy_turns_left_into_right():
    assert not policy.STRONGEST.flips
    assert not policy.STRONGEST.quarter_turns
