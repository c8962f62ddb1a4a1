"""Suspicious places lie where the bright ball lies, in mm and in the scan's own voxels, whatever its axes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import medres
from medres import geometry
from medres.classifier import places
from medres.classifier.places import Finder, find_peaks, find_places, join_places, refine
from medres.classifier.prediction import Place
from medres.preprocessing.pipeline import preprocess
from medres.preprocessing.spec import PatchesView, PreprocessingSpec, Window
from medres.volume import Volume
from tests.tiny_models import ct_volume, tiny_ct_model

SPEC = PreprocessingSpec(
    spatial_dims=3,
    modality="CT",
    spacing_mm=(2.0, 2.0, 2.0),
    intensity=Window(lower=0, upper=100),
    views=PatchesView(size=(12, 12, 12), overlap=0.25),
)
SPOT_MM = (9.0, -15.0, 21.0)


class Spot(nn.Module):
    """Speaks for the second label where a patch is bright; its last map has cells of two voxels."""

    cam_layer = "bright"

    def __init__(self):
        super().__init__()
        self.bright = nn.Conv3d(1, 1, 3, stride=2, padding=1, bias=False)
        nn.init.constant_(self.bright.weight, 1.0 / 27.0)

    def forward(self, x):
        level = self.bright(x).flatten(1).mean(dim=1)
        return torch.stack([-level, level], dim=1)


def scan(spots=(SPOT_MM,), codes="LPS"):
    """A dark scan with balls of 6 mm."""
    signs = np.where(np.array(list(codes)) == np.array(list("RAS")), 1.0, -1.0)
    affine = np.diag([*(signs * (1.5, 1.5, 3.0)), 1.0])
    affine[:3, 3] = -signs * (45.0, 45.0, 45.0)
    index = np.moveaxis(np.indices((60, 60, 30)), 0, -1)
    mm = geometry.apply_affine(affine, index)
    voxels = sum(100.0 * np.clip(4.0 - np.linalg.norm(mm - spot, axis=-1), 0, 1) for spot in spots)
    return Volume(np.asarray(voxels, np.float32), affine, "CT", "HU")


def found_in(volume, probability=0.9):
    """Places of a scan, every patch with a bright voxel as probable as asked."""
    shown = preprocess(volume, SPEC)
    levels = shown.batch.flatten(1).mean(dim=1).double().numpy()
    return find_places(Finder(Spot(), 1, "bright"), shown, probability * levels / levels.max(), volume)


@pytest.mark.parametrize("codes", ["LPS", "RAS", "RPI"])
def test_the_first_place_is_the_ball_in_mm_and_voxels(codes):
    volume = scan(codes=codes)
    place = found_in(volume)[0]
    assert np.linalg.norm(np.array(place.centre_mm) - SPOT_MM) < 1.5
    own = geometry.apply_affine(np.linalg.inv(volume.affine), SPOT_MM)
    assert np.abs(np.array(place.voxel) - own).max() < 1.5
    assert place.probability == pytest.approx(0.9)
    assert place.patch_mm == (24.0, 24.0, 24.0)


def test_one_ball_in_many_patches_is_one_place():
    assert len(found_in(scan())) == 1


def test_two_balls_are_two_places_strongest_first():
    other = (-20.0, 12.0, -18.0)
    first, second = sorted(found_in(scan((SPOT_MM, other)))[:2], key=lambda place: place.centre_mm[0])
    assert np.linalg.norm(np.array(first.centre_mm) - other) < 1.5
    assert np.linalg.norm(np.array(second.centre_mm) - SPOT_MM) < 1.5


def test_a_patch_cut_anew_places_better_than_the_cell_of_the_first_guess():
    shown = preprocess(scan(), SPEC)
    finder = Finder(Spot(), 1, "bright")
    box = max(shown.views, key=lambda view: float(shown.batch[shown.views.index(view)].mean()))
    (peak,) = find_peaks(finder, shown, [box])
    (better,) = refine(finder, shown, [peak])
    true = geometry.apply_affine(np.linalg.inv(shown.affine), SPOT_MM)
    assert np.linalg.norm(better - true) <= np.linalg.norm(peak - true) + 1e-9


def test_nothing_is_named_where_no_patch_is_suspicious():
    assert found_in(scan(), probability=0.9 * places.LEAST_PROBABILITY) == ()


def test_at_most_five_places_are_named():
    spots = [(x, y, z) for x in (-27.0, 0.0, 27.0) for y in (-27.0, 27.0) for z in (-27.0, 27.0)]
    assert len(found_in(scan(spots))) == places.MOST_PLACES


def test_members_of_an_ensemble_share_a_place():
    one = Place((0.0, 0.0, 0.0), (1, 1, 1), 0.8, (24.0, 24.0, 24.0))
    near, far = replace(one, centre_mm=(2.0, 0.0, 0.0), probability=0.6), replace(one, centre_mm=(50.0, 0.0, 0.0))
    joined = join_places([[one, far], [near], []])
    assert [round(place.probability, 3) for place in joined] == [round(1.4 / 3, 3), round(0.8 / 3, 3)]
    assert joined[0].centre_mm == one.centre_mm


def test_a_model_of_patches_names_places_and_any_other_none(tmp_path):
    classifier = medres.load(tiny_ct_model(tmp_path / "patches", "patches"))
    prediction = classifier.predict(ct_volume(30, (-16.0, 12.0, 8.0)))
    assert prediction.places
    assert "suspicious: RAS" in repr(prediction)
    whole = medres.load(tiny_ct_model(tmp_path / "whole"))
    assert whole.predict(ct_volume(30, (-16.0, 12.0, 8.0))).places == ()
