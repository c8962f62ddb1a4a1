"""Tables of truth against call, one for each resample -> balanced accuracy, kappa, MCC and F1 of all at once.

Knows neither scores nor thresholds. Two classes are a table of two rows: negative, then positive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from medres.evaluation import replicates
from medres.evaluation.estimate import Estimate
from medres.evaluation.intervals import percentile
from medres.evaluation.resampling import Resampling, Weights


def tables_at(curves: replicates.Curves, threshold: float) -> np.ndarray:
    """Count truth (rows) against call (columns) of every resample at a threshold, shape (b, 2, 2)."""
    tp, fp = replicates.counts_at(curves, threshold)
    return np.stack((curves.n_negative - fp, fp, curves.n_positive - tp, tp), axis=1).reshape(-1, 2, 2)


def draw_tables(truth: np.ndarray, called: np.ndarray, classes: int, blocks: Weights) -> np.ndarray:
    """Count truth (rows) against call (columns) of every resample.

    Args:
        truth: index of the true class, shape (n,).
        called: index of the predicted class, shape (n,).
        classes: how many.
        blocks: how often each case counts, each of shape (b, n).

    Returns:
        Shape (resamples, classes, classes).
    """
    cells = truth * classes + called
    order = np.argsort(cells, kind="stable")
    filled, starts = np.unique(cells[order], return_index=True)
    found = [np.empty((0, classes * classes))]
    for block in blocks:
        counts = np.zeros((block.shape[0], classes * classes))
        counts[:, filled] = np.add.reduceat(np.take(block, order, axis=1), starts, axis=1)
        found.append(counts)
    return np.concatenate(found).reshape(-1, classes, classes)


def score_tables(tables: np.ndarray) -> dict[str, np.ndarray]:
    """Summarise tables of truth (rows) against call (columns).

    Args:
        tables: counts, shape (b, classes, classes).

    Returns:
        `balanced_accuracy`, `cohen_kappa`, `mcc` and `macro_f1`, shape (b,); `f1` of each class, shape (b, classes).
        NaN where a denominator is 0.

    Source: Gorodkin, Comput Biol Chem 2004 (multi-class MCC); Cohen 1960.

    Example:
        >>> float(score_tables(np.array([[[13, 10], [6, 11]]]))["mcc"][0].round(4))
        0.2101
    """
    counts = np.asarray(tables, float)
    rows, columns, diagonal = counts.sum(axis=2), counts.sum(axis=1), np.einsum("bkk->bk", counts)
    n, by_chance = rows.sum(axis=1), (rows * columns).sum(axis=1)
    spread = np.sqrt(n**2 - (columns**2).sum(axis=1)) * np.sqrt(n**2 - (rows**2).sum(axis=1))
    chance, f1 = _divide(by_chance, n**2), _divide(2 * diagonal, rows + columns)
    return {
        "balanced_accuracy": _divide(diagonal, rows).mean(axis=1),
        "cohen_kappa": _divide(_divide(diagonal.sum(axis=1), n) - chance, 1 - chance),
        "mcc": _divide(diagonal.sum(axis=1) * n - by_chance, spread),
        "macro_f1": f1.mean(axis=1),
        "f1": f1,
    }


def score_two_classes(tables: np.ndarray) -> dict[str, np.ndarray]:
    """Summarise tables of two classes, the positive one second; F1 is the positive class's, J stands beside."""
    found = score_tables(tables)
    kept = {name: found[name] for name in ("balanced_accuracy", "mcc", "cohen_kappa")}
    return kept | {"youden_j": 2 * found["balanced_accuracy"] - 1, "f1": found["f1"][:, 1]}


def with_percentiles(
    estimates: Mapping[str, Estimate], drawn: Mapping[str, np.ndarray], plan: Resampling
) -> dict[str, Estimate]:
    """Put percentile intervals of resampled values around numbers that are defined and have none."""
    found = dict(estimates)
    for name, one in estimates.items():
        if name in drawn and one.defined and drawn[name].size:
            lower, upper = percentile(drawn[name], plan.level)
            if lower is not None:
                found[name] = replace(one, lower=lower, upper=upper, method=plan.method, level=plan.level)
    return found


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0))
