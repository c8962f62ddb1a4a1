"""A slice worth keeping <-> the trail: marked, unmarked, and which ones stand today.

Knows the store; knows no scan and no screen. A key image is a place and a window; its picture is drawn from the scan
each time, so that no pixels enter the trail.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from medres.errors import StoreError
from medres.results.outlines import Outline
from medres.results.planes import Slab
from medres.review.store import ReviewStore
from medres.review.trail import Entry

Plane = Literal["axial", "coronal", "sagittal", "picture"]
Function = Literal["linear", "linear_exact", "lut"]
SLABS, MOST_SLICES = ("max", "min", "mean"), 2000
KEPT, REMOVED = "key_image", "key_image_removed"
KINDS = (KEPT, REMOVED)
LONGEST_NOTE = 200  # characters
MOST_MEASUREMENTS = 50


@dataclass(frozen=True)
class KeyImage:
    """One slice that a reader wants in the report.

    Attributes:
        series_key: key of the worklist's item whose slice it is; a prior's own key where the prior was marked.
        plane: "axial", "coronal", "sagittal" or "picture", the planes of `medres.results.figures.render_slice`.
        index: of the slice, from 0, along `plane`.
        centre, width: of the window; width > 0.
        note: free text, no names.
        measurements: words of what was measured on the slice, such as "length 12.4 mm".
        outlines: the same as they were drawn.
        function: of the window, DICOM's "linear" or "linear_exact"; "lut" is the file's own table, without a window.
        inverted: whether small values were shown bright; None as the file asks.
        slab: several slices that were shown as one, or None.
    """

    series_key: str
    plane: Plane
    index: int
    centre: float
    width: float
    note: str = ""
    measurements: tuple[str, ...] = ()
    outlines: tuple[Outline, ...] = ()
    function: Function = "linear"
    inverted: bool | None = None
    slab: Slab | None = None

    def __post_init__(self) -> None:
        if self.plane not in get_args(Plane):
            raise StoreError("E_USAGE", f"plane must be one of {get_args(Plane)}, got {self.plane!r}")
        if self.function not in get_args(Function):
            raise StoreError("E_USAGE", f"the window must be one of {get_args(Function)}, got {self.function!r}")
        if self.slab is not None and not (self.slab.mode in SLABS and 1 <= self.slab.half <= MOST_SLICES):
            raise StoreError("E_USAGE", f"a slab must be one of {SLABS} with 1 to {MOST_SLICES} slices on either side")
        if self.index < 0:
            raise StoreError("E_USAGE", f"the slice must be at least 0, got {self.index}")
        if not (math.isfinite(self.centre) and math.isfinite(self.width) and self.width > 0):
            raise StoreError("E_USAGE", f"the window must be finite and wider than 0, got {self.centre}, {self.width}")
        longest = max((len(words) for words in (self.note, *self.measurements)), default=0)
        if longest > LONGEST_NOTE or max(len(self.measurements), len(self.outlines)) > MOST_MEASUREMENTS:
            raise StoreError(
                "E_USAGE",
                f"a key image must have at most {MOST_MEASUREMENTS} measurements and {LONGEST_NOTE} characters in each "
                f"text, got {len(self.measurements)} and {longest}",
            )

    @property
    def key(self) -> str:
        """Name it by its place: the same slice of the same plane is one key image, whatever its window."""
        place = json.dumps([self.series_key, self.plane, self.index])
        return hashlib.sha256(place.encode()).hexdigest()[:16]


def record_key_image(store: ReviewStore, reader: str, study: str, image: KeyImage) -> Entry:
    """Keep a slice for the report; the same slice again takes its place with the new window and note.

    Args:
        store: where.
        reader: who.
        study: key of the study that is being read.
        image: the slice.

    Returns:
        The entry.

    Raises:
        StoreError: when it could not be written; then nothing of it was.
    """
    return store.append(reader, KEPT, study, {"key_image": asdict(image), "key": image.key})


def remove_key_image(store: ReviewStore, reader: str, study: str, key: str) -> Entry:
    """Take a slice out of the report; the trail keeps that it once was in it.

    Args:
        store: where.
        reader: who kept it.
        study: key of the study that is being read.
        key: `KeyImage.key`.

    Returns:
        The entry.

    Raises:
        StoreError: when it could not be written; then nothing of it was.
    """
    return store.append(reader, REMOVED, study, {"key": key})


def key_images(entries: Iterable[Entry], reader: str | None = None) -> tuple[KeyImage, ...]:
    """Fold the entries about one study into the key images that stand.

    Args:
        entries: in their order, such as `store.entries(study, KINDS)`; other kinds are passed over.
        reader: only those that this reader kept; None takes all readers'.

    Returns:
        In the order in which they were kept.

    Example:
        >>> kept = {"key_image": asdict(KeyImage("s-1", "axial", 4, 50.0, 400.0)), "key": "a"}
        >>> [image.index for image in key_images([Entry(1, "", "local", KEPT, "s-1", kept)])]
        [4]
    """
    standing: dict[tuple[str, str], KeyImage] = {}
    for entry in entries:
        if entry.kind not in KINDS or (reader is not None and entry.reader != reader):
            continue
        place = (entry.reader, str(entry.body["key"]))
        standing.pop(place, None)
        if entry.kind == KEPT:
            standing[place] = _restored(entry.body["key_image"])
    return tuple(standing.values())


def _restored(fields: Mapping[str, Any]) -> KeyImage:
    """Build a key image from its JSON; entries of before outlines were kept have none."""
    outlines = tuple(
        Outline(one["kind"], tuple(tuple(point) for point in one["points"]), one["text"])
        for one in fields.get("outlines", ())
    )
    slab = Slab(**fields["slab"]) if fields.get("slab") else None
    changed = {"measurements": tuple(fields["measurements"]), "outlines": outlines, "slab": slab}
    return KeyImage(**{**fields, **changed})
