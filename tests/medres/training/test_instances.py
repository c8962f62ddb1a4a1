"""What an experiment may say about patches."""

from __future__ import annotations

import pytest

from medres.errors import SpecError
from medres.training.instances import InstanceSpec
from medres.training.toml_file import parse_experiment

TOML = """
name = "patches"
[labels]
positive = "lesion"
groups = {{ none = ["no"], lesion = ["yes"]{more} }}
[preprocessing]
spatial_dims = 3
modality = "CT"
intensity = {{ kind = "window", lower = 0, upper = 100 }}
{views}
[training]
balance = "{balance}"
[training.instances]
{instances}
"""
PATCHES = 'views = { kind = "patches", size = [16, 16, 16], aggregate = "AGGREGATE" }'


def parsed(instances='supervision = "scan"', views=PATCHES, aggregate="max", balance="weights", more=""):
    """Parse an experiment with a table of instances."""
    views = views.replace("AGGREGATE", aggregate)
    return parse_experiment(TOML.format(instances=instances, views=views, balance=balance, more=more))


def test_scan_labels_take_one_suspect_of_each_scan_unless_told_otherwise():
    assert parsed().training.instances == InstanceSpec(supervision="scan", top=1, drawn=0)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"instances": "top = 2"}, "supervision"),
        ({"instances": 'supervision = "boxes"'}, "supervision"),
        ({"instances": 'supervision = "scan"\ntop = 0'}, "top must be at least 1"),
        ({"instances": 'supervision = "points"'}, "drawn must be at least 2"),
        ({"instances": 'supervision = "scan"\ntopp = 2'}, "did you mean 'top'"),
        ({"views": "size = [16, 16, 16]"}, "kind 'patches'"),
        ({"aggregate": "attention"}, "attention"),
        ({"balance": "sampling"}, "draws patches"),
        ({"more": ', other = ["x"]'}, "two labels, got 3"),
    ],
)
def test_reject_what_cannot_be_learnt(asked, told):
    with pytest.raises(SpecError, match=told):
        parsed(**asked)


def test_experiments_without_instances_keep_their_digest():
    experiment = parsed()
    plain = experiment.model_copy(update={"training": experiment.training.model_copy(update={"instances": None})})
    content = plain.model_dump(mode="json", exclude={"pretraining": True, "training": {"instances"}})
    assert "instances" not in content["training"]
    assert plain.digest != experiment.digest
