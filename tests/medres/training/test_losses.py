"""Sum over divisor is torch's own mean; the focal loss looks away from what is right."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from medres.training.losses import class_weights, classification_loss

LOGITS = torch.tensor([[2.0, 0.0], [0.5, 1.0], [-1.0, 3.0]])
LABELS = torch.tensor([0, 1, 0])


@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 2.0])])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_sum_over_divisor_is_the_mean_of_torch(weights, smoothing):
    total, divisor = classification_loss(LOGITS, LABELS, weights, smoothing=smoothing)
    assert total / divisor == pytest.approx(
        float(functional.cross_entropy(LOGITS, LABELS, weights, label_smoothing=smoothing))
    )
    shares = functional.one_hot(LABELS, 2).float()
    total, divisor = classification_loss(LOGITS, shares, weights)
    assert total / divisor == pytest.approx(float(functional.cross_entropy(LOGITS, shares, weights)))


def test_focal_loss_weighs_a_right_scan_less_and_takes_shares_alike():
    plain, _ = classification_loss(LOGITS[:1], LABELS[:1], None)
    focal, _ = classification_loss(LOGITS[:1], LABELS[:1], None, gamma=2.0)
    wrong = 1 - float(LOGITS[:1].softmax(1)[0, 0])
    assert float(focal) == pytest.approx(wrong**2 * float(plain), rel=1e-5)
    shares, _ = classification_loss(LOGITS, functional.one_hot(LABELS, 2).float(), None, gamma=2.0)
    assert float(shares) == pytest.approx(float(classification_loss(LOGITS, LABELS, None, gamma=2.0)[0]))


def test_rarer_class_weighs_more_only_where_asked():
    assert class_weights((30, 10), "weights").tolist() == pytest.approx([2 / 3, 2.0])
    assert class_weights((30, 10), "sampling") is None
