"""A score + the model's validation scores -> where it falls among them, in counts.

Knows no scan and no page.
"""

from __future__ import annotations

import csv
import io

import numpy as np

from medres.models.trained_model import TrainedModel
from medres.preprocessing.spec import Frozen

BINS = 20
VALIDATION = "validation.csv"


class Standing(Frozen):
    """Where a score falls among validation scores.

    Attributes:
        n_positive, n_negative: validation scans with and without the finding.
        positives_below, negatives_below: of them, those with a lower score; None without a score.
        positive_counts, negative_counts: (20,), scans in equal bins over [0, 1].
    """

    n_positive: int
    n_negative: int
    positives_below: int | None
    negatives_below: int | None
    positive_counts: tuple[int, ...]
    negative_counts: tuple[int, ...]


def find_standing(model: TrainedModel, probability: float | None) -> Standing | None:
    """Place a score among the model's own validation scores.

    Args:
        model: with its validation.csv.
        probability: of the positive label, in [0, 1]; None gives the counts alone.

    Returns:
        None where the model was saved without validation scores.
    """
    found = validation_scores(model)
    if found is None:
        return None
    with_it, without = found
    return Standing(
        n_positive=with_it.size,
        n_negative=without.size,
        positives_below=None if probability is None else int((with_it < probability).sum()),
        negatives_below=None if probability is None else int((without < probability).sum()),
        positive_counts=_counts(with_it),
        negative_counts=_counts(without),
    )


def validation_scores(model: TrainedModel) -> tuple[np.ndarray, np.ndarray] | None:
    """Read the scores of the model's validation scans.

    Args:
        model: with its validation.csv.

    Returns:
        ((n,), (m,)) scores of scans with and without the finding, in [0, 1]; None where it was saved without them.
    """
    if VALIDATION not in model.spec.files:
        return None
    rows = list(csv.DictReader(io.StringIO(model.read_file(VALIDATION).decode("utf-8"))))
    if not rows or not {"label", "score"} <= rows[0].keys():
        return None
    scores = np.array([float(row["score"]) for row in rows])
    positive = np.array([row["label"] == model.spec.positive_label for row in rows])
    return scores[positive], scores[~positive]


def _counts(scores: np.ndarray) -> tuple[int, ...]:
    counts, _ = np.histogram(np.clip(scores, 0, 1), bins=BINS, range=(0.0, 1.0))
    return tuple(int(n) for n in counts)
