"""Volume and Heatmap -> bytes, planes and words for a screen."""

from __future__ import annotations

import json

import numpy as np
import pytest

from medres import geometry
from medres.explain.heatmap import Heatmap
from medres.results.windows import CT_PRESETS
from medres.review.scene import (
    describe_heatmap,
    describe_volume,
    encode_heat,
    encode_voxels,
    legend_words,
    place_in_scan,
    place_words,
)
from medres.volume import Display, Volume
from tests.browser import phantoms

AFFINE = np.diag([-1.0, -1.0, 2.5, 1.0])


def numbers(shape=(4, 3, 2)) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape)


@pytest.mark.parametrize(
    ("voxels", "kind"),
    [
        (numbers().astype(np.int16), "int16"),
        (numbers().astype(np.uint8), "uint8"),
        (numbers().astype(np.float32), "int16"),
        (numbers() + 40000, "float32"),
        (numbers() / 3, "float32"),
        (np.where(numbers() == 5, np.nan, 1.0), "float32"),
    ],
)
def test_values_travel_in_the_smallest_kind_that_keeps_them(voxels, kind):
    buffer = encode_voxels(Volume(voxels, AFFINE, "CT"))
    assert buffer.kind == kind
    back = np.frombuffer(buffer.content, kind).reshape(voxels.shape[::-1]).T
    np.testing.assert_allclose(back, voxels, rtol=1e-6)


def test_colour_travels_interleaved():
    voxels = np.random.default_rng(0).integers(0, 256, (4, 3, 1, 3)).astype(np.uint8)
    buffer = encode_voxels(Volume(voxels, np.eye(4), "US", frame="detector"))
    assert buffer.kind == "rgb"
    np.testing.assert_array_equal(
        np.frombuffer(buffer.content, np.uint8).reshape(3, 4, 3), voxels[:, :, 0].swapaxes(0, 1)
    )


def test_a_volume_already_in_screen_order_is_not_copied():
    voxels = np.asfortranarray(numbers().astype(np.int16))
    buffer = encode_voxels(Volume(voxels, AFFINE, "CT"))
    assert np.shares_memory(np.frombuffer(buffer.content, np.int16), voxels)


def test_a_scene_fits_into_json_and_names_ct_presets_in_order():
    told = json.loads(json.dumps(describe_volume(Volume(numbers(), AFFINE, "CT", "HU"), "int16")))
    assert [preset["width"] for preset in told["presets"]] == [window.width for window in CT_PRESETS.values()]
    assert [plane["name"] for plane in told["planes"]] == ["axial", "coronal", "sagittal"]
    assert describe_volume(Volume(numbers(), AFFINE, "MR"), "int16")["presets"] == []


@pytest.mark.parametrize(("step_mm", "down"), [(2.5, -1), (-2.5, 1)])
def test_a_wheel_turned_down_walks_to_the_feet(step_mm, down):
    affine = np.diag([-1.0, -1.0, step_mm, 1.0])
    plane = describe_volume(Volume(numbers(), affine, "CT"), "int16")["planes"][0]
    assert plane["down"] == down
    assert geometry.apply_affine(affine, [0, 0, down])[2] < 0


def test_no_letters_and_no_sides_where_the_side_is_unknown():
    told = describe_volume(Volume(numbers(), AFFINE, "MR", codes=("W_NIFTI_NO_SIDE",)), "int16")
    assert told["volume"]["sidesKnown"] is False
    assert all(plane["letters"] == ["", "", "", ""] and plane["along"] is None for plane in told["planes"])


def test_measuring_is_off_with_a_reason_where_spacing_is_not_the_patients():
    unknown = Volume(numbers(), AFFINE, "US", spacing_known=False)
    detector = Volume(numbers(), AFFINE, "DX", codes=("W_DETECTOR_SPACING",))
    assert "not known" in describe_volume(unknown, "int16")["noMeasuring"]
    assert "detector" in describe_volume(detector, "int16")["noMeasuring"]
    assert describe_volume(Volume(numbers(), AFFINE, "CT"), "int16")["noMeasuring"] == ""


def test_the_files_own_lookup_table_is_the_first_look():
    table = np.array([[0, 10], [0, 1]], np.float32)
    told = describe_volume(Volume(numbers(), AFFINE, "DX", display=Display(5, 10, voi_lut=table)), "int16")
    assert told["window"]["function"] == "lut"
    assert told["fallbackWindow"]["width"] == 10


def test_an_oblique_scan_says_so():
    tilted = phantoms.volume("oblique")
    assert all("oblique" in plane["title"] for plane in describe_volume(tilted, "int16")["planes"])


def test_a_heatmap_is_named_by_its_native_grid_and_scale():
    heat = phantoms.heatmap(phantoms.volume("axial"))
    told = describe_heatmap(heat)
    assert "8 × 8 × 8 cells of 7.5 × 6 × 9 mm" in told["legend"]
    assert "scale of the model" in legend_words(heat)
    back = np.frombuffer(encode_heat(heat), np.float32).reshape(told["shape"][::-1]).T
    np.testing.assert_array_equal(back, heat.relevance)


def test_a_place_of_a_coarse_cell_off_the_scan_is_looked_at_where_the_cell_shows_the_scan():
    volume = Volume(np.zeros((64, 64, 21), np.int16), np.eye(4), "CT")
    affine = np.diag([32.0, 32.0, 32.0, 1.0])
    affine[:3, 3] = [8.0, 8.0, -2.0]  # one cell along k, its centre before the first slice
    heat = Heatmap(
        np.ones((2, 2, 1), np.float32), affine, "x", "layer4", "Grad-CAM", 1.0, 0.5, "-", volume.affine, volume.shape
    )
    assert place_in_scan(heat, (40.0, 8.0, -2.0), volume) == pytest.approx((40.0, 8.0, 10.0))
    assert place_in_scan(heat, (40.0, 8.0, 3.0), volume) == (40.0, 8.0, 3.0)


def test_a_place_is_named_by_sides_or_by_its_voxel():
    assert place_words(Volume(numbers(), AFFINE, "CT"), (3.0, -1.0, 2.5)) == "R 3.0 P 1.0 S 2.5 mm"
    picture = Volume(numbers((4, 3, 1)), np.diag([2.0, 2, 1, 1]), "US", frame="detector", spacing_known=False)
    assert place_words(picture, (6.0, 4.0, 0.0)) == "voxel 3, 2, 0"
