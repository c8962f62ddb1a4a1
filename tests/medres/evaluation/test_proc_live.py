"""Random data sets: AUROC, DeLong, partial area, paired test and coordinates equal R's pROC, run here and now."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import numpy as np
import pytest

from medres.evaluation.comparison import compare_auroc
from medres.evaluation.curves import measure_by_resampling
from medres.evaluation.discrimination import auroc, auroc_variance
from medres.evaluation.resampling import Resampling

SETS = 12
SCRIPT = """
suppressPackageStartupMessages(library(pROC))
rows <- read.csv(file("stdin"))
one <- function(d) {
  a <- roc(d$label, d$score, levels = c(0, 1), direction = "<", quiet = TRUE)
  b <- roc(d$label, d$other, levels = c(0, 1), direction = "<", quiet = TRUE)
  t <- roc.test(a, b, method = "delong", paired = TRUE)
  focus <- list(partial.auc = c(1, 0.9), partial.auc.focus = "specificity")
  p <- as.numeric(do.call(auc, c(list(a), focus)))
  m <- as.numeric(do.call(auc, c(list(a), focus, list(partial.auc.correct = TRUE))))
  c(as.numeric(auc(a)), var(a), as.numeric(ci.auc(a)), as.numeric(t$statistic), t$p.value, p, m)
}
found <- lapply(split(rows, rows$set), one)
lines <- sapply(found, function(v) paste0("[", paste(sprintf("%.17g", v), collapse = ","), "]"))
cat("[", paste(lines, collapse = ","), "]")
"""


def needs_proc() -> str:
    """Find Rscript with pROC; without it, skip on a laptop and fail in CI."""
    rscript = shutil.which("Rscript")
    there = (
        rscript and not subprocess.run([rscript, "-e", "library(pROC)"], capture_output=True, check=False).returncode
    )
    if rscript and there:
        return rscript
    reason = "R with pROC is not here (Debian: apt install r-cran-proc)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def random_sets() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    sets = []
    for seed in range(SETS):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(12, 300))
        labels = np.append((rng.random(n) < rng.uniform(0.1, 0.6)).astype(int), [0, 0, 1, 1])
        latent = rng.normal(size=n + 4)
        digits = int(rng.integers(0, 6))
        scores, other = (np.round(latent + rng.normal(labels * gain, 1), digits) for gain in (1.2, 0.7))
        sets.append((labels, scores, other))
    return sets


def test_random_sets_equal_proc():
    rscript, sets = needs_proc(), random_sets()
    lines = ["set,label,score,other"]
    for number, columns in enumerate(sets):
        lines += [f"{number:02d},{y},{s!r},{o!r}" for y, s, o in zip(*(c.tolist() for c in columns), strict=True)]
    ran = subprocess.run([rscript, "-e", SCRIPT], input="\n".join(lines), capture_output=True, text=True, check=True)
    for (labels, scores, other), wanted in zip(sets, json.loads(ran.stdout), strict=True):
        plain = auroc(labels, scores, method="delong")
        paired = compare_auroc(labels, scores, other)
        area = measure_by_resampling(labels, scores, Resampling(0))
        found = [plain.value, auroc_variance(labels, scores), plain.lower, plain.value, plain.upper]
        found += [paired.statistic, paired.p, area["partial_auc"].value, area["partial_auc_mcclish"].value]
        assert found == pytest.approx(wanted, abs=1e-9)
