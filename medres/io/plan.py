"""A Group -> its Plan: slices in order on a grid, with warnings; or the one fault that refuses it.

Headers only: what needs pixels is told by `medres.io.stack`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from medres.errors import IntakeError
from medres.io.checks import (
    refuse_cine,
    require_geometry,
    require_kind,
    require_one_matrix,
    require_one_patient,
    require_one_polarity,
    require_readable,
    require_rescale,
)
from medres.io.decoders import require_decoder
from medres.io.grid import (
    SAME_PLACE_MM,
    THICKNESS_SHARE,
    Grid,
    build_grid,
    distances_along,
    same_place_mm,
)
from medres.io.grouping import Group, is_picture
from medres.io.instance import Facts, Slice
from medres.io.limits import MAX_VOXELS, require_voxels
from medres.io.pixels import pointing_at, require_bytes, spare_bytes

PLAIN_HU = ("", "HU")  # RescaleType of CT; absent means HU
COLOURS = {"RGB": (), "PALETTE COLOR": ("W_PALETTE",)}


@dataclass(frozen=True)
class Options:
    """What the caller allows.

    Attributes:
        allow_gaps: fill missing slices by interpolation.
        resample_uneven: bring uneven slices onto an even grid.
        max_voxels: most voxels of one volume.
        frame: which frame of a cine to read as a picture, from 1 as DICOM counts; None refuses a cine.
    """

    allow_gaps: bool = False
    resample_uneven: bool = False
    max_voxels: int = MAX_VOXELS
    frame: int | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """How a group becomes one Volume.

    Attributes:
        planes: sorted along the normal, one for each place.
        grid: where they lie.
        twins: pairs of planes at one place; their pixels must be equal.
        codes: `W_...` codes that headers tell.
        notes: numbers that the codes speak of.
        spacing_known: False where no element gives it.
    """

    planes: tuple[Slice, ...]
    grid: Grid
    twins: tuple[tuple[Slice, Slice], ...] = ()
    codes: tuple[str, ...] = ()
    notes: dict[str, float | str] = field(default_factory=dict)
    spacing_known: bool = True

    @property
    def facts(self) -> Facts:
        """What the slices share."""
        return self.planes[0].facts


def build_plan(group: Group, options: Options | None = None) -> Plan:
    """Judge a group by its headers.

    Args:
        group: slices that may become one Volume.
        options: what the caller allows; None takes the defaults.

    Returns:
        The Plan.

    Raises:
        IntakeError: the code that decides.
    """
    options = options or Options()
    require_readable(group)
    require_one_patient(group)
    if group.is_picture or options.frame is not None:
        group = replace(group, planes=choose_frames(group.planes, options.frame))
    alone = len({plane.source.number for plane in group.planes}) == 1
    for plane in group.planes:
        require_decoder(plane.facts.syntax)
        with pointing_at(plane, alone):
            require_bytes(plane, options.max_voxels)
        require_kind(plane)
    return plan_picture(group.planes) if group.is_picture else plan_volume(group, options)


def choose_frames(planes: list[Slice], number: int | None) -> list[Slice]:
    """Take one frame of each file that holds several pictures; every other plane stays as it is.

    Args:
        planes: of any files.
        number: of the frame, from 1; None leaves cines to be refused.

    Returns:
        At most one plane of a file of pictures.

    Raises:
        IntakeError: `E_NOT_FOUND` where there is no such frame; `E_UNSUPPORTED` where one must be named.
    """
    chosen = [plane if number is None else choose_frame(plane, number) for plane in planes]
    described = [plane for plane in chosen if plane.facts.frames > 1 and not plane.is_cine and is_picture(plane.facts)]
    if number is None and described:
        raise refuse_cine(described[0].facts)
    return [plane for plane in chosen if plane not in described or plane.frame + 1 == number]


def choose_frame(plane: Slice, number: int) -> Slice:
    """Take one frame of a cine; every other plane stays as it is, one that a header describes as well.

    Args:
        plane: of any file.
        number: of the frame, from 1.

    Returns:
        The plane of that frame.

    Raises:
        IntakeError: `E_NOT_FOUND` where the cine has no such frame.
    """
    if not (plane.is_cine or (plane.facts.frames > 1 and is_picture(plane.facts))):
        return plane
    if not 1 <= number <= plane.facts.frames:
        what = f"the frame must be 1 to {plane.facts.frames}, got {number}"
        raise IntakeError("E_NOT_FOUND", what, "choose another with --frame")
    return replace(plane, frame=number - 1, is_cine=False) if plane.is_cine else plane


def plan_picture(planes: list[Slice]) -> Plan:
    """Judge a radiograph, ultrasound or secondary capture.

    Args:
        planes: the picture, and copies of it.

    Returns:
        A Plan with the detector's grid: right and down, mm.
    """
    plane, *copies = planes
    facts = plane.facts
    rows, columns = facts.spacing or (1.0, 1.0)
    affine = np.diag([columns, rows, 1.0, 1.0])
    codes = [*common_codes([plane]), *_colour_codes(facts)]
    if facts.spacing is None:
        codes.append("W_SPACING_UNKNOWN")
    elif facts.detector_spacing:
        codes.append("W_DETECTOR_SPACING")
    elif facts.region_spacing:
        codes.append("W_REGION_SPACING")
    grid = Grid(affine, 1.0, 0.0, np.zeros(1), 1)
    frame: dict[str, float | str] = {"frame": plane.frame + 1.0} if facts.frames > 1 else {}
    twins = [(plane, copy) for copy in copies]
    notes = _notes([plane]) | frame | _dropped_notes(twins, [])
    return Plan((plane,), grid, tuple(twins), tuple(codes), notes, facts.spacing is not None)


def _colour_codes(facts: Facts) -> tuple[str, ...]:
    """Warn of a colour conversion."""
    return ("W_YBR",) if facts.photometric.startswith("YBR") else COLOURS.get(facts.photometric, ())


def plan_volume(group: Group, options: Options) -> Plan:
    """Judge the slices of a volume.

    Args:
        group: slices with one orientation.
        options: what the caller allows.

    Returns:
        The Plan.

    Raises:
        IntakeError: `E_NO_RESCALE`, `E_NO_SPACING`, `E_NO_POSITION`, `E_GEOM_MATRIX`, `E_GEOM_DUPLICATE`,
            `E_GEOM_GAP`, `E_GEOM_UNEVEN`, `E_SIZE_LIMIT`.
    """
    require_rescale(group.planes)
    require_geometry(group.planes)
    require_one_matrix(group.planes)
    require_one_polarity(group.planes)
    planes, twins = drop_twins(sort_along_normal(group.planes))
    facts = planes[0].facts
    require_voxels((facts.columns, facts.rows, len(planes)), options.max_voxels)
    grid = build_grid(
        facts.orientation,  # type: ignore[arg-type]
        [p.position for p in planes],  # type: ignore[arg-type]
        facts.spacing,  # type: ignore[arg-type]
        thickness_mm=facts.thickness_mm,
        allow_gaps=options.allow_gaps,
        resample_uneven=options.resample_uneven,
    )
    require_voxels((facts.columns, facts.rows, grid.count), options.max_voxels)
    known = len(planes) > 1 or bool(facts.thickness_mm and facts.thickness_mm > 0)  # how thick one slice is
    codes = [*common_codes(planes), *_grid_codes(planes, grid), *(["W_LOCALIZER_SKIPPED"] if group.dropped else [])]
    codes += [] if known else ["W_SPACING_UNKNOWN"]
    notes = _notes(planes) | _grid_notes(grid, len(planes)) | _dropped_notes(twins, group.dropped)
    return Plan(tuple(planes), grid, tuple(twins), tuple(codes), notes, known)


def sort_along_normal(planes: list[Slice]) -> list[Slice]:
    """Sort by the distance along the normal; slices at one place by their identifier, for the same result always."""
    facts = planes[0].facts
    distances = distances_along(facts.orientation, [p.position for p in planes])  # type: ignore[arg-type]
    order = sorted(range(len(planes)), key=lambda n: (distances[n], planes[n].sop_uid, planes[n].source.number))
    return [planes[n] for n in order]


def drop_twins(planes: list[Slice]) -> tuple[list[Slice], list[tuple[Slice, Slice]]]:
    """Keep one slice for each place.

    Args:
        planes: sorted along the normal.

    Returns:
        (one plane for each place, pairs of kept and dropped planes).

    Raises:
        IntakeError: `E_GEOM_DUPLICATE` where all slices lie at one place.
    """
    orientation = planes[0].facts.orientation
    points = np.array([p.position for p in planes])
    distances = distances_along(orientation, points)  # type: ignore[arg-type]
    near = same_place_mm(distances)
    first = np.concatenate(([True], np.diff(distances) > near))
    places = np.cumsum(first) - 1
    if places[-1] == 0 and len(planes) > 1 and not _same_instance(planes):
        raise IntakeError("E_GEOM_DUPLICATE", f"slices must lie at different positions, all {len(planes)} lie at one")
    kept = [planes[n] for n in np.flatnonzero(first)]
    twins = [(kept[places[n]], planes[n]) for n in np.flatnonzero(~first)]
    for one, other in twins:
        if np.abs(np.subtract(one.position, other.position)).max() > SAME_PLACE_MM:  # type: ignore[arg-type]
            raise IntakeError("E_GEOM_DUPLICATE", "two slices lie in one plane, shifted sideways against each other")
    return kept, twins


def _same_instance(planes: list[Slice]) -> bool:
    """Tell whether all planes are copies of one instance."""
    return len({(p.sop_uid, p.frame) for p in planes}) == 1 and planes[0].sop_uid != ""


def common_codes(planes: list[Slice]) -> list[str]:
    """List warnings that hold for pictures and volumes."""
    facts = {id(p.facts): p.facts for p in planes}.values()
    empty = any(not (f.series_uid and f.study_uid and f.sop_class) for f in facts) or any(not p.sop_uid for p in planes)
    tests = {
        "W_MONO1": any(f.photometric == "MONOCHROME1" for f in facts),
        "W_MODALITY_LUT": any(p.lut is not None for p in planes),
        "W_EMPTY_UID": empty,
        "W_LOSSY": any(f.lossy for f in facts),
        "W_NO_PREAMBLE": any(f.no_preamble for f in facts),
        "W_BURNED_IN": any(f.burned_in for f in facts),
        "W_PIXEL_EXCESS": any(spare_bytes(p) for p in planes),
        "W_RESCALE_TYPE": any(f.modality == "CT" and f.rescale_type not in PLAIN_HU for f in facts),
    }
    return [code for code, holds in tests.items() if holds]


def _grid_codes(planes: list[Slice], grid: Grid) -> list[str]:
    """List warnings about the geometry."""
    thickness = planes[0].facts.thickness_mm
    unlike = thickness is not None and abs(thickness - grid.spacing_mm) > THICKNESS_SHARE * grid.spacing_mm
    whole = np.array_equal(grid.places, np.round(grid.places))
    tests = {
        "W_TILT": grid.tilt_degrees > 0,
        "W_THICKNESS": unlike and len(planes) > 1,
        "W_GAPS_FILLED": not grid.is_regular and whole,
        "W_UNEVEN_RESAMPLED": not grid.is_regular and not whole,
    }
    return [code for code, holds in tests.items() if holds]


def _notes(planes: list[Slice]) -> dict[str, float | str]:
    """Keep the compression ratio, the worst of all slices."""
    ratios = [p.facts.lossy_ratio for p in planes if p.facts.lossy and p.facts.lossy_ratio]
    return {"lossy_ratio": max(ratios)} if ratios else {}


def _grid_notes(grid: Grid, count: int) -> dict[str, float | str]:
    """Keep the tilt and what was filled in."""
    notes: dict[str, float | str] = {}
    if grid.tilt_degrees > 0:
        notes["tilt_degrees"] = round(grid.tilt_degrees, 3)
    if grid.count > count:
        notes["slices_filled"] = float(grid.count - count)
    return notes


def _dropped_notes(twins: list[tuple[Slice, Slice]], scouts: list[Slice]) -> dict[str, float | str]:
    """Keep how many slices were left out."""
    counts = {"duplicates_dropped": len(twins), "localizers_dropped": len(scouts)}
    return {name: float(count) for name, count in counts.items() if count}


def unit_of(facts: Facts, is_picture: bool) -> str:
    """Name the unit of a series' values.

    Args:
        facts: what its slices share.
        is_picture: it has no place in the patient.

    Returns:
        "HU" for CT, the header's Units for PET, else "1" (arbitrary).
    """
    return "HU" if facts.modality == "CT" and not is_picture else (facts.units or "1")
