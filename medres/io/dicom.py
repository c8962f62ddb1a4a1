"""DICOM groups -> Series with a verdict, and a Series -> its Volume.

Ties headers (`checks`), pixels (`stack`) and geometry (`grid`) together; knows no folder and no network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.errors import IntakeError, describe
from medres.io.checks import Options, Plan, build_plan
from medres.io.colour import read_colour
from medres.io.digest import content_digest
from medres.io.grouping import Group
from medres.io.instance import Facts, Slice
from medres.io.privacy import SiteKey, load_site_key, patient_key, pseudonym
from medres.io.rescale import inverts, linear, read_lut
from medres.io.series import Series
from medres.io.stack import Stack, read_stack
from medres.volume import Display, Origin, Volume

KEY_DIGITS = 12
DECIDING_WARNINGS_FIRST = ("W_GAPS_FILLED", "W_UNEVEN_RESAMPLED")


@dataclass(frozen=True, eq=False)
class DicomSeries(Series):
    """A Series that remembers what its headers said, so that they are read once.

    Attributes:
        plan: how it becomes a Volume; None when refused.
        dropped: slices that were left out, with the code that says why.
    """

    plan: Plan | None = None
    dropped: tuple[tuple[Slice, str], ...] = ()


@lru_cache(maxsize=1)
def _site_key() -> SiteKey:
    """Read the site's key once."""
    return load_site_key()


def series_key(name: Iterable[str]) -> str:
    """Make the key that `medres inspect` shows, free of identifiers and the same at every run.

    Args:
        name: what tells a group from all others.

    Returns:
        12 hex digits.
    """
    return pseudonym(_site_key(), "series|" + "|".join(name))[:KEY_DIGITS]


def inspect_group(group: Group, *, headers_only: bool, options: Options, modality: str | None = None) -> DicomSeries:
    """Judge a group; a fault becomes a verdict, never an exception.

    Args:
        group: slices that may become one Volume.
        headers_only: do not read pixels.
        options: what the caller allows.
        modality: stands in where the header has none.

    Returns:
        The Series.
    """
    try:
        plan = build_plan(group, options)
        codes = plan.codes if headers_only else check_pixels(plan)
    except IntakeError as fault:
        return _refused(group, fault, headers_only, modality)
    facts, grid = plan.facts, plan.grid
    shape = (facts.columns, facts.rows, grid.count)
    if headers_only and plan.twins:
        codes = (*codes, "W_DUPLICATE")
    return DicomSeries(
        key=series_key(group.name),
        kind="dicom",
        verdict="warned" if codes else "ok",
        codes=codes,
        message=say(codes, plan.notes),
        modality=facts.modality or (modality or "").upper(),
        shape=shape,
        spacing_mm=tuple(float(s) for s in geometry.spacing_mm(grid.affine)) if plan.spacing_known else None,  # type: ignore[arg-type]
        orientation="detector" if group.is_picture else geometry.orientation_codes(grid.affine),
        affine=grid.affine,
        paths=_paths(plan.planes),
        checked="headers" if headers_only else "pixels",
        plan=plan,
        dropped=_dropped(group, plan),
    )


def _refused(group: Group, fault: IntakeError, headers_only: bool, modality: str | None) -> DicomSeries:
    """Make the row of a series that must not be read."""
    facts = group.planes[0].facts if group.planes else None
    word = facts.modality if facts else next((file.modality for file in group.broken), "")
    paths = [*(p.source.path for p in group.planes), *(file.source.path for file in group.broken)]
    scouts = [plane.source.path for plane in group.dropped]
    return DicomSeries(
        key=series_key(group.name),
        kind="dicom",
        verdict="refused",
        codes=(fault.code,),
        message=str(fault),
        modality=word or (modality or "").upper(),
        shape=(facts.columns, facts.rows, len(group.planes)) if facts and _one_size(group) else None,
        spacing_mm=None,
        orientation="",
        affine=None,
        paths=tuple(dict.fromkeys([*paths, *scouts])),
        checked="headers" if headers_only else "pixels",
    )


def _one_size(group: Group) -> bool:
    """Tell whether all planes have one size."""
    return len({(p.facts.rows, p.facts.columns) for p in group.planes}) == 1


def _paths(planes: Iterable[Slice]) -> tuple[Path, ...]:
    """List files in the order of their slices, each once."""
    return tuple(dict.fromkeys(plane.source.path for plane in planes))


def _dropped(group: Group, plan: Plan) -> tuple[tuple[Slice, str], ...]:
    """List slices that were left out."""
    twins = [(other, "W_DUPLICATE") for _, other in plan.twins]
    return (*twins, *((plane, "W_LOCALIZER_SKIPPED") for plane in group.dropped))


