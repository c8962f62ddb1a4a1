"""Classifier + validation scans -> explanation.json: layer, fixed scale and threshold, scorecard and gate.

Knows no file. What a heatmap is worth is measured here, once, and travels with the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from medres.evaluation.intervals import wilson
from medres.explain.checks import Lesion, deletion_gain, hits, likeness, randomised
from medres.explain.gradcam import METHOD, default_layer, relevance_of
from medres.volume import Volume

if TYPE_CHECKING:
    from medres.classifier import Classifier

SCHEMA_VERSION = 1
SCALE_PERCENTILE = 95.0  # of the scans' hottest values: rarely does a scan go beyond full colour
COLD_PERCENTILE = 90.0  # of the hottest values of scans without the finding: nine in ten of them show no region
THRESHOLD_SHARES = (0.3, 0.7)  # the threshold stays between these shares of the scale
MOST_LIKENESS = 0.5  # of a trained network's maps to a random network's
LEAST_DELETION = 0.5  # share of scans in which the hottest cells matter more than random ones
FEWEST = 5  # scans below which nothing is concluded


@dataclass(frozen=True, eq=False)
class Case:
    """A validation scan with what is known about it.

    Attributes:
        volume: the scan, or one for each channel by name.
        positive: whether it has the finding; None takes the model's own decision.
        lesions: where, if known.
    """

    volume: Volume | Mapping[str, Volume]
    positive: bool | None = None
    lesions: tuple[Lesion, ...] = ()


@dataclass(frozen=True)
class _Result:
    """What one scan showed; None where a check did not apply."""

    positive: bool
    hottest: float
    hit: bool | None = field(default=None)
    chance: float | None = field(default=None)
    likeness: float = field(default=math.nan)
    gain: float | None = field(default=None)


def fit_explanation(
    classifier: Classifier,
    volumes: Iterable[Case | Volume | Mapping[str, Volume]],
    *,
    layer: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Fix the scale and the threshold of a model's heatmaps and test them, on validation scans.

    Args:
        classifier: of the model that was trained.
        volumes: validation scans, best as `Case` with label and lesions; out-of-scope ones are left out.
        layer: of the network; None takes the network's last map.
        seed: for random weights and random cells.

    Returns:
        The content of `explanation.json`.
    """
    layer = layer or default_layer(classifier.network)
    random_network = randomised(classifier.network, seed)
    rng = np.random.default_rng(seed)
    cases = (one if isinstance(one, Case) else Case(one) for one in volumes)
    found = [_test(classifier, case, layer, random_network, rng) for case in cases]
    results = [result for result in found if result is not None]
    scale, threshold = fit_scale(results)
    card = _scorecard(results)
    return {
        "schema_version": SCHEMA_VERSION,
        "method": METHOD,
        "layer": layer,
        "label": classifier.model.spec.positive_label,
        "scale": scale,
        "threshold": threshold,
        "fitted_on": {"scans": len(results), "positive": sum(r.positive for r in results)},
        "scorecard": card,
    }


def _test(
    classifier: Classifier, case: Case, layer: str, random_network: Any, rng: np.random.Generator
) -> _Result | None:
    """Put one scan's heatmap to every test that applies; None where the model does not answer for it."""
    told = classifier.predict(case.volume)
    if told.decision == "out_of_scope":
        return None
    positive = told.decision == "positive" if case.positive is None else case.positive
    given = classifier.prepare(case.volume)
    label = classifier.model.spec.positive_label
    relevance, affine = relevance_of(classifier, given, label, layer)
    hottest = float(relevance.max())
    if not positive:
        return _Result(False, hottest)
    other, _ = relevance_of(classifier, given, label, layer, random_network)
    index = classifier.model.spec.label_names.index(label)
    gain = deletion_gain(classifier.network, given, index, relevance, affine, rng=rng)
    near = hits(relevance, affine, case.lesions) if case.lesions else None
    hit = None if near is None else bool(near.flat[int(np.argmax(relevance))] and hottest > 0)
    chance = None if near is None else float(near.mean())
    return _Result(True, hottest, hit, chance, likeness(relevance, other), gain)


