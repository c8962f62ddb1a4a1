"""`medres compare`: aligned by scan, equal to the references, refusing what does not belong together."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from medres.errors import MedresError
from pipelines import compare
from tests.medres.evaluation.reference import CLOSED_FORM, expected, table


def two_tables(tmp_path: Path, name: str = "ds1_ties.csv") -> tuple[Path, Path]:
    rows = table(name)
    rows = rows.assign(scan=rows["scan"] if "scan" in rows else rows["patient"])
    rows.drop(columns="score2").to_csv(tmp_path / "a.csv", index=False)
    rows.assign(score=rows["score2"]).drop(columns="score2").iloc[::-1].to_csv(tmp_path / "b.csv", index=False)
    return tmp_path / "a.csv", tmp_path / "b.csv"


def compared(tmp_path: Path, **options) -> dict:
    compare.run(out=tmp_path / "out", bootstrap=options.pop("bootstrap", 20), **options)
    return json.loads((tmp_path / "out" / "comparison.json").read_text())


def test_differences_equal_r_whatever_the_order_of_rows(tmp_path):
    a, b = two_tables(tmp_path)
    found = compared(tmp_path, first=a, second=b, threshold=[0.5])["differences"]
    wanted = expected("ds1_ties", "paired")
    assert found["auroc"]["p"] == pytest.approx(wanted["p"], abs=CLOSED_FORM)
    assert found["sensitivity"]["p_mid"] == pytest.approx(wanted["mcnemar_sensitivity"]["p_mid"], abs=CLOSED_FORM)
    assert found["specificity"]["difference"] == pytest.approx(wanted["mcnemar_specificity"]["diff"], abs=CLOSED_FORM)
    assert set(found["net_benefit"]) == {"0.05", "0.1", "0.2", "0.3", "0.5"}


def test_scans_of_one_patient_are_compared_as_clusters(tmp_path):
    a, b = two_tables(tmp_path, "ds4_clustered.csv")
    found = compared(tmp_path, first=a, second=b)["differences"]
    assert found["auroc"]["p"] == pytest.approx(
        expected("ds4_clustered", "scan_level_obuchowski", "paired", "p"), abs=CLOSED_FORM
    )
    assert found["patients"]["p"] == pytest.approx(
        expected("ds4_clustered", "paired_patient_max", "p"), abs=CLOSED_FORM
    )
    assert "sensitivity" not in found


def test_readers_are_compared_with_the_model_and_each_other(tmp_path):
    a, b = two_tables(tmp_path)
    rows = pd.read_csv(a)
    with (tmp_path / "r.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["scan", "reader", "decision"])
        for row in rows.itertuples():
            writer.writerow([row.scan, "one", row.label])
            writer.writerow([row.scan, "two", int(row.score >= 0.5)])
    found = compared(tmp_path, first=a, second=b, threshold=[0.5], readers=tmp_path / "r.csv")["differences"]["readers"]
    assert found["first against reader one"]["sensitivity"]["only_first"] == 0
    assert found["first against reader two"]["sensitivity"]["p"] == 1.0
    assert 0 < found["kappa"]["one and two"]["value"] < 1


def test_several_ways_of_reading_are_tested_by_obuchowski_rockette(tmp_path):
    a, b = two_tables(tmp_path)
    rows = pd.read_csv(a)
    ratings = [
        (row.scan, reader, way, row.score + 0.3 * way * row.label + 0.1 * ((k * (reader + 2)) % 7))
        for k, row in enumerate(rows.itertuples())
        for reader in (0, 1, 2)
        for way in (0, 1)
    ]
    pd.DataFrame(ratings, columns=["scan", "reader", "way", "rating"]).to_csv(tmp_path / "r.csv", index=False)
    found = compared(tmp_path, first=a, second=b, readers=tmp_path / "r.csv")["differences"]["readers"]["ways"]
    assert found["names"] == ["0", "1"]
    assert found["study"]["differences"][0][2] > 0
    way = (tmp_path / "out" / "comparison.csv").read_text().splitlines()[-1].split(",")
    assert way[0].startswith('"way 0 against 1')
    assert float(way[4]) == pytest.approx(-found["study"]["differences"][0][2])


def test_readers_alone_need_no_second_score(tmp_path, capsys):
    a, _ = two_tables(tmp_path)
    rows = [(scan, reader, k % (2 + reader)) for k, scan in enumerate(pd.read_csv(a)["scan"]) for reader in (0, 1)]
    rows = [(scan, reader, int(value == 0)) for scan, reader, value in rows]
    pd.DataFrame(rows, columns=["scan", "reader", "decision"]).to_csv(tmp_path / "r.csv", index=False)
    found = compared(tmp_path, first=a, threshold=[0.5], readers=tmp_path / "r.csv")["differences"]
    assert list(found) == ["readers"]
    assert "agreement of readers 0 and 1: kappa" in capsys.readouterr().out
    with pytest.raises(MedresError, match="E_USAGE: B or --readers must be given"):
        compared(tmp_path, first=a)


def test_a_decision_against_readers_equals_counts_by_hand(tmp_path):
    rows = [(f"s{k}", k % 2, 0.9 if k in (1, 3, 5, 2) else 0.1) for k in range(12)]
    pd.DataFrame(rows, columns=["scan", "label", "score"]).to_csv(tmp_path / "a.csv", index=False)
    said = [(scan, "r", int(k in (1, 7, 9, 11, 4, 6))) for k, (scan, _, _) in enumerate(rows)]
    pd.DataFrame(said, columns=["scan", "reader", "decision"]).to_csv(tmp_path / "r.csv", index=False)
    found = compared(tmp_path, first=tmp_path / "a.csv", threshold=[0.5], readers=tmp_path / "r.csv")
    one = found["differences"]["readers"]["first against reader r"]
    # positives 1 3 5 7 9 11: the score finds 1 3 5, the reader 1 7 9 11; negatives: the score calls 2, the reader 4 6
    counts = [(one[name]["both"], one[name]["only_first"], one[name]["only_second"]) for name in one]
    assert counts == [(1, 2, 3), (3, 2, 1)]
    assert one["sensitivity"]["p"] == pytest.approx(1.0)


def test_an_evaluations_folder_brings_its_positive_class(tmp_path):
    for side in "ab":
        (tmp_path / side).mkdir()
        rows = [(f"s{k}", ("well", "ill")[k % 2], 0.1 * (k % 7)) for k in range(14)]
        pd.DataFrame(rows, columns=["scan", "label", "score"]).to_csv(tmp_path / side / "predictions.csv", index=False)
        (tmp_path / side / "evaluation.json").write_text(json.dumps({"data": {"positive": "ill"}}))
    assert compared(tmp_path, first=tmp_path / "a", second=tmp_path / "b")["n_positive"] == 7


def test_reject_tables_without_a_common_scan_and_labels_that_disagree(tmp_path):
    a, b = two_tables(tmp_path)
    rows = pd.read_csv(b)
    rows.assign(scan="x" + rows["scan"]).to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(MedresError, match="E_EVAL_EMPTY"):
        compared(tmp_path, first=a, second=tmp_path / "c.csv")
    rows.assign(label=1 - rows["label"]).to_csv(tmp_path / "d.csv", index=False)
    with pytest.raises(MedresError, match="E_EVAL_LABEL"):
        compared(tmp_path, first=a, second=tmp_path / "d.csv")


def test_reject_a_reader_who_left_scans_out(tmp_path):
    a, b = two_tables(tmp_path)
    (tmp_path / "r.csv").write_text(f"scan,reader,decision\n{pd.read_csv(a)['scan'][0]},one,1\n")
    with pytest.raises(MedresError, match=r"39 unread"):
        compared(tmp_path, first=a, second=b, threshold=[0.5], readers=tmp_path / "r.csv")


@pytest.mark.parametrize("wrong", [{"threshold": [float("nan")]}, {"threshold": [1.5]}, {"bootstrap": -1}])
def test_reject_values_at_which_nothing_can_be_compared(tmp_path, wrong):
    a, b = two_tables(tmp_path)
    with pytest.raises(MedresError, match="E_EVAL_VALUE"):
        compared(tmp_path, first=a, second=b, **wrong)


def test_one_class_is_said_with_its_reason(tmp_path, capsys):
    a, b = two_tables(tmp_path)
    for path in (a, b):
        rows = pd.read_csv(path)
        rows[rows["label"] == 1].to_csv(path, index=False)
    compared(tmp_path, first=a, second=b)
    assert "note: one class only: no negative case" in capsys.readouterr().out
