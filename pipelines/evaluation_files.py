"""Evaluation -> its folder: JSON, CSV tables, plots, one HTML report and, where Chromium is, its PDF.

Each file is whole or not there; `evaluation.json` is written last, so that it speaks for a finished folder.
"""

from __future__ import annotations

from pathlib import Path

from medres.evaluation.summary import Evaluation
from medres.results.evaluation_figures import draw_plots
from medres.results.evaluation_html import build_evaluation_html
from medres.results.evaluation_setting import EvaluationSetting
from medres.results.evaluation_tables import build_tables
from medres.results.pdf import write_pdf
from medres.results.writing import write_bytes
from pipelines.scored import ScoredTable, predictions_csv


def write_evaluation(
    out: Path, evaluation: Evaluation, setting: EvaluationSetting, table: ScoredTable, document: bytes
) -> None:
    """Write every file of an evaluation.

    Args:
        out: folder.
        evaluation: the numbers.
        setting: what stands around them.
        table: scored scans, for `predictions.csv`.
        document: bytes of `evaluation.json`.

    Raises:
        StoreError: E_DISK_FULL or E_WRITE.
    """
    point = evaluation.points.get(evaluation.default)
    threshold = None if point is None else point.threshold.value
    plots = draw_plots(evaluation, setting)
    page = build_evaluation_html(evaluation, setting, plots).encode()
    files = {"predictions.csv": predictions_csv(table, threshold, setting.band), **build_tables(evaluation, setting)}
    for name, plot in plots.items():
        files |= {f"{name}.png": plot.png, f"{name}.svg": plot.svg}
    for name, content in files.items():
        write_bytes(out / name, content, f"the evaluation's {name}")
    write_bytes(out / "report.html", page, "the report")
    write_pdf(out / "report.html", out / "report.pdf")
    write_bytes(out / "evaluation.json", document, "evaluation.json")