def fit_scale(results: Sequence[Any]) -> tuple[float, float]:
    """Choose the value of full colour and the value from which a region is shown.

    Args:
        results: with `.hottest` and `.positive`.

    Returns:
        (scale, threshold), the same for every study.
    """
    hot = [r.hottest for r in results if r.positive] or [r.hottest for r in results]
    scale = float(np.percentile(hot, SCALE_PERCENTILE)) if hot else 0.0
    if scale <= 0.0:
        return 1.0, 0.5
    cold = [r.hottest for r in results if not r.positive]
    wanted = float(np.percentile(cold, COLD_PERCENTILE)) if cold else scale / 2
    lowest, highest = (share * scale for share in THRESHOLD_SHARES)
    return scale, float(np.clip(wanted, lowest, highest))


def _scorecard(results: Sequence[_Result]) -> dict[str, Any]:
    """Sum the checks up and close or open the gate."""
    tested = [r for r in results if r.positive]
    card = {
        "pointing": _pointing([r for r in tested if r.hit is not None]),
        "randomisation": _randomisation([r.likeness for r in tested]),
        "deletion": _deletion([r.gain for r in tested if r.gain is not None]),
    }
    failed = [part["reason"] for part in card.values() if part["passed"] is False]
    if len(tested) < FEWEST:
        failed = [f"too few scans with the finding to test on ({len(tested)} of at least {FEWEST})"]
    elif not any(r.hottest > 0 for r in tested):
        failed = ["every map is empty"]
    reason = "; ".join(failed) or "every check that applies was passed"
    return {**card, "passed": not failed, "reason": reason}


def _pointing(tested: Sequence[_Result]) -> dict[str, Any]:
    """Does the hottest cell lie within one cell of a known lesion, more often than a blind one would?"""
    if len(tested) < FEWEST:
        return _not_tested(len(tested), "scans with a known place")
    hit = sum(bool(r.hit) for r in tested)
    chance = float(np.mean([r.chance for r in tested]))
    lower, upper = wilson(hit, len(tested))
    passed = lower > chance
    reason = f"the hottest cell lay within one cell of the lesion in {hit} of {len(tested)} scans (blind: {chance:.0%})"
    return _part(
        passed, reason, n=len(tested), hits=hit, rate=hit / len(tested), interval=[lower, upper], chance=chance
    )


def _randomisation(values: Sequence[float]) -> dict[str, Any]:
    """Do maps change when the weights are drawn anew?"""
    finite = [abs(v) for v in values if math.isfinite(v)]
    if len(finite) < FEWEST:
        return _not_tested(len(finite), "scans whose maps can be compared")
    mean = float(np.mean(finite))
    reason = f"rank correlation with the maps of random weights {mean:.2f} on average (at most {MOST_LIKENESS})"
    return _part(mean <= MOST_LIKENESS, reason, n=len(finite), mean_likeness=mean)


def _deletion(gains: Sequence[float]) -> dict[str, Any]:
    """Does the logit fall further without the hottest cells than without random ones?"""
    if len(gains) < FEWEST:
        return _not_tested(len(gains), "scans")
    better = sum(gain > 0 for gain in gains)
    reason = (
        f"without its hottest cells the score fell further than without random ones in {better} of {len(gains)} scans"
    )
    passed = better / len(gains) > LEAST_DELETION
    return _part(passed, reason, n=len(gains), better=better, median_gain=float(np.median(gains)))


def _not_tested(count: int, what: str) -> dict[str, Any]:
    return {"passed": None, "reason": f"not tested: {count} {what}, at least {FEWEST} are needed", "n": count}


def _part(passed: bool, reason: str, **numbers: Any) -> dict[str, Any]:
    return {"passed": bool(passed), "reason": reason, **numbers}
