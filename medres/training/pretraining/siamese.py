"""Backbone -> a Siamese pair of it, and the loss by which it learns from two variants of each scan.

Source: Chen & He 2021, arXiv:2011.10566 (SimSiam). Knows no scan and no file.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from medres.models.network import Network


class Siamese(nn.Module):
    """One backbone that sees both variants, with projection and predictor.

    Args:
        backbone: gives an embedding; its head is not used.
        features: length of the embedding.
        width: of the projection.
        bottleneck: of the predictor.
    """

    def __init__(self, backbone: Network, features: int, width: int, bottleneck: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.projection = nn.Sequential(
            nn.Linear(features, width, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width, bias=False),
            nn.BatchNorm1d(width, affine=False),
        )
        self.predictor = nn.Sequential(
            nn.Linear(width, bottleneck, bias=False),
            nn.BatchNorm1d(bottleneck),
            nn.ReLU(inplace=True),
            nn.Linear(bottleneck, width),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Project one variant of each scan, and predict the other's projection.

        Args:
            x: (B, C, *spatial).

        Returns:
            Projection and prediction, (B, width) each.
        """
        projected = self.projection(self.backbone.embed(x).float())
        return projected, self.predictor(projected)


def build_siamese(backbone: nn.Module, sample: Tensor, width: int, bottleneck: int, seed: int) -> Siamese:
    """Put a backbone into a Siamese pair.

    Args:
        backbone: of `build_network`.
        sample: (B, C, *spatial), to learn the embedding's length from.
        width: of the projection.
        bottleneck: of the predictor.
        seed: of the new weights.

    Returns:
        The pair, in training mode.
    """
    network = cast(Network, backbone)
    with torch.no_grad():
        features = network.eval().embed(sample[:1]).shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Siamese(network, features, width, bottleneck).train()


def likeness_loss(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> Tensor:
    """Say how unlike each prediction is to the other variant's projection, through which no gradient flows.

    Args:
        first: projection and prediction of one variant, (B, width) each.
        second: of the other.

    Returns:
        A number in [-1, 1]; -1 where all are alike.
    """
    alike = functional.cosine_similarity(first[1], second[0].detach()).mean()
    return -0.5 * (alike + functional.cosine_similarity(second[1], first[0].detach()).mean())


def spread_of(projected: Tensor) -> float:
    """Say how far projections of a batch lie apart: 1 when evenly spread, 0 when all collapsed to one point.

    Args:
        projected: (B, width).

    Returns:
        Mean standard deviation of the unit vectors' coordinates, times the root of the width.
    """
    unit = functional.normalize(projected.detach().float(), dim=1)
    return float(unit.std(0).mean() * projected.shape[1] ** 0.5)
