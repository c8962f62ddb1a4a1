"""An ensemble's engines, held together, give the mean of their members."""

from __future__ import annotations

import torch

from medres.engines.group import EngineGroup


class Fixed:
    kind, precision, device = "torch", "fp32", "cpu"

    def __init__(self, logits: list[float]) -> None:
        self.logits = torch.tensor([logits])

    def run(self, batch):
        return {"logits": self.logits.expand(len(batch), -1), "embedding": self.logits.expand(len(batch), -1)}


def test_group_gives_the_mean_softmax_and_all_embeddings():
    found = EngineGroup([Fixed([0.0, 0.0]), Fixed([0.0, 50.0])]).run(torch.zeros(3, 1, 4, 4))
    assert torch.allclose(found["logits"].exp(), torch.tensor([0.25, 0.75]).expand(3, 2))
    assert found["embedding"].shape == (3, 4)
    assert EngineGroup([Fixed([0.0, 1.0])]).kind == "torch"
