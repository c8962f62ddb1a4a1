"""A small evaluation with every part, for the tests of pages, plots and tables."""

from __future__ import annotations

from functools import cache

import numpy as np

from medres.evaluation.abstention import measure_refusals
from medres.evaluation.cases import Threshold, build_cases
from medres.evaluation.flow import Fate, count_flow, failure_rate, worst_case
from medres.evaluation.localisation import Mark, froc_curve, measure_froc
from medres.evaluation.resampling import Resampling
from medres.evaluation.summary import Evaluation, summarise
from medres.results.evaluation_axes import Plot
from medres.results.evaluation_figures import draw_plots
from medres.results.evaluation_setting import EvaluationSetting


@cache
def example_plots() -> dict[str, Plot]:
    """Drawn once: it takes longer than all else."""
    return draw_plots(*example())


@cache
def example() -> tuple[Evaluation, EvaluationSetting]:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3 == 0
    scores = np.clip(rng.normal(0.35 + 0.3 * labels, 0.18), 0.01, 0.99)
    cases = build_cases(
        labels, scores, patients=[f"p{k // 2}" for k in range(60)], columns={"site": ["<b>a", "=b"] * 30}
    )
    point = Threshold("balanced", 0.5, "youden", "the model", "ab" * 32)
    evaluation = summarise(cases, [point], plan=Resampling(40), band=(0.45, 0.55))
    fates = [Fate(bool(y), "analysed") for y in labels] + [Fate(True, "not readable", "E_TRUNCATED")]
    marks, lesions = [Mark("a", 0.9, "L"), Mark("b", 0.5)], {"a": 1, "b": 0}
    flow, curve = count_flow(fates), froc_curve(marks, lesions)
    setting = EvaluationSetting(
        title="Tumour against none: demo 1",
        model={"name": "demo", "version": "1", "digest": "cd" * 32, "synthetic": True, "intended_use": "tests"},
        training={"seed": "0"},
        data={"source": "scored by this run"},
        flow=flow,
        worst_case=worst_case(evaluation.points["balanced"].counts, flow),
        worst_counts=None,
        failures=failure_rate(flow),
        band=(0.45, 0.55),
        gate=measure_refusals(["tumour"] * 20 + ["none"] * 40, [True] + [False] * 59),
        localisation=measure_froc(marks, lesions, Resampling(20)),
        froc={k: list(map(float, getattr(curve, k))) for k in ("threshold", "false_positives", "sensitivity")},
        notes=("the demo is small",),
        positive="tumour",
        negative="none",
        version="0",
    )
    return evaluation, setting
