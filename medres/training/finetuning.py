"""Network + stages + TrainingSpec -> which weights learn when, and how fast.

Knows no data. Stages are counted from the head down: group 0 is the head, then the last stage, ..., last the stem.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from medres.training.spec import TrainingSpec

ATTENTION = "attention"  # learns with the head


def group_of(parameter: str, stages: Sequence[str], head: str = "fc") -> int:
    """Tell the group of a parameter.

    Args:
        parameter: its name, such as "layer4.0.conv1.weight".
        stages: names of the stages from stem to head.
        head: name of the last layer.

    Returns:
        0 for the head, 1 for the last stage, ..., `len(stages) + 1` for the stem.

    Example:
        >>> stages = ("layer1", "layer2", "layer3", "layer4")
        >>> [group_of(name, stages) for name in ("fc.bias", "layer4.0.bn1.weight", "conv1.weight")]
        [0, 1, 5]
    """
    part = parameter.split(".")[0]
    if part in (head, ATTENTION):
        return 0
    return len(stages) - stages.index(part) if part in stages else len(stages) + 1


def released_groups(epoch: int, spec: TrainingSpec, group_count: int) -> int:
    """Count the groups, from the head down, that learn in an epoch.

    Args:
        epoch: from 0.
        spec: `frozen_epochs` with the head alone, then one group more every `unfreeze_every` epochs.
        group_count: head, stages and stem.

    Returns:
        1 to `group_count`.

    Example:
        >>> spec = TrainingSpec(frozen_epochs=2, unfreeze_every=3)
        >>> [released_groups(epoch, spec, 6) for epoch in (0, 1, 2, 4, 5, 40)]
        [1, 1, 2, 2, 3, 6]
    """
    if epoch < spec.frozen_epochs:
        return 1
    if not spec.unfreeze_every:
        return group_count
    return min(group_count, 2 + (epoch - spec.frozen_epochs) // spec.unfreeze_every)


def release(network: nn.Module, stages: Sequence[str], epoch: int, spec: TrainingSpec) -> int:
    """Let the groups of an epoch learn and hold the others still, their running means too where asked.

    Args:
        network: in training mode.
        stages: names of the stages from stem to head.
        epoch: from 0.
        spec: when which group is released.

    Returns:
        Groups that learn.
    """
    released = released_groups(epoch, spec, len(stages) + 2)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(group_of(name, stages) < released)
    if spec.freeze_norms:
        for name, module in network.named_modules():
            if isinstance(module, _BatchNorm) and group_of(name, stages) >= released:
                module.eval()
    return released


def parameter_groups(network: nn.Module, stages: Sequence[str], spec: TrainingSpec) -> list[dict[str, Any]]:
    """Give each group its learning rate, and norms and biases no weight decay.

    Args:
        network: whose parameters are grouped.
        stages: names of the stages from stem to head.
        spec: `learning_rate` of the head, `layer_decay` from group to group.

    Returns:
        Groups as torch's optimisers take them; every parameter stands in exactly one.
    """
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        group, decays = group_of(name, stages), parameter.ndim > 1
        rate = spec.learning_rate * spec.layer_decay**group
        decay = spec.weight_decay if decays else 0.0
        entry = groups.setdefault((group, decays), {"params": [], "lr": rate, "weight_decay": decay})
        entry["params"].append(parameter)
    return [groups[place] for place in sorted(groups)]


def rate_factor(step: int, steps: int, warmup: float) -> float:
    """Give the factor on every learning rate: a linear rise, then a cosine to nothing.

    Args:
        step: from 0.
        steps: of the whole training.
        warmup: share of them over which the rate rises.

    Returns:
        In (0, 1].

    Source:
        Loshchilov & Hutter, SGDR, ICLR 2017 (arXiv:1608.03983), without restarts.

    Example:
        >>> [round(rate_factor(step, 100, 0.1), 2) for step in (0, 9, 10, 55, 99)]
        [0.1, 1.0, 1.0, 0.5, 0.0]
    """
    rising = max(1, round(steps * warmup))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - rising) / max(1, steps - rising))))
