"""Report + its pictures -> one self-contained HTML page that a person would send on.

Knows no scan and no network: what is not in the report cannot be on the page.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from medres.errors import CODES, StoreError
from medres.results.disclaimer import DISCLAIMER, NO_REGION, PHANTOM
from medres.results.report import HeatmapFacts, PictureFacts, Report
from medres.results.words import probability_words
from medres.results.writing import write_bytes

TEMPLATES = Path(__file__).parent / "templates"
CHART_LEFT, CHART_WIDTH, CHART_BOTTOM, CHART_HEIGHT = 20.0, 600.0, 110.0, 88.0  # of the drawing, user units
MAXIMAL_PICTURE_BYTES = 20_000_000
WHOLE_COVERAGE = 0.95  # share of the scan below which the page warns


def build_html(report: Report, pictures: Mapping[str, bytes]) -> str:
    """Lay a report out as one page; nothing is fetched from anywhere when it is opened.

    Args:
        report: what is told.
        pictures: PNG bytes by file name, one for each of `report.pictures`.

    Returns:
        HTML.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["words"] = probability_words
    page = environment.get_template("report.html.jinja")
    return page.render(
        report=report,
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        disclaimer=DISCLAIMER,
        phantom=PHANTOM,
        no_region=NO_REGION,
        mm=lambda place: ", ".join(f"{value:.1f}" for value in place),
        **_words(report),
        **_chart(report),
        **_heatmap_words(report),
        **_place_words(report),
        views=list(_views(report, pictures)),
    )


def write_html(report: Report, folder: Path, out: Path) -> Path:
    """Write the page of a result from the files beside its result.json.

    Args:
        report: as read from that folder.
        folder: holds the report's pictures.
        out: HTML file to write, whole or not at all.

    Returns:
        The file.

    Raises:
        StoreError: E_RESULT_FORMAT when pictures are missing or are none; E_DISK_FULL, E_WRITE.
    """
    pictures = {picture.file: _read_picture(folder / picture.file) for picture in report.pictures}
    write_bytes(out, build_html(report, pictures).encode(), "the report")
    return out


def _read_picture(path: Path) -> bytes:
    try:
        content = path.read_bytes() if path.stat().st_size <= MAXIMAL_PICTURE_BYTES else b""
    except OSError as fault:
        raise StoreError("E_RESULT_FORMAT", f"a picture beside the result cannot be read ({fault.strerror})") from None
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise StoreError("E_RESULT_FORMAT", "a picture beside the result must be a PNG file, it is none")
    return content


def _words(report: Report) -> dict[str, Any]:
    """Say in sentences what the report holds in fields."""
    answer = report.answer
    return {
        "title": f"{answer.positive_label.capitalize()} score of one {report.scan.modality} scan",
        "scan_line": _scan_line(report),
        "cure": CODES[answer.code].cure.capitalize() + "." if answer.code in CODES else "",
        "decision_line": _decision_line(report),
        "point_line": _point_line(report),
        "standing_line": _standing_line(report),
        "coverage_line": f"The network was shown {answer.coverage:.0%} of the scan.",
        "coverage_warning": _coverage_warning(report),
        "number": _number(answer.probability),
        "warnings": [(c, *_said(c)) for c in answer.warnings if c != "W_MODEL_PHANTOM"],
        "model_rows": _model_rows(report),
        "provenance_rows": [(name.replace("_", " "), value) for name, value in report.provenance.items()],
    }


def _said(code: str) -> tuple[str, str]:
    """Say a warning in words, with its cure."""
    if code not in CODES:
        return code, ""
    cure = CODES[code].cure
    return CODES[code].arises, "" if cure == "nothing" else cure.removeprefix("nothing; ")


def _number(probability: float | None) -> str:
    """Show a probability with three digits, never as a certainty."""
    return "" if probability is None else probability_words(probability)


def _coverage_warning(report: Report) -> str:
    """Say loudly that much of the scan was not seen."""
    answer = report.answer
    if answer.probability is None or answer.coverage >= WHOLE_COVERAGE:
        return ""
    return f"Only {answer.coverage:.0%} of the scan was shown to the network: what lies elsewhere was not looked at."


def _scan_line(report: Report) -> str:
    scan = report.scan
    shape = " × ".join(str(n) for n in scan.shape if n != 1 or len(set(scan.shape)) == 1)
    spacing = "spacing not known"
    if scan.spacing_mm is not None:
        spacing = " × ".join(f"{s:.3g}" for s in scan.spacing_mm) + " mm"
    return f"{scan.modality}, {shape} voxels, {spacing}"


def _decision_line(report: Report) -> str:
    point, answer = report.answer.operating_point, report.answer
    if point is None or answer.probability is None:
        return ""
    if answer.decision == "indeterminate":
        return f"Indeterminate: too near the threshold of {point['threshold']:.3f} to decide."
    side = "at or above" if answer.decision == "positive" else "below"
    return f"{answer.decision.capitalize()}: {side} the threshold of {point['threshold']:.3f}."


def _point_line(report: Report) -> str:
    point = report.answer.operating_point
    if point is None:
        return ""
    parts = [f"{name} {point[name]:.2f}" for name in ("sensitivity", "specificity") if point.get(name) is not None]
    on = f"on {point['n']} validation scans ({point['n_positive']} with it)"
    measured = f"; {', '.join(parts)} {on}" if parts else ""
    return f"Operating point “{point['name']}” ({point['rule']}){measured}."


