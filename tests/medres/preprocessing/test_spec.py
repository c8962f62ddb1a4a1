"""What a PreprocessingSpec accepts, and what it says when it does not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from medres.preprocessing.spec import PatchesView, Percentiles, PreprocessingSpec, SlicesView, Window
from tests.small import spec_2d, spec_3d


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"intensity": {"kind": "window", "lower": 5.0, "upper": 5.0}}, "lower must be below upper"),
        ({"intensity": {"kind": "percentiles", "lower": 60.0, "upper": 40.0}}, "lower must be below upper"),
        ({"channels": ("t1", "t1")}, "channels must differ"),
        ({"views": SlicesView()}, "got slices"),
        ({"size": None}, "size must be given"),
        ({"size": (16, 16)}, "size must have 3 values here, got 2"),
        ({"size": (0, 16, 16)}, "size must be positive"),
        ({"spacing_mm": (1.0,)}, "spacing_mm must have 3 values here, got 1"),
        ({"spacing_mm": (1.0, 1.0, -1.0)}, "greater than 0"),
        ({"spacing_mm": (1.0, 1.0, float("nan"))}, "finite number"),
        ({"orientation": "RAA"}, "must name each of L/R, P/A and I/S once"),
        ({"unknown": 1}, "Extra inputs are not permitted"),
    ],
)
def test_reject_3d_spec_that_makes_no_sense(changes, said):
    with pytest.raises(ValidationError, match=said):
        spec_3d(**changes)


def test_reject_patches_for_pictures():
    with pytest.raises(ValidationError, match="got patches"):
        spec_2d(views=PatchesView(size=(4, 4, 4)))


def test_slices_may_keep_their_own_axis_but_no_other():
    views = SlicesView(axis=2)
    assert spec_2d(size=(16, 16, 0), views=views).size == (16, 16, 0)
    with pytest.raises(ValidationError, match="0 only along the axis of slices"):
        spec_2d(size=(16, 0, 16), views=views)


def test_spec_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        spec_3d().size = (1, 1, 1)


def test_equal_specs_have_equal_digests_and_any_change_another():
    assert spec_3d().digest == spec_3d().digest
    assert PreprocessingSpec.model_validate_json(spec_3d().model_dump_json()).digest == spec_3d().digest
    others = [spec_3d(size=(16, 16, 17)), spec_3d(fit="stretch"), spec_3d(intensity=Percentiles())]
    others.append(spec_3d(intensity=Window(lower=-1000, upper=401)))
    assert len({spec.digest for spec in [spec_3d(), *others]}) == 5


def test_tensor_channels_are_volumes_times_colours():
    assert spec_3d(channels=("t1", "flair")).tensor_channels == 2
    assert spec_2d(colour="rgb").tensor_channels == 3
