"""NRRD against SimpleITK's writer, and damaged or strange files refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (its own name for itself)

from medres.datasets.nrrd import read_nrrd
from medres.errors import DatasetError

VOXELS = (np.arange(4 * 3 * 2).reshape(4, 3, 2) % 5).astype(np.uint8)  # (i, j, k)


def write(path: Path, compressed: bool) -> Path:
    image = sitk.GetImageFromArray(VOXELS.transpose(2, 1, 0))
    image.SetSpacing((0.5, 0.7, 3.0))
    image.SetOrigin((10.0, -20.0, 5.0))
    image.SetDirection((0, 1, 0, 1, 0, 0, 0, 0, -1))
    sitk.WriteImage(image, str(path), compressed)
    return path


@pytest.mark.parametrize("compressed", [False, True])
def test_voxels_and_places_as_simpleitk_wrote_them(tmp_path: Path, compressed: bool) -> None:
    voxels, affine = read_nrrd(write(tmp_path / "m.nrrd", compressed))
    assert np.array_equal(voxels, VOXELS)
    image = sitk.ReadImage(str(tmp_path / "m.nrrd"))
    lps = np.array(image.TransformIndexToPhysicalPoint((3, 2, 1)))
    assert np.allclose((affine @ [3, 2, 1, 1])[:3], lps * [-1, -1, 1])


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b[: len(b) - 5],
        lambda b: b.replace(b"encoding: raw", b"encoding: bzip2"),
        lambda b: b.replace(b"sizes: 4 3 2", b"sizes: 4 3"),
        lambda b: b.replace(b"space: left-posterior-superior", b"content: nothing"),
        lambda b: b"NRRD0004\nno end",
        lambda b: b.replace(b"encoding: raw", b"encoding: raw\nbyte skip: 4"),
    ],
)
def test_refuse_what_cannot_be_trusted(tmp_path: Path, change: object) -> None:
    path = write(tmp_path / "m.nrrd", compressed=False)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DatasetError, match="E_MASK"):
        read_nrrd(path)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_first_empty_line_ends_the_header_whatever_the_data_hold(tmp_path: Path, end: bytes) -> None:
    head, _, data = write(tmp_path / "m.nrrd", compressed=False).read_bytes().partition(b"\n\n")
    data = b"\r\n\r\n\n\n" + data[6:]
    (tmp_path / "m.nrrd").write_bytes(head.replace(b"\n", end) + end + end + data)
    assert read_nrrd(tmp_path / "m.nrrd")[0].tobytes(order="F") == data


def test_refuse_damaged_compression(tmp_path: Path) -> None:
    path = write(tmp_path / "m.nrrd", compressed=True)
    head, _, _ = path.read_bytes().partition(b"\n\n")
    path.write_bytes(head + b"\n\nnot gzip")
    with pytest.raises(DatasetError, match="E_MASK"):
        read_nrrd(path)
