"""`medres power`: how many patients a study needs, or how sure it can be."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from medres.errors import EvaluationError
from medres.evaluation.power import (
    power_of_auroc,
    size_for_auroc,
    size_for_rate,
    upper_limit_without_events,
    width_of_auroc,
)
from pipelines import console


def run(
    auroc: float | None = None,
    n_positive: int | None = None,
    n_negative: int | None = None,
    power: float = 0.9,
    ratio: float = 1.0,
    alpha: float = 0.05,
    sensitivity: float | None = None,
    specificity: float | None = None,
    half_width: float = 0.05,
    prevalence: float | None = None,
    no_events_in: int | None = None,
    as_json: bool = False,
) -> int:
    """Answer every question that was asked."""
    found: dict[str, Any] = {}
    if auroc is not None:
        found |= _for_auroc(auroc, n_positive, n_negative, power, ratio, alpha)
    for name, rate in (("sensitivity", sensitivity), ("specificity", specificity)):
        if rate is not None:
            if prevalence is None:
                raise EvaluationError("E_USAGE", f"--{name} needs --prevalence", "see medres power --help")
            found[f"{name} {rate:g} within {half_width:g}"] = asdict(
                size_for_rate(rate, half_width, prevalence, of=name)
            )
    if no_events_in is not None:
        found[f"no event in {no_events_in}: upper 95% limit"] = {"rate": upper_limit_without_events(no_events_in)}
    if not found:
        raise EvaluationError(
            "E_USAGE", "--auroc, --sensitivity, --specificity or --no-events-in must be given", "see --help"
        )
    if as_json:
        console.say(json.dumps(found, indent=1))
    else:
        console.table("", ["question", "answer"], [[name, _say(answer)] for name, answer in found.items()])
    return console.EXIT_OK


def _for_auroc(
    auroc: float, n_positive: int | None, n_negative: int | None, power: float, ratio: float, alpha: float
) -> dict[str, Any]:
    """Power of given numbers, or the numbers for a given power, by both formulas."""
    if n_positive is None:
        sizes = {
            m: asdict(size_for_auroc(auroc, power=power, ratio=ratio, alpha=alpha, method=m))
            for m in ("obuchowski", "hanley-mcneil")
        }
        return {f"AUROC {auroc:g} against 0.5, power {power:g} ({m})": size for m, size in sizes.items()}
    other = round(n_positive * ratio) if n_negative is None else n_negative
    question = f"AUROC {auroc:g} against 0.5 with {n_positive} and {other}"
    answers = {
        m: {"power": power_of_auroc(auroc, n_positive, other, alpha=alpha, method=m)}
        for m in ("obuchowski", "hanley-mcneil")
    }
    found: dict[str, Any] = {f"{question} ({m})": answer for m, answer in answers.items()}
    return found | {
        f"half width of the interval of AUROC {auroc:g}": {"half_width": width_of_auroc(auroc, n_positive, other)}
    }


def _say(answer: dict[str, Any]) -> str:
    """Word an answer."""
    if "n_total" in answer:
        return f"{answer['n_positive']} positive + {answer['n_negative']} negative = {answer['n_total']}"
    name, value = next(iter(answer.items()))
    return f"{name.replace('_', ' ')} {value:.4g}"
