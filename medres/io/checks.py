"""The rules that a DICOM series must keep, one function each: they pass, or refuse with the numbers.

Headers only. `medres.io.plan` calls them in the order in which they decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from medres.errors import IntakeError
from medres.io.grouping import VOLUME_MODALITIES, Group, is_picture
from medres.io.instance import Facts, Slice
from medres.io.values import refuse

MOST_NAMED = 4  # files that a message points at by number
GREYS = frozenset({"MONOCHROME1", "MONOCHROME2"})
SAME_SPACING = 1e-3  # share by which the pixel spacing of slices may differ
ONE_SAMPLE_COLOURS = frozenset({"PALETTE COLOR"})
# RescaleType of dual-energy and other maps (PS3.3 C.11.1.1.2): density, iodine, atomic number, electrons, percent
OTHER_THAN_HU = frozenset({"OD", "MGML", "Z_EFF", "ED", "EDW", "PCT"})


def require_readable(group: Group) -> None:
    """Refuse the whole series where one of its files cannot be read; a slice is never dropped for it."""
    if group.broken:
        codes = Counter(file.code for file in group.broken)
        first = min(group.broken, key=lambda file: (file.code, file.source.number))
        total = len({p.source.number for p in group.planes}) + len(group.broken)
        numbers = ", ".join(str(number) for number in sorted(f.source.number for f in group.broken)[:MOST_NAMED])
        more = ", ..." if len(group.broken) > MOST_NAMED else ""
        where = (
            f" (in {sum(codes.values())} of {total} files of the series, number {numbers}{more})" if total > 1 else ""
        )
        raise IntakeError(first.code, first.what + where)


def require_one_patient(group: Group) -> None:
    """Refuse a series that names two patients."""
    if group.patients > 1:
        raise IntakeError(
            "E_PATIENT_MIX",
            f"a series must belong to one patient, its {len(group.planes)} slices name {group.patients}",
        )


def require_kind(plane: Slice) -> None:
    """Refuse mosaics, cines and colour volumes."""
    facts = plane.facts
    if "MOSAIC" in facts.image_type:
        raise IntakeError("E_UNSUPPORTED", "a mosaic tiles a whole volume into one picture",
                          "export it as enhanced MR, or convert it with dcm2niix")  # fmt: skip
    if plane.is_cine:
        raise refuse_cine(facts)
    if (facts.samples != 1 or facts.photometric not in GREYS) and not is_picture(facts):
        raise IntakeError("E_COLOUR", f"a volume must be grey, got {facts.samples} samples of a colour picture")
    wanted = 3 if facts.photometric.startswith(("RGB", "YBR")) else 1
    if facts.photometric not in GREYS | ONE_SAMPLE_COLOURS and wanted == 1:
        raise IntakeError("E_COLOUR", "a picture must be grey, RGB, YBR or of a palette, it is of another kind")
    if facts.samples != wanted:
        refuse("SamplesPerPixel", f"{wanted}, as PhotometricInterpretation says", str(facts.samples))


def refuse_cine(facts: Facts) -> IntakeError:
    """Make the refusal of several frames in one file that its header does not place one by one."""
    choice = f"name one frame to read it as a picture, --frame 1 to {facts.frames}"
    if facts.modality == "NM":
        what = f"{facts.frames} frames of nuclear medicine lie where its frame vectors say, which are not read"
        return IntakeError("E_UNSUPPORTED", what, f"export single slices, or convert with dcm2niix; or {choice}")
    if facts.modality in VOLUME_MODALITIES:
        what = f"{facts.frames} frames stand in one file without functional groups that say where each lies"
        return IntakeError("E_UNSUPPORTED", what, "export single slices, or enhanced multi-frame")
    kind = "a slide" if facts.modality == "SM" else "a cine"
    return IntakeError("E_UNSUPPORTED", f"{kind} of {facts.frames} frames is no volume", choice)


def require_rescale(planes: Iterable[Slice]) -> None:
    """Refuse CT slices whose numbers cannot become HU."""
    planes = list(planes)
    bare = [p for p in planes if p.lut is None and (p.slope is None or p.intercept is None)]
    if bare and planes[0].facts.modality == "CT":
        raise IntakeError(
            "E_NO_RESCALE", f"every CT slice must carry RescaleSlope and Intercept, {len(bare)} of {len(planes)} do not"
        )
    maps = [p.facts.rescale_type for p in planes if p.facts.rescale_type in OTHER_THAN_HU]
    if maps and planes[0].facts.modality == "CT":
        raise IntakeError("E_NO_RESCALE", f"values of a CT must be Hounsfield units, the header says {maps[0]}")


def require_geometry(planes: list[Slice]) -> None:
    """Refuse slices that do not say where they lie."""
    total = len(planes)
    bare = sum(p.facts.spacing is None or p.facts.detector_spacing or p.facts.region_spacing for p in planes)
    if bare:
        raise IntakeError("E_NO_SPACING", f"every slice must carry PixelSpacing, {bare} of {total} do not")
    lost = sum(p.position is None or p.facts.orientation is None for p in planes)
    if lost:
        raise IntakeError("E_NO_POSITION", f"every slice must carry position and orientation, {lost} of {total} do not")


def require_one_matrix(planes: list[Slice]) -> None:
    """Refuse slices of unequal rows, columns or pixel spacing."""
    sizes = Counter((p.facts.rows, p.facts.columns) for p in planes)
    if len(sizes) > 1:
        text = ", ".join(f"{count} of {rows} x {columns}" for (rows, columns), count in sorted(sizes.items()))
        raise IntakeError("E_GEOM_MATRIX", f"all slices must have the same rows and columns, got {text}")
    spacings = np.array([p.facts.spacing for p in planes])
    lows, highs = spacings.min(axis=0), spacings.max(axis=0)
    worst = int(np.argmax(highs / lows))
    if highs[worst] / lows[worst] > 1.0 + SAME_SPACING:
        low, high = lows[worst], highs[worst]
        raise IntakeError("E_GEOM_MATRIX", f"all slices must have one pixel spacing, got {low:g} to {high:g} mm")


def require_one_polarity(planes: list[Slice]) -> None:
    """Refuse a volume of which some slices are white where others are black; HU mean the same in either."""
    bright = sum(p.facts.photometric == "MONOCHROME1" for p in planes)
    if 0 < bright < len(planes) and planes[0].facts.modality != "CT":
        refuse("PhotometricInterpretation", "the same in all slices", f"MONOCHROME1 in {bright} of {len(planes)}")
