"""What every engine does: tensor -> named outputs (logits, embedding).

Knows no scan and no label.
"""

from __future__ import annotations

from typing import Literal, Protocol

from torch import Tensor

EngineKind = Literal["torch", "openvino"]
Precision = Literal["fp32", "bf16"]


class Engine(Protocol):
    """A network ready to run.

    Attributes:
        kind: "torch" or "openvino".
        precision: "fp32" or "bf16", of the arithmetic inside.
        device: such as "cpu" or "cuda:0".
    """

    kind: str
    precision: str
    device: str

    def run(self, batch: Tensor) -> dict[str, Tensor]:
        """Run the network.

        Args:
            batch: (B, C, *spatial) float32 on the CPU.

        Returns:
            "logits" (B, L), "embedding" (B, F) and, of a network with attention, "attention" (B,), float32 on the CPU.
        """
        ...
