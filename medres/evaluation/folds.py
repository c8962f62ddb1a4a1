"""Out-of-fold scores -> AUROC pooled and fold by fold, with intervals by patient.

Knows no model. Pooling mixes the scales of several models: where the folds' scores lie apart, the pooled value is below
the folds' own, and both are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medres.evaluation.clustered import auroc_clustered, is_clustered
from medres.evaluation.discrimination import auroc
from medres.evaluation.estimate import Estimate
from medres.evaluation.inputs import check_lengths
from medres.evaluation.multiclass import check_multiclass, measure_averages
from medres.evaluation.resampling import Resampling


@dataclass(frozen=True)
class FoldSummary:
    """What out-of-fold scores are worth.

    Attributes:
        metric: "auroc" or, with three classes or more, "macro_auroc".
        pooled: over all scans together.
        folds: by fold.
        mean: mean of the folds' values; None where one is undefined.
        spread: standard deviation of the folds' values (n - 1); None with fewer than two.
    """

    metric: str
    pooled: Estimate
    folds: dict[str, Estimate]
    mean: float | None
    spread: float | None


def measure_auroc(
    truth: Sequence[str],
    probabilities: ArrayLike,
    names: Sequence[str],
    positive: str,
    patients: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
) -> Estimate:
    """Measure AUROC of the positive class, or the macro AUROC of three classes and more.

    Args:
        truth: class of each scan by name, shape (n,).
        probabilities: one column for each class, shape (n, classes).
        names: classes in the order of the columns.
        positive: the class that two-class numbers are about.
        patients: patient of each scan, shape (n,); None takes scans as independent.
        resamples: of the bootstrap over patients (macro AUROC alone).

    Returns:
        Estimate; Obuchowski's interval where a patient has several scans, DeLong's (logit) else, a bootstrap for macro.

    Example:
        >>> measure_auroc(["a", "b"], [[0.9, 0.1], [0.2, 0.8]], ("a", "b"), "b").value
        1.0
    """
    table = np.asarray(probabilities, float)
    names_of = None if patients is None else np.asarray(patients)
    if len(names) > 2:
        cases = check_multiclass(truth, table, names)
        return measure_averages(cases, Resampling(resamples, patients=names_of))["macro_auroc"]
    labels = np.array([label == positive for label in truth]).astype(int)
    score = table[:, list(names).index(positive)]
    if names_of is not None and is_clustered(names_of):
        return auroc_clustered(labels, score, names_of)
    return auroc(labels, score)


def summarise_folds(
    truth: Sequence[str],
    probabilities: ArrayLike,
    names: Sequence[str],
    positive: str,
    folds: Sequence[str],
    patients: Sequence[str] | None = None,
) -> FoldSummary:
    """Measure out-of-fold scores, pooled and fold by fold.

    Args:
        truth: class of each scan by name, shape (n,).
        probabilities: one column for each class, shape (n, classes), from the model that never saw the scan's patient.
        names: classes in the order of the columns.
        positive: the class that two-class numbers are about.
        folds: fold of each scan, shape (n,).
        patients: patient of each scan, shape (n,); None takes scans as independent.

    Returns:
        The summary.
    """
    table, of_fold = np.asarray(probabilities, float), np.asarray(folds)
    check_lengths(labels=truth, scores=table, folds=of_fold)

    def measure(chosen: np.ndarray) -> Estimate:
        """Measure the AUROC of some of the scans."""
        own = None if patients is None else [patients[n] for n in chosen]
        return measure_auroc([truth[n] for n in chosen], table[chosen], names, positive, own)

    found = {str(name): measure(np.flatnonzero(of_fold == name)) for name in sorted(set(folds))}
    values = [one.value for one in found.values() if one.value is not None]
    whole = len(values) == len(found)
    return FoldSummary(
        metric="macro_auroc" if len(names) > 2 else "auroc",
        pooled=measure(np.arange(len(truth))),
        folds=found,
        mean=float(np.mean(values)) if whole else None,
        spread=float(np.std(values, ddof=1)) if whole and len(values) > 1 else None,
    )
