"""`medres evaluate` on tables: the JSON equals R, refusals name their codes, everything is written or nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from medres.errors import MedresError
from medres.evaluation.resampling import Resampling
from medres.results.evaluation_json import to_bytes
from pipelines import evaluate
from tests.medres.evaluation.reference import CLOSED_FORM, expected
from tests.shared_data import shared

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "evaluation.schema.json"


def write_table(path: Path, rows: list[dict]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def some_rows(n: int = 60, seed: int = 0, **more) -> list[dict]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3 == 0
    scores = np.clip(rng.normal(0.35 + 0.3 * labels, 0.18), 0.01, 0.99)
    return [
        {
            "patient_id": f"{seed}-{k}",
            "scan": f"{seed}-s{k}",
            "label": int(labels[k]),
            "score": f"{scores[k]:.4f}",
            **more,
        }
        for k in range(n)
    ]


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """No PDF: a browser takes longer than all else; one test of its own makes one."""
    monkeypatch.setattr("medres.results.pdf.BROWSERS", ())
    monkeypatch.setenv("MEDRES_CONFIG", str(tmp_path / "config"))


def measured(**options) -> dict:
    """Measure without writing: plots take longer than all else."""
    table = {name: options.pop(name, None) for name in ("predictions", "validation", "positive")}
    source = evaluate.from_table(
        *table.values(), (), options.pop("threshold", None), options.get("scale", "probability")
    )
    lesions = options.pop("marks", None), options.pop("lesions", None)
    found = evaluate.measure(source, Resampling(50), options.pop("scale", "probability"), lesions)
    return json.loads(to_bytes(found.document))


def evaluated(tmp_path: Path, **options) -> dict:
    out = tmp_path / "out"
    evaluate.run(out=out, bootstrap=options.pop("bootstrap", 50), **options)
    return json.loads((out / "evaluation.json").read_text())


def test_json_of_the_reference_set_equals_r(tmp_path):
    found = measured(predictions=shared("reference/metrics/ds1_ties.csv"), threshold=0.5)
    wanted = expected("ds1_ties")
    assert found["discrimination"]["auroc"]["lower"] == pytest.approx(
        wanted["auc"]["ci95_delong_logit"][0], abs=CLOSED_FORM
    )
    assert found["discrimination"]["auroc_plain"]["upper"] == pytest.approx(
        wanted["auc"]["ci95_delong"][1], abs=CLOSED_FORM
    )
    point = found["operating_points"]["stated"]
    assert point["exact"]["ppv"]["upper"] == pytest.approx(
        wanted["operating_point_0.5"]["ppv"]["clopper_pearson"][1], abs=CLOSED_FORM
    )
    assert point["adjusted"]["0.05"]["npv"]["value"] == pytest.approx(
        wanted["operating_point_0.5"]["adjusted"][1]["npv"], abs=CLOSED_FORM
    )
    assert found["calibration"]["ece_mass"]["value"] == pytest.approx(0.165, abs=CLOSED_FORM)
    assert {group["value"] for group in found["subgroups"]} == {"F", "M"}


def test_every_number_carries_its_provenance_and_the_document_follows_its_schema(tmp_path):
    found = measured(predictions=shared("reference/metrics/ds1_ties.csv"), threshold=0.5)
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    number = found["operating_points"]["stated"]["rates"]["sensitivity"]
    assert (number["x"], number["n"], number["method"], number["unit"]) == (11, 17, "wilson", "scan")
    assert number["data_digest"] == found["data"]["digest"]
    assert number["threshold_source"] == "stated beforehand"


def test_several_classes_follow_the_schema_too(tmp_path):
    found = measured(
        predictions=shared("reference/metrics/ds3_multiclass.csv"),
        marks=shared("reference/metrics/ds6_froc_candidates.csv"),
        lesions=shared("reference/metrics/ds6_froc_images.csv"),
    )
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    assert found["classes"]["averages"]["hand_till_auroc"]["value"] == pytest.approx(0.869799382716049, abs=CLOSED_FORM)
    assert found["localisation"]["froc_mean"]["value"] == pytest.approx(0.673469387755102, abs=CLOSED_FORM)
    assert any("--positive" in note for note in found["notes"])


def test_scans_of_one_patient_get_clustered_intervals_and_a_patient_level(tmp_path):
    found = measured(predictions=shared("reference/metrics/ds4_clustered.csv"), threshold=0.5)
    wanted = expected("ds4_clustered")
    assert found["discrimination"]["auroc_plain"]["lower"] == pytest.approx(
        wanted["scan_level_obuchowski"]["ci95"][0], abs=CLOSED_FORM
    )
    assert "naive" in found["discrimination"]["auroc_naive"]["note"]
    assert found["patients"]["max"]["auroc"]["value"] == pytest.approx(wanted["patient_max"]["auc"], abs=CLOSED_FORM)
    assert "independent" in found["operating_points"]["stated"]["rates"]["sensitivity"]["method"]
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))


def test_thresholds_come_from_the_validation_table_alone(tmp_path):
    test = write_table(tmp_path / "p.csv", some_rows(seed=1))
    validation = write_table(tmp_path / "v.csv", some_rows(seed=2))
    found = measured(predictions=test, validation=validation)
    point = found["operating_points"]["youden"]
    assert point["threshold"]["source"] == "the validation table"
    assert f"{point['threshold']['value']:.4f}" in {row["score"] for row in some_rows(seed=2)}
    assert set(found["calibrators"]) == {"temperature", "platt", "isotonic", "beta"}
    again = measured(predictions=write_table(tmp_path / "p2.csv", some_rows(seed=3)), validation=validation)
    assert again["operating_points"]["youden"]["threshold"] == point["threshold"]


def test_reject_validation_data_that_share_a_patient_with_the_test(tmp_path):
    test = write_table(tmp_path / "p.csv", some_rows(seed=1))
    validation = write_table(tmp_path / "v.csv", some_rows(seed=2) + some_rows(seed=1)[:2])
    with pytest.raises(MedresError, match=r"E_EVAL_TEST_THRESHOLD: .* got 2 in both"):
        evaluated(tmp_path, predictions=test, validation=validation)
    assert not (tmp_path / "out").exists()


def test_reject_a_validation_table_that_is_marked_as_test(tmp_path):
    test = write_table(tmp_path / "p.csv", some_rows(seed=1))
    validation = write_table(tmp_path / "v.csv", some_rows(seed=2, part="test"))
    with pytest.raises(MedresError, match="E_EVAL_TEST_THRESHOLD"):
        evaluated(tmp_path, predictions=test, validation=validation)


def test_reject_test_rows_that_are_marked_as_training(tmp_path):
    with pytest.raises(MedresError, match="E_EVAL_LEAK"):
        evaluated(tmp_path, predictions=write_table(tmp_path / "p.csv", some_rows(part="train")))


def changed(**cells) -> list[dict]:
    rows = some_rows()
    rows[4] |= cells
    return rows


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (changed(label="2"), "E_EVAL_LABEL"),
        (changed(score="nan"), "E_EVAL_SCORE"),
        (changed(score="high"), "E_EVAL_SCORE"),
        (changed(score="1.4"), "E_EVAL_RANGE"),
        (changed(scan="0-s1"), "E_EVAL_DUPLICATE"),
        (changed(label=""), "E_EVAL_LABEL"),
        ([{"patient_id": "a", "scan": "b", "label": "malignant", "score": "0.5"}], "E_EVAL_LABEL"),
        ([{"patient_id": "a", "scan": "b", "label": "1"}], "E_EVAL_SCORE"),
    ],
)
def test_reject_a_table_that_no_number_can_be_made_of(tmp_path, rows, code):
    with pytest.raises(MedresError) as caught:
        evaluated(tmp_path, predictions=write_table(tmp_path / "p.csv", rows))
    assert caught.value.code == code
    assert "0-s1" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_one_class_gives_nulls_with_reasons_and_a_report(tmp_path):
    rows = [row | {"label": 0} for row in some_rows()]
    found = evaluated(tmp_path, predictions=write_table(tmp_path / "p.csv", rows), threshold=0.5)
    assert found["discrimination"]["auroc"]["value"] is None
    assert "no positive case" in found["discrimination"]["auroc"]["reason"]
    assert found["operating_points"]["stated"]["rates"]["specificity"]["value"] is not None
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    assert (tmp_path / "out" / "report.html").exists()


def test_scores_that_are_no_probabilities_must_be_declared_and_have_no_calibration(tmp_path):
    rows = [row | {"score": str(10 * float(row["score"]) - 5)} for row in some_rows()]
    found = measured(predictions=write_table(tmp_path / "p.csv", rows), scale="any")
    assert found["calibration"]["slope"]["value"] is None
    assert found["decision_curve"] == []
    assert found["discrimination"]["auroc"]["value"] > 0.5


def test_failures_are_counted_with_their_codes_and_as_errors_in_the_worst_case(tmp_path):
    rows = [row | {"status": "ok", "code": ""} for row in some_rows()]
    for k, code in ((0, "E_TRUNCATED"), (1, "E_TIMEOUT")):
        rows[k] |= {"score": "", "status": "refused" if k == 0 else "error", "code": code}
    found = measured(predictions=write_table(tmp_path / "p.csv", rows), threshold=0.5)
    assert (found["flow"]["received"], found["flow"]["analysed"]) == (60, 58)
    assert found["flow"]["reasons"]["not readable"] == {"E_TRUNCATED": 1}
    assert found["flow"]["worst_case"]["sensitivity"]["n"] == 20
    assert found["operating_points"]["stated"]["rates"]["sensitivity"]["n"] == 19


def test_scans_called_out_of_scope_are_counted_together_and_by_class(tmp_path):
    rows = [row | {"status": "ok", "code": ""} for row in some_rows()]
    for k, status in ((0, "out_of_scope"), (1, "out_of_scope"), (2, "refused")):
        rows[k] |= {"score": "", "status": status, "code": "E_SCOPE_BODY" if k < 2 else "E_TRUNCATED"}
    found = measured(predictions=write_table(tmp_path / "p.csv", rows), threshold=0.5)
    gate = {name: (one["x"], one["n"]) for name, one in found["scope_gate"].items()}
    assert gate == {
        "accepted_in_scope": (57, 59),
        "out_of_scope": (2, 59),
        "out_of_scope where 0": (1, 39),
        "out_of_scope where 1": (1, 20),
        "error_accepted": (sum(found["operating_points"]["stated"]["counts"][name] for name in ("fp", "fn")), 57),
    }
    assert found["scope_gate"]["out_of_scope"]["lower"] > 0
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    assert measured(predictions=write_table(tmp_path / "q.csv", some_rows()))["scope_gate"] is None


def test_scans_marked_as_not_in_scope_judge_the_gate_and_nothing_else(tmp_path):
    rows = [row | {"status": "ok", "code": "", "in_scope": "yes"} for row in some_rows()]
    foreign = [row | {"scan": f"f{k}", "patient_id": f"f{k}", "in_scope": "no"} for k, row in enumerate(rows[:5])]
    foreign[0] |= {"score": "", "status": "out_of_scope", "code": "E_SCOPE_BODY"}
    both = write_table(tmp_path / "both.csv", rows + foreign)
    found = measured(predictions=both, threshold=0.5)
    alone = measured(predictions=write_table(tmp_path / "alone.csv", rows), threshold=0.5)
    assert [found[name] for name in ("discrimination", "operating_points", "flow")] == [
        alone[name] for name in ("discrimination", "operating_points", "flow")
    ]
    assert (found["scope_gate"]["accepted_out_of_scope"]["x"], found["scope_gate"]["accepted_out_of_scope"]["n"]) == (
        4,
        5,
    )
    assert any("5 scans are marked as not in scope; 4 of them were accepted and scored" in n for n in found["notes"])
    evaluate.run(out=tmp_path / "out", predictions=both, bootstrap=5)
    again = measured(predictions=tmp_path / "out" / "predictions.csv", threshold=0.5)
    assert again["scope_gate"]["accepted_out_of_scope"]["x"] == 4


@pytest.mark.parametrize(
    "options",
    [
        {"predictions": Path("p"), "split": Path("s")},
        {"predictions": Path("p"), "update_model": True},
        {"predictions": Path("p"), "rule": ["youden"]},
        {"predictions": Path("p"), "localise": True},
        {"model": Path("m"), "manifest": Path("n"), "threshold": 0.5},
        {"model": Path("m"), "manifest": Path("n"), "validation": Path("v")},
        {"model": Path("m"), "manifest": Path("n"), "positive": "ill"},
    ],
)
def test_reject_options_that_would_do_nothing(tmp_path, options):
    with pytest.raises(MedresError, match="E_USAGE"):
        evaluate.run(out=tmp_path, **options)


def test_reject_a_stated_threshold_that_is_no_probability(tmp_path):
    table = write_table(tmp_path / "p.csv", some_rows())
    with pytest.raises(MedresError, match=r"E_EVAL_VALUE: a threshold of probabilities must lie in \[0, 1\], got 7"):
        measured(predictions=table, threshold=7.0)
    assert measured(predictions=table, threshold=7.0, scale="any")["headline"]["sensitivity"]["value"] == 0.0


def test_cells_that_look_like_formulas_are_escaped_in_every_table(tmp_path):
    rows = [row | {"site": "=HYPERLINK(1)" if k % 2 else "@b"} for k, row in enumerate(some_rows())]
    evaluated(tmp_path, predictions=write_table(tmp_path / "p.csv", rows), threshold=0.5)
    for path in (tmp_path / "out").glob("*.csv"):
        for row in csv.reader(path.open(encoding="utf-8")):
            assert not any(cell.startswith(("=", "@")) for cell in row), path.name


def test_permuted_rows_give_bit_equal_numbers(tmp_path):
    rows = some_rows()
    one = measured(predictions=write_table(tmp_path / "p.csv", rows), threshold=0.5)
    two = measured(predictions=write_table(tmp_path / "q.csv", rows[::-1]), threshold=0.5)
    assert one == two


def test_own_predictions_can_be_evaluated_again_to_the_same_numbers(tmp_path):
    rows = [row | {"site": "ab"[k % 2]} for k, row in enumerate(some_rows())]
    one = evaluated(tmp_path / "a", predictions=write_table(tmp_path / "p.csv", rows), threshold=0.5)
    two = measured(predictions=tmp_path / "a" / "out" / "predictions.csv", threshold=0.5)
    values = [
        {name: (number["value"], number["lower"], number["upper"]) for name, number in document["headline"].items()}
        for document in (one, two)
    ]
    assert values[0] == values[1]


def test_names_of_patients_and_scans_are_in_no_file(tmp_path):
    rows = [row | {"patient_id": f"Doe^Jane {k}", "scan": f"canary-{k}.dcm"} for k, row in enumerate(some_rows())]
    evaluated(tmp_path, predictions=write_table(tmp_path / "p.csv", rows), threshold=0.5)
    for path in (tmp_path / "out").iterdir():
        assert b"Doe" not in path.read_bytes(), path.name
        assert b"canary" not in path.read_bytes(), path.name


def test_the_report_is_one_file_that_fetches_nothing_and_has_every_part(tmp_path):
    rows = [row | {"site": "ab"[k % 2]} for k, row in enumerate(some_rows())]
    validation = write_table(tmp_path / "v.csv", some_rows(seed=2))
    evaluated(tmp_path, predictions=write_table(tmp_path / "p.csv", rows), validation=validation)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "http://" not in page
    assert "https://" not in page
    for anchor in (
        "flow",
        "discrimination",
        "operating",
        "calibration",
        "utility",
        "subgroups",
        "failures",
        "checklists",
    ):
        assert f'id="{anchor}"' in page
    for guideline in ("CLAIM 2024", "STARD-AI", "TRIPOD+AI", "to be written by the authors"):
        assert guideline in page
    plots = {path.stem for path in (tmp_path / "out").glob("*.svg")}
    assert plots >= {"roc", "precision_recall", "reliability", "decision_curve", "scores", "confusion", "subgroups"}
    assert plots == {path.stem for path in (tmp_path / "out").glob("*.png")}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"model": Path("m")},
        {"model": Path("m"), "predictions": Path("p")},
        {"predictions": Path("p"), "marks": Path("m")},
    ],
)
def test_reject_calls_that_name_no_source_or_two(tmp_path, options):
    with pytest.raises(MedresError, match="E_USAGE"):
        evaluated(tmp_path, **options)
