"""TrainedModel -> Engine by name.

OpenVINO is imported only when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import get_args

from medres.engines.group import EngineGroup
from medres.engines.interface import Engine, EngineKind, Precision
from medres.engines.torch import TorchEngine
from medres.errors import ModelError
from medres.models.trained_model import TrainedModel


def build_engine(model: TrainedModel, kind: str = "torch", device: str = "cpu", precision: str = "fp32") -> Engine:
    """Make a model ready to run.

    Args:
        model: as loaded.
        kind: "torch" or "openvino".
        device: "cpu", "cuda" or "cuda:0".
        precision: "fp32" or "bf16".

    Returns:
        The engine; of an ensemble an `EngineGroup`.

    Raises:
        ModelError: E_ENGINE for a name or precision that is none, E_DEVICE for a device that is not there, E_OPTIONAL
            where OpenVINO is not installed.
    """
    if kind not in get_args(EngineKind):
        raise ModelError("E_ENGINE", f"engine must be one of {', '.join(get_args(EngineKind))}, got {kind!r}")
    if precision not in get_args(Precision):
        known = ", ".join(get_args(Precision))
        raise ModelError("E_ENGINE", f"precision must be one of {known}, got {precision!r}", "use --precision fp32")
    if model.members:
        return EngineGroup([build_engine(member, kind, device, precision) for member in model.members])
    if kind == "torch":
        return TorchEngine(model, device, precision)
    try:
        module = importlib.import_module("medres.engines.openvino")
    except ImportError:
        raise ModelError("E_OPTIONAL", "OpenVINO is not installed here", "pip install openvino") from None
    engine: Engine = module.OpenVinoEngine(model, device, precision)
    return engine
