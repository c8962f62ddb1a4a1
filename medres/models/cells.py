"""Convolutions and pools on the way to a layer -> where the layer's cells lie in the input.

Knows no scan and no class. The centre of a cell's receptive field follows from kernel, stride, padding and dilation
alone; for a padded ResNet the first cell is centred on the first voxel, not half a cell inside.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

Size = tuple[int, ...]

SLIDING = (
    nn.Conv2d,
    nn.Conv3d,
    nn.MaxPool2d,
    nn.MaxPool3d,
    nn.AvgPool2d,
    nn.AvgPool3d,
)


@dataclass(frozen=True)
class Cells:
    """Where the cells of a map lie, for each spatial axis of the tensor.

    Attributes:
        start: input index of the centre of the first cell.
        step: input voxels from one cell centre to the next.
    """

    start: tuple[float, ...]
    step: tuple[float, ...]


@dataclass
class CellTrace:
    """What was met on the way through a network: the cells of every map size.

    Attributes:
        cells: by spatial size of the map, the input's own first.
    """

    cells: dict[Size, Cells] = field(default_factory=dict)

    def at(self, size: Size) -> Cells:
        """Give the cells of a map of this size.

        Args:
            size: spatial shape of the layer's output.

        Returns:
            As followed through the network; where it was not (a map made by something that slides no kernel), the
            input divided evenly.
        """
        if size in self.cells:
            return self.cells[size]
        seen = next(iter(self.cells))
        step = tuple(n / m for n, m in zip(seen, size, strict=True))
        return Cells(tuple((s - 1.0) / 2.0 for s in step), step)


@contextmanager
def trace_cells(network: nn.Module, input_size: Size) -> Iterator[CellTrace]:
    """Follow the cells through every forward pass of this thread inside the block.

    Args:
        network: any; its hooks are gone after the block.
        input_size: spatial shape of the input.

    Yields:
        The trace, filled by the first forward pass.
    """
    dims = len(input_size)
    trace = CellTrace({tuple(input_size): Cells((0.0,) * dims, (1.0,) * dims)})
    owner = threading.get_ident()

    def follow(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        """Note how a layer brings cells back to voxels, for the calling thread alone."""
        if threading.get_ident() == owner:
            _note(trace, module, tuple(inputs[0].shape[2:]), tuple(output.shape[2:]))

    with ExitStack() as stack:
        for module in network.modules():
            if isinstance(module, SLIDING):
                stack.callback(module.register_forward_hook(follow).remove)
        yield trace


def _note(trace: CellTrace, module: nn.Module, size_in: Size, size_out: Size) -> None:
    """Add the cells after a module; a size met before (a shortcut, a convolution that keeps it) stays as it is."""
    if size_out not in trace.cells and size_in in trace.cells:
        trace.cells[size_out] = after(trace.cells[size_in], module)


def after(cells: Cells, module: nn.Module) -> Cells:
    """Give the cells of a convolution's or a pool's output.

    Args:
        cells: of its input.
        module: an `nn.Conv*`, `nn.MaxPool*` or `nn.AvgPool*`.

    Returns:
        The cells of its output.

    Source:
        Araujo, Norris, Sim (2019), Computing receptive fields of convolutional neural networks,
        doi:10.23915/distill.00021.

    Example:
        >>> after(Cells((0.0, 0.0), (1.0, 1.0)), nn.Conv2d(1, 1, 7, stride=2, padding=3))
        Cells(start=(0.0, 0.0), step=(2.0, 2.0))
        >>> after(Cells((0.0, 0.0), (1.0, 1.0)), nn.AvgPool2d(2))
        Cells(start=(0.5, 0.5), step=(2.0, 2.0))
    """
    dims = len(cells.step)
    kernel, stride = _per_axis(module.kernel_size, dims), _per_axis(module.stride, dims)
    dilation = _per_axis(getattr(module, "dilation", 1), dims)
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    padding = _padding(module, reach)
    start = (
        first + step * (r / 2.0 - p) for first, step, r, p in zip(cells.start, cells.step, reach, padding, strict=True)
    )
    return Cells(tuple(start), tuple(step * s for step, s in zip(cells.step, stride, strict=True)))


def _padding(module: nn.Module, reach: list[int]) -> tuple[int, ...]:
    given: Any = module.padding
    if given == "same":
        return tuple(r // 2 for r in reach)
    return _per_axis(0 if given == "valid" else given, len(reach))


def _per_axis(value: Any, dims: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (int(value),) * dims
