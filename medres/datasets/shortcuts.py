"""Facts of header and borders, and labels -> how well the label can be told without looking at the scan.

Knows numbers alone. A label that these facts predict may be learnt from them, and then the network has learnt nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold

from medres.datasets.rows import Manifest
from medres.evaluation.discrimination import auroc
from medres.evaluation.estimate import Estimate

FEARED = 0.65  # lower end of the interval from which a shortcut is feared
FOLDS, TREES, LEAF = 5, 120, 5  # of the forest; out-of-fold, groups kept together
MOST_VALUES = 30  # a text column with more different values is a note, not a group
SHOWN = 6  # single facts named for each label


@dataclass(frozen=True)
class Shortcut:
    """How well facts alone tell one label from the others.

    Attributes:
        label: told from all others.
        together: AUROC of a forest on all facts, out of fold.
        single: (fact, AUROC of the fact alone, whichever way it points), the best first.
        feared: whether the interval's lower end (without an interval, the AUROC) lies above 0.65.
    """

    label: str
    together: Estimate
    single: tuple[tuple[str, Estimate], ...]

    @property
    def feared(self) -> bool:
        """Whether facts alone tell the label well enough to be learnt; a perfect AUROC has no interval."""
        least = self.together.value if self.together.lower is None else self.together.lower
        return least is not None and least > FEARED


def build_facts(
    manifest: Manifest, facts: Sequence[Mapping[str, float]]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Lay facts of scans and columns of the manifest side by side.

    Args:
        manifest: its `site`, `modality` and further columns become facts: numbers as they are, few-valued text one by
            one.
        facts: of each row, by name.

    Returns:
        (names, (n, f) values), constant facts left out; missing ones are -1.
    """
    names = tuple(dict.fromkeys(name for row in facts for name in row))
    columns = [(name, np.array([row.get(name, -1.0) for row in facts])) for name in names]
    for column in manifest.telling_columns:
        columns += _column_facts(column, [row.value(column) for row in manifest.rows])
    columns = [(name, np.where(np.isfinite(values), values, -1.0)) for name, values in columns]
    columns = [(name, values) for name, values in columns if np.ptp(values) > 0]
    if not columns:
        return (), np.zeros((len(facts), 0))
    return tuple(name for name, _ in columns), np.stack([values for _, values in columns], axis=1)


def _column_facts(column: str, cells: Sequence[str]) -> list[tuple[str, NDArray[np.float64]]]:
    try:
        return [(column, np.array([float(cell or -1) for cell in cells]))]
    except ValueError:
        different = sorted(set(cells) - {""})
    if len(different) > MOST_VALUES:
        return []
    return [(f"{column} {value}", np.array([float(cell == value) for cell in cells])) for value in different]


def find_shortcuts(
    names: Sequence[str], values: NDArray[np.float64], labels: Sequence[str], groups: NDArray[np.int64], seed: int = 0
) -> tuple[Shortcut, ...]:
    """Measure how well facts alone predict each label.

    Args:
        names: of the facts.
        values: (n, f).
        labels: (n,).
        groups: (n,), rows of one group are never on both sides of a fold.
        seed: of folds and forest.

    Returns:
        One for each label, the last label alone where there are two; none where there are too few groups.
    """
    different = sorted(set(labels))
    asked = different[1:] if len(different) == 2 else different
    found = []
    for label in asked:
        truth = np.array([one == label for one in labels], int)
        fewest = min(len(set(groups[truth == side])) for side in (0, 1)) if 0 < truth.sum() < len(truth) else 0
        if values.shape[1] and fewest >= FOLDS:
            together = auroc(truth, _out_of_fold(values, truth, groups, seed))
            found.append(Shortcut(label, together, _single(names, values, truth)))
    return tuple(found)


def _out_of_fold(values: NDArray, truth: NDArray, groups: NDArray, seed: int) -> NDArray[np.float64]:
    scores = np.zeros(len(truth))
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(values, truth, groups):
        forest = RandomForestClassifier(TREES, min_samples_leaf=LEAF, class_weight="balanced", random_state=seed)
        known = forest.fit(values[train], truth[train]).predict_proba(values[test])
        scores[test] = known[:, 1] if known.shape[1] == 2 else 0.5
    return scores


def _single(names: Sequence[str], values: NDArray, truth: NDArray) -> tuple[tuple[str, Estimate], ...]:
    found = []
    for name, column in zip(names, values.T, strict=True):
        estimate = auroc(truth, column)
        found.append((name, estimate if (estimate.value or 0) >= 0.5 else auroc(truth, -column)))
    return tuple(sorted(found, key=lambda pair: -(pair[1].value or 0))[:SHOWN])
