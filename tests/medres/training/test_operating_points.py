"""Operating points are chosen by rule; what no score reaches is said, the default must be reached."""

from __future__ import annotations

import numpy as np
import pytest

from medres.errors import EvaluationError
from medres.training.operating_points import choose_points
from medres.training.spec import OperatingSpec

TRUTH = np.array([0, 0, 1, 1])


def test_points_carry_rule_and_digest_and_unreached_rules_are_named():
    spec = OperatingSpec(rules={"balanced": "youden", "specific": "specificity>=0.9"})
    points, unreached = choose_points(spec, TRUTH, np.array([0.1, 0.6, 0.5, 0.9]), "a" * 64)
    assert points["balanced"].rule == "youden"
    assert points["balanced"].chosen_on == "a" * 64
    assert unreached == []


def test_a_default_that_cannot_be_reached_is_refused():
    with pytest.raises(EvaluationError):
        choose_points(OperatingSpec(), np.array([1, 1]), np.array([0.5, 0.6]), "a" * 64)
