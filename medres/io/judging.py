"""DICOM groups -> Series with a verdict: by their headers, and by their pixels where these are asked for.

A fault becomes a verdict here and never an exception; knows no folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from medres import geometry
from medres.errors import IntakeError, describe
from medres.io.colour import read_colour
from medres.io.grouping import Group, is_picture
from medres.io.instance import Facts, Slice
from medres.io.plan import Options, Plan, build_plan, unit_of
from medres.io.privacy import pseudonym, reading_key
from medres.io.rescale import Tally
from medres.io.series import Series
from medres.io.stack import Stack, read_stack

KEY_DIGITS = 12


@dataclass(frozen=True, eq=False)
class DicomSeries(Series):
    """A Series that remembers what its headers said, so that they are read once.

    Attributes:
        plan: how it becomes a Volume; None when refused.
        dropped: slices that were left out, with the code that says why.
    """

    plan: Plan | None = None
    dropped: tuple[tuple[Slice, str], ...] = ()


def series_key(name: Iterable[str]) -> str:
    """Make the key that `medres inspect` shows, free of identifiers and the same at every run.

    Args:
        name: what tells a group from all others.

    Returns:
        12 hex digits.
    """
    return pseudonym(reading_key(), "series|" + "|".join(name))[:KEY_DIGITS]


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
        plan = plan if headers_only else check_pixels(plan)
    except IntakeError as fault:
        return _refused(group, fault, headers_only, modality)
    facts, grid = plan.facts, plan.grid
    shape = (facts.columns, facts.rows, grid.count)
    codes = (*plan.codes, "W_DUPLICATE") if headers_only and plan.twins else plan.codes
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
        unit=unit_of(facts, group.is_picture),
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


def check_pixels(plan: Plan) -> Plan:
    """Decode every plane and keep none.

    Args:
        plan: of a group.

    Returns:
        The Plan with the codes that only pixels tell.

    Raises:
        IntakeError: what the pixels refuse.
    """
    require_equal_twins(plan)
    if is_colour(plan.facts):
        read_colour(plan.planes[0])
        return with_seen(plan, Stack(None, None, Tally()))
    return with_seen(plan, read_stack(plan.planes, keep=False))


def is_colour(facts: Facts) -> bool:
    """Tell whether a picture is read as red, green and blue."""
    return facts.samples == 3 or facts.photometric == "PALETTE COLOR"


def require_equal_twins(plan: Plan) -> None:
    """Refuse planes at one place that differ.

    Raises:
        IntakeError: `E_GEOM_DUPLICATE`.
    """
    different = 0
    for one, other in () if is_picture(plan.facts) else plan.twins:  # copies of a picture are known to be equal
        values = read_stack([one, other]).values
        assert values is not None  # kept by default
        different += not np.array_equal(values[0], values[1])
    if different:
        raise IntakeError(
            "E_GEOM_DUPLICATE", f"{different} of {len(plan.planes)} positions hold two slices with different pixels"
        )


def with_seen(plan: Plan, stack: Stack) -> Plan:
    """Add what only pixels tell.

    Args:
        plan: of a group.
        stack: its planes, read.

    Returns:
        A Plan with more codes and notes.
    """
    seen = stack.seen
    tests = {
        "W_DUPLICATE": bool(plan.twins),
        "W_PADDING": seen.padded > 0,
        "W_OVERLAY_IN_PIXEL": seen.overlay,
    }
    more = [code for code, holds in tests.items() if holds and code not in plan.codes]
    notes = {"padding_share": seen.padded / (seen.padded + seen.count)} if seen.padded else {}
    return replace(plan, codes=(*plan.codes, *more), notes={**plan.notes, **notes})