def say(codes: tuple[str, ...], notes: dict[str, float | str]) -> str:
    """Say warnings in one sentence, with their numbers.

    Args:
        codes: `W_...` codes.
        notes: numbers that they speak of.

    Returns:
        Text without identifiers; "" when there are no codes.

    Example:
        >>> say(("W_TILT",), {"tilt_degrees": 12.0})
        'the gantry was tilted: slices are sheared against each other (12 degrees)'
    """
    numbers = {
        "W_TILT": ("tilt_degrees", "{:g} degrees"),
        "W_LOSSY": ("lossy_ratio", "ratio {:g}"),
        "W_GAPS_FILLED": ("slices_filled", "{:g} slices"),
        "W_DUPLICATE": ("duplicates_dropped", "{:g} left out"),
        "W_LOCALIZER_SKIPPED": ("localizers_dropped", "{:g} left out"),
        "W_PADDING": ("padding_share", "{:.1%} of the voxels"),
    }
    parts = []
    for code in codes:
        name, form = numbers.get(code, ("", ""))
        parts.append(describe(code) + (f" ({form.format(notes[name])})" if name in notes else ""))
    return "; ".join(parts)


def check_pixels(plan: Plan) -> tuple[str, ...]:
    """Decode every plane and keep none.

    Args:
        plan: of a group.

    Returns:
        All codes, those that only pixels tell included.

    Raises:
        IntakeError: what the pixels refuse.
    """
    if plan.facts.samples == 3 or plan.facts.photometric == "PALETTE COLOR":
        read_colour(plan.planes[0])
        return plan.codes
    require_equal_twins(plan)
    return _with_seen(plan, read_stack(plan.planes, keep=False))


def require_equal_twins(plan: Plan) -> None:
    """Refuse planes at one place that differ.

    Raises:
        IntakeError: `E_GEOM_DUPLICATE`.
    """
    different = 0
    for one, other in plan.twins:
        values = read_stack([one, other]).values
        assert values is not None  # kept by default
        different += not np.array_equal(values[0], values[1])
    if different:
        raise IntakeError(
            "E_GEOM_DUPLICATE", f"{different} of {len(plan.planes)} positions hold two slices with different pixels"
        )


def _with_seen(plan: Plan, stack: Stack) -> tuple[str, ...]:
    """Add what only pixels tell."""
    tests = {
        "W_DUPLICATE": bool(plan.twins),
        "W_PADDING": stack.seen.padded > 0,
        "W_OVERLAY_IN_PIXEL": stack.seen.overlay,
    }
    if stack.seen.padded:
        plan.notes["padding_share"] = stack.seen.padded / max(1, stack.seen.padded + stack.seen.count)
    return (*plan.codes, *(code for code, holds in tests.items() if holds))


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
    if plan.facts.samples == 3 or plan.facts.photometric == "PALETTE COLOR":
        voxels, padding, codes = read_colour(plan.planes[0]), None, plan.codes
    else:
        require_equal_twins(plan)
        stack = read_stack(plan.planes)
        codes = _with_seen(plan, stack)
        voxels, padding = _as_voxels(stack, plan)
    return _volume(plan, series, voxels, padding, word, tuple(dict.fromkeys((*codes, *series.codes))))


def _parts(series: Series) -> tuple[str, str | None]:
    """Take a refusal's message apart again."""
    text = series.message.removeprefix(f"{series.codes[0]}: ")
    what, _, cure = text.rpartition(" - ")
    return (what, cure) if what else (text, None)


def _as_voxels(stack: Stack, plan: Plan) -> tuple[NDArray, NDArray[np.bool_] | None]:
    """Turn (k, j, i) into (i, j, k) without a copy, and fill the grid where slices are missing or uneven."""
    values, padding = stack.values, stack.padding
    assert values is not None  # kept by default
    if not plan.grid.is_regular:
        values, padding = _fill_grid(values, padding, plan)
    return values.transpose(2, 1, 0), None if padding is None else padding.transpose(2, 1, 0)


def _fill_grid(
    values: NDArray, padding: NDArray[np.bool_] | None, plan: Plan
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Interpolate between the two slices around each place of the grid."""
    grid = plan.grid
    filled = np.empty((grid.count, *values.shape[1:]), np.float32)
    marks = None if padding is None else np.zeros(filled.shape, np.bool_)
    for k in range(grid.count):
        above = int(np.clip(np.searchsorted(grid.places, k), 1, len(grid.places) - 1))
        low, high = grid.places[above - 1], grid.places[above]
        share = np.float32(min(1.0, max(0.0, (k - low) / (high - low))))
        filled[k] = values[above - 1] * (1 - share) + values[above] * share
        if marks is not None and padding is not None:
            marks[k] = (padding[above - 1] & (share < 1)) | (padding[above] & (share > 0))
    return filled, marks


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
        unit="HU" if modality == "CT" and not is_picture else (facts.units or "1"),
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
    """Read the VOI lookup table as values and greys in [0, 1]."""
    if plane.voi is None:
        return None
    first, table = read_lut(plane.voi, plane.facts)
    values = (first + np.arange(len(table))).astype(np.float32)
    greys = table / max(1.0, float(table.max()))
    if turned:
        values, greys = (np.float32(_mirror(plane)) - values)[::-1], 1.0 - greys[::-1]
    return np.stack([values, greys]).astype(np.float32)


def with_key(series: Series, key: str) -> Series:
    """Copy a series under another key."""
    return replace(series, key=key)
