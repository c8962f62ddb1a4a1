"""medres convert: one series -> NIfTI, HU for CT, exact affine; or every series of a folder, each under its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medres.errors import CODES, IntakeError, StoreError
from medres.io import Series, find_series, read
from medres.io.nifti_writing import write_volume
from medres.io.privacy import silence_pydicom
from medres.io.reading import read_volumes
from medres.volume import Volume
from pipelines.console import EXIT_OK, EXIT_SOME_REFUSED, err, progress, say, say_error


def run(
    path: Path,
    out: Path,
    series: str | None,
    nifti_frame: str | None,
    allow_gaps: bool,
    resample_uneven: bool,
    frame: int | None = None,
) -> int:
    """Write one series as NIfTI, or all into a folder; exit status 0, or 3 where a scan is refused."""
    silence_pydicom()
    options: dict[str, Any] = {
        "nifti_frame": nifti_frame,
        "allow_gaps": allow_gaps,
        "resample_uneven": resample_uneven,
        "frame": frame,
    }
    into_folder = _is_folder(out)
    if into_folder and series is None:
        return convert_all(path, out, **options)
    try:
        volume = read(path, series=series, **options)
        write_volume(volume, out / f"{series}.nii.gz" if into_folder else out)
    except IntakeError as error:
        if error.code == "E_NOT_FOUND":
            raise
        say_error(error)
        return EXIT_SOME_REFUSED
    for code in volume.codes:
        err.print(f"{code}: {CODES[code].arises}{_to_do(code)}", markup=False)
    say(f"{_describe(volume)}, written")
    return EXIT_OK


def _is_folder(out: Path) -> bool:
    """Tell whether volumes go into a folder; one whose name has no ending is made."""
    if not out.exists() and not out.suffix:
        try:
            out.mkdir()
        except OSError as fault:
            what = f"the folder for the volumes must be one that can be made ({fault.strerror})"
            raise StoreError("E_WRITE", what) from None
    return out.is_dir() and not out.name.endswith((".nii", ".nii.gz"))


def convert_all(path: Path, folder: Path, *, nifti_frame: str | None, **options: Any) -> int:
    """Write every volume under a path as KEY.nii.gz; exit status 0, or 3 where a series was refused."""
    found = find_series(path, headers_only=True, nifti_frame=nifti_frame, **options).series
    faults: list[tuple[Series, IntakeError]] = []
    with progress("convert", len(found)) as advance:
        for number, one in enumerate(found, 1):
            try:
                _write_volumes(one, folder, nifti_frame)
            except IntakeError as fault:
                faults.append((one, fault))
            advance(number)
    for one, error in faults:
        err.print(f"{one.key}: {error}", markup=False)
    say(f"{len(found) - len(faults)} of {len(found)} series written, {len(faults)} refused")
    return EXIT_SOME_REFUSED if faults or not found else EXIT_OK


def _write_volumes(series: Series, folder: Path, nifti_frame: str | None) -> None:
    """Write the volume of a series, or each of a 4-D file."""
    for key, volume in read_volumes(series, nifti_frame=nifti_frame):
        write_volume(volume, folder / f"{key}.nii.gz")
        codes = f" ({', '.join(volume.codes)})" if volume.codes else ""
        say(f"{key}.nii.gz: {_describe(volume)}{codes}")


def _describe(volume: Volume) -> str:
    """Say shape, spacing and sides of a Volume."""
    spacing = " × ".join(f"{s:.3g}" for s in volume.spacing_mm)
    size = f"voxels of {spacing} mm" if volume.spacing_known else "voxels of unknown size"
    return f"{' × '.join(map(str, volume.shape))} {size}, {volume.orientation}"


def _to_do(code: str) -> str:
    """Say what to do about a warning, where anything is to be done."""
    cure = CODES[code].cure
    return "" if cure == "nothing" else f" - {cure.removeprefix('nothing; ')}"
