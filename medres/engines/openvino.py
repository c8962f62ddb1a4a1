"""TrainedModel -> Engine on OpenVINO: the torch module converted as it is, run on the CPU.

Knows no scan and no label. OpenVINO takes bf16 by itself where the CPU has it (error 5e-3), so its precision is always
set.
"""

from __future__ import annotations

import openvino
import torch
from torch import Tensor, nn

from medres.errors import ModelError
from medres.models.attention import ask_network
from medres.models.registry import find_entry
from medres.models.trained_model import TrainedModel, build_trained_network

HINTS = {"fp32": "f32", "bf16": "bf16"}
EXAMPLE_VOXELS = 32  # along each axis of the tensor that the module is traced with, where the network takes so few


class _NamedOutputs(nn.Module):
    """Give logits and embedding of one pass."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Give the named outputs as a tuple, in their order."""
        return tuple(ask_network(self.network, batch).values())


class OpenVinoEngine:
    """OpenVINO on the CPU.

    Args:
        model: as loaded.
        device: "cpu"; no other.
        precision: "fp32" or "bf16".

    Raises:
        ModelError: E_DEVICE for another device, E_ENGINE for bf16 on a CPU that has no instructions for it: OpenVINO
            would silently compute in fp32 what the result says was bf16.
    """

    kind = "openvino"

    def __init__(self, model: TrainedModel, device: str = "cpu", precision: str = "fp32") -> None:
        if device != "cpu":
            raise ModelError(
                "E_DEVICE", f"OpenVINO runs on cpu here, got {device!r}", "use --device cpu or --engine torch"
            )
        self.device = device
        self.precision = precision
        spec = model.spec.network
        edge = max(EXAMPLE_VOXELS, find_entry(spec.name).smallest_input(spec))
        example = torch.zeros(1, spec.in_channels, *(edge,) * spec.spatial_dims)
        free = openvino.PartialShape([-1, spec.in_channels, *(-1,) * spec.spatial_dims])
        module = _NamedOutputs(build_trained_network(model)).eval()
        converted = openvino.convert_model(module, example_input=example, input=[free])
        self._compiled = openvino.Core().compile_model(
            converted, "CPU", {"INFERENCE_PRECISION_HINT": HINTS[precision], "PERFORMANCE_HINT": "LATENCY"}
        )
        taken = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if taken != HINTS[precision]:
            told = f"precision must be one that this CPU computes, got {precision!r} (OpenVINO would take {taken})"
            raise ModelError("E_ENGINE", told, "use --precision fp32")

    def run(self, batch: Tensor) -> dict[str, Tensor]:
        """Run the network; see `Engine.run`.

        Args:
            batch: (B, C, *spatial) float32 on the CPU.

        Returns:
            "logits" (B, L), "embedding" (B, F) and, of a network with attention, "attention" (B,), float32 on the CPU.
        """
        request = self._compiled.create_infer_request()  # one for each call: threads must not share it
        found = request.infer([batch.contiguous().numpy()])
        names = ("logits", "embedding", "attention")[: len(found)]
        return {name: torch.tensor(found[place]) for place, name in enumerate(names)}
