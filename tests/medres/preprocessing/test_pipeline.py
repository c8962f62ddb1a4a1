"""The one path from Volumes to the network's input: places, values, refusals, determinism, memory."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from medres import geometry
from medres.errors import IntakeError, ScopeError
from medres.preprocessing.pipeline import preprocess
from medres.preprocessing.spec import PatchesView, SlicesView, Standardise
from medres.volume import Origin, Volume
from tests.small import CT_AFFINE, centroid_mm, noise_volume, picture, spec_2d, spec_3d, sphere_volume

PLACE = (2.0, -1.0, 3.0)  # mm


def tilted(degrees):
    affine = CT_AFFINE.copy()
    affine[1, 2] = 2.0 * np.tan(np.radians(degrees))
    return affine


def oblique(degrees):
    turn, angle = np.eye(4), np.radians(degrees)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ CT_AFFINE


@pytest.mark.parametrize("affine", [CT_AFFINE, tilted(20), tilted(-15), oblique(25), CT_AFFINE[:, [2, 0, 1, 3]]])
@pytest.mark.parametrize("fit", ["crop_pad", "contain", "stretch"])
@pytest.mark.parametrize("orientation", ["RAS", "ILP"])
def test_the_sphere_lies_where_the_affine_says(affine, fit, orientation):
    volume = sphere_volume(PLACE, affine, shape=(30, 30, 30))
    shown = preprocess(volume, spec_3d(size=(24, 24, 24), fit=fit, orientation=orientation))
    place = centroid_mm(shown.tensor[0].numpy(), shown.affine)
    assert np.abs(place - PLACE).max() < max(geometry.spacing_mm(shown.affine)) / 2
    assert geometry.orientation_codes(shown.affine) == orientation


def test_2d_slices_lie_where_their_views_say():
    volume = sphere_volume(PLACE)
    shown = preprocess(
        volume, spec_2d(modality="CT", size=(32, 28, 0), views=SlicesView(), intensity=spec_3d().intensity)
    )
    whole = np.zeros(shown.shape)
    for plane, view in zip(shown.tensor.numpy(), shown.views, strict=True):
        whole[:, :, view.start[2]] = plane[0].T  # (columns i, rows j)
    assert np.abs(centroid_mm(whole, shown.affine) - PLACE).max() < 1.0
    assert shown.coverage == 1.0


def test_patches_lie_where_their_views_say_and_cover_all():
    volume = sphere_volume(PLACE)
    shown = preprocess(volume, spec_3d(size=None, views=PatchesView(size=(8, 8, 8))))
    whole = np.full(shown.shape, np.nan)
    for patch, view in zip(shown.tensor.numpy(), shown.views, strict=True):
        whole[tuple(slice(s, s + n) for s, n in zip(view.start, view.size, strict=True))] = patch[0]
    assert not np.isnan(whole).any()
    assert np.abs(centroid_mm(whole, shown.affine) - PLACE).max() < 1.0
    assert shown.coverage == 1.0


def test_the_grid_covers_a_sixth_when_it_shows_a_sixth():
    shown = preprocess(noise_volume(), spec_3d(spacing_mm=None, size=(20, 18, 2)))
    assert shown.coverage == pytest.approx(1 / 6)


@pytest.mark.parametrize("affine", [CT_AFFINE, tilted(12), oblique(30)])
def test_the_same_bytes_come_out_on_one_thread_and_on_several(affine):
    volume = replace(noise_volume(shape=(64, 60, 40)), affine=affine)
    digests, before = set(), torch.get_num_threads()
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        digests.add(preprocess(volume, spec_3d(intensity=Standardise())).digest)
    torch.set_num_threads(before)
    assert len(digests) == 1


def test_the_digest_is_of_the_tensors_bytes():
    shown = preprocess(noise_volume(), spec_3d())
    assert shown.digest == hashlib.sha256(shown.tensor.numpy().tobytes()).hexdigest()
    assert preprocess(noise_volume(seed=1), spec_3d()).digest != shown.digest


def test_memory_order_and_integer_type_do_not_change_the_tensor():
    volume = noise_volume()
    whole = volume.voxels.round().astype(np.int16)
    inputs = [whole, np.asfortranarray(whole), whole.astype(np.float32), np.ascontiguousarray(whole[::-1])[::-1]]
    assert len({preprocess(volume.with_voxels(v), spec_3d()).digest for v in inputs}) == 1


def test_orientation_on_disk_does_not_change_the_tensor():
    volume = noise_volume()
    order, flips = geometry.reorientation(volume.affine, "SAR")
    turned = volume.voxels.transpose(order)[tuple(slice(None, None, -1) if f else slice(None) for f in flips)]
    affine = geometry.reoriented_affine(volume.affine, volume.shape, order, flips)
    again = preprocess(volume.with_voxels(turned, affine), spec_3d())
    assert torch.allclose(again.tensor, preprocess(volume, spec_3d()).tensor, atol=1e-6)


def test_padding_is_shown_as_air_and_does_not_bleed():
    padding = np.zeros((20, 18, 12), bool)
    padding[:8] = True
    voxels = np.where(padding, -32000.0, 40.0).astype(np.float32)
    shown = preprocess(Volume(voxels, CT_AFFINE.copy(), "CT", unit="HU", padding=padding), spec_3d())
    assert float(shown.tensor.min()) >= 0.0
    inner = shown.tensor[0][:, 8, 8].numpy()
    assert sorted(inner[[3, 12]]) == pytest.approx([0.0, 1040 / 1400], abs=1e-6)


def test_two_channels_meet_on_the_grid_of_the_first():
    first = sphere_volume(PLACE)
    second = sphere_volume(PLACE, oblique(20)[:, [1, 2, 0, 3]], shape=(30, 30, 30))
    spec = spec_3d(channels=("t1c", "flair"), size=(24, 24, 24))
    shown = preprocess({"flair": second, "t1c": first}, spec)
    assert shown.tensor.shape == (2, 24, 24, 24)
    places = [centroid_mm(channel, shown.affine) for channel in shown.tensor.numpy()]
    assert np.abs(np.array(places) - PLACE).max() < 0.75
    alone = preprocess(first, spec_3d(size=(24, 24, 24)))
    assert torch.equal(shown.tensor[0], alone.tensor[0])


def test_colour_pictures_fill_three_channels():
    voxels = np.random.default_rng(0).integers(0, 255, (24, 18, 1, 3)).astype(np.uint8)
    shown = preprocess(picture().with_voxels(voxels), spec_2d(colour="rgb"))
    assert shown.tensor.shape == (3, 12, 16)
    grey = preprocess(picture(), spec_2d(colour="rgb")).tensor
    assert torch.equal(grey[0], grey[2])


def test_codes_of_every_channel_travel_once():
    spec = spec_3d(channels=("a", "b"))
    shown = preprocess({"a": noise_volume(codes=("W_TILT",)), "b": noise_volume(codes=("W_TILT", "W_LOSSY"))}, spec)
    assert shown.codes == ("W_TILT", "W_LOSSY")


def test_one_slice_of_a_patient_is_still_a_volume():
    shown = preprocess(noise_volume(shape=(20, 18, 1), spacing_known=False), spec_3d(spacing_mm=None))
    assert shown.tensor.shape == (1, 16, 16, 16)


@pytest.mark.parametrize(
    ("volumes", "spec", "code", "said"),
    [
        ({"t1": noise_volume()}, spec_3d(channels=("t1", "t2")), "E_CHANNEL_MISSING", "missing: \\['t2'\\]"),
        (noise_volume(), spec_3d(channels=("t1", "t2")), "E_CHANNEL_MISSING", "t2"),
        ({"image": noise_volume(), "x": noise_volume()}, spec_3d(), "E_CHANNEL_UNKNOWN", "must be among image"),
        (picture(), spec_3d(), "E_DIMENSIONS", "got 1 picture"),
        (noise_volume(), spec_2d(), "E_DIMENSIONS", "got 12 planes"),
    ],
)
def test_refuse_scans_of_another_kind(volumes, spec, code, said):
    with pytest.raises(ScopeError, match=said) as raised:
        preprocess(volumes, spec)
    assert raised.value.code == code


def test_refuse_colour_in_3d():
    colours = np.zeros((8, 8, 8, 3), np.uint8)
    with pytest.raises(IntakeError, match="E_COLOUR: a volume must be grey, got 3 colours"):
        preprocess(Volume(colours, CT_AFFINE.copy(), "CT"), spec_3d())


def test_refuse_millimetres_where_none_are_known():
    with pytest.raises(IntakeError, match="E_NO_SPACING"):
        preprocess(noise_volume(spacing_known=False), spec_3d())


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("intensity", [Standardise(), spec_3d().intensity])
def test_refuse_values_that_are_not_finite_unless_padding_names_them(value, intensity):
    voxels = noise_volume().voxels.copy()
    voxels[10, 9, 6] = value
    spec = spec_3d(intensity=intensity)
    named = np.isfinite(voxels)
    assert torch.isfinite(preprocess(noise_volume(padding=~named).with_voxels(voxels), spec).tensor).all()
    if np.isnan(value):
        with pytest.raises(IntakeError, match="E_NOT_FINITE: prepared values must be finite, got"):
            preprocess(noise_volume().with_voxels(voxels), spec)


@pytest.mark.parametrize(
    "second",
    [
        noise_volume(origin=Origin(frame_of_reference_uid="1.2.3")),
        noise_volume(frame="detector"),
        replace(noise_volume(), affine=geometry.shifted_affine(CT_AFFINE, (900, 0, 0))),
    ],
)
def test_refuse_channels_that_do_not_share_a_space(second):
    first = noise_volume(origin=Origin(frame_of_reference_uid="1.2.4"))
    with pytest.raises(ScopeError, match="E_CHANNEL_GRID"):
        preprocess({"a": first, "b": second}, spec_3d(channels=("a", "b")))


def test_the_volume_is_left_as_it_was():
    volume = noise_volume(padding=np.zeros((20, 18, 12), bool))
    before = volume.voxels.copy()
    preprocess(volume, spec_3d(intensity=Standardise()))
    assert np.array_equal(volume.voxels, before)
