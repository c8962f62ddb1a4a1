"""How a network learns from patches of which few hold the lesion -> InstanceSpec, frozen and validated.

Knows no scan and no network; `patch_batches.py` draws the patches.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from medres.preprocessing.spec import Frozen

Supervision = Literal["scan", "points", "masks"]


class InstanceSpec(Frozen):
    """What is known of where lesions are, and which patches are learnt from.

    Attributes:
        supervision: "scan": the scan's label alone; in each epoch every patch is scored, and the most suspicious ones
            of each scan are learnt from with its label (top-k multiple-instance learning). "points" or "masks": a patch
            is positive where its inner part holds a lesion; the column `points_path` or `mask_path` says where.
        top: most suspicious patches of each scan and epoch; with points or masks those that hold no lesion, learnt
            from as negative (0 leaves them out).
        drawn: patches drawn at random from each scan and epoch; with "scan" of negative scans alone, with points or
            masks half around the lesions and half elsewhere.
        first: what counts as suspicious before the network can tell: "random", or where lesions are known to be of one
            kind, the patches with the "bright"est or "dark"est smoothed voxel.
        first_epochs: how many epochs that lasts.

    Source:
        Campanella et al., Nature Medicine 2019 (max-pooled multiple-instance learning, its top-k form); top patches of
        negative scans are its hard negatives.
    """

    supervision: Supervision
    top: int = Field(1, ge=0)
    drawn: int = Field(0, ge=0)
    first: Literal["random", "bright", "dark"] = "random"
    first_epochs: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _learns(self) -> InstanceSpec:
        if self.supervision == "scan" and self.top < 1:
            raise ValueError(f"top must be at least 1 with supervision 'scan', got {self.top}")
        if self.supervision != "scan" and self.drawn < 2:
            raise ValueError(f"drawn must be at least 2 with supervision {self.supervision!r}, got {self.drawn}")
        return self
