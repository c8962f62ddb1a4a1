"""Slices of a folder -> groups that may each become one Volume.

Knows headers; judges no group (`medres.io.checks` does), and compares pixels only of pictures that share an identifier.
What belongs together is decided by SeriesInstanceUID or, where an export emptied it, by folder, frame of reference,
patient, number and modality; then by orientation and by what was varied (image type, echo, b-value, time).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from medres.io.facts import PROJECTIONS
from medres.io.grid import distances_along
from medres.io.instance import Broken, Facts, Slice
from medres.io.pixels import have_same_pixels
from medres.io.varied import label_volumes

SAME_ORIENTATION = 1e-4  # of each cosine
VOLUME_MODALITIES = frozenset({"CT", "MR", "PT"})
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# X-ray 3D angiography, craniofacial imaging, breast tomosynthesis: projections made them, they are volumes
XRAY_VOLUMES = frozenset(f"1.2.840.10008.5.1.4.1.1.13.1.{tail}" for tail in (1, 2, 3))


@dataclass(eq=False)
class Group:
    """What may become one Volume.

    Attributes:
        name: what tells it from the others; internal, holds UIDs.
        planes: its slices.
        broken: files of its series that cannot be read.
        dropped: localizers that stood among them.
        patients: how many patients its series names.
        is_picture: no position is expected (radiograph, ultrasound, secondary capture).
        varied: what made it a volume of its own, such as ("Echo",).
    """

    name: tuple[str, ...]
    planes: list[Slice] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    dropped: list[Slice] = field(default_factory=list)
    patients: int = 1
    is_picture: bool = False
    varied: tuple[str, ...] = ()


def group_slices(planes: Sequence[Slice], broken: Sequence[Broken]) -> list[Group]:
    """Sort slices into groups.

    Args:
        planes: of all files, in any order.
        broken: DICOM files that cannot be read.

    Returns:
        Groups; every plane and every broken file stands in at least one.
    """
    series: dict[tuple[str, ...], Group] = {}
    for plane in planes:
        name = series_name(plane)
        series.setdefault(name, Group(name)).planes.append(plane)
    lost = _attach_broken(series, broken)
    return [group for whole in series.values() for group in _split_series(whole)] + lost


def series_name(plane: Slice) -> tuple[str, ...]:
    """Name the series of a plane without trusting empty identifiers."""
    facts = plane.facts
    if facts.series_uid:
        return (facts.series_uid, facts.modality)
    patient = b"|".join(facts.patient).decode("latin-1")
    number = f"{dict(facts.settings).get('SeriesNumber', '')}"
    return ("", facts.modality, plane.source.folder, facts.frame_uid, facts.study_uid, patient, number)


def _attach_broken(series: dict[tuple[str, ...], Group], broken: Sequence[Broken]) -> list[Group]:
    """Give a broken file to its series, or to the only series of its folder; else it stands with its like there."""
    lost: dict[tuple[str, ...], Group] = {}
    of_uid, of_folder = _homes(series.values())
    for file in broken:
        homes = of_uid.get(file.series_uid, []) if file.series_uid else of_folder.get(file.source.folder, [])
        if len(homes) == 1:
            homes[0].broken.append(file)
        elif file.series_uid:
            name: tuple[str, ...] = (file.series_uid, file.modality)
            series.setdefault(name, Group(name)).broken.append(file)
        else:
            name = ("", "broken", file.source.folder, file.code)  # one row, not one for each of a thousand slices
            lost.setdefault(name, Group(name)).broken.append(file)
    return list(lost.values())


def _homes(series: Iterable[Group]) -> tuple[dict[str, list[Group]], dict[str, list[Group]]]:
    """Find the series of each SeriesInstanceUID, and of each folder."""
    of_uid: dict[str, list[Group]] = {}
    of_folder: dict[str, list[Group]] = {}
    for group in series:
        of_uid.setdefault(group.name[0], []).append(group)
        for folder in {plane.source.folder for plane in group.planes}:
            of_folder.setdefault(folder, []).append(group)
    return of_uid, of_folder


def _split_series(group: Group) -> list[Group]:
    """Take pictures, localizers, orientations and varied attributes apart."""
    group.patients = count_patients(p.facts for p in group.planes)
    if group.broken or group.patients > 1:
        return [group]
    pictures = [p for p in group.planes if is_picture(p.facts)]
    others = [p for p in group.planes if not is_picture(p.facts)]
    found = _picture_groups(group, pictures)
    if others:
        found += _split_volumes(group, others)
    return found


def count_patients(facts: Iterable[Facts]) -> int:
    """Count the patients that headers name; empty identifiers name none.

    Args:
        facts: of the slices of one series.

    Returns:
        At least 1: the most different ids, names or birth dates.
    """
    known = {fact.patient for fact in facts}
    return max(1, *(len({patient[n] for patient in known} - {b""}) for n in range(3)))


def is_picture(facts: Facts) -> bool:
    """Tell whether an image has no place in the patient by its kind."""
    if facts.sop_class.startswith(SECONDARY_CAPTURE) and facts.orientation is None:
        return True
    if facts.sop_class in XRAY_VOLUMES and facts.orientation is not None:
        return False
    return facts.modality in PROJECTIONS or (facts.modality not in VOLUME_MODALITIES and facts.orientation is None)


def _picture_groups(group: Group, planes: list[Slice]) -> list[Group]:
    """Make a group of each picture, with its copies and with all frames of its file."""
    found: dict[tuple[str, ...], list[Group]] = {}
    for plane in planes:
        own = plane.sop_uid or f"{plane.source.folder}|{plane.source.path.name}"
        name = (*group.name, own, "0")
        known = found.setdefault(name, [])
        home = next((one for one in known if _is_copy(plane, one.planes[0])), None)
        if home is None:
            home = Group(name, is_picture=True)
            known.append(home)
        home.planes.append(plane)
    return [one for known in found.values() for one in known]


def _is_copy(plane: Slice, other: Slice) -> bool:
    """Tell whether two pictures under one identifier stand in one file, or in files of equal pixels."""
    if plane.source.number == other.source.number:
        return True
    return bool(plane.sop_uid) and plane.facts == other.facts and have_same_pixels(plane, other)


def _split_volumes(group: Group, planes: list[Slice]) -> list[Group]:
    """Drop localizers, then split by orientation and by what was varied."""
    scouts = [p for p in planes if "LOCALIZER" in p.facts.image_type]
    kept = [p for p in planes if "LOCALIZER" not in p.facts.image_type] or scouts
    parts = [Group(group.name, kept)]
    if any(plane.facts.orientation is None for plane in kept):  # refused as a whole, no slice goes unseen
        return [Group(group.name, group.planes)]
    parts = [piece for part in parts for piece in _split_by(part, orientation_classes(part.planes), "Orientation")]
    parts = [p for part in parts for p in _split_by(part, [s.facts.study_uid for s in part.planes], "Study")]
    parts = [p for part in parts for p in _split_by(part, [s.facts.frame_uid for s in part.planes], "Frame")]
    for name in ("ImageType", "Unit", "Echo", "BValue", "Direction", "TimePoint", "Stack"):
        parts = [piece for part in parts for piece in _split_by(part, [_strong(p, name) for p in part.planes], name)]
    parts = [piece for part in parts for piece in _split_weak(part)]
    if kept is not scouts:
        parts[0].dropped = scouts
    return parts


def _strong(plane: Slice, name: str) -> str:
    """Give one attribute that always makes separate volumes."""
    return dict(plane.facts.strong).get(name, "")


def orientation_classes(planes: Sequence[Slice]) -> list[str]:
    """Name each slice's orientation, equal ones alike.

    Args:
        planes: slices.

    Returns:
        One name per slice, the same for cosines within 1e-4.
    """
    known: list[tuple[np.ndarray, str]] = []
    cache: dict[Hashable, str] = {}
    for plane in planes:
        own = plane.facts.orientation
        if own not in cache:
            cosines = np.zeros((2, 3)) if own is None else np.asarray(own)
            match = next((name for other, name in known if np.abs(other - cosines).max() <= SAME_ORIENTATION), None)
            cache[own] = match or "/".join(f"{c:.3f}" for c in cosines.ravel() + 0.0)
            if match is None:
                known.append((cosines, cache[own]))
    return [cache[plane.facts.orientation] for plane in planes]


def _split_by(group: Group, labels: Sequence[str], reason: str) -> list[Group]:
    """Split a group by one label per plane."""
    kinds = sorted(set(labels))
    if len(kinds) == 1 or (len(kinds) == 2 and kinds[0] == ""):  # one value, and slices that do not say
        return [group]
    parts = []
    for kind in kinds:
        planes = [p for p, label in zip(group.planes, labels, strict=True) if label == kind]
        parts.append(Group((*group.name, reason, kind), planes, varied=(*group.varied, reason)))
    return parts


def _split_weak(group: Group) -> list[Group]:
    """Split where slices lie on each other and a time or number in the header tells them apart."""
    planes = group.planes
    if any(p.position is None or p.facts.orientation is None for p in planes):
        return [group]
    distances = distances_along(planes[0].facts.orientation, [p.position for p in planes])  # type: ignore[arg-type]
    facts = planes[0].facts
    name, labels = label_volumes(
        [dict(p.facts.settings) | dict(p.weak) for p in planes],
        distances,
        moves_on=facts.modality == "CT",
        thickness_mm=facts.thickness_mm,
    )
    return _split_by(group, labels, name) if labels else [group]
