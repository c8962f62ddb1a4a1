"""Manifest -> Fingerprint: what its scans are like, measured, so that a plan can be made and argued.

Knows no network. Reads a sample of the scans, spread evenly over each label; masks are measured where they are given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medres import geometry
from medres.datasets.masks import number_lesions
from medres.datasets.rows import Manifest, ManifestRow
from medres.errors import DatasetError, MedresError
from medres.io.reading import read
from medres.training.dataset import read_volume
from medres.volume import Volume

SAMPLE = 120  # scans that are read
PERCENTILES = (0.5, 5.0, 50.0, 95.0, 99.5)
SHARES = (5, 50, 95)  # percentiles over scans
VALUES = 4096  # voxels of each scan that intensities are taken from
EVEN_GROUND = 0.3  # a scan with this share of voxels at its smallest value lies on an even ground


@dataclass(frozen=True)
class Fingerprint:
    """What a manifest's scans are like.

    Attributes:
        scans, patients: in the manifest.
        labels: label -> scans.
        label_patients: label -> patients.
        read, refused: scans that were read, and that could not be.
        modality: the one they share.
        channels: of a row.
        is_picture: single planes, not volumes.
        is_colour: any of them has colours.
        spacing_known: of all.
        shape: (3, 3): percentiles 5, 50 and 95 of the shape along i, j, k, voxels.
        spacing_mm: (3, 3), the same of the spacing; of pictures without meaning.
        intensity: percentiles 0.5, 5, 50, 95, 99.5 of voxels over all scans read.
        whole_numbers: every value is a whole number in [0, 255].
        even_ground: share of scans with 30 % of their voxels or more at their smallest value.
        lesions: scans with a measured mask.
        lesion_voxels: percentiles 5, 50, 95 of the largest lesion's extent along its shortest axis, voxels; () without.
        lesion_mm: percentiles 5, 50, 95 of its diameter as a ball (disc), mm; () without masks or known spacing.
    """

    scans: int
    patients: int
    labels: dict[str, int]
    label_patients: dict[str, int]
    read: int
    refused: int
    modality: str
    channels: tuple[str, ...]
    is_picture: bool
    is_colour: bool
    spacing_known: bool
    shape: tuple[tuple[float, ...], ...]
    spacing_mm: tuple[tuple[float, ...], ...]
    intensity: tuple[float, ...]
    whole_numbers: bool
    even_ground: float
    lesions: int = 0
    lesion_voxels: tuple[float, ...] = field(default=())
    lesion_mm: tuple[float, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class _Facts:
    """Of one scan."""

    modality: str
    is_picture: bool
    is_colour: bool
    spacing_known: bool
    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    values: NDArray[np.float32]
    ground: float
    lesion: tuple[float, float] | None


def take_fingerprint(
    manifest: Manifest, *, sample: int = SAMPLE, on_progress: Callable[[int, int], None] | None = None
) -> Fingerprint:
    """Measure a manifest's scans.

    Args:
        manifest: with labels.
        sample: scans that are read, 1 or more, spread evenly over each label.
        on_progress: called with (read, to read).

    Returns:
        The fingerprint.

    Raises:
        DatasetError: `E_PLAN_EMPTY` where no scan can be read, `E_PLAN_MIXED` for scans of several modalities, or
            pictures beside volumes, `E_USAGE` for a sample below 1.
    """
    if sample < 1:
        raise DatasetError("E_USAGE", f"at least one scan must be read to plan, got {sample}")
    rows, found = choose_sample(manifest, sample), []
    for done, row in enumerate(rows, start=1):
        facts = _measure(manifest, row)
        found += [facts] if facts else []
        if on_progress is not None:
            on_progress(done, len(rows))
    if not found:
        raise DatasetError("E_PLAN_EMPTY", f"at least one scan must be readable, got 0 of {len(rows)}")
    _refuse_mixed(found)
    lesions = [facts.lesion for facts in found if facts.lesion]
    known = all(facts.spacing_known for facts in found)
    values = np.concatenate([facts.values for facts in found])
    return Fingerprint(
        scans=len(manifest.rows),
        patients=len({row.patient_id for row in manifest.rows} - {""}),
        labels=dict(sorted(Counter(row.label for row in manifest.rows).items())),
        label_patients={
            name: len({row.patient_id for row in manifest.rows if row.label == name}) for name in manifest.label_names
        },
        read=len(found),
        refused=len(rows) - len(found),
        modality=found[0].modality,
        channels=manifest.channels,
        is_picture=found[0].is_picture,
        is_colour=any(facts.is_colour for facts in found),
        spacing_known=known,
        shape=_spread([facts.shape for facts in found]),
        spacing_mm=_spread([facts.spacing_mm for facts in found]),
        intensity=tuple(float(p) for p in np.percentile(values, PERCENTILES)),
        whole_numbers=bool(((values >= 0) & (values <= 255) & (values == np.round(values))).all()),
        even_ground=float(np.mean([facts.ground >= EVEN_GROUND for facts in found])),
        lesions=len(lesions),
        lesion_voxels=_shares([voxels for voxels, _ in lesions]),
        lesion_mm=_shares([mm for _, mm in lesions]) if known else (),
    )


def choose_sample(manifest: Manifest, count: int) -> list[ManifestRow]:
    """Take rows spread evenly over each label, those with a mask first where any has one.

    Args:
        manifest: any.
        count: rows in all, about; at least one of each label.

    Returns:
        Rows in the manifest's order.
    """
    each = max(1, count // max(1, len(manifest.label_names)))
    chosen: set[int] = set()
    for name in manifest.label_names:
        rows = [row for row in manifest.rows if row.label == name]
        rows = [row for row in rows if row.mask_path] or rows
        places = np.linspace(0, len(rows) - 1, min(each, len(rows))).round().astype(int)
        chosen |= {rows[place].number for place in places}
    return [row for row in manifest.rows if row.number in chosen]


def _measure(manifest: Manifest, row: ManifestRow) -> _Facts | None:
    """Measure one scan; None where it cannot be read."""
    try:
        volume = read_volume(manifest, row)
    except MedresError:
        return None
    voxels = volume.voxels if volume.padding is None else volume.voxels[~volume.padding]
    flat = np.asarray(voxels, np.float32).reshape(-1)
    step = max(1, flat.size // VALUES)
    return _Facts(
        volume.modality,
        volume.is_picture,
        volume.is_colour,
        volume.spacing_known,
        tuple(volume.shape),
        tuple(float(mm) for mm in volume.spacing_mm),
        flat[step // 2 :: step],
        float(np.mean(flat == flat.min())) if flat.size else 0.0,
        _measure_lesion(manifest, row, volume),
    )


def _measure_lesion(manifest: Manifest, row: ManifestRow, volume: Volume) -> tuple[float, float] | None:
    """Give the largest lesion's shortest extent (voxels) and its diameter as a ball or disc (mm)."""
    place = manifest.mask(row)
    if place is None:
        return None
    try:
        mask = read(place, modality="SEG")
    except MedresError:
        return None
    inside = np.asarray(mask.voxels if mask.voxels.ndim == 3 else mask.voxels[..., 0]) > 0
    marked, count = number_lesions(inside)
    if not count:
        return None
    largest = int(np.argmax(np.bincount(marked.reshape(-1))[1:])) + 1
    box = ndimage.find_objects(marked)[largest - 1]
    axes = 2 if volume.is_picture else 3
    extent = min(part.stop - part.start for part in box[:axes])
    size = float((marked == largest).sum()) * geometry.voxel_volume_mm3(mask.affine)
    if volume.is_picture:
        return float(extent), float(2.0 * np.sqrt(size / mask.spacing_mm[2] / np.pi))
    return float(extent), float(2.0 * (3.0 * size / (4.0 * np.pi)) ** (1 / 3))


def _refuse_mixed(found: Sequence[_Facts]) -> None:
    """Refuse what no one network takes."""
    modalities = sorted({facts.modality for facts in found})
    if len(modalities) > 1 or modalities == [""]:
        named = ", ".join(name or "none" for name in modalities)
        told = f"scans must be of one modality that is named, got {named}"
        raise DatasetError("E_PLAN_MIXED", told, "name it in the column modality, one manifest for each")
    pictures = sum(facts.is_picture for facts in found)
    if 0 < pictures < len(found):
        told = f"scans must be all pictures or all volumes, got {pictures} pictures of {len(found)} read"
        raise DatasetError("E_PLAN_MIXED", told, "one manifest for each")


def _spread(values: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """Give percentiles 5, 50, 95 along each axis, (axes, 3)."""
    table = np.array([list(one)[:3] for one in values], float)
    return tuple(tuple(float(p) for p in np.percentile(column, SHARES)) for column in table.T)


def _shares(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(p) for p in np.percentile(values, SHARES)) if values else ()
