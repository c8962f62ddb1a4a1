"""`medres power` answers what it was asked."""

from __future__ import annotations

import json

import pytest

from medres.errors import MedresError
from pipelines import power


def test_numbers_equal_proc_and_buderer(capsys):
    power.run(auroc=0.8, sensitivity=0.9, prevalence=0.1, no_events_in=100, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["AUROC 0.8 against 0.5, power 0.9 (obuchowski)"]["n_total"] == 34
    assert found["sensitivity 0.9 within 0.05"]["n_total"] == 1390
    assert found["no event in 100: upper 95% limit"]["rate"] == pytest.approx(0.0295130496070399)


def test_power_of_given_numbers_is_shown_as_a_table(capsys):
    assert power.run(auroc=0.73, n_positive=41, n_negative=72) == 0
    assert "0.9897" in capsys.readouterr().out


def test_reject_no_question_and_a_rate_without_prevalence():
    with pytest.raises(MedresError, match="E_USAGE"):
        power.run()
    with pytest.raises(MedresError, match="E_USAGE"):
        power.run(sensitivity=0.9)
