"""A segmentation as people have it (PNG, NIfTI, DICOM SEG, NRRD) -> bool on the Volume's own grid.

Knows where voxels lie, and no label. RTSTRUCT and other formats are refused with the name of a converter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError
from scipy import ndimage

from medres import geometry
from medres.datasets.nrrd import read_nrrd
from medres.errors import DatasetError, IntakeError
from medres.io.image import looks_like_picture, read_image
from medres.io.nifti import read_nifti
from medres.volume import Volume

SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # (Label Map) Segmentation, PS3.4 B.5
RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"  # RT Structure Set Storage
JPEG = b"\xff\xd8"
SAME_GRID = 1e-3  # mm by which affines may differ and still be one grid
SLAB = 16  # slices resampled at once
TOUCH = np.ones((3, 3, 3), bool)  # voxels of one lesion touch by a face, an edge or a corner
CONVERTERS = {
    ".mha": "MetaImage", ".mhd": "MetaImage", ".mat": "MATLAB", ".json": "JSON contours", ".roi": "ImageJ",
    ".xml": "XML contours", ".nii.zst": "compressed NIfTI",
}  # fmt: skip
SLICER = "convert it to NIfTI with 3D Slicer or ITK-SNAP"


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What a file of a segmentation holds.

    Attributes:
        inside: (i, j, k) bool, any segment.
        affine: (4, 4), index to RAS+ mm; None for a picture, which lies on its scan pixel by pixel.
    """

    inside: NDArray[np.bool_]
    affine: NDArray[np.float64] | None


def read_mask(path: Path, volume: Volume) -> NDArray[np.bool_]:
    """Read a segmentation and lay it on a Volume's grid.

    Args:
        path: PNG, NIfTI, DICOM SEG or NRRD file; every value above 0, and every segment, counts as inside.
        volume: the scan.

    Returns:
        (i, j, k) bool, nearest neighbour where the grids differ; all False for an empty segmentation.

    Raises:
        DatasetError: `E_MASK` for other formats, a size that does not fit, or a segmentation that lies off the scan.
    """
    try:
        found = read_segmentation(path)
    except IntakeError as error:
        raise DatasetError(
            "E_MASK", f"the segmentation must be readable, got {error.code} ({error.what})", error.cure
        ) from None
    lies_alike = found.affine is None or volume.frame == "detector" or _same_grid(found, volume)
    if lies_alike:
        if found.inside.shape != volume.shape:
            told = f"the segmentation must have the scan's size {volume.shape}, got {found.inside.shape}"
            raise DatasetError("E_MASK", told, "export it on the scan's own grid")
        return found.inside
    return _on_grid(found, volume)


def number_lesions(inside: NDArray[np.bool_]) -> tuple[NDArray[np.int_], int]:
    """Tell the lesions of a segmentation apart: voxels of one touch by a face, an edge or a corner.

    Args:
        inside: (i, j, k) bool.

    Returns:
        ((i, j, k) int: 0 outside, the lesion's number from 1 inside; how many lesions).

    Example:
        >>> number_lesions(np.array([[[True, False, True]]]))[0].tolist()
        [[[1, 0, 2]]]
    """
    numbered, count = ndimage.label(inside, TOUCH)
    return numbered, int(count)


def read_segmentation(path: Path) -> Segmentation:
    """Read a segmentation as it lies in its file.

    Args:
        path: PNG, NIfTI, DICOM SEG or NRRD file.

    Raises:
        DatasetError: `E_MASK` for other formats; IntakeError for damaged files.
    """
    if not path.is_file():
        raise DatasetError("E_MASK", "the segmentation must be a file, got none at this place", "correct mask_path")
    head = path.open("rb").read(132)
    if head.startswith(b"NRRD"):
        voxels, affine = read_nrrd(path)
        return Segmentation(voxels > 0, affine)
    if head.startswith(JPEG):
        raise DatasetError("E_MASK", "a segmentation must be stored without loss, got a JPEG", "save it as PNG")
    if looks_like_picture(path):
        return _from_picture(read_image(path))
    if path.name.lower().endswith((".nii", ".nii.gz")):
        volume = read_nifti(path)
        sided = "W_NIFTI_NO_SIDE" not in volume.codes and volume.frame == "patient"
        return Segmentation(np.asarray(volume.voxels) > 0, volume.affine if sided else None)
    if head[128:] == b"DICM":
        return _from_dicom(path)
    kind = next((name for end, name in CONVERTERS.items() if path.name.lower().endswith(end)), "an unknown format")
    raise DatasetError("E_MASK", f"a segmentation must be PNG, NIfTI, DICOM SEG or NRRD, got {kind}", SLICER)


