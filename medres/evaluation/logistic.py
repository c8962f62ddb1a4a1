"""A design matrix and labels -> logistic regression by Newton's method, with standard errors.

Unpenalised maximum likelihood, as R's `glm`; knows no metric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

MAX_STEPS = 100
TOLERANCE = 1e-12  # of the step, in units of the coefficients
LONGEST_STEP = 8.0  # of any logit: where all labels are foretold with near certainty, Newton's step means nothing


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """Coefficients of a logistic regression.

    Attributes:
        coefficients: shape (k,).
        standard_errors: shape (k,); from the expected information.
        converged: False where the data are separable and the coefficients have no limit.
    """

    coefficients: np.ndarray
    standard_errors: np.ndarray
    converged: bool


def fit_logistic(design: np.ndarray, labels: np.ndarray, offset: np.ndarray | None = None) -> LogisticFit:
    """Fit `P(label) = expit(design @ coefficients + offset)` by maximum likelihood.

    Args:
        design: shape (n, k), with its own column of ones where an intercept is wanted.
        labels: 0 or 1 (or Boolean), shape (n,).
        offset: known part of the logit, shape (n,); None is 0.

    Returns:
        The fit; `converged` is False when the classes are separable.

    Source: McCullagh and Nelder 1989, 4.4; equal to R's `glm(family = binomial)`.

    Example:
        >>> fit = fit_logistic(np.ones((4, 1)), np.array([1, 1, 1, 0]))
        >>> round(float(special.expit(fit.coefficients[0])), 6)
        0.75
    """
    start = np.zeros(design.shape[1])
    known = np.zeros(design.shape[0]) if offset is None else offset
    truth = labels.astype(np.float64)
    for _ in range(MAX_STEPS):
        gradient, information = _derivatives(design, truth, start, known)
        step, singular = _solve(information, gradient)
        step = step * min(1.0, LONGEST_STEP / max(float(np.abs(design @ step).max()), LONGEST_STEP))
        step = _halved(design, truth, start, known, step)
        start = start + step
        if singular or np.abs(start).max() > 1e4:
            return LogisticFit(start, np.full(start.size, np.nan), False)
        if np.abs(step).max() < TOLERANCE * (1 + np.abs(start).max()):
            break
    else:
        return LogisticFit(start, np.full(start.size, np.nan), False)
    variance = np.linalg.inv(_derivatives(design, truth, start, known)[1])
    return LogisticFit(start, np.sqrt(np.diag(variance)), True)


def _derivatives(
    design: np.ndarray, truth: np.ndarray, at: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    fitted = special.expit(design @ at + known)
    return design.T @ (truth - fitted), (design * (fitted * (1 - fitted))[:, None]).T @ design


def _solve(information: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, bool]:
    """Newton's step; a singular information says so."""
    if np.linalg.cond(information) > 1e14:
        return np.zeros_like(gradient), True
    return np.linalg.solve(information, gradient), False


def _halved(design: np.ndarray, truth: np.ndarray, at: np.ndarray, known: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Halve a step until the likelihood does not fall."""
    before = _log_likelihood(design, truth, at, known)
    for _ in range(30):
        if _log_likelihood(design, truth, at + step, known) >= before - 1e-12 * abs(before):
            break
        step = step / 2
    return step


def _log_likelihood(design: np.ndarray, truth: np.ndarray, at: np.ndarray, known: np.ndarray) -> float:
    logit = design @ at + known
    return float(np.sum(truth * logit - np.logaddexp(0, logit)))
