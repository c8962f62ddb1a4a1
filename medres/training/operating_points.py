"""OperatingSpec + labels and scores that no model was fitted on -> operating points, with the data they were chosen on.

Knows arrays; knows neither network nor folder.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from medres.errors import EvaluationError
from medres.evaluation.operating_point import choose
from medres.models.spec import OperatingPoint
from medres.training.spec import OperatingSpec


def choose_points(
    operating: OperatingSpec, truth: NDArray[np.int64], scores: NDArray[np.float64], chosen_on: str
) -> tuple[dict[str, OperatingPoint], list[str]]:
    """Choose every operating point that the scores can reach.

    Args:
        operating: names the rules and the default.
        truth: (N,), 0 or 1.
        scores: (N,), calibrated probability of the positive label.
        chosen_on: SHA-256 of the table they stand in.

    Returns:
        (points by name, names of rules that no score reaches).

    Raises:
        EvaluationError: where the default point cannot be reached.
    """
    points, unreached = {}, []
    for name, rule in operating.rules.items():
        try:
            chosen = choose(truth, scores, rule, chosen_on=chosen_on)
        except EvaluationError:
            if name == operating.default:
                raise
            unreached.append(name)
            continue
        points[name] = OperatingPoint(name=name, **asdict(chosen))
    return points, unreached