def _from_picture(volume: Volume) -> Segmentation:
    voxels = np.asarray(volume.voxels)
    lit = voxels > 0
    return Segmentation(np.asarray(lit.any(axis=3) if volume.is_colour else lit), None)


def _from_dicom(path: Path) -> Segmentation:
    try:
        dataset = pydicom.dcmread(path)
    except (InvalidDicomError, OSError, EOFError, ValueError) as error:
        told = f"the DICOM object must be readable, got {type(error).__name__}"
        raise DatasetError("E_MASK", told, "export it again") from None
    kind = str(dataset.get("SOPClassUID", ""))
    if kind == RTSTRUCT_CLASS:
        cure = "convert it to NIfTI with dcmrtstruct2nii, plastimatch or 3D Slicer"
        raise DatasetError("E_MASK", "a segmentation must be voxels, got contours (RTSTRUCT)", cure)
    if kind not in SEG_CLASSES:
        raise DatasetError("E_MASK", "a DICOM segmentation must be a SEG object, got another class", SLICER)
    return _from_seg(dataset)


def _from_seg(dataset: pydicom.Dataset) -> Segmentation:
    """Lay the frames of all segments into one block (PS3.3 C.8.20)."""
    try:
        segmentation = highdicom.seg.Segmentation.from_dataset(dataset, copy=False)
        block: Any = segmentation.get_volume(combine_segments=False)
    except (ValueError, RuntimeError, AttributeError, KeyError, TypeError) as error:
        told = f"the frames of a SEG must make one regular block, got {type(error).__name__}"
        raise DatasetError("E_MASK", told, SLICER) from None
    array = np.asarray(block.array) > 0  # (slices, rows, columns[, segments])
    inside = array.any(axis=3) if array.ndim == 4 else array
    return Segmentation(np.asarray(inside), geometry.lps_to_ras(block.affine))


def _same_grid(found: Segmentation, volume: Volume) -> bool:
    assert found.affine is not None  # asked only where it is known
    return found.inside.shape == volume.shape and bool(np.abs(found.affine - volume.affine).max() < SAME_GRID)


def _on_grid(found: Segmentation, volume: Volume) -> NDArray[np.bool_]:
    """Look every voxel of the scan up in the segmentation, nearest neighbour."""
    assert found.affine is not None  # a picture lies pixel by pixel
    to_mask = geometry.index_to_index(volume.affine, found.affine)
    laid = np.zeros(volume.shape, bool)
    for start in range(0, volume.shape[2], SLAB):
        stop = min(start + SLAB, volume.shape[2])
        grid = np.stack(np.meshgrid(*map(np.arange, volume.shape[:2]), np.arange(start, stop), indexing="ij"), axis=-1)
        near = np.floor(geometry.apply_affine(to_mask, grid) + 0.5).astype(np.int64)  # (i, j, slab, 3)
        within = ((near >= 0) & (near < found.inside.shape)).all(axis=-1)
        laid[:, :, start:stop][within] = found.inside[tuple(near[within].T)]
    if found.inside.any() and not laid.any():
        told = f"the segmentation must lie on the scan, got {int(found.inside.sum())} voxels and none of them on it"
        raise DatasetError("E_MASK", told, "choose the segmentation of this scan")
    return laid
