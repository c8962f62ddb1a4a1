"""`medres drift`: silent on the same window, exit status 3 on an injected shift of scores, inputs or failures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from medres.errors import MedresError
from pipelines import drift


def window(path, seed: int, n: int = 300, shift: float = 0.0, failures: int = 0):
    rng = np.random.default_rng(seed)
    score = np.clip(rng.beta(2, 4, n) + shift, 0, 1)
    rows = pd.DataFrame(
        {
            "status": ["refused"] * failures + ["ok"] * (n - failures),
            "score": score,
            "decision": np.where(score > 0.5, "positive", "negative"),
            "coverage": rng.uniform(0.9, 1, n),
        }
    )
    rows.to_csv(path, index=False)
    return path


def test_the_same_population_gives_no_alert(tmp_path):
    one, two = window(tmp_path / "a.csv", 0), window(tmp_path / "b.csv", 1)
    assert drift.run(one, two, out=tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "drift.json").read_text())
    assert found["alert"] is False
    assert [column["name"] for column in found["columns"]] == ["score", "coverage"]


@pytest.mark.parametrize("change", [{"shift": 0.2}, {"shift": -0.15}, {"failures": 30}])
def test_an_injected_change_gives_exit_status_three(tmp_path, change, capsys):
    one, two = window(tmp_path / "a.csv", 0), window(tmp_path / "b.csv", 1, **change)
    assert drift.run(one, two) == 3
    assert "ALERT" in capsys.readouterr().out


def test_flag_rate_is_taken_from_decisions_or_from_a_threshold(tmp_path):
    one, two = window(tmp_path / "a.csv", 0), window(tmp_path / "b.csv", 1)
    drift.run(one, two, out=tmp_path / "x", threshold=0.5)
    drift.run(one, two, out=tmp_path / "y")
    rates = [json.loads((tmp_path / k / "drift.json").read_text())["rates"][1]["new"]["value"] for k in "xy"]
    assert rates[0] == rates[1]


def test_reject_a_level_outside_zero_and_one(tmp_path):
    with pytest.raises(MedresError, match="E_EVAL_VALUE"):
        drift.run(window(tmp_path / "a.csv", 0), window(tmp_path / "b.csv", 1), alpha=1.0)


def test_reject_a_score_that_is_no_number_instead_of_leaving_the_column_out(tmp_path):
    one, two = window(tmp_path / "a.csv", 0), tmp_path / "b.csv"
    rows = pd.read_csv(one)
    rows["score"] = rows["score"].astype(object)
    rows.loc[3, "score"] = "inf"
    rows.to_csv(two, index=False)
    with pytest.raises(MedresError, match=r"E_EVAL_SCORE.*row 5"):
        drift.run(one, two)


def test_a_column_of_numbers_in_one_window_alone_is_named(tmp_path, capsys):
    one, two = window(tmp_path / "a.csv", 0), window(tmp_path / "b.csv", 1)
    two.write_text(two.read_text().replace("coverage", "share"))
    drift.run(one, two)
    assert "not compared: coverage, share" in capsys.readouterr().out


def test_reject_an_empty_window_and_a_threshold_that_is_no_number(tmp_path):
    one, two = window(tmp_path / "a.csv", 0), tmp_path / "b.csv"
    two.write_text("status,score\n")
    with pytest.raises(MedresError, match="a window must hold rows"):
        drift.run(one, two)
    with pytest.raises(MedresError, match="E_EVAL_VALUE"):
        drift.run(one, one, threshold=float("nan"))
