"""Marked places in scans -> FROC: sensitivity per lesion against false marks per scan.

The hit rule is stated by whoever matched the marks. A second mark on a lesion that is already hit is neither true nor
false; the lesion keeps the highest score. MONAI's FROC drops the lowest threshold, so it is not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medres.errors import EvaluationError
from medres.evaluation.estimate import LEVEL, Estimate, undefined
from medres.evaluation.inputs import check_scores
from medres.evaluation.intervals import percentile, proportion
from medres.evaluation.resampling import Resampling

TARGETS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # false positives per scan, as LUNA16 has them


@dataclass(frozen=True)
class Mark:
    """One place that a model marked.

    Attributes:
        scan: which scan.
        score: higher is more suspicious.
        lesion: the lesion that it hits by the stated rule; empty for none.
    """

    scan: str
    score: float
    lesion: str = ""


@dataclass(frozen=True, eq=False)
class Froc:
    """A FROC curve.

    Attributes:
        threshold: distinct scores, falling, shape (k,).
        false_positives: false marks per scan at `score >= threshold`, shape (k,).
        sensitivity: lesions hit over all lesions, shape (k,).
        n_scans: scans, with or without lesion.
        n_lesions: lesions in all.
        never_marked: lesions without any mark.
    """

    threshold: np.ndarray
    false_positives: np.ndarray
    sensitivity: np.ndarray
    n_scans: int
    n_lesions: int
    never_marked: int


def hit_by_distance(
    centres_mm: np.ndarray, lesions_mm: np.ndarray, radii_mm: np.ndarray, least_mm: float = 0.0
) -> np.ndarray:
    """Match marks to lesions: hit when the mark lies within the lesion's radius of its centre (LUNA16's rule).

    Args:
        centres_mm: marks, shape (m, 3).
        lesions_mm: centres of lesions, shape (k, 3).
        radii_mm: their radii, shape (k,).
        least_mm: radius that every lesion has at least.

    Returns:
        Lesion number of each mark, shape (m,); -1 for none; the nearest where several are hit.

    Source: Setio et al., Med Image Anal 2017 (LUNA16).

    Example:
        >>> hit_by_distance(np.zeros((1, 3)), np.array([[3.0, 0, 0]]), np.array([5.0]))
        array([0])
    """
    if not len(lesions_mm):
        return np.full(len(centres_mm), -1)
    distances = np.linalg.norm(np.asarray(centres_mm)[:, None] - np.asarray(lesions_mm)[None], axis=2)  # (m, k)
    distances = np.where(distances <= np.maximum(radii_mm, least_mm), distances, np.inf)
    return np.where(np.isfinite(distances).any(axis=1), distances.argmin(axis=1), -1)


def froc_curve(marks: Sequence[Mark], lesions: Mapping[str, int]) -> Froc:
    """Count hits and false marks at every threshold.

    Args:
        marks: of all scans.
        lesions: number of lesions of every scan, 0 included.

    Returns:
        The curve over every score that changes a count.

    Raises:
        EvaluationError: E_EVAL_SCORE, E_EVAL_LABEL for a mark in an unknown scan or more lesions hit than there are,
            E_EVAL_EMPTY without scans.

    Source: Bunch et al. 1978; Chakraborty 1989.

    Example:
        >>> froc_curve([Mark("a", 0.9, "L1"), Mark("a", 0.4)], {"a": 1, "b": 0}).false_positives
        array([0. , 0.5])
    """
    check_scores([mark.score for mark in marks])
    _check_marks(marks, lesions)
    hits, false = _best_marks(marks)
    return _count(hits, false, len(lesions), sum(lesions.values()))


def _check_marks(marks: Sequence[Mark], lesions: Mapping[str, int]) -> None:
    if not lesions:
        raise EvaluationError("E_EVAL_EMPTY", "at least one scan is needed, got 0")
    unknown = sum(mark.scan not in lesions for mark in marks)
    if unknown:
        told = f"every mark must lie in a listed scan, got {unknown} that do not"
        raise EvaluationError("E_EVAL_LABEL", told, "list every scan with its lesions, 0 where it has none")
    found: dict[str, set[str]] = {}
    for mark in marks:
        if mark.lesion:
            found.setdefault(mark.scan, set()).add(mark.lesion)
    over = sum(len(names) > lesions[scan] for scan, names in found.items())
    if over:
        told = f"no scan may have more lesions hit than listed, got {over} that do"
        raise EvaluationError("E_EVAL_LABEL", told, "correct the number of lesions, or the lesion that a mark names")


def _best_marks(marks: Sequence[Mark]) -> tuple[np.ndarray, np.ndarray]:
    """Best score of each hit lesion, and the scores of false marks."""
    best: dict[tuple[str, str], float] = {}
    for mark in marks:
        if mark.lesion:
            key = (mark.scan, mark.lesion)
            best[key] = max(mark.score, best.get(key, -np.inf))
    return np.array(sorted(best.values())), np.array(sorted(mark.score for mark in marks if not mark.lesion))


def _count(hits: np.ndarray, false: np.ndarray, n_scans: int, n_lesions: int) -> Froc:
    thresholds = np.unique(np.concatenate((hits, false)))[::-1]
    found = hits.size - np.searchsorted(hits, thresholds, side="left")
    wrong = false.size - np.searchsorted(false, thresholds, side="left")
    with np.errstate(invalid="ignore", divide="ignore"):
        return Froc(thresholds, wrong / n_scans, found / n_lesions, n_scans, n_lesions, n_lesions - hits.size)


def sensitivity_at(curve: Froc, target: float) -> float:
    """Highest attained sensitivity with at most this many false marks per scan; no interpolation.

    Example:
        >>> sensitivity_at(froc_curve([Mark("a", 0.9, "L1"), Mark("a", 0.4)], {"a": 1}), 0.125)
        1.0
    """
    reached = curve.sensitivity[curve.false_positives <= target]
    return float(reached.max()) if reached.size else 0.0


def measure_froc(
    marks: Sequence[Mark],
    lesions: Mapping[str, int],
    plan: Resampling,
    *,
    patients: Mapping[str, str] | None = None,
    hit_rule: str = "",
) -> dict[str, Estimate]:
    """Sensitivity at 1/8 to 8 false marks per scan and their mean, with a bootstrap by patient. Higher is better.

    Args:
        marks: of all scans.
        lesions: number of lesions of every scan.
        plan: resamples, seed and level.
        patients: patient of each scan; None takes each scan for a patient.
        hit_rule: how marks were matched, in words; kept in the method.

    Returns:
        `froc_0.125` ... `froc_8` and `froc_mean`; None with a reason without lesions.

    Source: Setio 2017 (targets); Efron and Tibshirani 1993 (percentile).
    """
    curve = froc_curve(marks, lesions)
    about: dict[str, Any] = {"n": curve.n_lesions, "unit": "lesion", "level": plan.level}
    about["method"] = "patient bootstrap, percentile" + (f"; hit: {hit_rule}" if hit_rule else "")
    names = [f"froc_{target:g}" for target in TARGETS] + ["froc_mean"]
    if not curve.n_lesions:
        return {name: undefined("no lesion in any scan", **about) for name in names}
    values = _summarise(curve)
    found = _resample(marks, lesions, plan, patients)
    ends = [percentile(column, plan.level) if column.size else (None, None) for column in found.T]
    return {name: Estimate(value, *end, **about) for name, value, end in zip(names, values, ends, strict=True)}


def measure_marks(marks: Sequence[Mark], lesions: Mapping[str, int], *, level: float = LEVEL) -> dict[str, Estimate]:
    """What all marks together find, whatever their score.

    Args:
        marks: of all scans.
        lesions: number of lesions of every scan.
        level: confidence level.

    Returns:
        `lesions_marked` (higher is better), Wilson's interval, lesions taken as independent; `false_marks` per scan
        (lower is better) without an interval.

    Example:
        >>> found = measure_marks([Mark("a", 0.9, "L1"), Mark("a", 0.4)], {"a": 2, "b": 0})
        >>> found["lesions_marked"].value, found["false_marks"].value
        (0.5, 0.5)
    """
    curve = froc_curve(marks, lesions)
    marked = proportion(curve.n_lesions - curve.never_marked, curve.n_lesions, level=level, unit="lesion")
    marked = replace(marked, method=f"{marked.method}, lesions taken as independent")
    wrong = sum(not mark.lesion for mark in marks) / curve.n_scans
    return {"lesions_marked": marked, "false_marks": Estimate(wrong, method="none", n=curve.n_scans, level=level)}


def measure_hits(hits: Sequence[bool], chances: Sequence[float], *, level: float = LEVEL) -> dict[str, Estimate]:
    """How often the hottest place of a heatmap lies on a lesion, and how often a blind guess would.

    Args:
        hits: of each scan with a lesion, whether its hottest place is on one, shape (n,).
        chances: of the same scans, the share of places that are, in [0, 1], shape (n,).
        level: confidence level.

    Returns:
        `hit_rate` with Wilson's interval (higher is better) and `hit_rate_blind`, the mean of the chances.

    Source: Zhang et al., Int J Comput Vis 2018 (the pointing game).

    Example:
        >>> found = measure_hits([True, True, False, True], [0.1, 0.1, 0.2, 0.2])
        >>> found["hit_rate"].value, round(found["hit_rate_blind"].value, 3)
        (0.75, 0.15)
    """
    rate = proportion(sum(map(bool, hits)), len(hits), level=level)
    if not hits:
        return {"hit_rate": rate, "hit_rate_blind": undefined("no scan with a lesion", level=level)}
    return {
        "hit_rate": rate,
        "hit_rate_blind": Estimate(float(np.mean(chances)), method="none", n=len(hits), level=level),
    }


def _summarise(curve: Froc) -> list[float]:
    at = [sensitivity_at(curve, target) for target in TARGETS]
    return [*at, float(np.mean(at))]


def _resample(
    marks: Sequence[Mark], lesions: Mapping[str, int], plan: Resampling, patients: Mapping[str, str] | None
) -> np.ndarray:
    """Values of every resample, shape (resamples, targets + 1); NaN where it holds no lesion."""
    owner = {scan: patients[scan] if patients else scan for scan in lesions}
    names = sorted(set(owner.values()))
    groups: dict[str, tuple[list[np.ndarray], list[np.ndarray], int, int]] = {n: ([], [], 0, 0) for n in names}
    marked: dict[str, list[Mark]] = {scan: [] for scan in lesions}
    for mark in marks:
        marked[mark.scan].append(mark)
    for scan in sorted(lesions):
        hits, false = _best_marks(marked[scan])
        old = groups[owner[scan]]
        groups[owner[scan]] = ([*old[0], hits], [*old[1], false], old[2] + 1, old[3] + lesions[scan])
    rng, rows = np.random.default_rng(plan.seed), []
    for _ in range(plan.resamples):
        drawn = [groups[names[k]] for k in rng.integers(0, len(names), len(names))]
        hits = np.sort(np.concatenate([part for one in drawn for part in one[0]]))
        false = np.sort(np.concatenate([part for one in drawn for part in one[1]]))
        total = sum(one[3] for one in drawn)
        curve = _count(hits, false, sum(one[2] for one in drawn), total)
        rows.append(_summarise(curve) if total else [np.nan] * (len(TARGETS) + 1))
    return np.array(rows).reshape(-1, len(TARGETS) + 1)
