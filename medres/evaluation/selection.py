"""Several candidates' scores on the same scans -> the one to keep: the simpler, unless a dearer one is surely better.

Knows no model. What is chosen here was chosen on these scans: its number here flatters it, and the report says of how
many it was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medres.evaluation.comparison import Difference, compare_auroc
from medres.evaluation.estimate import LEVEL, Estimate
from medres.evaluation.folds import measure_auroc
from medres.evaluation.intervals import percentile
from medres.evaluation.multiclass import MulticlassCases, average_auroc, average_resamples, check_multiclass
from medres.evaluation.resampling import Weights, draw_patients, draw_stratified

SEED = 0  # of resamples: the same for every comparison


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to answer.

    Attributes:
        name: for people.
        cost: what it costs to run, in any unit; the lower the simpler.
        probabilities: (n, classes), on the same scans as every other candidate.
    """

    name: str
    cost: float
    probabilities: np.ndarray


@dataclass(frozen=True)
class Step:
    """One comparison on the way.

    Attributes:
        challenger, champion: names.
        difference: challenger minus champion.
        replaced: whether the challenger became champion: its whole interval lies above 0.
    """

    challenger: str
    champion: str
    difference: Difference
    replaced: bool


@dataclass(frozen=True)
class Selection:
    """What was chosen, and how.

    Attributes:
        winner: place among the candidates as given.
        estimates: AUROC (macro with three classes and more) of each candidate, as given.
        steps: comparisons, from the simplest candidate on.
    """

    winner: int
    estimates: tuple[Estimate, ...]
    steps: tuple[Step, ...]


def select(
    candidates: Sequence[Candidate],
    truth: Sequence[str],
    names: Sequence[str],
    positive: str,
    patients: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
) -> Selection:
    """Choose among candidates: the simplest stays unless a dearer one's paired interval lies above 0.

    Args:
        candidates: on the same scans.
        truth: class of each scan by name, shape (n,).
        names: classes in the order of the columns.
        positive: the class that two-class numbers are about.
        patients: patient of each scan, shape (n,); None takes scans as independent.
        resamples: of the paired bootstrap by patient (macro AUROC alone; two classes take DeLong or Obuchowski).

    Returns:
        The selection.

    Example:
        >>> truth = ["a", "b"] * 10
        >>> right = np.array([[0.9, 0.1], [0.1, 0.9]] * 10)
        >>> chosen = select([Candidate("plain", 1, right), Candidate("dear", 2, right)], truth, ("a", "b"), "b")
        >>> chosen.winner, chosen.steps[0].replaced
        (0, False)
    """
    order = sorted(range(len(candidates)), key=lambda place: (candidates[place].cost, place))
    champion, steps = order[0], []
    for place in order[1:]:
        pair = candidates[place].probabilities, candidates[champion].probabilities
        found = compare_tables(truth, *pair, names, positive, patients, resamples=resamples)
        replaced = found.lower is not None and found.lower > 0
        steps.append(Step(candidates[place].name, candidates[champion].name, found, replaced))
        champion = place if replaced else champion
    estimates = tuple(
        measure_auroc(truth, one.probabilities, names, positive, patients, resamples=resamples) for one in candidates
    )
    return Selection(champion, estimates, tuple(steps))


def compare_tables(
    truth: Sequence[str],
    first: ArrayLike,
    second: ArrayLike,
    names: Sequence[str],
    positive: str,
    patients: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
    level: float = LEVEL,
) -> Difference:
    """Compare two tables of probabilities on the same scans by AUROC, or by macro AUROC of three classes and more.

    Args:
        truth: class of each scan by name, shape (n,).
        first: (n, classes).
        second: (n, classes).
        names: classes in the order of the columns.
        positive: the class that two-class numbers are about.
        patients: patient of each scan, shape (n,).
        resamples: of the bootstrap; with two classes none is drawn.
        level: confidence level of the interval.

    Returns:
        First minus second.
    """
    one, two = np.asarray(first, float), np.asarray(second, float)
    if len(names) > 2:
        return _compare_macro(check_multiclass(truth, one, names), two, patients, resamples, level)
    labels = np.array([label == positive for label in truth]).astype(int)
    column = list(names).index(positive)
    return compare_auroc(labels, one[:, column], two[:, column], patients, level=level)


def _compare_macro(
    cases: MulticlassCases,
    second: np.ndarray,
    patients: Sequence[str] | None,
    resamples: int,
    level: float,
) -> Difference:
    """Draw patients (or scans within classes) for both at once."""
    other = MulticlassCases(cases.truth, second, cases.names)
    values = [average_auroc(one)["macro_auroc"] for one in (cases, other)]
    n = cases.truth.size
    # the same seed draws the same resamples for either side
    sides = [average_resamples(one, _drawn(cases.truth, patients, resamples))["macro_auroc"] for one in (cases, other)]
    differences = sides[0] - sides[1]
    drawn = differences[np.isfinite(differences)]
    lower, upper = percentile(drawn, level) if drawn.size else (None, None)
    method = f"paired {'patient' if patients is not None else 'stratified'} bootstrap, percentile"
    return Difference(values[0], values[1], values[0] - values[1], lower, upper, None, None, method, n, n, level=level)


def _drawn(truth: np.ndarray, patients: Sequence[str] | None, resamples: int) -> Weights:
    """Draw patients, or scans within classes."""
    if patients is None:
        return draw_stratified(truth, resamples, SEED)
    return draw_patients(np.asarray(patients), np.zeros(truth.size, bool), resamples, SEED)
