"""Each rule of a plan, on fingerprints made by hand."""

from __future__ import annotations

import dataclasses

import pytest

from medres.errors import TrainingError
from medres.training.fingerprint import Fingerprint
from medres.training.plan import make_plan
from medres.training.spec import ExperimentSpec

GROUPS = {"benign": ("benign",), "malignant": ("malignant",)}


def flat(*values: float) -> tuple[tuple[float, ...], ...]:
    return tuple((value, value, value) for value in values)


CHEST = Fingerprint(
    scans=400, patients=400, labels={"benign": 300, "malignant": 100}, label_patients={"benign": 300, "malignant": 100},
    read=100, refused=0, modality="CT", channels=("image",), is_picture=False, is_colour=False, spacing_known=True,
    shape=flat(512, 512, 300), spacing_mm=flat(0.7, 0.7, 1.0), intensity=(-1000.0, -950.0, -500.0, 60.0, 400.0),
    whole_numbers=False, even_ground=0.0,
)  # fmt: skip


def plan(found: Fingerprint = CHEST, **changes):
    return make_plan(dataclasses.replace(found, **changes), "malignant", GROUPS, "x")


def test_every_plan_is_an_experiment():
    for found in (CHEST, dataclasses.replace(CHEST, lesions=9, lesion_voxels=(4, 9, 30), lesion_mm=(5.0, 9.0, 30.0))):
        made = make_plan(found, "malignant", GROUPS, "x")
        assert ExperimentSpec.model_validate(made.to_dict()).name == "x"
        assert all(choice.reason for choice in made.choices)


def test_small_lesions_in_a_large_scan_ask_for_patches_at_their_spacing():
    made = plan(lesions=9, lesion_voxels=(4, 9, 30), lesion_mm=(5.0, 9.0, 30.0))
    assert made.value("preprocessing", "views")["kind"] == "patches"
    assert made.value("preprocessing", "spacing_mm") == [1.0, 1.0, 1.0]
    assert made.value("training", "views_per_scan") == 4


def test_large_scans_without_known_lesions_are_seen_whole_and_coarser():
    made = plan()
    assert made.value("preprocessing", "views") is None
    assert made.value("preprocessing", "size") == [64, 64, 64]
    assert made.value("preprocessing", "spacing_mm")[0] == pytest.approx(5.6)


def test_few_thick_slices_are_seen_one_by_one():
    made = plan(shape=flat(320, 320, 20), spacing_mm=flat(0.8, 0.8, 6.0))
    assert made.value("preprocessing", "spatial_dims") == 2
    assert made.value("preprocessing", "views")["kind"] == "slices"
    assert made.value("preprocessing", "size")[2] == 0


def test_pictures_of_whole_numbers_keep_their_scale_and_shape():
    picture = dataclasses.replace(
        CHEST, modality="US", is_picture=True, spacing_known=False, whole_numbers=True, shape=flat(500, 400, 1),
        intensity=(0.0, 10.0, 60.0, 180.0, 255.0),
    )  # fmt: skip
    made = plan(picture)
    assert made.value("preprocessing", "intensity") == {"kind": "window", "lower": 0, "upper": 255}
    assert made.value("preprocessing", "size") == [224, 224]
    assert made.value("preprocessing", "fit") == "contain"
    assert made.value("augmentation", "flips") == ["i"]


def test_flips_are_off_where_left_and_right_may_matter_and_on_for_scans_that_are_cut_out():
    assert plan().value("augmentation", "flips") == []
    assert plan(even_ground=0.9).value("augmentation", "flips") == ["i", "j", "k"]


def test_loss_network_and_folds_follow_the_rarest_class():
    assert plan().value("training", "balance") == "weights"
    assert plan(labels={"benign": 200, "malignant": 200}).value("training", "balance") == "none"
    assert plan(labels={"benign": 300, "malignant": 40}).value("network", "name") == "resnet10"
    assert plan().folds == 5
    assert plan(label_patients={"benign": 300, "malignant": 20}).folds == 3
    assert plan(scans=20_000).folds == 0


def test_reject_label_with_too_few_patients_for_any_split():
    assert plan(label_patients={"benign": 300, "malignant": 6}).folds == 3
    with pytest.raises(TrainingError, match=r"E_TRAIN_CLASS: .* at least 6 patients .*, got 5 for 'malignant'"):
        plan(label_patients={"benign": 300, "malignant": 5})


def test_a_short_axis_that_the_stem_leaves_one_cell_of_is_told():
    made = plan(shape=(*flat(64, 64), (16.0, 17.0, 18.0)), spacing_known=False)
    assert made.value("preprocessing", "size") == [64, 64, 20]
    assert made.value("network", "stem") == "standard"
    reason = next(one.reason for one in made.choices if one.key == "stem")
    assert "the axis of 20 ends in one cell" in reason
    assert "ends in one cell" not in next(one.reason for one in plan().choices if one.key == "stem")


def test_reasons_speak_of_the_modality_at_hand():
    reasons = {name: [one.reason for one in plan(modality=name).choices] for name in ("US", "CT")}
    assert any("probe" in reason for reason in reasons["US"])
    assert not any("probe" in reason for reason in reasons["CT"])
