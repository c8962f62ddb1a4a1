"""What a TrainedModelSpec accepts, and what it says when it does not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from medres.models.spec import NetworkSpec, OperatingPoint, TrainedModelSpec
from tests.small import model_spec, operating_point, spec_3d


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label_names": ("none", "none")}, "label_names must differ"),
        ({"positive_label": "cyst"}, "positive_label must be one of"),
        ({"modality": "MR"}, "modality must be 'CT', got 'MR'"),
        ({"default_operating_point": "other"}, "default_operating_point must be one of"),
        ({"operating_points": {}}, "at least 1 item"),
        ({"operating_points": {"balanced": operating_point("x")}}, "must stand under their own names"),
        ({"indeterminate": (0.6, 0.7)}, "indeterminate must hold the threshold 0.5"),
        ({"temperature": 0.0}, "greater than 0"),
        ({"calibrator": {"kind": "spline"}}, "calibrator must be a record of a known kind"),
        ({"calibrator": {"kind": "platt", "slope": "steep", "intercept": 0.0}}, "calibrator must be a record"),
        (
            {
                "calibrator": {"kind": "platt", "slope": 1.0, "intercept": 0.0},
                "label_names": ("none", "tumour", "cyst"),
            },
            "calibrator needs two labels, got 3",
        ),
        ({"schema_version": 2}, "Input should be 1"),
        ({"files": {"../weights": "0" * 64}}, "String should match pattern"),
        ({"files": {"weights.safetensors": "zz"}}, "String should match pattern"),
        ({"colour": 1}, "Extra inputs are not permitted"),
    ],
)
def test_reject_description_that_contradicts_itself(changes, said):
    with pytest.raises(ValidationError, match=said):
        model_spec(spec_3d(), **changes)


def test_reject_network_whose_labels_are_not_the_models():
    spec = model_spec(spec_3d())
    network = spec.network.model_copy(update={"label_count": 3})
    with pytest.raises(ValidationError, match="label_count must be 2, got 3"):
        TrainedModelSpec.model_validate(spec.model_dump() | {"network": network})


def test_reject_network_whose_channels_are_not_those_that_preprocessing_gives():
    spec = model_spec(spec_3d())
    with pytest.raises(ValidationError, match="in_channels must be 2 as preprocessing gives, got 1"):
        TrainedModelSpec.model_validate(spec.model_dump() | {"preprocessing": spec_3d(channels=("a", "b"))})


def test_reject_operating_point_with_more_positives_than_cases():
    with pytest.raises(ValidationError, match="n_positive must be at most n, got 11 of 10"):
        OperatingPoint.model_validate(operating_point().model_dump() | {"n_positive": 11})


def test_reject_network_with_one_label():
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        NetworkSpec(name="resnet18", spatial_dims=3, in_channels=1, label_count=1)


def test_a_description_survives_json():
    spec = model_spec(spec_3d(), indeterminate=(0.4, 0.6))
    assert TrainedModelSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_description_from_before_calibrators_still_loads():
    content = model_spec(spec_3d()).model_dump(mode="json")
    del content["calibrator"]
    assert TrainedModelSpec.model_validate(content).calibrator is None
