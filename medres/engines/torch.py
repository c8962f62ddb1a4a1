"""TrainedModel -> Engine on PyTorch: eval mode, no gradients, fp32 or bf16, deterministic kernels.

Knows no scan and no label.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from medres.errors import ModelError
from medres.models.attention import ask_network
from medres.models.trained_model import TrainedModel, build_trained_network

LAST = {4: torch.channels_last, 5: torch.channels_last_3d}  # memory format by dimensions of a batch


class TorchEngine:
    """PyTorch on a CPU or a CUDA device.

    Args:
        model: as loaded.
        device: "cpu", "cuda" or "cuda:0".
        precision: "fp32", or "bf16" by autocast.

    Attributes:
        network: the module it runs, in eval mode.
    """

    kind = "torch"

    def __init__(self, model: TrainedModel, device: str = "cpu", precision: str = "fp32") -> None:
        self.device = _checked_device(device)
        self.precision = precision
        dimensions = model.spec.network.spatial_dims + 2
        self._format = LAST[dimensions]
        network = build_trained_network(model)
        self.network: nn.Module = network.to(device=self.device, memory_format=self._format)  # type: ignore[call-overload]

    def run(self, batch: Tensor) -> dict[str, Tensor]:
        """Run the network; see `Engine.run`.

        Args:
            batch: (B, C, *spatial) float32 on the CPU.

        Returns:
            "logits" (B, L) and "embedding" (B, F), float32 on the CPU.
        """
        moved = batch.to(self.device).contiguous(memory_format=self._format)
        kind = torch.device(self.device).type
        deterministic = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
        with torch.no_grad(), deterministic, torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bf16"):
            found = ask_network(self.network, moved)
        return {name: tensor.float().cpu() for name, tensor in found.items()}


def _checked_device(device: str) -> str:
    """Refuse a device that is not there."""
    try:
        kind = torch.device(device)
    except RuntimeError:
        raise ModelError("E_DEVICE", f"device must be cpu or cuda, got {device!r}") from None
    if kind.type == "cuda" and (kind.index or 0) >= torch.cuda.device_count():
        raise ModelError("E_DEVICE", f"device {device} must be present, got {torch.cuda.device_count()} CUDA device(s)")
    if kind.type not in ("cpu", "cuda"):
        raise ModelError("E_DEVICE", f"device must be cpu or cuda, got {device!r}")
    return device
