"""A wrong TOML file is refused in one sentence that names the key; every shipped experiment is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.errors import SpecError
from medres.models.registry import check_input_size
from medres.models.spec import shown_size
from medres.training.toml_file import parse_experiment, read_experiment
from tests.medres.training.cohorts import TOML

CONFIGS = sorted((Path(__file__).resolve().parents[3] / "pipelines" / "configs").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_experiment_is_valid(path):
    experiment = read_experiment(path)
    check_input_size(experiment.network_spec, shown_size(experiment.preprocessing))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("epochs = 2", "epoch = 2", r"E_SPEC_UNKNOWN_KEY: the experiment file has no key 'training.epoch'.*'epochs'"),
        (
            'name = "resnet10"',
            "depth = 10",
            r"'network.depth'.*known keys: name, width, stem, last_stride, norm, dropout",
        ),
        (
            "upper = 600",
            "upper = 600, top = 1",
            r"'preprocessing.intensity.window.top'.*known keys: kind, lower, upper",
        ),
        ("synthetic = true", "device = 'gpu'", r"no key 'device'.*known keys: .*name, version"),
    ],
)
def test_unknown_key_is_named_with_the_known_ones(old, new, why):
    with pytest.raises(SpecError, match=why) as caught:
        parse_experiment(TOML.replace(old, new))
    assert caught.value.code == "E_SPEC_UNKNOWN_KEY"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            "epochs = 2",
            "epochs = 0",
            r"E_SPEC: experiment key 'training.epochs': .*or equal to 1, got '0'",
        ),
        ("lower = -400", "lower = 900", r"'preprocessing.intensity.window'.*lower must be below upper"),
        ('positive = "lesion"', "", r"'labels.positive': Field required"),
        ("size = [12, 12, 12]", "", r"'preprocessing'.*size must be given for views of kind whole - "),
        ('positive = "lesion"', 'positive = "leson"', r"'labels': positive must be .*, got 'leson' - "),
    ],
)
def test_wrong_value_is_named_with_its_rule(old, new, why):
    with pytest.raises(SpecError, match=why):
        parse_experiment(TOML.replace(old, new))


def test_reject_text_that_is_no_toml(tmp_path):
    with pytest.raises(SpecError, match=r"E_SPEC_FORMAT.*line 2"):
        parse_experiment("name = 'a'\nb c\n")
    with pytest.raises(SpecError, match=r"E_SPEC_FORMAT.*FileNotFoundError"):
        read_experiment(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="E_SPEC_FORMAT"):
        read_experiment(tmp_path / "x.toml")


def test_reject_a_file_of_a_newer_version_before_its_keys_are_called_unknown():
    with pytest.raises(SpecError, match=r"E_SPEC_VERSION: schema_version .* must be 1 to 1, got '2'.*update medres"):
        parse_experiment("schema_version = 2\nname = 'x'\n[new]\nkey = 1\n")
