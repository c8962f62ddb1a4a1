"""What every network is: tensor -> last map -> embedding -> logits, in stages that can be frozen and explained by name.

Knows no architecture and no weights. A network's children are its stem (any names), its `stages` from stem to head, and
the head `fc`; freezing, layer-wise rates and loading go by these names alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SAFE_BF16_EDGE = 4  # voxels; see `run_stage`


class Network(nn.Module):
    """The common form of every network of the registry.

    A family sets `stem`, one child for each name of `stages`, and calls `finish` with its number of features.

    Attributes:
        stages: names of the children from stem to head.
        cam_layer: name of the layer that Grad-CAM looks at.
        head_names: children that belong to the labels.
    """

    stages: tuple[str, ...] = ()
    cam_layer: str = ""
    head_names: tuple[str, ...] = ("fc",)
    stem: nn.Module
    dropout: nn.Module
    fc: nn.Linear

    def finish(self, features: int, labels: int, dropout: float) -> None:
        """Add the head.

        Args:
            features: length of the embedding.
            labels: logits.
            dropout: probability before the last layer.
        """
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(features, labels)
        nn.init.zeros_(self.fc.bias)

    def features(self, x: Tensor) -> Tensor:
        """Give the last map before pooling.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, F, *coarse).
        """
        x = self.stem(x)
        for name in self.stages:
            x = run_stage(getattr(self, name), x)
        return x

    def embed(self, x: Tensor) -> Tensor:
        """Give one vector for each input: the last map's mean.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, F).
        """
        return self.features(x).flatten(2).mean(2)

    def classify(self, embedding: Tensor) -> Tensor:
        """Turn vectors of `embed` into logits.

        Args:
            embedding: (B, F) float.

        Returns:
            (B, L) logits.
        """
        return self.fc(self.dropout(embedding))  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Give one logit for each label.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, L) logits.
        """
        return self.classify(self.embed(x))


def run_stage(stage: nn.Module, x: Tensor) -> Tensor:
    """Run one stage, in fp32 where the CPU's bf16 cannot be trusted.

    On maps of one or two cells along an axis the bf16 weight gradients of oneDNN's padded convolutions hold
    uninitialised memory (inf, NaN; decisions/bf16_on_cpu.md), and a map of four becomes one of two inside a stage.

    Args:
        stage: any part of a network.
        x: (B, F, *spatial) float.

    Returns:
        What the stage gives.
    """
    if x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and min(x.shape[2:]) <= SAFE_BF16_EDGE:
        with torch.autocast("cpu", enabled=False):
            return stage(x.float())  # type: ignore[no-any-return]
    return stage(x)  # type: ignore[no-any-return]
