"""A DICOM Series -> its Volume.

Ties pixels (`stack`) and geometry (`grid`) together; what is judged is judged in `medres.io.judging`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medres.errors import IntakeError
from medres.io.bits import inverts
from medres.io.colour import read_colour
from medres.io.digest import content_digest
from medres.io.filling import fill_marks, fill_planes, planes_before
from medres.io.instance import Facts, Slice
from medres.io.judging import DicomSeries, is_colour, require_equal_twins, with_seen
from medres.io.pixels import PixelFile
from medres.io.plan import Plan, unit_of
from medres.io.privacy import patient_key
from medres.io.rescale import Tally, linear, read_lut
from medres.io.series import Series
from medres.io.stack import Stack, read_stack
from medres.volume import Display, Origin, Volume

VOI_TABLE = 0x00283010  # VOILUTSequence


def read_series(series: Series, *, modality: str | None = None) -> Volume:
    """Read the Volume of a DICOM series.

    Args:
        series: from `find_series`.
        modality: stands in where the header has none.

    Returns:
        Volume with voxels (i = columns, j = rows, k along the normal): int16 where the values are whole and fit,
        else float32; HU for CT.

    Raises:
        IntakeError: the series' own code where it was refused, or what its pixels refuse.

    Source:
        PS3.3 C.7.6.2 (geometry), C.11.1 (modality LUT), C.7.5.1.1.2 (padding).
    """
    if not isinstance(series, DicomSeries) or series.plan is None:
        what, cure = _parts(series)
        raise IntakeError(series.codes[0], what, cure)
    plan = series.plan
    word = plan.facts.modality or (modality or series.modality).upper()
    require_equal_twins(plan)
    if is_colour(plan.facts):
        plan = with_seen(plan, Stack(None, None, Tally()))
        voxels, padding = read_colour(plan.planes[0]), None
    else:
        stack = read_stack(plan.planes, before=None if plan.grid.is_regular else planes_before(plan.grid))
        plan = with_seen(plan, stack)
        voxels, padding = _as_voxels(stack, plan)
    return _volume(plan, series, voxels, padding, word, tuple(dict.fromkeys((*plan.codes, *series.codes))))


def _parts(series: Series) -> tuple[str, str | None]:
    """Take a refusal's message apart again."""
    text = series.message.removeprefix(f"{series.codes[0]}: ")
    what, _, cure = text.rpartition(" - ")
    return (what, cure) if what else (text, None)


def _as_voxels(stack: Stack, plan: Plan) -> tuple[NDArray, NDArray[np.bool_] | None]:
    """Turn (k, j, i) into (i, j, k) without a copy; fill the grid in place where slices are missing or uneven."""
    values, padding = stack.values, stack.padding
    assert values is not None  # kept by default
    if not plan.grid.is_regular:
        values = fill_planes(values, plan.grid)
        padding = None if padding is None else fill_marks(padding, plan.grid)
    return values.transpose(2, 1, 0), None if padding is None else padding.transpose(2, 1, 0)


def _volume(
    plan: Plan,
    series: Series,
    voxels: NDArray,
    padding: NDArray[np.bool_] | None,
    modality: str,
    codes: tuple[str, ...],
) -> Volume:
    """Put the Volume together."""
    facts = plan.facts
    is_picture = series.orientation == "detector"
    return Volume(
        voxels=voxels,
        affine=plan.grid.affine.copy(),
        modality=modality,
        unit=unit_of(replace(facts, modality=modality), is_picture),
        frame="detector" if is_picture else "patient",
        padding=padding,
        spacing_known=plan.spacing_known,
        codes=codes,
        display=_display(plan.planes[len(plan.planes) // 2]),
        origin=_origin(facts, series, content_digest(voxels, plan.grid.affine, modality)),
        notes=dict(plan.notes),
    )


def _origin(facts: Facts, series: Series, digest: str) -> Origin:
    """Say where a Volume came from, the patient by pseudonym."""
    patient = facts.patient[0] or facts.patient[1]
    return Origin(
        content_digest=digest,
        series_key=series.key,
        study_instance_uid=facts.study_uid,
        series_instance_uid=facts.series_uid,
        frame_of_reference_uid=facts.frame_uid,
        patient_key=patient_key(patient.decode("latin-1")),
        file_count=series.file_count,
    )


def _display(plane: Slice) -> Display:
    """Read how the file asks to be shown, carried over where the stored numbers were turned over."""
    turned = inverts(plane.facts)
    window = plane.window
    if window is not None and turned:
        window = (_mirror(plane) - window[0] + 1.0, window[1])
    return Display(
        window_center=window[0] if window else None,
        window_width=window[1] if window else None,
        inverted=plane.facts.photometric == "MONOCHROME1" and not turned,
        voi_lut=_voi_lut(plane, turned),
    )


def _mirror(plane: Slice) -> float:
    """Give the sum of a value and its mirror image, in the modality's unit."""
    slope, intercept = linear(plane)
    top = -1 if plane.facts.signed else (1 << plane.facts.bits_stored) - 1
    return slope * top + 2.0 * intercept


def _voi_lut(plane: Slice, turned: bool) -> NDArray[np.float32] | None:
    """Read the VOI lookup table as values and greys in [0, 1]; one that cannot be used is left out, values stay."""
    if not plane.has_voi:
        return None
    with PixelFile(plane) as file:
        content = file.read_element(VOI_TABLE)
    try:
        first, table = read_lut(content, plane.facts)
    except IntakeError:
        return None
    values = (first + np.arange(len(table))).astype(np.float32)
    greys = table / max(1.0, float(table.max()))
    if turned:
        values, greys = (np.float32(_mirror(plane)) - values)[::-1], 1.0 - greys[::-1]
    return np.stack([values, greys]).astype(np.float32)


def with_key(series: Series, key: str) -> Series:
    """Copy a series under another key."""
    return replace(series, key=key)
