"""Validation cases -> calibrators of every kind, and what each does to the test cases.

A calibrator is fitted on validation data alone; on the test data it is only measured.
"""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from medres.errors import EvaluationError
from medres.evaluation.binning import expected_error
from medres.evaluation.calibration import measure_calibration, measure_scores
from medres.evaluation.calibrators import KINDS, apply_calibrator, fit_calibrator, to_record
from medres.evaluation.cases import Cases, build_cases
from medres.models.trained_model import TrainedModel

VALIDATION = "validation.csv"


def calibrators_from(model: TrainedModel) -> Cases | None:
    """Read the model's own validation scores; None where it was saved without them.

    Args:
        model: as loaded; its `validation.csv` was checked by digest.
    """
    if VALIDATION not in model.spec.files:
        return None
    rows = pd.read_csv(io.BytesIO(model.read_file(VALIDATION)), dtype={"label": str, "patient": str})
    labels = (rows["label"] == model.spec.positive_label).astype(int)
    patients = list(rows["patient"].astype(str)) if "patient" in rows else None
    return build_cases(labels, rows["score"], patients=patients)


def measure_after(validation: Cases | None, test: Cases) -> dict[str, Any]:
    """Fit every calibrator on validation cases and measure the calibration of the test cases with it.

    Args:
        validation: scored validation cases; None, one class, or scores that are no probabilities give nothing.
        test: scored test cases.

    Returns:
        By kind: `record` (to be kept with the model), `fitted_on` (digest) and `after` (estimates on the test cases).
    """
    if validation is None or "any" in (validation.scale, test.scale):
        return {}
    found: dict[str, Any] = {}
    for kind in KINDS:
        try:
            calibrator = fit_calibrator(kind, validation.scores, validation.labels)
        except EvaluationError:
            return {}
        p = apply_calibrator(calibrator, test.scores)
        after = measure_calibration(test.labels, p) | {"brier": measure_scores(test.labels, p)["brier"]}
        after["ece_width"] = expected_error(test.labels, p)["ece"]
        found[kind] = {"record": to_record(calibrator), "fitted_on": validation.digest, "after": after}
    return found
