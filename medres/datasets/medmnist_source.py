"""A MedMNIST `.npz` -> scans as files and manifest rows, with the published parts as a `split` column.

Knows MedMNIST through medres.io. Pictures become PNG, volumes NIfTI without sides and spacing.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from medres.datasets.files import write_atomically
from medres.datasets.found import Gathered
from medres.datasets.rows import CHANNEL, Manifest, ManifestRow
from medres.errors import DatasetError
from medres.io.medmnist import PARTS, MedMnistPart, medmnist_volume, read_medmnist
from medres.io.nifti_writing import write_nifti
from medres.volume import Volume

PART_NAMES = {"train": "train", "val": "validation", "test": "test"}
# label names as MedMNIST publishes them, for files whose name says which set they are
KNOWN_LABELS = {
    "pneumoniamnist": ("normal", "pneumonia"),
    "breastmnist": ("malignant", "normal or benign"),
    "adrenalmnist3d": ("normal", "hyperplasia"),
    "nodulemnist3d": ("benign", "malignant"),
    "vesselmnist3d": ("vessel", "aneurysm"),
    "synapsemnist3d": ("inhibitory", "excitatory"),
}
Progress = Callable[[int, int], None]


def gather_medmnist(
    source: Path,
    out: Path,
    scans: Path,
    *,
    label_names: Sequence[str] = (),
    modality: str | None = None,
    on_progress: Progress | None = None,
) -> Gathered:
    """Write the scans of a MedMNIST file and list them.

    Args:
        source: `.npz`.
        out: the manifest's folder.
        scans: folder for the scans.
        label_names: of labels 0, 1, ...; () takes the published ones where the file's name says the set.
        modality: DICOM's word, which MedMNIST does not carry.
        on_progress: called with (scans written, scans).

    Returns:
        Rows with a `split` column; MedMNIST names no patients, so each scan counts as its own.

    Raises:
        DatasetError: `E_MANIFEST_LABEL` where labels have no names; IntakeError where it is no MedMNIST file;
            StoreError where scans cannot be written.
    """
    parts = [read_medmnist(source, part) for part in PARTS]
    names = tuple(label_names) or _published_names(source)
    _check_names(parts, names)
    total, rows = sum(map(len, parts)), []
    for part in parts:
        for index in range(len(part)):
            rows.append(_write_row(part, index, out, scans, names, modality))
            if on_progress:
                on_progress(len(rows), total)
    numbered = tuple(_numbered(row, number) for number, row in enumerate(rows, start=2))
    note = f"MedMNIST names no patients: each of {total} scans counts as its own; run medres audit before you trust it"
    return Gathered(Manifest(numbered, out), (), (note,))


def _published_names(source: Path) -> tuple[str, ...]:
    stem = source.stem.lower()
    return next((names for name, names in KNOWN_LABELS.items() if stem.startswith(name)), ())


def _check_names(parts: Sequence[MedMnistPart], names: Sequence[str]) -> None:
    if any(part.labels.shape[1] != 1 for part in parts):
        raise DatasetError(
            "E_MANIFEST_LABEL", "each scan must have one label, got several", "choose a set with one label"
        )
    highest = max(int(part.labels.max()) for part in parts)
    if len(names) <= highest:
        cure = "name them in order with --label-names, such as normal,pneumonia"
        raise DatasetError("E_MANIFEST_LABEL", f"labels 0 to {highest} must have names, got {len(names)}", cure)


def _write_row(
    part: MedMnistPart, index: int, out: Path, scans: Path, names: Sequence[str], modality: str | None
) -> ManifestRow:
    volume, labels = medmnist_volume(part, index, modality=modality)
    place = scans / f"{part.name}_{index:05d}{'.png' if volume.is_picture else '.nii.gz'}"
    _write_scan(volume, place)
    return ManifestRow(
        number=0,
        patient_id=f"{part.name}_{index:05d}",
        paths={CHANNEL: Path(os.path.relpath(place, out))},
        label=names[labels[0]],
        modality=(modality or "").upper(),
        spacing_known=False,
        extra={"split": PART_NAMES[part.name]},
    )


def _write_scan(volume: Volume, place: Path) -> None:
    if not volume.is_picture:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_nifti(np.asarray(volume.voxels), volume.affine, place, has_sides=False, spacing_known=False)
        return
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(volume.voxels[:, :, 0].swapaxes(0, 1))).save(buffer, "PNG")
    write_atomically(place, buffer.getvalue())


def _numbered(row: ManifestRow, number: int) -> ManifestRow:
    return ManifestRow(
        number, row.patient_id, row.paths, row.label, row.modality, row.spacing_known, extra=dict(row.extra)
    )
