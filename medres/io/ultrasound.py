"""The calibrated regions of an ultrasound picture -> the one spacing that they agree on, or none.

Knows the region elements only; whether a picture takes its spacing from here is decided in `medres.io.facts`.
"""

from __future__ import annotations

import math
import struct

from medres.io.elements import Encoding, split_items

REGIONS = 0x00186011  # SequenceOfUltrasoundRegions
FORMAT, UNIT_X, UNIT_Y, DELTA_X, DELTA_Y = 0x00186012, 0x00186024, 0x00186026, 0x0018602C, 0x0018602E
PLANE = 1  # RegionSpatialFormat: 2D; M-mode, Doppler spectrum and graphs have other axes
CENTIMETRE = 3  # PhysicalUnits
MM_PER_CM = 10.0
SAME_SPACING = 1e-3  # share by which regions may differ


def region_spacing(value: bytes, encoding: Encoding) -> tuple[float, float] | None:
    """Read the spacing of an ultrasound picture.

    Args:
        value: bytes of SequenceOfUltrasoundRegions.
        encoding: how they are written.

    Returns:
        (between rows, between columns), mm, where every 2D region is in centimetres and they agree; None where there is
        no such region, where one is uncalibrated, or where two have different scales.

    Raises:
        IntakeError: `E_NOT_DICOM` or `E_TRUNCATED` where the sequence is damaged.

    Source:
        PS3.3 C.8.5.5.
    """
    wanted = frozenset({FORMAT, UNIT_X, UNIT_Y, DELTA_X, DELTA_Y})
    regions = split_items(value, encoding, wanted)
    planes = [region for region in regions if _short(region.get(FORMAT), encoding) == PLANE]
    found = [_spacing(region, encoding) for region in planes]
    first = found[0] if found else None
    if first is None or any(one is None or not _agree(one, first) for one in found):
        return None
    return first


def _spacing(region: dict[int, bytes], encoding: Encoding) -> tuple[float, float] | None:
    """Read one region; the sign of a delta only says which way its axis points."""
    units = (_short(region.get(UNIT_X), encoding), _short(region.get(UNIT_Y), encoding))
    deltas = (_double(region.get(DELTA_Y), encoding), _double(region.get(DELTA_X), encoding))
    if units != (CENTIMETRE, CENTIMETRE) or not all(math.isfinite(delta) and delta for delta in deltas):
        return None
    return abs(deltas[0]) * MM_PER_CM, abs(deltas[1]) * MM_PER_CM


def _agree(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(abs(a - b) <= SAME_SPACING * b for a, b in zip(one, other, strict=True))


def _short(raw: bytes | None, encoding: Encoding) -> int:
    return int(struct.unpack(encoding.order + "H", raw)[0]) if raw is not None and len(raw) == 2 else 0


def _double(raw: bytes | None, encoding: Encoding) -> float:
    return float(struct.unpack(encoding.order + "d", raw)[0]) if raw is not None and len(raw) == 8 else 0.0
