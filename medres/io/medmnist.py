"""A MedMNIST `.npz` file -> its parts (train, val, test), and each of its scans as a Volume with its label.

Knows MedMNIST's keys; knows no manifest and no network. The file is a zip of arrays: sizes are checked before memory is
taken and nothing in it is unpickled.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from medres.errors import IntakeError
from medres.io.digest import content_digest
from medres.volume import Origin, Volume

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
MAX_BYTES = 2**33  # of one array
COLOURS = 3


@dataclass(frozen=True, eq=False)
class MedMnistPart:
    """One part of a MedMNIST file.

    Attributes:
        name: "train", "val" or "test".
        images: (n, rows, columns), (n, rows, columns, 3) or (n, i, j, k), as stored.
        labels: (n, l) whole numbers; l is 1 for one label a scan.
    """

    name: Part
    images: NDArray[Any]
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def is_colour(self) -> bool:
        """Whether these are 2D colour pictures."""
        return self.images.ndim == 4 and self.images.shape[3] == COLOURS

    @property
    def spatial_dims(self) -> Literal[2, 3]:
        """2 for pictures, 3 for volumes."""
        return 3 if self.images.ndim == 4 and not self.is_colour else 2


def read_medmnist(path: Path, part: Part) -> MedMnistPart:
    """Read one part of a MedMNIST file.

    Args:
        path: `.npz` file with `train_images`, `train_labels`, `val_images`, ...
        part: "train", "val" or "test".

    Returns:
        Images and labels of that part.

    Raises:
        IntakeError: `E_UNSUPPORTED` where it is no MedMNIST file, `E_SIZE_LIMIT`, `E_TRUNCATED`, `E_NOT_FOUND`.

    Source:
        Yang et al., MedMNIST v2, Scientific Data 2023.
    """
    if part not in PARTS:
        raise IntakeError("E_UNSUPPORTED", f"a part must be train, val or test, got {part!r}", "name one of the three")
    if not path.is_file():
        raise IntakeError("E_NOT_FOUND", "no file is at this place")
    try:
        with zipfile.ZipFile(path) as archive:
            images, labels = (_read_array(archive, f"{part}_{kind}") for kind in ("images", "labels"))
    except IntakeError:
        raise
    except zipfile.BadZipFile:
        raise IntakeError("E_TRUNCATED", "the .npz must be a whole zip archive, got a damaged or other file") from None
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError) as error:  # zlib.error is handled inside
        raise IntakeError("E_UNREADABLE", f"the arrays cannot be read ({type(error).__name__})") from None
    return _checked(part, images, labels)


def medmnist_volumes(part: MedMnistPart, *, modality: str | None = None) -> Iterator[tuple[Volume, tuple[int, ...]]]:
    """Give the scans of a part one by one.

    Args:
        part: images and labels.
        modality: DICOM's word, which MedMNIST does not carry; None leaves it "".

    Yields:
        (Volume, labels). The sides and the spacing are not known: frame "detector", `W_SPACING_UNKNOWN`. Pictures have
        i along columns, j along rows, k = 1; volumes keep their axes.
    """
    for image, label in zip(part.images, part.labels, strict=True):
        yield _volume(image, part, (modality or "").upper()), tuple(int(n) for n in label)


def medmnist_volume(part: MedMnistPart, index: int, *, modality: str | None = None) -> tuple[Volume, tuple[int, ...]]:
    """Give one scan of a part, by its place from 0; see `medmnist_volumes`.

    Args:
        part: images and labels.
        index: 0 to n - 1.
        modality: DICOM's word, or None.

    Returns:
        (Volume, labels).
    """
    return _volume(part.images[index], part, (modality or "").upper()), tuple(int(n) for n in part.labels[index])


def _volume(image: NDArray[Any], part: MedMnistPart, modality: str) -> Volume:
    voxels = image if part.spatial_dims == 3 else image.swapaxes(0, 1)[:, :, np.newaxis]  # (i, j, k) or (i, j, 1[, 3])
    return Volume(
        voxels=voxels,
        affine=np.eye(4),
        modality=modality,
        frame="detector",
        spacing_known=False,
        codes=("W_SPACING_UNKNOWN",),
        origin=Origin(content_digest=content_digest(voxels, np.eye(4), modality)),
    )


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read one array, its header first: type and size must be plain and within the limit."""
    try:
        entry = archive.getinfo(f"{name}.npy")
    except KeyError:
        what = f"a MedMNIST file must hold {name}, got {len(archive.namelist())} other arrays"
        raise IntakeError("E_UNSUPPORTED", what, "use a .npz file of MedMNIST") from None
    with archive.open(entry) as stream:
        shape, column_order, dtype = _read_npy_header(stream)
        if dtype.kind not in "uif" or column_order:
            raise IntakeError("E_UNSUPPORTED", f"{name} must be plain numbers in C order, got {dtype}", "save it again")
        size = math.prod(shape) * dtype.itemsize
        if size > MAX_BYTES:
            raise IntakeError("E_SIZE_LIMIT", f"{name} must be at most {MAX_BYTES} bytes, got {size}")
        if size > entry.file_size:
            raise IntakeError("E_TRUNCATED", f"{name} must be {size} bytes, got {entry.file_size}")
        return _fill(stream, shape, dtype, name)


def _read_npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    reader = npy.read_array_header_1_0 if npy.read_magic(stream) == (1, 0) else npy.read_array_header_2_0
    shape, column_order, dtype = reader(stream)
    return tuple(int(n) for n in shape), bool(column_order), np.dtype(dtype)


def _fill(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    array = np.empty(shape, dtype)
    target = memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    done = 0
    while done < len(target):
        piece = stream.read(min(1 << 20, len(target) - done))
        if not piece:
            raise IntakeError("E_TRUNCATED", f"{name} must be {len(target)} bytes, got {done}")
        target[done : done + len(piece)] = piece
        done += len(piece)
    return array


def _checked(part: Part, images: NDArray[Any], labels: NDArray[Any]) -> MedMnistPart:
    if images.ndim not in (3, 4) or min(images.shape) < 1:
        raise IntakeError("E_UNSUPPORTED", f"images must have 3 or 4 axes, got shape {images.shape}", "see MedMNIST v2")
    labels = labels[:, np.newaxis] if labels.ndim == 1 else labels
    if labels.ndim != 2 or len(labels) != len(images) or labels.dtype.kind not in "ui":
        what = (
            f"{len(images)} images must have one row of whole labels each, got {labels.dtype} of shape {labels.shape}"
        )
        raise IntakeError("E_UNSUPPORTED", what, "use the file as MedMNIST publishes it")
    return MedMnistPart(part, images, labels)
