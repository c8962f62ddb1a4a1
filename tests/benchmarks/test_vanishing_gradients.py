"""Shortcuts keep the gradient within reach, whatever stands between: what the residual papers claim, on our blocks."""

from __future__ import annotations

import pytest

from benchmarks.vanishing_gradients import gradient_norms


@pytest.mark.parametrize("dims", [2, 3])
def test_gradient_vanishes_without_shortcuts_and_stays_with_them(dims):
    plain, residual = (gradient_norms(dims, shortcuts=s, norm=False, seed=0, blocks=12) for s in (False, True))
    assert plain[0] < 1e-6
    assert residual.min() > 1e-3
    assert residual.max() / residual.min() < 100


@pytest.mark.parametrize("dims", [2, 3])
def test_gradient_explodes_without_shortcuts_under_batch_norm_and_stays_with_them(dims):
    plain, residual = (gradient_norms(dims, shortcuts=s, norm=True, seed=0, blocks=12) for s in (False, True))
    assert plain[0] / plain[-1] > 10
    assert plain[0] / plain[-1] > 3 * residual[0] / residual[-1]
