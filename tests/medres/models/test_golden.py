"""A copied model folder proves itself with its golden phantom."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import ModelError
from medres.models.golden import build_phantom, check_golden, make_golden, phantom_recipe, read_golden
from medres.models.registry import build_network
from medres.preprocessing.pipeline import preprocess
from medres.preprocessing.spec import PatchesView, Percentiles, SlicesView, Standardise
from tests.small import model_spec, spec_2d, spec_3d

SPECS = [
    spec_3d(),
    spec_3d(intensity=Standardise(), fit="stretch"),
    spec_3d(channels=("t1", "t2"), intensity=Percentiles()),
    spec_3d(size=None, views=PatchesView(size=(12, 12, 12))),
    spec_2d(),
    spec_2d(colour="rgb", spacing_mm=(0.3, 0.3), fit="crop_pad"),
    spec_2d(modality="CT", size=(24, 24, 0), views=SlicesView(count=4)),
]


@pytest.mark.parametrize("spec", SPECS)
def test_every_kind_of_model_gets_a_golden_probability_that_repeats(spec):
    model = model_spec(spec)
    network = build_network(model.network, seed=1).train()
    one, two = (make_golden(model, network, lambda volumes: preprocess(volumes, spec)) for _ in range(2))
    assert one == two
    assert network.training
    assert sum(one["probabilities"].values()) == pytest.approx(1.0)


@pytest.mark.parametrize("spec", SPECS)
def test_the_phantom_fills_the_input_with_something_to_see(spec):
    shown = preprocess(build_phantom(phantom_recipe(spec), spec), spec)
    values = shown.batch.numpy()
    assert shown.coverage > (0.1 if spec.views.kind == "slices" else 0.6)
    assert values.std() > 0.1


def test_the_phantom_is_arithmetic_alone():
    recipe = phantom_recipe(spec_3d())
    voxels = build_phantom(recipe, spec_3d())["image"].voxels
    assert voxels.shape == (40, 36, 32)
    assert voxels[0, 0, 0] == -1000.0
    assert voxels.max() == 400.0
    assert float(np.abs(voxels).sum()) == pytest.approx(37216976.0, rel=1e-4)


def test_reject_a_probability_beyond_the_tolerance():
    spec = model_spec(spec_3d())
    record = make_golden(spec, build_network(spec.network), lambda volumes: preprocess(volumes, spec.preprocessing))
    golden = read_golden(record)
    near = np.array([golden.probabilities[name] for name in spec.label_names])
    assert check_golden(golden, spec.label_names, near + np.array([4e-6, -4e-6])) == pytest.approx(4e-6)
    with pytest.raises(ModelError, match="E_MODEL_GOLDEN: golden probability differs by 2e-05"):
        check_golden(golden, spec.label_names, near + np.array([2e-5, -2e-5]))
    with pytest.raises(ModelError, match="E_MODEL_GOLDEN"):
        check_golden(golden, spec.label_names, near * np.nan)
    with pytest.raises(ModelError, match="must name 2 labels"):
        check_golden(golden, ("none", "cyst"), near)


def test_reject_an_absent_or_broken_golden_file():
    with pytest.raises(ModelError, match=r"saved without golden\.json"):
        read_golden(None)
    with pytest.raises(ModelError, match="E_MODEL_SCHEMA"):
        read_golden({"recipe": {"kind": "waves-9"}})
