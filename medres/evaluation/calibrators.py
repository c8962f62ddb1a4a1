"""Validation logits or probabilities -> a calibrator, fitted there once and kept with the model.

Temperature, Platt, isotonic and beta; each is a frozen value that `apply_calibrator` uses. Knows no test set.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special
from sklearn.isotonic import IsotonicRegression

from medres.errors import EvaluationError
from medres.evaluation.inputs import check_labels, check_lengths, check_probabilities, check_two_classes
from medres.evaluation.logistic import fit_logistic

CLIP = 1e-6  # probabilities are kept this far from 0 and 1 before a logit is taken
TEMPERATURE_RANGE = (0.01, 100.0)  # a separable validation set would drive it to 0 without end


@dataclass(frozen=True)
class Temperature:
    """Logits divided by one number; the order of cases never changes."""

    temperature: float


@dataclass(frozen=True)
class Platt:
    """`expit(slope * logit(p) + intercept)`."""

    slope: float
    intercept: float


@dataclass(frozen=True)
class Isotonic:
    """A rising step function through the points, linear between them."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Beta:
    """`expit(a log p - b log(1 - p) + c)`."""

    a: float
    b: float
    c: float


Calibrator = Temperature | Platt | Isotonic | Beta
KINDS: dict[str, type] = {"temperature": Temperature, "platt": Platt, "isotonic": Isotonic, "beta": Beta}


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Fit the temperature that makes validation logits most likely.

    Args:
        logits: shape (n, L), one column per label, or (n,) for the positive class; not probabilities.
        labels: index of the true label, shape (n,); 0 or 1 for one column.

    Returns:
        Temperature in [0.01, 100]; divide logits by it. 1 means nothing to correct.

    Raises:
        EvaluationError: E_EVAL_SCORE, E_EVAL_LABEL, E_EVAL_LENGTH, E_EVAL_ONE_CLASS.

    Source: Guo et al., ICML 2017.

    Example:
        >>> logits = [[0.0, 4.0], [0.0, 4.0], [0.0, 4.0], [0.0, 4.0], [4.0, 0.0]]
        >>> round(fit_temperature(logits, [1, 1, 1, 0, 0]), 3)
        2.885
    """
    table, truth = _check_logits(logits, labels)
    rows = np.arange(truth.size)

    def negative_log_likelihood(log_temperature: float) -> float:
        """Mean of minus the log-probability of the truth at one temperature."""
        scaled = table / np.exp(log_temperature)
        return float(np.mean(special.logsumexp(scaled, axis=1) - scaled[rows, truth]))

    bounds = tuple(np.log(TEMPERATURE_RANGE))
    found = optimize.minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded", options={"xatol": 1e-10})
    return float(np.exp(found.x))


def _check_logits(logits: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Bring logits to (n, L) and labels to indices."""
    table = np.asarray(logits, dtype=np.float64)
    table = np.column_stack((np.zeros(table.size), table)) if table.ndim == 1 else table  # (n, L)
    truth = np.asarray(labels)
    check_lengths(logits=table, labels=truth)
    if not np.isfinite(table).all():
        raise EvaluationError(
            "E_EVAL_SCORE", f"logits must be finite, got {int((~np.isfinite(table)).sum())} that are not"
        )
    known = np.isin(truth, np.arange(table.shape[1]))
    if not known.all():
        told = f"labels must be 0 to {table.shape[1] - 1}, got {int((~known).sum())} outside"
        raise EvaluationError("E_EVAL_LABEL", told)
    if np.unique(truth).size < 2:
        raise EvaluationError("E_EVAL_ONE_CLASS", f"calibration needs two classes, got one among {truth.size} cases")
    return table, truth.astype(np.int64)


