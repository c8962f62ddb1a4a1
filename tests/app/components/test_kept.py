"""What the canvas tells of a slice -> a key image."""

from __future__ import annotations

import pytest

from app.components.kept import COLOUR_WINDOW, key_image_of
from medres.errors import StoreError
from medres.results.outlines import Outline
from medres.results.planes import Slab

TOLD = {
    "series": "s-1",
    "plane": "coronal",
    "index": 7,
    "window": {"center": 40, "width": 400, "function": "linear", "inverted": False},
    "measures": [
        {"kind": "length", "text": "12.4 mm", "points": [[1, 2.5, 7], [9, 2.5, 7]]},
        {"kind": "angle", "text": ""},
    ],
}


WRONG = (
    {"kind": "length", "text": "1 mm"},
    {"kind": "length", "text": "1 mm", "points": [[1, 2], [3, 4]]},
    {"kind": "<script>", "text": "1 mm", "points": [[1, 2, 3], [3, 4, 5]]},
)


SLABS = ({"mode": "sum", "half": 2}, {"mode": "max", "half": 0}, {"mode": "max", "half": 10**9})


def test_a_key_image_keeps_place_window_and_what_was_measured():
    kept = key_image_of(TOLD)
    assert (kept.series_key, kept.plane, kept.index, kept.centre, kept.width) == ("s-1", "coronal", 7, 40.0, 400.0)
    assert kept.measurements == ("length 12.4 mm",)
    assert kept.outlines == (Outline("length", ((1.0, 2.5, 7.0), (9.0, 2.5, 7.0)), "12.4 mm"),)


def test_a_key_image_keeps_the_windows_formula_its_inversion_and_its_slab():
    window = {"center": 0.2, "width": 0.4, "function": "linear_exact", "inverted": True}
    kept = key_image_of({**TOLD, "window": window, "slab": {"mode": "max", "half": 2}})
    assert (kept.function, kept.inverted, kept.slab) == ("linear_exact", True, Slab(7, "max", 2))
    assert key_image_of(TOLD).slab is None


def test_a_colour_picture_is_kept_as_it_is():
    kept = key_image_of({**TOLD, "plane": "picture", "index": 0, "window": None})
    assert (kept.centre, kept.width) == COLOUR_WINDOW


@pytest.mark.parametrize(
    "change",
    [
        {"plane": "../../etc"},
        {"index": -1},
        *({"slab": slab} for slab in SLABS),
        *({"measures": [one]} for one in WRONG),
    ],
)
def test_what_cannot_be_a_slice_is_refused(change):
    with pytest.raises(StoreError):
        key_image_of({**TOLD, **change})
