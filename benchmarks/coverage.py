"""How often do the intervals hold the truth? Exact enumeration for proportions, 1,000 simulated sets otherwise.

Prints the two tables of docs/metrics.md: `python -m benchmarks.coverage`. Seeded; takes about two minutes on one core.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from medres.evaluation import replicates
from medres.evaluation.clustered import auroc_clustered
from medres.evaluation.curves import run
from medres.evaluation.discrimination import auroc
from medres.evaluation.intervals import clopper_pearson, percentile, wilson
from medres.evaluation.resampling import Resampling, rank_cases, resample

AREAS, POSITIVES, SETS = (0.75, 0.85, 0.90, 0.95), (20, 50, 100, 200), 1000
RATES, TRIALS = (0.5, 0.8, 0.9, 0.95, 0.99), (20, 50, 100, 200)
RESAMPLES = 400


def holds(estimate, truth: float) -> bool:
    return estimate.lower is not None and estimate.lower <= truth <= estimate.upper


def draw(rng: np.random.Generator, area: float, positives: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a binormal set with this AUROC, as many negatives as positives."""
    labels = np.repeat([0, 1], positives)
    return labels, rng.normal(labels * np.sqrt(2) * special.ndtri(area), 1)


def area_coverage(area: float, positives: int) -> dict[str, float]:
    """Share of simulated sets whose interval holds the AUROC that they were drawn with."""
    rng, found = (
        np.random.default_rng([positives, int(area * 100)]),
        {"logit-delong": [], "delong": [], "bootstrap": []},
    )
    for number in range(SETS):
        labels, scores = draw(rng, area, positives)
        for method in ("logit-delong", "delong"):
            found[method].append(holds(auroc(labels, scores, method=method), area))
        if number < SETS // 2:
            cases = rank_cases(labels, scores)
            drawn = run(cases, resample(cases, Resampling(RESAMPLES, number)), {"auroc": replicates.auroc})["auroc"]
            lower, upper = percentile(drawn)
            found["bootstrap"].append(lower is not None and upper is not None and lower <= area <= upper)
    return {method: float(np.mean(held)) for method, held in found.items()}


def clustered_coverage(patients: int, share: float = 0.6) -> dict[str, float]:
    """Coverage with 3 scans a patient, scores correlated within patients (intraclass share), AUROC 0.85."""
    rng, shift = np.random.default_rng(patients), np.sqrt(2) * special.ndtri(0.85)
    found = {"logit-obuchowski": [], "obuchowski": [], "naive delong": []}
    for _ in range(SETS):
        names = np.repeat(np.arange(patients), 3)
        labels = (names % 2 == 0).astype(int)
        own = np.sqrt(share) * rng.normal(size=patients)[names] + np.sqrt(1 - share) * rng.normal(size=names.size)
        scores = labels * shift + own
        for method in ("logit-obuchowski", "obuchowski"):
            found[method].append(holds(auroc_clustered(labels, scores, names, method=method), 0.85))
        found["naive delong"].append(holds(auroc(labels, scores, method="delong"), 0.85))
    return {method: float(np.mean(held)) for method, held in found.items()}


def rate_coverage(rate: float, trials: int, interval) -> float:
    """Exact coverage: the probability of every count whose interval holds the rate."""
    counts = np.arange(trials + 1)
    held = [lower <= rate <= upper for lower, upper in (interval(int(x), trials) for x in counts)]
    return float(np.sum(stats.binom.pmf(counts, trials, rate) * held))


def main() -> None:
    print(
        "| AUROC | positives = negatives | logit-DeLong | DeLong, clipped | stratified bootstrap |\n"
        "|---|---|---|---|---|"
    )
    for area in AREAS:
        for positives in POSITIVES:
            shares = " | ".join(f"{share:.3f}" for share in area_coverage(area, positives).values())
            print(f"| {area:.2f} | {positives} | {shares} |")
    print("\n| patients x 3 scans | logit-Obuchowski | Obuchowski, clipped | naive DeLong |\n|---|---|---|---|")
    for patients in (30, 60, 120):
        one = clustered_coverage(patients)
        print(f"| {patients} | {one['logit-obuchowski']:.3f} | {one['obuchowski']:.3f} | {one['naive delong']:.3f} |")
    print("\n| rate | n | Wilson | Clopper-Pearson |\n|---|---|---|---|")
    for rate in RATES:
        for trials in TRIALS:
            both = [rate_coverage(rate, trials, interval) for interval in (wilson, clopper_pearson)]
            print(f"| {rate:.2f} | {trials} | {both[0]:.3f} | {both[1]:.3f} |")


if __name__ == "__main__":
    main()
