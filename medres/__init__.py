"""medres: from a DICOM or NIfTI scan to a tumour score that can be trusted, shown and reported. Research use only.

The map of the house, ground floor first::

    errors, codes    every fault by name              geometry   affines -> where voxels lie
    volume           voxels + affine = Volume         io         files -> Series -> Volume
    evaluation       labels and scores -> numbers     preprocessing  Volume -> ModelInput, the one path
    datasets         manifests, splits, leak audits   models     networks, weights, the TrainedModel folder
    engines          tensor -> named outputs          training   manifest + split -> TrainedModel
    classifier       Volume -> Prediction             explain    Volume -> Heatmap
    results          Prediction + Heatmap -> pages    ledger     one row per series
    scoring          folders -> rows                  review     what readers did

Three lines::

    import medres
    model = medres.load("model-folder")
    model.predict(medres.read("scan"))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from medres.classifier import load_classifier as load
    from medres.io import read

__all__ = ["__version__", "load", "read"]

_LAZY = {"load": ("medres.classifier", "load_classifier"), "read": ("medres.io", "read")}


def __getattr__(name: str) -> Any:
    """Resolve `load` and `read` at first use, so that `import medres` stays light."""
    if name not in _LAZY:
        raise AttributeError(f"module 'medres' has no attribute {name!r}; it has {', '.join(__all__)}")
    module, attribute = _LAZY[name]
    return getattr(importlib.import_module(module), attribute)
