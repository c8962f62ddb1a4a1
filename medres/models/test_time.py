"""TestTimeSpec + batch -> the same batch flipped and turned, and the mean of what a network says of each.

Deterministic: every variant is shown once, in the same order. Knows no scan; the variants act on the prepared tensor.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import torch
from pydantic import model_validator
from torch import Tensor

from medres.preprocessing.spec import Frozen

GRID_AXES = {3: {"i": 2, "j": 3, "k": 4}, 2: {"i": 3, "j": 2}}  # axis of the grid -> axis of (B, C, *spatial)
Axis = Literal["i", "j", "k"]
Plane = Literal["ij", "ik", "jk"]
Outputs = dict[str, Tensor]


class TestTimeSpec(Frozen):
    """Test-time augmentation: a model's answer is the mean over these variants of what it is shown.

    Attributes:
        flips: axes that are reversed, in every combination (two axes: four variants); in 2D, i runs along columns.
        quarter_turns: planes that are turned by 0°, 90°, 180° and 270°; their two sizes must be equal.
    """

    __test__ = False  # no test, though its name begins like one

    flips: tuple[Axis, ...] = ()
    quarter_turns: tuple[Plane, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> TestTimeSpec:
        for name, values in (("flips", self.flips), ("quarter_turns", self.quarter_turns)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} must be named once, got {values}")
        return self

    @property
    def count(self) -> int:
        """Variants that are shown."""
        return int(2 ** len(self.flips) * 4 ** len(self.quarter_turns))

    def check(self, size: Sequence[int] | None, spatial_dims: int) -> None:
        """Refuse axes that a grid does not have and turns of unequal sides.

        Args:
            size: voxels of what the network is shown along i, j (and k); None where it is not fixed.
            spatial_dims: 2 or 3.

        Raises:
            ValueError: with the axis or plane.
        """
        known = GRID_AXES[spatial_dims]
        for name in (*self.flips, *self.quarter_turns):
            if not set(name) <= set(known):
                raise ValueError(f"test_time must name axes among {', '.join(known)}, got {name!r}")
        for plane in self.quarter_turns if size is not None else ():
            first, second = ("ijk".index(axis) for axis in plane)
            if size is not None and size[first] != size[second]:
                raise ValueError(f"test_time turns need equal sides, got {size[first]} and {size[second]} in {plane!r}")


def variants(batch: Tensor, spec: TestTimeSpec) -> Iterator[Tensor]:
    """Give every variant of a batch, itself first.

    Args:
        batch: (B, C, *spatial).
        spec: flips and turns.

    Yields:
        (B, C, *spatial).

    Example:
        >>> [float(v[0, 0, 0, 0]) for v in variants(torch.tensor([[[[1.0, 2.0]]]]), TestTimeSpec(flips=("i",)))]
        [1.0, 2.0]
    """
    axes = GRID_AXES[batch.ndim - 2]
    flips = [[(), (axes[name],)] for name in spec.flips]
    turns = [range(4) for _ in spec.quarter_turns]
    for flipped in itertools.product(*flips):
        for turned in itertools.product(*turns):
            shown = batch.flip([axis for part in flipped for axis in part]) if any(flipped) else batch
            for plane, count in zip(spec.quarter_turns, turned, strict=True):
                shown = torch.rot90(shown, count, [axes[plane[0]], axes[plane[1]]]) if count else shown
            yield shown


def run_variants(run: Callable[[Tensor], Outputs], batch: Tensor, spec: TestTimeSpec) -> Outputs:
    """Run a network on every variant and give the mean of each output.

    Args:
        run: batch -> outputs by name.
        batch: (B, C, *spatial).
        spec: flips and turns; none runs the batch alone.

    Returns:
        Outputs of the same shapes; logits are averaged as logits.
    """
    if spec.count == 1:
        return run(batch)
    found = [run(shown.contiguous()) for shown in variants(batch, spec)]
    return {name: torch.stack([one[name] for one in found]).mean(dim=0) for name in found[0]}
