"""A colour picture inside DICOM -> red, green and blue samples.

pydicom converts YBR and palettes, as the standard describes; its warnings quote header values and are kept quiet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels import apply_color_lut, pixel_array

from medres.errors import IntakeError
from medres.io.decoders import RLE
from medres.io.instance import Slice
from medres.io.pixels import PixelFile
from medres.io.privacy import quiet_pydicom


def read_colour(plane: Slice) -> NDArray[Any]:
    """Read one colour picture.

    Args:
        plane: with three samples per pixel, or a palette.

    Returns:
        (i, j, 1, 3), red, green and blue as stored.

    Raises:
        IntakeError: `E_TRUNCATED` where it cannot be decoded; `E_INPUT_CHANGED`.
    """
    with PixelFile(plane), quiet_pydicom():
        try:
            samples = _decode(plane)
        except MemoryError:
            raise
        except Exception:  # pydicom and its plugins raise many kinds, and quote header values
            raise IntakeError("E_TRUNCATED", "the colour pixels are cut short or damaged") from None
    return np.ascontiguousarray(samples.transpose(1, 0, 2))[:, :, None, :]  # (i, j, 1, 3)


def _decode(plane: Slice) -> NDArray[Any]:
    """Let pydicom decode and convert to RGB: (rows, columns, 3)."""
    dataset = pydicom.dcmread(plane.source.path, force=True)
    # the Rust decoder of run lengths panics on damaged streams with an exception that no handler should catch
    samples = pixel_array(dataset, decoding_plugin="pydicom" if plane.facts.syntax == RLE else "")
    if plane.facts.photometric == "PALETTE COLOR":
        samples = apply_color_lut(samples, dataset)
    return samples
