"""Test-time variants: every flip and turn once, the mean of what is said, the same every time."""

from __future__ import annotations

import pytest
import torch

from medres.models.test_time import TestTimeSpec, run_variants, variants


def batch(*shape: int) -> torch.Tensor:
    return torch.arange(float(torch.Size(shape).numel())).reshape(shape)


@pytest.mark.parametrize(("flips", "turns", "count"), [((), (), 1), (("i",), (), 2), (("i", "j"), ("ij",), 16)])
def test_every_combination_is_shown_once(flips, turns, count):
    spec = TestTimeSpec(flips=flips, quarter_turns=turns)
    shown = list(variants(batch(1, 1, 4, 4), spec))
    assert len(shown) == spec.count == count
    assert torch.equal(shown[0], batch(1, 1, 4, 4))


def test_flip_of_i_reverses_columns_in_2d_and_the_first_axis_in_3d():
    flat = list(variants(batch(1, 1, 2, 3), TestTimeSpec(flips=("i",))))[1]
    assert torch.equal(flat, batch(1, 1, 2, 3).flip(3))
    deep = list(variants(batch(1, 1, 2, 3, 4), TestTimeSpec(flips=("i",))))[1]
    assert torch.equal(deep, batch(1, 1, 2, 3, 4).flip(2))


def test_mean_over_flips_does_not_change_when_the_input_is_flipped():
    weights = torch.linspace(-1, 1, 12).reshape(1, 1, 3, 4)

    def run(x):
        return {"logits": torch.tanh(x * weights).sum((1, 2, 3))[:, None]}

    spec, x = TestTimeSpec(flips=("i", "j")), torch.rand(2, 1, 3, 4)
    assert torch.allclose(run_variants(run, x, spec)["logits"], run_variants(run, x.flip(3), spec)["logits"], atol=1e-6)
    assert not torch.allclose(run(x)["logits"], run(x.flip(3))["logits"])


def test_axes_that_are_not_there_and_turns_of_unequal_sides_are_refused():
    with pytest.raises(ValueError, match="got 'k'"):
        TestTimeSpec(flips=("k",)).check((8, 8), 2)
    with pytest.raises(ValueError, match="equal sides, got 8 and 6"):
        TestTimeSpec(quarter_turns=("ij",)).check((8, 6, 4), 3)
    with pytest.raises(ValueError, match="named once"):
        TestTimeSpec(flips=("i", "i"))
