"""Evaluation + setting + plots -> one self-contained HTML page that reads like the results section of a paper.

Nothing is fetched when it is opened; it prints on A4. Knows no file but its templates.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from medres.errors import CODES
from medres.evaluation.summary import Evaluation, PointResult
from medres.results import evaluation_words as words
from medres.results.disclaimer import DISCLAIMER, PHANTOM
from medres.results.evaluation_axes import Plot
from medres.results.evaluation_checklists import AUTHORS, build_checklists
from medres.results.evaluation_setting import EvaluationSetting
from medres.results.evaluation_tables import say_estimate, say_interval, say_number, say_share

TEMPLATES = Path(__file__).parent / "templates"
SHOWN_THRESHOLDS = (0.05, 0.10, 0.20, 0.30, 0.50)
TITLES = {
    "summary": "Summary",
    "flow": "Participants and flow",
    "discrimination": "Discrimination",
    "operating": "At the operating point",
    "patients": "Per patient",
    "classes": "Class by class",
    "calibration": "Calibration",
    "utility": "Clinical utility",
    "subgroups": "Subgroups",
    "localisation": "Localisation",
    "abstention": "Abstention",
    "gate": "Out-of-scope gate",
    "failures": "Failures and the worst case",
    "limits": "What a reader must know",
    "model": "The model",
    "training": "How the model was made",
    "methods": "How each number was made",
    "provenance": "Provenance",
    "checklists": "Reporting checklists",
}


def build_evaluation_html(evaluation: Evaluation, setting: EvaluationSetting, plots: Mapping[str, Plot]) -> str:
    """Lay an evaluation out as one page.

    Args:
        evaluation: the numbers.
        setting: what stands around them.
        plots: as `draw_plots` gives them; they are put into the page.

    Returns:
        HTML.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": say_number,
        "estimate": say_estimate,
        "interval": say_interval,
        "share": say_share,
    }
    present = _sections(evaluation, setting)
    style = (TEMPLATES / "evaluation.css").read_text(encoding="utf-8")
    return environment.get_template("evaluation.html.jinja").render(
        evaluation=evaluation,
        setting=setting,
        style=Markup(style),
        disclaimer=DISCLAIMER,
        phantom=PHANTOM,
        titles={anchor: TITLES[anchor] for anchor in TITLES if anchor in present},
        names=TITLES,
        figures={name: _figure(plot) for name, plot in plots.items()},
        level=f"{evaluation.plan.level * 100:.3g} %",
        cards=list(_cards(evaluation, setting)),
        words=words,
        dict=dict,
        point=evaluation.points.get(evaluation.default),
        origin=words.threshold_origin,
        boxes=_flow_boxes(setting),
        lost=list(_lost(setting)),
        thresholds=[point for point in evaluation.decisions if point.threshold in SHOWN_THRESHOLDS],
        notes=[*setting.notes, *evaluation.notes],
        checklists=build_checklists(present),
        authors=AUTHORS,
    )


def _sections(evaluation: Evaluation, setting: EvaluationSetting) -> set[str]:
    """Name the sections that this report has something for."""
    optional = {
        "operating": evaluation.points,
        "patients": evaluation.patients,
        "classes": evaluation.classes,
        "calibration": evaluation.calibration,
        "utility": evaluation.decisions,
        "subgroups": evaluation.subgroups,
        "localisation": setting.localisation,
        "abstention": evaluation.band,
        "gate": setting.gate,
        "model": setting.model,
        "training": setting.training,
    }
    return {anchor for anchor in TITLES if anchor not in optional or optional[anchor]}


def _figure(plot: Plot) -> dict[str, str]:
    source = "data:image/svg+xml;base64," + base64.b64encode(plot.svg).decode("ascii")
    return {"source": source, "alt": f"{plot.alt}. {DISCLAIMER}"}


def _cards(evaluation: Evaluation, setting: EvaluationSetting) -> Iterator[dict[str, str]]:
    """The four numbers at the top of the page."""
    chosen = [("AUROC", evaluation.discrimination["auroc"])]
    point: PointResult | None = evaluation.points.get(evaluation.default)
    if point is not None:
        chosen += [("Sensitivity", point.rates["sensitivity"]), ("Specificity", point.rates["specificity"])]
    else:
        chosen += [("AUPRC", evaluation.discrimination["auprc"])]
    chosen += [("Calibration slope", evaluation.calibration["slope"])]
    for name, one in chosen:
        counted = f"{one.x} of {one.n}" if one.x is not None else f"{one.n} scans, {one.n_positive} {setting.positive}"
        value = say_number(one.value) if one.defined else "–"
        interval = say_interval(one, f"{evaluation.plan.level * 100:.3g} % CI {{}}") or one.reason or one.note
        yield {"name": name, "value": value, "interval": interval, "count": counted}


def _flow_boxes(setting: EvaluationSetting) -> list[dict[str, Any]]:
    """The boxes of the flow diagram, each with what left before it."""
    flow = setting.flow
    gone = {fate: sum(codes.values()) for fate, codes in flow.reasons.items()}
    boxes = [
        {"name": "scans received", "n": flow.received, "lost": gone.get("not readable", 0), "why": "not readable"},
        {
            "name": "readable",
            "n": flow.readable,
            "lost": flow.readable - flow.scored,
            "why": "out of scope or not scored",
        },
        {"name": "scored and analysed", "n": flow.analysed, "lost": 0, "why": ""},
    ]
    for place, box in enumerate(boxes):
        box["y"] = 10 + 74 * place
    return boxes


def _lost(setting: EvaluationSetting) -> Iterator[tuple[str, str, str, int]]:
    """Fate, code, the code in words, count."""
    for fate, codes in setting.flow.reasons.items():
        for code, count in codes.items():
            yield fate, code, CODES[code].arises if code in CODES else "", count
