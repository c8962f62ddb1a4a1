"""Scans become small planes and one digest of what they show."""

from __future__ import annotations

import numpy as np
import pytest

from medres.datasets.planes import TISSUE_HU, build_planes, grey_voxels, shown_digest, upright_voxels
from medres.geometry import reorientation, reoriented_affine
from medres.volume import Volume

GREY = np.random.default_rng(0).integers(0, 255, (30, 20, 1)).astype(np.uint8)


def volume(voxels: np.ndarray) -> Volume:
    return Volume(voxels, np.eye(4), "US", frame="detector")


def test_grey_and_rgb_files_of_one_picture_have_one_digest() -> None:
    colour = np.repeat(GREY[..., None], 3, axis=3)
    assert shown_digest(grey_voxels(volume(colour))) == shown_digest(grey_voxels(volume(GREY)))
    assert shown_digest(GREY.astype(np.float64)) == shown_digest(GREY)
    assert shown_digest(GREY) != shown_digest(GREY[::-1])


def test_colour_becomes_luminance() -> None:
    colour = np.zeros((4, 4, 1, 3), np.uint8)
    colour[..., 1] = 100
    assert grey_voxels(volume(colour))[0, 0, 0] == pytest.approx(58.7)


def test_a_volume_gives_three_planes_and_survives_nan() -> None:
    voxels = np.random.default_rng(1).normal(size=(20, 30, 9)).astype(np.float32)
    voxels[0] = np.nan
    planes = build_planes(voxels)
    assert planes.shape == (3, 64, 64)
    assert np.ptp(planes) > 100
    assert build_planes(np.full((5, 5, 1), np.nan, np.float32)).shape == (1, 64, 64)


def test_one_window_over_all_planes_keeps_their_brightness() -> None:
    voxels = np.zeros((16, 16, 3), np.float32)
    voxels[:, :, 1], voxels[:, :, 2] = 50, 100
    assert [int(plane.mean()) for plane in build_planes(voxels)] == pytest.approx([0, 127, 255], abs=1)


def test_window_lets_soft_tissue_tell_patients_apart() -> None:
    voxels = np.full((64, 64, 1), -1000.0, np.float32)
    voxels[16:48, 16:48] = 40.0
    voxels[20:24, 20:24] = 1500.0
    plane = build_planes(voxels, window=TISSUE_HU)[0]
    assert plane[0, 0] == 0
    assert plane[22, 22] == 255
    assert plane[40, 40] == 127


@pytest.mark.parametrize("depth", [2, 3, 9, 10, 11, 40])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
def test_a_volume_read_from_the_other_end_gives_the_same_planes(depth: int, kind: type) -> None:
    voxels = np.random.default_rng(2).integers(0, 200, (64, 64, depth)).astype(kind)
    turned = build_planes(voxels[:, :, ::-1])[::-1]
    assert np.abs(turned.astype(int) - build_planes(voxels)).max() <= 1


@pytest.mark.parametrize("codes", ["LPS", "ASR", "PIR", "IAL"])
def test_a_volume_stored_in_another_orientation_stands_upright_alike(codes: str) -> None:
    voxels = np.random.default_rng(3).normal(size=(12, 14, 10)).astype(np.float32)
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    order, flips = reorientation(affine, codes)
    stored = voxels.transpose(order)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    moved = reoriented_affine(affine, voxels.shape, order, flips)
    assert (upright_voxels(Volume(stored, moved, "MR")) == voxels).all()
    assert (upright_voxels(Volume(stored, moved, "MR").with_codes("W_NIFTI_NO_SIDE")) == stored).all()
