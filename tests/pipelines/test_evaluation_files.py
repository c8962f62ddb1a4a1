"""The folder of an evaluation: every file is there, and the JSON is written last."""

from medres.results.evaluation_json import build_document, to_bytes
from pipelines import evaluation_files
from pipelines.evaluation_files import write_evaluation
from pipelines.scored import ScoredRow, ScoredTable
from tests.medres.results.evaluation_example import example, example_plots

TABLE = ScoredTable((ScoredRow("s1", "p1", "1", 0.7), ScoredRow("s2", "p2", "0", 0.2)), "1")


def test_every_table_and_plot_lies_beside_the_report(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation_files, "draw_plots", lambda *_: example_plots())
    monkeypatch.setattr("medres.results.pdf.BROWSERS", ())
    evaluation, setting = example()
    write_evaluation(tmp_path, evaluation, setting, TABLE, to_bytes(build_document(evaluation, setting)))
    names = {path.name for path in tmp_path.iterdir()}
    assert {"evaluation.json", "report.html", "metrics.csv", "predictions.csv", "froc.csv", "subgroups.csv"} <= names
    assert {f"{plot}.{kind}" for plot in example_plots() for kind in ("png", "svg")} <= names
    assert "report.pdf" not in names
    newest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert newest.name == "evaluation.json"
