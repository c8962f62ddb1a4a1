"""A path -> the one Volume that it holds; several are refused with a choice.

Dispatches by kind; knows no format itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from medres.errors import IntakeError
from medres.io import dicom
from medres.io.image import read_image
from medres.io.limits import MAX_VOXELS
from medres.io.nifti import count_volumes, read_nifti
from medres.io.privacy import key_is_kept
from medres.io.scan import find_series
from medres.io.series import Inventory, Series
from medres.volume import Volume

MOST_LISTED = 12  # keys named in a message
CHOOSE = "name one of the listed keys with --series"
KEYS_CHANGE = "no site key can be kept here, so keys hold for one run: name a key file with MEDRES_SITE_KEY"


def read(
    path: Path | str,
    *,
    series: str | None = None,
    modality: str | None = None,
    nifti_frame: str | None = None,
    allow_gaps: bool = False,
    resample_uneven: bool = False,
    frame: int | None = None,
    max_voxels: int = MAX_VOXELS,
) -> Volume:
    """Read the one Volume under a path.

    Args:
        path: a file or a folder.
        series: key of one series, as `medres inspect` shows it; None where there is only one.
        modality: DICOM's word for files that carry none.
        nifti_frame: "sform" or "qform" where a NIfTI file's two frames disagree.
        allow_gaps: fill missing slices by interpolation (marked not for clinical use).
        resample_uneven: bring uneven slices onto an even grid (marked not for clinical use).
        frame: which frame of a cine (multi-frame ultrasound, angiography) to read as a picture, from 1.
        max_voxels: most voxels of one volume.

    Returns:
        The Volume.

    Raises:
        IntakeError: `E_NOT_FOUND`, `E_EMPTY_FOLDER`, `E_SERIES_AMBIGUOUS` naming the keys, or the code of a series
            that is refused.
    """
    inventory = find_series(
        Path(path),
        headers_only=True,
        allow_gaps=allow_gaps,
        resample_uneven=resample_uneven,
        nifti_frame=nifti_frame,
        modality=modality,
        frame=frame,
        max_voxels=max_voxels,
    )
    key, index = split_key(series)
    chosen = choose(inventory, key)
    if index is not None and chosen.kind == "nifti":
        return read_nifti(chosen.paths[0], nifti_frame=nifti_frame, modality=modality, volume_index=index)
    return read_series(chosen, modality=modality, nifti_frame=nifti_frame)


def split_key(key: str | None) -> tuple[str | None, int | None]:
    """Part the key of one volume of a 4-D NIfTI file from the volume's number.

    Args:
        key: as given with `--series`; None where there is only one.

    Returns:
        (key of the file, volume from 0), the latter None where no volume is named.

    Example:
        >>> split_key("nifti-a66cf7@3"), split_key("e837fb1b1894")
        (('nifti-a66cf7', 3), ('e837fb1b1894', None))
    """
    name, _, number = (key or "").rpartition("@")
    return (name, int(number)) if name and number.isascii() and number.isdigit() else (key, None)


def choose(inventory: Inventory, key: str | None) -> Series:
    """Choose one series.

    Args:
        inventory: of a path.
        key: which one; None takes the only one.

    Returns:
        The Series, whatever its verdict.

    Raises:
        IntakeError: `E_EMPTY_FOLDER`, `E_SERIES_AMBIGUOUS`, or `E_NOT_FOUND` where no series has this key.
    """
    found = inventory.series
    if not found and len(inventory.skipped) == 1:
        skipped = inventory.skipped[0]
        code = skipped.code if skipped.code.startswith("E_") else "E_NOT_DICOM"
        raise IntakeError(code, f"the file is no scan: {skipped.reason}")
    if not found:
        raise IntakeError(
            "E_EMPTY_FOLDER", f"the path must hold a scan, it holds none in {len(inventory.skipped)} files"
        )
    if key is not None:
        found = tuple(one for one in found if one.key == key)
        if not found:
            what = f"no series has the key that was given; there are {_keys(inventory.series)}"
            raise IntakeError("E_NOT_FOUND", what, CHOOSE if key_is_kept() else KEYS_CHANGE)
    if len(found) > 1:
        raise IntakeError("E_SERIES_AMBIGUOUS", f"one volume must be asked for, there are {_keys(found)}")
    return found[0]


def _keys(series: tuple[Series, ...]) -> str:
    """Name keys, the first few."""
    listed = ", ".join(f"{one.key} ({one.modality or one.kind})" for one in series[:MOST_LISTED])
    return f"{len(series)}: {listed}" + (", ..." if len(series) > MOST_LISTED else "")


def read_series(series: Series, *, modality: str | None = None, nifti_frame: str | None = None) -> Volume:
    """Read one Series that `find_series` found.

    Args:
        series: which one.
        modality: DICOM's word for files that carry none.
        nifti_frame: "sform" or "qform" where a NIfTI file's two frames disagree.

    Returns:
        The Volume.

    Raises:
        IntakeError: its own code where it was refused, or what its pixels refuse.
    """
    word = modality or series.modality or None
    if series.verdict == "refused" or series.kind == "dicom":
        return dicom.read_series(series, modality=word)
    if series.kind == "nifti":
        return read_nifti(series.paths[0], nifti_frame=nifti_frame, modality=word)
    return read_image(series.paths[0], modality=word)


def read_volumes(
    series: Series, *, modality: str | None = None, nifti_frame: str | None = None
) -> Iterator[tuple[str, Volume]]:
    """Read every Volume of one Series: of a 4-D NIfTI file each in turn, of all else the one.

    Args:
        series: which one.
        modality: as for `read_series`.
        nifti_frame: as for `read_series`.

    Yields:
        (key, as `read` takes it; the Volume).

    Raises:
        IntakeError: as `read_series`.
    """
    count = count_volumes(series.paths[0], nifti_frame) if series.kind == "nifti" else 1
    if count == 1:
        yield series.key, read_series(series, modality=modality, nifti_frame=nifti_frame)
        return
    for index in range(count):
        volume = read_nifti(series.paths[0], nifti_frame=nifti_frame, modality=modality, volume_index=index)
        yield f"{series.key}@{index}", volume
