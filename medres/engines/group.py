"""An ensemble's TrainedModel -> one Engine for each of its members, held together.

Knows no scan and no label.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from medres.engines.interface import Engine


class EngineGroup:
    """The engines of an ensemble's members, all of one kind.

    Args:
        members: engines in the order of the members.

    Attributes:
        members: the same.
    """

    def __init__(self, members: Sequence[Engine]) -> None:
        self.members = tuple(members)
        self.kind, self.precision, self.device = members[0].kind, members[0].precision, members[0].device

    def run(self, batch: Tensor) -> dict[str, Tensor]:
        """Run every member on one batch; of use where all members are shown the same.

        Args:
            batch: (B, C, *spatial) float32 on the CPU.

        Returns:
            "logits" (B, L), the logarithm of the members' mean softmax without their calibration, and "embedding"
            (B, F), the members' embeddings one after the other.
        """
        found = [member.run(batch) for member in self.members]
        shares = torch.stack([one["logits"].softmax(dim=1) for one in found]).mean(dim=0)  # (B, L)
        return {"logits": shares.clamp_min(1e-30).log(), "embedding": torch.cat([o["embedding"] for o in found], dim=1)}
