"""The torch engine runs in eval mode, on one network that explanations may use."""

from __future__ import annotations

import torch

from medres.engines.torch import TorchEngine
from tests.small import save_tiny_model, spec_3d


def test_the_network_is_in_eval_mode_and_keeps_no_gradients(tmp_path):
    engine = TorchEngine(save_tiny_model(tmp_path / "tiny", spec_3d()))
    found = engine.run(torch.zeros(2, 1, 16, 16, 16))
    assert not engine.network.training
    assert not found["logits"].requires_grad


def test_a_batch_does_not_change_the_statistics_of_the_network(tmp_path):
    engine = TorchEngine(save_tiny_model(tmp_path / "tiny", spec_3d()))
    before = {name: tensor.clone() for name, tensor in engine.network.state_dict().items()}
    engine.run(torch.randn(4, 1, 16, 16, 16))
    assert all(torch.equal(before[name], tensor) for name, tensor in engine.network.state_dict().items())
