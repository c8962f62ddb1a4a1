"""Calibrators are fitted on validation cases alone, and on the test cases only measured."""

import numpy as np
import pytest

from medres.evaluation.calibrators import KINDS
from medres.evaluation.cases import build_cases
from medres.models.trained_model import load_trained_model
from pipelines.calibration_after import calibrators_from, measure_after


def timid(seed: int, n: int = 400):
    """Cases whose probabilities are too near to one half."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n)
    return build_cases((rng.random(n) < truth).astype(int), 0.5 + 0.3 * (truth - 0.5))


def test_every_calibrator_mends_what_it_can_and_names_its_data():
    validation, test = timid(0), timid(1)
    found = measure_after(validation, test)
    assert tuple(found) == tuple(KINDS)
    assert all(one["fitted_on"] == validation.digest for one in found.values())
    assert found["platt"]["after"]["slope"].value == pytest.approx(1, abs=0.3)
    assert found["platt"]["after"]["brier"].value < np.mean((test.scores - test.labels) ** 2)


def test_the_test_cases_change_no_calibrator():
    records = [{kind: one["record"] for kind, one in measure_after(timid(0), timid(s)).items()} for s in (1, 2)]
    assert records[0] == records[1]


def test_nothing_is_fitted_without_validation_on_one_class_or_on_no_probabilities():
    test = timid(1)
    assert measure_after(None, test) == {}
    assert measure_after(build_cases([1, 1, 1], [0.2, 0.4, 0.6]), test) == {}
    assert measure_after(build_cases([0, 1, 1], [-3.0, 4, 6], scale="any"), test) == {}


def test_a_models_own_validation_scores_are_its_cases(tiny_us):
    model = load_trained_model(tiny_us)
    cases = calibrators_from(model)
    assert (cases is None) == ("validation.csv" not in model.spec.files)