def fit_calibrator(kind: str, probabilities: ArrayLike, labels: ArrayLike) -> Calibrator:
    """Fit a calibrator of one kind on validation probabilities of the positive class.

    Args:
        kind: `temperature`, `platt`, `isotonic` or `beta`.
        probabilities: shape (n,), in [0, 1].
        labels: 0 or 1, shape (n,).

    Returns:
        The calibrator, to be kept with the model.

    Raises:
        EvaluationError: E_EVAL_VALUE for another kind, and the refusals of labels and probabilities.

    Source: Platt 1999; Zadrozny and Elkan 2002; Kull, Silva Filho and Flach, AISTATS 2017.
    """
    p, y = check_probabilities(probabilities), check_labels(labels)
    check_lengths(probabilities=p, labels=y)
    check_two_classes(y)
    logit = special.logit(np.clip(p, CLIP, 1 - CLIP))
    if kind == "temperature":
        return Temperature(fit_temperature(logit, y.astype(int)))
    if kind == "platt":
        fit = fit_logistic(np.column_stack((np.ones(p.size), logit)), y)
        return Platt(float(fit.coefficients[1]), float(fit.coefficients[0]))
    if kind == "isotonic":
        model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, y)
        return Isotonic(tuple(map(float, model.X_thresholds_)), tuple(map(float, model.y_thresholds_)))
    if kind == "beta":
        return _fit_beta(p, y)
    raise EvaluationError("E_EVAL_VALUE", f"a calibrator must be one of {', '.join(KINDS)}, got {kind[:30]!r}")


def _fit_beta(p: np.ndarray, y: np.ndarray) -> Beta:
    """Fit beta calibration; a slope below 0 is set to 0 and the rest fitted again, so that order is kept."""
    kept = np.clip(p, CLIP, 1 - CLIP)
    columns = {"a": np.log(kept), "b": -np.log1p(-kept)}
    while columns:
        fit = fit_logistic(np.column_stack((np.ones(p.size), *columns.values())), y)
        slopes = dict(zip(columns, map(float, fit.coefficients[1:]), strict=True))
        lowest = min(slopes, key=lambda name: slopes[name])
        if slopes[lowest] >= 0:
            return Beta(slopes.get("a", 0.0), slopes.get("b", 0.0), float(fit.coefficients[0]))
        del columns[lowest]
    return Beta(0.0, 0.0, float(special.logit(y.mean())))


def apply_calibrator(calibrator: Calibrator, probabilities: ArrayLike) -> np.ndarray:
    """Turn raw probabilities of the positive class into calibrated ones.

    Args:
        calibrator: fitted on validation data.
        probabilities: shape (n,), in [0, 1].

    Returns:
        Shape (n,), in [0, 1].

    Example:
        >>> apply_calibrator(Temperature(2.0), [0.5, 0.9]).round(3)
        array([0.5 , 0.75])
    """
    given = check_probabilities(probabilities)
    if isinstance(calibrator, Isotonic):
        return np.asarray(np.interp(given, calibrator.scores, calibrator.probabilities))
    p = np.clip(given, CLIP, 1 - CLIP)
    if isinstance(calibrator, Temperature):
        return np.asarray(special.expit(special.logit(p) / calibrator.temperature))
    if isinstance(calibrator, Platt):
        return np.asarray(special.expit(calibrator.slope * special.logit(p) + calibrator.intercept))
    return np.asarray(special.expit(calibrator.a * np.log(p) - calibrator.b * np.log1p(-p) + calibrator.c))


def to_record(calibrator: Calibrator) -> dict[str, Any]:
    """Turn a calibrator into plain values, as the model keeps them.

    Example:
        >>> to_record(Temperature(1.5))
        {'kind': 'temperature', 'temperature': 1.5}
    """
    kind = next(name for name, cls in KINDS.items() if isinstance(calibrator, cls))
    return {"kind": kind, **asdict(calibrator)}


def from_record(record: dict[str, Any]) -> Calibrator:
    """Read a calibrator back.

    Raises:
        EvaluationError: E_EVAL_VALUE for an unknown kind or a missing value.

    Example:
        >>> from_record({"kind": "platt", "slope": 1.0, "intercept": 0.0})
        Platt(slope=1.0, intercept=0.0)
    """
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}
    try:
        made: Calibrator = KINDS[str(values.pop("kind", ""))](**values)
        return made
    except (KeyError, TypeError):
        told = f"a calibrator's record must be of a known kind with its values, got {sorted(record)}"
        raise EvaluationError("E_EVAL_VALUE", told) from None
