"""A colour picture inside DICOM -> red, green and blue samples.

pydicom converts YBR and palettes, as the standard describes; its warnings quote header values and are kept quiet. What
it has no decoder for (lossless JPEG, HTJ2K), or one that hangs (JPEG-LS), is decoded as grey frames are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels import apply_color_lut, convert_color_space, pixel_array

from medres.errors import IntakeError
from medres.io.decoders import DECODERS, RLE
from medres.io.instance import Slice
from medres.io.pixels import PixelFile
from medres.io.privacy import quiet_pydicom

OURS = frozenset(f"1.2.840.10008.1.2.4.{tail}" for tail in ("57", "70", "80", "81", "201", "202", "203")) & frozenset(
    DECODERS
)
CONVERTED = ("YBR_RCT", "YBR_ICT")  # the decoder of JPEG 2000 gives RGB


def read_colour(plane: Slice) -> NDArray[Any]:
    """Read one colour picture.

    Args:
        plane: with three samples per pixel, or a palette.

    Returns:
        (i, j, 1, 3), red, green and blue as stored.

    Raises:
        IntakeError: `E_TRUNCATED` where it cannot be decoded; `E_INPUT_CHANGED`.
    """
    with PixelFile(plane) as file, quiet_pydicom():
        try:
            samples = _decode_ours(file, plane) if plane.facts.syntax in OURS else _decode(plane)
        except (MemoryError, IntakeError):
            raise
        except Exception:  # pydicom and its plugins raise many kinds, and quote header values
            raise IntakeError("E_TRUNCATED", "the colour pixels are cut short or damaged") from None
    return np.ascontiguousarray(samples.transpose(1, 0, 2))[:, :, None, :]  # (i, j, 1, 3)


def _decode(plane: Slice) -> NDArray[Any]:
    """Let pydicom decode and convert to RGB: (rows, columns, 3)."""
    dataset = pydicom.dcmread(plane.source.path, force=True)
    # the Rust decoder of run lengths panics on damaged streams with an exception that no handler should catch
    plugin = "pydicom" if plane.facts.syntax == RLE else ""
    samples = pixel_array(dataset, index=plane.frame, decoding_plugin=plugin)
    if plane.facts.photometric == "PALETTE COLOR":
        samples = apply_color_lut(samples, dataset)
    return samples


def _decode_ours(file: PixelFile, plane: Slice) -> NDArray[Any]:
    """Decode with the decoders of grey frames, then convert to RGB: (rows, columns, 3)."""
    facts = plane.facts
    colours = (3,) if facts.samples == 3 else ()
    samples = np.empty((facts.rows, facts.columns, *colours), f"u{facts.bits_allocated // 8}")
    file.read_into(plane, samples)
    if facts.photometric == "PALETTE COLOR":
        dataset = pydicom.dcmread(plane.source.path, force=True, stop_before_pixels=True)
        return apply_color_lut(samples, dataset)
    if facts.photometric.startswith("YBR") and facts.photometric not in CONVERTED:
        return convert_color_space(samples, facts.photometric, "RGB")
    return samples
