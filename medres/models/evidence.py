"""Network + what it is shown -> how much each cell of a layer's map speaks for a label, signed.

Knows no scan and no picture. At the last map before a mean the evidence of all cells adds up to the logit, but for a
constant.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medres.models.cells import Cells, trace_cells

VIEWS_AT_ONCE = 8  # views whose gradients are held in memory together


def cell_evidence(network: nn.Module, batch: Tensor, positive: int, layer: str) -> tuple[NDArray[np.float32], Cells]:
    """Compute the evidence for a label against the others, cell by cell.

    Args:
        network: in eval mode; it is left as it was, without hooks.
        batch: (V, C, *spatial) float32.
        positive: index of the label.
        layer: name of a submodule whose output is (V, channels, *spatial).

    Returns:
        ((V, *coarse) float32, where the cells lie in a view).

    Source:
        Draelos & Carin (2020), Use HiResCAM instead of Grad-CAM, arXiv:2011.08891: gradient times activation, cell by
        cell.
    """
    module, device = network.get_submodule(layer), next(network.parameters()).device
    parts = []
    with trace_cells(network, tuple(batch.shape[2:])) as trace:
        for chunk in batch.split(VIEWS_AT_ONCE):
            with torch.enable_grad(), leaf_at(module) as leaves:
                logits = network(chunk.to(device))
                (gradient,) = torch.autograd.grad(_margin(logits, positive).sum(), leaves[-1])
            parts.append((gradient * leaves[-1].detach()).sum(dim=1).float().cpu())  # (v, *coarse)
    found = torch.cat(parts).numpy()
    return found, trace.at(found.shape[1:])


def _margin(logits: Tensor, positive: int) -> Tensor:
    """Give the logit of a label less the mean of the others', (V,)."""
    others = [index for index in range(logits.shape[1]) if index != positive]
    return logits[:, positive] - logits[:, others].mean(dim=1)


@contextmanager
def leaf_at(module: nn.Module) -> Iterator[list[Tensor]]:
    """Cut the graph at a module, for this thread: its output becomes a leaf; only what follows is differentiated.

    Other threads that use the same network meanwhile are not touched.

    Args:
        module: whose output is asked for.

    Yields:
        The outputs of the forward passes inside the block.
    """
    leaves: list[Tensor] = []
    owner = threading.get_ident()

    def cut(_: nn.Module, __: Any, output: Tensor) -> Tensor | None:
        """Make the layer's map a leaf whose gradient is kept, for the calling thread alone."""
        if threading.get_ident() != owner:
            return None
        leaves.append(output.detach().requires_grad_(True))
        return leaves[-1].clone()  # what follows may work in place

    handle = module.register_forward_hook(cut)
    try:
        yield leaves
    finally:
        handle.remove()
