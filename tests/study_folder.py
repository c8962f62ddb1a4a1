"""One patient's two studies: an axial series, a tilted one, one with a gap, and a prior 184 days before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.phantoms_dicom import Geometry, ct_slices, phantom_voxels, save

SHAPE = (24, 20, 16)
SHIFT_MM = (6.0, -4.0, 10.0)  # LPS: how the patient lay differently at the prior
TODAY, BEFORE, DAYS = "20200102", "20190702", 184


def build_study(folder: Path) -> Path:
    """Write the files; gives FOLDER."""
    study, frame = generate_uid(), generate_uid()
    axial = _series(Geometry(), study, frame, number=2)
    tilted = _series(Geometry(tilt_degrees=12.0), study, frame, number=3)
    gap = [one for k, one in enumerate(_series(Geometry(), study, frame, number=4)) if k not in (6, 7)]
    place = tuple(float(x) for x in np.add(Geometry().origin, SHIFT_MM))
    prior = _series(Geometry(origin=place), generate_uid(), generate_uid(), number=2, day=BEFORE)
    for name, series in {"a": axial, "b": tilted, "c": gap, "0": prior}.items():
        save(series, folder / "study" / name)
    return folder / "study"


def _series(geometry: Geometry, study: str, frame: str, *, number: int, day: str = TODAY) -> Sequence[Dataset]:
    made = ct_slices(phantom_voxels(SHAPE), geometry)
    for one in made:
        one.StudyInstanceUID, one.FrameOfReferenceUID = study, frame
        one.StudyDate, one.SeriesNumber, one.BodyPartExamined = day, number, "ABDOMEN"
        one.SeriesDescription = "CANARY Doe abdomen"
    return made
