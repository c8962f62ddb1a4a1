"""A folder with one DICOM series -> its volume, by medres and by each peer; the slowest part of every comparison.

Each reader returns the bytes of the float32 volume. Imports stand in the readers, so that a worker loads only its own.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path


def read_medres(folder: Path) -> int:
    """Ours: find, check everything, read."""
    import medres

    return int(medres.read(folder).voxels.size) * 4


def read_dcm2niix(folder: Path) -> int:
    """Convert to uncompressed NIfTI in memory-backed storage."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as out:
        subprocess.run(["dcm2niix", "-z", "n", "-b", "n", "-o", out, folder], check=True, capture_output=True)
        sizes = [path.stat().st_size for path in Path(out).glob("*.nii")]
    if not sizes:
        raise RuntimeError("dcm2niix wrote nothing")
    return max(sizes) * 2


def read_simpleitk(folder: Path) -> int:
    """Find the series with GDCM and read it."""
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return int(sitk.GetArrayViewFromImage(reader.Execute()).size) * 4


def read_monai_itk(folder: Path) -> int:
    """MONAI over ITK."""
    from monai.transforms import LoadImage

    return int(LoadImage(reader="ITKReader", image_only=True)(str(folder)).numel()) * 4


def read_monai_pydicom(folder: Path) -> int:
    """MONAI over pydicom."""
    from monai.transforms import LoadImage

    return int(LoadImage(reader="PydicomReader", image_only=True)(str(folder)).numel()) * 4


def read_pydicom(folder: Path) -> int:
    """What most people write: read, sort, rescale, stack."""
    import numpy as np
    import pydicom

    slices = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    slices.sort(key=lambda s: float(s.ImagePositionPatient[2]))
    planes = [
        s.pixel_array * np.float32(s.get("RescaleSlope", 1)) + np.float32(s.get("RescaleIntercept", 0)) for s in slices
    ]
    return int(np.stack(planes).size) * 4


def read_highdicom(folder: Path) -> int:
    """Build the volume of a series with highdicom."""
    import highdicom
    import pydicom

    series = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    return int(highdicom.get_volume_from_series(series).array.size) * 4


READERS: dict[str, Callable[[Path], int]] = {
    "medres": read_medres,
    "dcm2niix": read_dcm2niix,
    "SimpleITK": read_simpleitk,
    "MONAI ITKReader": read_monai_itk,
    "MONAI PydicomReader": read_monai_pydicom,
    "pydicom": read_pydicom,
    "highdicom": read_highdicom,
}