def _standing_line(report: Report) -> str:
    standing, label = report.standing, report.answer.positive_label
    if standing is None or standing.negatives_below is None:
        return ""
    return (
        f"{standing.negatives_below} of {standing.n_negative} validation scans without {label} scored lower, "
        f"and {standing.positives_below} of {standing.n_positive} with it."
    )


def _model_rows(report: Report) -> list[tuple[str, Any]]:
    model = report.model
    trained = "synthetic phantoms" if model["synthetic"] else "patients' scans"
    return [
        ("name", f"{model['name']} {model['version']} ({model['network']}, {model['modality']})"),
        ("trained on", trained),
        ("intended use", model["intended_use"]),
        ("not for", model["not_for"]),
        ("licence", model["licence"]),
    ]


def _chart(report: Report) -> dict[str, Any]:
    """Place bars, threshold and score on the drawing."""
    standing, point = report.standing, report.answer.operating_point
    if standing is None or point is None or report.answer.probability is None:
        return {"bars": [], "ticks": [], "x_threshold": 0, "x_score": 0, "x_words": 0}
    return {
        "bars": [*_bars("negative", standing.negative_counts, 0), *_bars("positive", standing.positive_counts, 1)],
        "ticks": [0, 0.25, 0.5, 0.75, 1],
        "x_threshold": round(CHART_LEFT + CHART_WIDTH * point["threshold"], 1),
        "x_score": round(CHART_LEFT + CHART_WIDTH * report.answer.probability, 1),
        "x_words": round(CHART_LEFT + CHART_WIDTH * min(max(report.answer.probability, 0.07), 0.93), 1),
    }


def _bars(kind: str, counts: tuple[int, ...], place: int) -> Iterator[dict[str, Any]]:
    """Draw the two groups side by side in each bin, each as a share of its own group."""
    width = CHART_WIDTH / len(counts)
    total = max(1, sum(counts))
    for n, count in enumerate(counts):
        height = CHART_HEIGHT * count / total
        left = CHART_LEFT + n * width + (0.08 + 0.42 * place) * width
        yield {
            "kind": kind,
            "x": round(left, 1),
            "y": round(CHART_BOTTOM - height, 1),
            "width": round(0.42 * width, 1),
            "height": round(height, 1),
        }


def _heatmap_words(report: Report) -> dict[str, Any]:
    """Say what the heatmap is, and how far it may be trusted."""
    heatmap = report.heatmap
    if heatmap is None:
        return {"heatmap_line": "", "trust_line": "", "trusted": False, "placed": False, "sized": False}
    cells = " × ".join(map(str, heatmap.native_shape))
    size = "" if heatmap.cell_mm is None else f" of {' × '.join(f'{mm:.0f}' for mm in heatmap.cell_mm)} mm"
    trusted, trust_line = _trust(heatmap)
    return {
        "heatmap_line": f"{heatmap.method} for “{heatmap.label}” at {heatmap.layer}: {cells} cells{size}. Outlined "
        f"from {heatmap.threshold:.3g}; full colour at {heatmap.scale:.3g} ({heatmap.scale_source}); hottest here "
        f"{heatmap.hottest:.3g}.",
        "trusted": trusted,
        "trust_line": trust_line,
        "placed": all(region.centroid_ras_mm is not None for region in heatmap.regions),
        "sized": all(region.volume_ml is not None for region in heatmap.regions),
    }


def _place_words(report: Report) -> dict[str, Any]:
    """Say what a probability of a place is about."""
    places = report.answer.places
    size = places[0].patch_mm if places else None
    about = "a patch" if size is None else f"a patch of {' × '.join(f'{mm:.0f}' for mm in size)} mm"
    return {
        "places_placed": all(place.centre_ras_mm is not None for place in places),
        "places_line": f"The network looked at the scan in patches; each probability is that of {about} that holds the "
        "place. At most five places are listed; what is not listed is not excluded.",
    }


def _trust(heatmap: HeatmapFacts) -> tuple[bool, str]:
    card = heatmap.scorecard
    if card is None:
        return False, "This model's heatmaps were never tested; their scale is this map's own maximum."
    if card.get("passed"):
        parts = [part["reason"] for part in card.values() if isinstance(part, dict) and "reason" in part]
        return True, f"This model's heatmaps passed their tests on validation scans: {'; '.join(parts)}."
    return False, f"This model's heatmaps failed their tests: {card.get('reason', '')}."


def _views(report: Report, pictures: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    """Put the pictures of one slice side by side, without and with heat; without any heat, all in one row."""
    if not any(picture.heatmap for picture in report.pictures):
        yield {"pictures": [_picture(one, pictures[one.file]) for one in report.pictures]}
        return
    for title in dict.fromkeys(picture.title for picture in report.pictures):
        shown = [picture for picture in report.pictures if picture.title == title]
        yield {"pictures": [_picture(one, pictures[one.file]) for one in shown]}


def _picture(picture: PictureFacts, content: bytes) -> dict[str, str]:
    what = f"{picture.title}, with the heatmap" if picture.heatmap else picture.title
    source = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
    return {"source": source, "alt": f"{what}. {DISCLAIMER}", "caption": what.capitalize()}
