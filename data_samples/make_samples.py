"""A seed -> the few synthetic scans of this folder: a CT series, an MR volume, a picture, and what was planted in them.

Run: python data_samples/make_samples.py        (a test holds the files against the script)
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from pipelines.phantoms.anatomy import build_phantom
from pipelines.phantoms.files import write_dicom, write_nifti, write_picture

SPACING_MM = (3.0, 3.0, 4.0)
SEEDS = {"ct_lesion": 900_001, "ct_healthy": 900_002, "mr_lesion": 900_003}


def make_samples(folder: Path) -> None:
    """Write all samples into a folder."""
    ct = build_phantom(SEEDS["ct_lesion"], spacing_mm=SPACING_MM)
    healthy = build_phantom(SEEDS["ct_healthy"], lesion=False, spacing_mm=SPACING_MM)
    mr = build_phantom(SEEDS["mr_lesion"], modality="MR", spacing_mm=SPACING_MM)
    write_dicom(ct, folder / "ct_lesion", SEEDS["ct_lesion"])
    write_dicom(healthy, folder / "ct_healthy", SEEDS["ct_healthy"])
    write_nifti(mr, folder / "mr_lesion.nii.gz")
    write_picture(ct, ct.voxels.shape[2] // 2, folder / "picture.png")
    truth = {"ct_lesion": asdict(ct.lesion), "ct_healthy": None, "mr_lesion.nii.gz": asdict(mr.lesion)}  # type: ignore[arg-type]
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")


if __name__ == "__main__":
    make_samples(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
