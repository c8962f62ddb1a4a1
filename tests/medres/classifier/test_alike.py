"""Views that are one value everywhere are computed once, and nothing else changes."""

from __future__ import annotations

import torch

import medres
from medres.classifier.alike import find_unlike
from medres.volume import Volume
from tests.tiny_models import ct_volume, tiny_ct_model


def test_views_that_differ_are_all_computed():
    batch = torch.rand(5, 2, 3, 3, 3)
    rows, same = find_unlike(batch)
    assert rows.tolist() == same.tolist() == [0, 1, 2, 3, 4]


def test_a_view_of_two_flat_channels_is_not_taken_for_one_value():
    batch = torch.zeros(2, 2, 3, 3)
    batch[1, 1] = 1.0
    rows, same = find_unlike(batch)
    assert rows.tolist() == [0, 1]
    assert same.tolist() == [0, 1]


def test_air_is_computed_once_and_the_answer_stays(tmp_path):
    classifier = medres.load(tiny_ct_model(tmp_path / "model", "patches", scope=False))
    scan = ct_volume(3, (-16.0, 12.0, 8.0))
    voxels = scan.voxels.copy()
    voxels[:24] = -1000.0
    shown = classifier.prepare(Volume(voxels, scan.affine, "CT", "HU"))
    rows, same = find_unlike(shown.batch)
    assert len(rows) < len(shown.batch) == len(same)
    assert torch.equal(shown.batch[rows][same], shown.batch)
    found = classifier.engine.run(shown.batch)["logits"]
    assert torch.allclose(classifier._run(shown.batch)["logits"], found, atol=1e-5)
