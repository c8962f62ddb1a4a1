"""A network with fixed weights that sees brightness and nothing else, so that its Grad-CAM is known by algebra.

Its first layer takes the mean over each voxel's neighbours; every stage hands that on; the head multiplies it.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from medres.models.registry import build_network
from medres.models.trained_model import save_trained_model
from medres.preprocessing.spec import PreprocessingSpec, Window
from tests.small import model_spec

VISIBLE = Window(lower=-1200.0, upper=400.0)  # air stays above 0, so that no ReLU closes on the way
HEAD_WEIGHT = 40.0


def save_seeing_model(folder: Path, preprocessing: PreprocessingSpec) -> Path:
    """Save a network that sees brightness: a mean over neighbours, handed through every stage, then the head."""
    spec = model_spec(preprocessing)
    network = build_network(spec.network)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d | nn.Linear):
                module.weight.zero_()
                if module.bias is not None:
                    module.bias.zero_()
        network.conv1.weight[0, 0] = 1.0 / network.conv1.weight[0, 0].numel()
        for stage in (network.layer2, network.layer3, network.layer4):
            stage[0].downsample[0].weight[0, 0] = 1.0
        network.fc.weight[1, 0] = HEAD_WEIGHT
    return save_trained_model(folder, spec, network.state_dict()).folder
