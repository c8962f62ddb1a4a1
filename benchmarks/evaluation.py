"""How fast is an evaluation of 100,000 scores? Beside scikit-learn in a loop over resamples.

Prints a table: `python -m benchmarks.evaluation`. The goals: DeLong below 0.3 s, everything with 2,000 resamples below
30 s on two cores.
"""

from __future__ import annotations

import time

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from medres.evaluation.cases import Threshold, build_cases
from medres.evaluation.comparison import compare_by_bootstrap
from medres.evaluation.discrimination import auroc
from medres.evaluation.resampling import Resampling
from medres.evaluation.summary import summarise

CASES, RESAMPLES, LOOPED = 100_000, 2000, 20


def timed(label: str, work) -> float:
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    print(f"| {label} | {seconds:.3f} |")
    return seconds


def main() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(CASES)
    labels = (rng.random(CASES) < scores).astype(int)
    sex = np.where(rng.random(CASES) < 0.5, "F", "M")
    cases = build_cases(labels, scores, columns={"sex": list(sex)})
    plan, point = Resampling(RESAMPLES), [Threshold("stated", 0.5, "stated", "stated beforehand")]
    print(f"{CASES} scores\n\n| what | seconds |\n|---|---|")
    timed("AUROC with DeLong's interval", lambda: auroc(labels, scores))
    timed("scikit-learn's roc_auc_score, no interval", lambda: roc_auc_score(labels, scores))
    timed(f"all of an evaluation with {RESAMPLES} resamples", lambda: summarise(cases, point, plan=plan))
    other = np.clip(scores + rng.normal(0, 0.1, CASES), 0, 1)
    timed(
        f"AUROC and net benefit at five thresholds of two scores compared, {RESAMPLES} resamples",
        lambda: compare_by_bootstrap(labels, scores, other, plan, net_benefit_at=(0.05, 0.1, 0.2, 0.3, 0.5)),
    )

    def loop() -> None:
        for _ in range(LOOPED):
            rows = rng.integers(0, CASES, CASES)
            roc_auc_score(labels[rows], scores[rows])
            average_precision_score(labels[rows], scores[rows])

    spent = timed(f"scikit-learn, AUROC and AP alone, {LOOPED} resamples in a loop", loop)
    print(f"\nscikit-learn in a loop over {RESAMPLES} resamples would take {spent / LOOPED * RESAMPLES:.0f} s.")


if __name__ == "__main__":
    main()
