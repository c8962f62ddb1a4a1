"""One step, one validation: weights of classes, averaged weights, refusals that name rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medres.errors import TrainingError
from medres.models.registry import build_network, find_entry
from medres.training.module import ClassifierModule, Facts, group_logits, scan_scores
from tests.medres.training import cohorts


def module_of(**changes) -> ClassifierModule:
    spec = cohorts.experiment(**changes)
    facts = Facts((6, 2), tuple(range(2, 10)), (0, 1, 0, 1), 1, find_entry("resnet10").stages)
    return ClassifierModule(build_network(spec.network_spec), spec, facts, steps=4)


def test_rarer_class_weighs_more_where_asked():
    torch.testing.assert_close(module_of(balance="weights").class_weights, torch.tensor([8 / 12, 8 / 4]))
    assert module_of(balance="none").class_weights is None


def test_batch_that_gives_nan_names_its_rows():
    module = module_of()
    batch = (torch.full((2, 1, 12, 12, 12), float("nan")), torch.tensor([0, 1]), torch.tensor([3, 5]))
    with pytest.raises(TrainingError, match=r"E_TRAIN_NAN: the loss must be finite.*epoch 1 for rows 5, 7"):
        module.training_step(batch, 0)


def test_gradients_that_are_not_finite_never_reach_the_weights():
    module = module_of()
    for parameter in module.network.parameters():
        parameter.grad = torch.full_like(parameter, float("inf"))
    with pytest.raises(TrainingError, match="E_TRAIN_NAN: the gradient must be finite"):
        module.on_before_optimizer_step(torch.optim.SGD(module.network.parameters(), 0.1))


def test_logits_that_are_not_finite_are_not_judged():
    module = module_of()
    module._refuse_judging({0: np.zeros((1, 2))})
    with pytest.raises(TrainingError, match=r"E_TRAIN_NAN: the logits .* epoch 1 for 1 of 2 validation scans"):
        module._refuse_judging({0: np.zeros((1, 2)), 1: np.array([[0.0, np.nan]])})


def test_dropout_and_augmentation_follow_from_epoch_and_batch_alone():
    module = module_of()
    batch = (torch.rand(4, 1, 12, 12, 12), torch.tensor([0, 1, 0, 1]), torch.arange(4))
    module.network.train()
    torch.manual_seed(1)
    first = module.training_step(batch, 3)
    torch.manual_seed(2)
    again = module.training_step(batch, 3)
    assert torch.equal(first, again)
    assert not torch.equal(first, module.training_step(batch, 4))


def test_averaged_weights_are_the_ones_judged():
    module = module_of(average_decay=0.9)
    assert module.judged is module.averaged
    assert not any(parameter.requires_grad for parameter in module.averaged.parameters())
    assert module_of().judged is not None
    assert module_of().averaged is None


def test_logits_of_a_scan_are_gathered_from_all_batches():
    batches = [(torch.tensor([[1.0, 0], [2, 0]]), torch.tensor([1, 0])), (torch.tensor([[3.0, 0]]), torch.tensor([1]))]
    found = group_logits(batches)
    assert list(found) == [0, 1]
    np.testing.assert_array_equal(found[1], [[1, 0], [3, 0]])


def test_scores_are_softmax_of_logits_over_the_temperature():
    logits = np.array([[0.0, 2.0]])
    assert scan_scores(logits, cohorts.experiment(), 2.0)[1] == pytest.approx(1 / (1 + np.exp(-1)))
