"""medres convert: one series -> NIfTI, HU for CT, exact affine."""

from __future__ import annotations

from pathlib import Path

from medres.errors import CODES, IntakeError
from medres.io import read
from medres.io.nifti_writing import write_volume
from medres.io.privacy import silence_pydicom
from pipelines.console import EXIT_OK, EXIT_SOME_REFUSED, err, say, say_error


def run(
    path: Path,
    out: Path,
    series: str | None,
    nifti_frame: str | None,
    allow_gaps: bool,
    resample_uneven: bool,
    frame: int | None = None,
) -> int:
    """Write one series as NIfTI; exit status 0, or 3 where the scan is refused."""
    silence_pydicom()
    try:
        volume = read(
            path,
            series=series,
            nifti_frame=nifti_frame,
            allow_gaps=allow_gaps,
            resample_uneven=resample_uneven,
            frame=frame,
        )
        write_volume(volume, out)
    except IntakeError as error:
        if error.code == "E_NOT_FOUND":
            raise
        say_error(error)
        return EXIT_SOME_REFUSED
    for code in volume.codes:
        err.print(f"{code}: {CODES[code].arises}{_to_do(code)}", markup=False)
    spacing = " × ".join(f"{s:.3g}" for s in volume.spacing_mm)
    size = f"voxels of {spacing} mm" if volume.spacing_known else "voxels of unknown size"
    say(f"{' × '.join(map(str, volume.shape))} {size}, {volume.orientation}, written")
    return EXIT_OK


def _to_do(code: str) -> str:
    """Say what to do about a warning, where anything is to be done."""
    cure = CODES[code].cure
    return "" if cure == "nothing" else f" - {cure.removeprefix('nothing; ')}"
