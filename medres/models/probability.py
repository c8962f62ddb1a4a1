"""Logits of the views -> one probability for each label: the one place where this is done.

Knows numbers only. Training (validation scores), use and the golden probability all go through here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medres.evaluation.calibrators import Calibrator, apply_calibrator, from_record
from medres.models.attention import weigh_views
from medres.models.spec import TrainedModelSpec

FloatArray = NDArray[np.float64]


def scan_probabilities(logits: ArrayLike, spec: TrainedModelSpec, attention: ArrayLike | None = None) -> FloatArray:
    """Turn the logits of one scan into calibrated probabilities, as the model's spec says.

    Args:
        logits: (V, L), one row for each view, one column for each label.
        spec: gives the temperature, the calibrator, the labels and how views become one.
        attention: (V,) scores of the views, where the network has learnt how much each counts.

    Returns:
        (L,), in [0, 1], sums to 1.
    """
    views = spec.preprocessing.views
    rule = "mean" if views.kind == "whole" else views.aggregate
    positive = spec.label_names.index(spec.positive_label)
    found = combine_views(logits, rule, positive, spec.temperature, attention)
    return found if spec.calibrator is None else calibrate(found, from_record(spec.calibrator), positive)


def combine_views(
    logits: ArrayLike, rule: str, positive: int, temperature: float = 1.0, attention: ArrayLike | None = None
) -> FloatArray:
    """Make one probability for each label from the logits of the views.

    Args:
        logits: (V, L).
        rule: of `aggregate`, or "attention": the views' logits are averaged by their learnt weights first.
        positive: index of the positive label.
        temperature: logits are divided by it.
        attention: (V,) scores of the views; needed by "attention" alone.

    Returns:
        (L,), sums to 1.

    Example:
        >>> combine_views([[0.0, 0.0], [0.0, 9.0]], "attention", 1, attention=[30.0, 0.0]).round(2)
        array([0.5, 0.5])
    """
    if rule != "attention":
        return aggregate(softmax(logits, temperature), rule, positive)
    pooled = weigh_views(np.asarray(attention, float)) @ np.asarray(logits, float)  # (L,)
    return np.asarray(softmax(pooled[None], temperature)[0])


def calibrate(probabilities: ArrayLike, calibrator: Calibrator, positive: int) -> FloatArray:
    """Apply a calibrator of the positive label to a model with two labels.

    Args:
        probabilities: (2,), sums to 1.
        calibrator: fitted on validation scans.
        positive: index of the positive label.

    Returns:
        (2,), sums to 1.

    Example:
        >>> from medres.evaluation.calibrators import Platt
        >>> calibrate([0.5, 0.5], Platt(slope=1.0, intercept=np.log(3)), positive=1)
        array([0.25, 0.75])
    """
    raw = np.asarray(probabilities, float)
    found = apply_calibrator(calibrator, raw[[positive]])[0]
    return np.array([found, 1.0 - found] if positive == 0 else [1.0 - found, found])


def softmax(logits: ArrayLike, temperature: float = 1.0) -> FloatArray:
    """Turn logits into probabilities.

    Args:
        logits: (V, L).
        temperature: positive; above 1 makes them less certain.

    Returns:
        (V, L), each row sums to 1.

    Source:
        Guo et al., On calibration of modern neural networks, ICML 2017 (arXiv:1706.04599).

    Example:
        >>> softmax([[0.0, 0.0]])
        array([[0.5, 0.5]])
    """
    scaled = np.asarray(logits, float) / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def aggregate(probabilities: ArrayLike, rule: str, positive: int) -> FloatArray:
    """Make one probability for each label from those of the views.

    Args:
        probabilities: (V, L), each row sums to 1.
        rule: "mean"; "max": the view with the highest probability of the positive label speaks for the scan;
            "noisy_or": the scan is positive unless every view is negative, views taken as independent.
        positive: index of the positive label.

    Returns:
        (L,), sums to 1; with "noisy_or" the other labels share the rest in the proportion of their means.

    Example:
        >>> aggregate([[0.5, 0.5], [0.5, 0.5]], "noisy_or", positive=1)
        array([0.25, 0.75])
    """
    rows = np.asarray(probabilities, float)
    if rule == "mean":
        return np.asarray(rows.mean(axis=0))
    if rule == "max":
        return np.asarray(rows[int(np.argmax(rows[:, positive]))])
    found: FloatArray = rows.mean(axis=0)
    found[positive] = 1.0 - np.prod(1.0 - rows[:, positive])
    others = np.arange(len(found)) != positive
    rest = found[others].sum()
    share = found[others] / rest if rest > 0 else np.full(others.sum(), 1.0 / others.sum())
    found[others] = (1.0 - found[positive]) * share
    return found
