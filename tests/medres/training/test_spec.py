"""An experiment is whole, consistent and has one digest."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from medres.training.spec import ExperimentSpec, LabelSpec, OperatingSpec
from tests.medres.training import cohorts


def test_network_spec_takes_dimensions_channels_and_labels_from_the_other_parts():
    spec = cohorts.experiment().network_spec
    assert (spec.name, spec.spatial_dims, spec.in_channels, spec.label_count) == ("resnet10", 3, 1, 2)


def test_digest_changes_with_any_value():
    assert cohorts.experiment().digest == cohorts.experiment().digest
    assert cohorts.experiment().digest != cohorts.experiment(seed=1).digest


def test_groups_bring_several_labels_of_the_manifest_together():
    labels = LabelSpec(
        positive="bad", groups={"rest": ("benign", "normal"), "bad": ("malignant",)}, ignore=("unclear",)
    )
    assert [labels.index_of(name) for name in ("benign", "normal", "malignant", "unclear")] == [0, 0, 1, None]
    assert labels.names == ("rest", "bad")
    assert set(labels.known) == {"benign", "normal", "malignant", "unclear"}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"positive": "x", "groups": {"a": ("a",), "b": ("b",)}}, "positive must be one of"),
        ({"positive": "a", "groups": {"a": ("a",), "b": ("a",)}}, "must stand in one group"),
        ({"positive": "a", "groups": {"a": ("a",), "b": ()}}, "at least one label"),
        ({"positive": "a", "groups": {"a": ("a",)}}, "at least 2"),
    ],
)
def test_reject_labels_that_contradict_themselves(values, why):
    with pytest.raises(ValidationError, match=why):
        LabelSpec(**values)


def test_reject_default_operating_point_without_a_rule():
    with pytest.raises(ValidationError, match="default must be one of"):
        OperatingSpec(rules={"a": "youden"}, default="b")


def test_specs_are_frozen():
    spec: ExperimentSpec = cohorts.experiment()
    with pytest.raises(ValidationError):
        spec.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("rule", ["error<=2", "sometimes"])
def test_reject_a_rule_of_abstention_before_training(rule):
    with pytest.raises(ValidationError, match="abstain"):
        OperatingSpec(abstain=rule)


def test_reject_a_calibrator_of_two_labels_for_three():
    content = cohorts.experiment().model_dump()
    content["labels"]["groups"]["cyst"] = ("cyst",)
    content["operating"]["calibration"] = "platt"
    with pytest.raises(ValidationError, match="'platt' needs two labels, got 3"):
        ExperimentSpec.model_validate(content)
