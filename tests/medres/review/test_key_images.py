"""Key images: kept, changed, removed, each reader's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medres.errors import StoreError
from medres.io.privacy import SiteKey
from medres.results.outlines import Outline
from medres.results.planes import Slab
from medres.review.key_images import KeyImage, key_images, record_key_image, remove_key_image
from medres.review.store import ReviewStore

IMAGE = KeyImage(
    "s-1",
    "axial",
    12,
    50.0,
    400.0,
    "margin",
    ("length 12.4 mm",),
    (Outline("length", ((1.5, 2.0, 12.0), (9.0, 2.0, 12.0)), "12.4 mm"),),
)


@pytest.fixture
def store(tmp_path):
    opened = ReviewStore(tmp_path / "review.sqlite", SiteKey(b"k" * 32))
    yield opened
    opened.close()


def test_a_key_image_comes_back_as_it_was(store):
    record_key_image(store, "local", "s-1", IMAGE)
    assert key_images(store.entries("s-1")) == (IMAGE,)


def test_the_look_of_a_key_image_comes_back_too(store):
    thick = replace(IMAGE, function="linear_exact", inverted=True, slab=Slab(12, "mean", 3))
    record_key_image(store, "local", "s-1", thick)
    assert key_images(store.entries("s-1")) == (thick,)


def test_the_same_slice_again_takes_its_place_and_removal_leaves_the_trail_whole(store):
    record_key_image(store, "local", "s-1", IMAGE)
    wider = KeyImage("s-1", "axial", 12, 40.0, 80.0)
    record_key_image(store, "local", "s-1", wider)
    assert key_images(store.entries("s-1")) == (wider,)
    remove_key_image(store, "local", "s-1", wider.key)
    assert key_images(store.entries("s-1")) == ()
    assert store.verify().count == 3


def test_key_images_of_before_outlines_were_kept_are_still_read(store):
    fields = {"series_key": "s-1", "plane": "axial", "index": 4, "centre": 50.0, "width": 400.0}
    store.append("local", "key_image", "s-1", {"key_image": {**fields, "note": "", "measurements": []}, "key": "a"})
    assert key_images(store.entries("s-1"))[0].outlines == ()


def test_readers_keep_their_own_key_images(store):
    record_key_image(store, "a", "s-1", IMAGE)
    record_key_image(store, "b", "s-1", KeyImage("s-1", "coronal", 3, 50.0, 400.0))
    remove_key_image(store, "b", "s-1", IMAGE.key)
    assert key_images(store.entries("s-1"), "a") == (IMAGE,)
    assert len(key_images(store.entries("s-1"))) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"plane": "oblique"},
        {"index": -1},
        {"width": 0.0},
        {"function": "sigmoid"},
        {"slab": Slab(0, "sum", 1)},
        {"centre": float("nan")},
        {"note": "x" * 201},
        {"measurements": ("a",) * 51},
        {"outlines": (Outline("length", ((0, 0, 0), (1, 1, 1))),) * 51},
    ],
)
def test_reject_key_images_that_no_canvas_gives(wrong):
    with pytest.raises(StoreError, match="E_USAGE"):
        KeyImage(**{"series_key": "s-1", "plane": "axial", "index": 0, "centre": 0.0, "width": 1.0, **wrong})
