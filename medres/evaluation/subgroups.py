"""A column beside the labels -> how the model does in each of its groups, and how sure that is.

Groups with few positives are shown and flagged, never hidden; a group of one class has no AUROC and says why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from medres.evaluation.clustered import auroc_clustered, is_clustered
from medres.evaluation.confusion import count_decisions, rates
from medres.evaluation.discrimination import auroc
from medres.evaluation.estimate import FEW_POSITIVES, LEVEL, Estimate
from medres.evaluation.inputs import check_labels, check_lengths, check_scores

EMPTY = "(empty)"  # group of the rows without a value
MOST_GROUPS = 12  # a column with more distinct values is a note, not a grouping
NUMERIC_GROUPS = 3  # numbers with many values are cut into thirds


@dataclass(frozen=True)
class Subgroup:
    """One group of one column.

    Attributes:
        column: such as `sex`.
        value: such as `F`; empty cells are `(empty)`.
        n: cases.
        n_positive: positive cases.
        auroc: with the logit interval, clustered where patients have several scans.
        sensitivity: at the operating point; None without one.
        specificity: the same.
        flag: `fewer than 10 positives`, or empty.
    """

    column: str
    value: str
    n: int
    n_positive: int
    auroc: Estimate
    sensitivity: Estimate | None
    specificity: Estimate | None
    flag: str = ""


def group_column(cells: Sequence[str]) -> list[str] | None:
    """Turn a column into groups: its values, or thirds where it holds many numbers.

    Args:
        cells: texts, shape (n,).

    Returns:
        Group of each row; None where the column is a note (many texts, or one value only).

    Example:
        >>> group_column(["F", "M", ""])
        ['F', 'M', '(empty)']
    """
    named = [str(cell).strip() or EMPTY for cell in cells]
    distinct = set(named)
    if len(distinct) < 2:
        return None
    if len(distinct) <= MOST_GROUPS:
        return named
    return _thirds(named)


def _thirds(named: list[str]) -> list[str] | None:
    numbers = np.array([_number(cell) for cell in named])
    known = np.isfinite(numbers)
    if known.mean() < 0.8:
        return None
    cuts = np.unique(np.quantile(numbers[known], [1 / 3, 2 / 3]))
    short = [f"{cut:.4g}" for cut in cuts]
    said = short if len(set(short)) == len(short) else [f"{cut!r}" for cut in cuts.tolist()]
    between = [f"over {low} to {high}" for low, high in pairwise(said)]
    names = [f"up to {said[0]}", *between, f"over {said[-1]}"]
    places = np.searchsorted(cuts, numbers, side="left")
    return [names[place] if good else EMPTY for place, good in zip(places, known, strict=True)]


def _rank(value: str) -> tuple[bool, float, bool, str]:
    """Order groups: numbers and ranges of numbers by size, texts by letters, empty cells last."""
    number = _number(value.removeprefix("up to ").removeprefix("over ").partition(" ")[0])
    return value == EMPTY, number if math.isfinite(number) else math.inf, not value.startswith("up to"), value


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def measure_subgroups(
    y_true: ArrayLike,
    y_score: ArrayLike,
    columns: Mapping[str, Sequence[str]],
    threshold: float | None = None,
    *,
    patients: ArrayLike | None = None,
    level: float = LEVEL,
    unit: str = "scan",
) -> tuple[Subgroup, ...]:
    """Measure every group of every column.

    Args:
        y_true: labels 0 or 1, shape (n,).
        y_score: scores, shape (n,).
        columns: texts by column name, each of shape (n,).
        threshold: the operating point; None leaves decisions out.
        patients: patient of each row, for clustered intervals.
        level: confidence level.
        unit: what a case is.

    Returns:
        Groups, columns in order and values sorted.
    """
    labels, scores = check_labels(y_true), check_scores(y_score)
    names = None if patients is None else np.asarray(patients)
    check_lengths(labels=labels, scores=scores, patients=names, **dict(columns))
    found = []
    for column, cells in columns.items():
        groups = group_column(cells)
        for value in sorted(set(groups or ()), key=_rank):
            kept = np.array([one == value for one in groups or ()])
            own = None if names is None else names[kept]
            area = _area(labels[kept], scores[kept], own, level, unit)
            found.append(_measure(column, value, labels[kept], scores[kept], area, threshold))
    return tuple(found)


def _area(labels: np.ndarray, scores: np.ndarray, patients: np.ndarray | None, level: float, unit: str) -> Estimate:
    if patients is not None and is_clustered(patients):
        return auroc_clustered(labels, scores, patients, level=level, unit=unit)
    return auroc(labels, scores, level=level, unit=unit)


def _measure(
    column: str, value: str, labels: np.ndarray, scores: np.ndarray, area: Estimate, threshold: float | None
) -> Subgroup:
    decided = (
        None
        if threshold is None
        else rates(count_decisions(labels, scores >= threshold), "wilson", area.level, area.unit)
    )
    positives = int(labels.sum())
    flag = f"fewer than {FEW_POSITIVES} positives" if positives < FEW_POSITIVES else ""
    return Subgroup(
        column,
        value,
        labels.size,
        positives,
        area,
        decided["sensitivity"] if decided else None,
        decided["specificity"] if decided else None,
        flag,
    )
