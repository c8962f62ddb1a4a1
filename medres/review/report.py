"""One reader's readings, key images and what models said -> one self-contained HTML page.

Knows scans and readings; knows no screen. No name, number or date of a patient can be on the page: it takes none.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import medres
from medres.explain.heatmap import Heatmap
from medres.results.disclaimer import DISCLAIMER, PHANTOM, Stamp
from medres.results.folder import BURNED_IN_NOTE, today
from medres.results.html import TEMPLATES
from medres.results.pictures import Shot, draw_picture, encode_png, key_shots
from medres.results.planes import plane_grid, planes_of
from medres.results.standing import Standing
from medres.results.windows import DisplayWindow
from medres.results.words import probability_words
from medres.review.decisions import Progress, Reading
from medres.review.key_images import KeyImage
from medres.review.opinion import Opinion, trust_words, warning_words
from medres.review.scene import place_words
from medres.volume import Volume

AGREES = {"": "", "agree": "agrees", "disagree": "disagrees", "unsure": "unsure"}
LITTLE_SEEN = 0.95  # share of the scan below which the page says loudly what was not looked at


@dataclass(frozen=True, eq=False)
class ReadingReport:
    """What goes into a report.

    Attributes:
        study: key of the study, free of identifiers.
        volume: the scan that was read.
        progress: the reader's own readings.
        opinions: of models, as far as they may be shown.
        hidden: whether models' opinions still wait for the first reading.
        standings: by model digest, where a score falls among validation scores.
        heatmaps: by model digest.
        key_images: in their order, each with what gives the scan that it is of.
        warnings: codes of the intake and the models.
        reader: pseudonym of the reader, or "" for the local one.
    """

    study: str
    volume: Volume
    progress: Progress
    opinions: tuple[Opinion, ...] = ()
    hidden: bool = False
    standings: Mapping[str, Standing] = field(default_factory=dict)
    heatmaps: Mapping[str, Heatmap] = field(default_factory=dict)
    key_images: tuple[tuple[KeyImage, Callable[[], Volume]], ...] = ()
    warnings: tuple[str, ...] = ()
    reader: str = ""


def build_reading_page(report: ReadingReport) -> str:
    """Lay a reading out as one page that fetches nothing when it is opened.

    Args:
        report: what goes into it.

    Returns:
        HTML.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    opinions = () if report.hidden else report.opinions
    shots = list(_shots(report, _heatmap_of(report, opinions)))
    return environment.get_template("reading.html.jinja").render(
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        disclaimer=DISCLAIMER,
        phantom=PHANTOM,
        modality=report.volume.modality or "unnamed",
        study=report.study,
        scan_line=_scan_line(report.volume),
        made_on=today(),
        readings=[_reading(report.volume, one) for one in (report.progress.first, report.progress.final) if one],
        order_line=_order_line(report.progress),
        hidden=report.hidden,
        opinions=[_opinion(one, report) for one in opinions],
        warnings=warning_words(report.warnings),
        pictures_title=_pictures_title(report, opinions),
        picture_notes=[] if all(_may_be_drawn(shot.volume) for shot, _ in shots) else [BURNED_IN_NOTE],
        views=list(_views(report, opinions, shots)),
        provenance=list(_provenance(report, opinions)),
    )


def _scan_line(volume: Volume) -> str:
    shape = " × ".join(str(n) for n in volume.shape)
    if not volume.spacing_known:
        return f"{shape} voxels, spacing not known"
    return f"{shape} voxels, {' × '.join(f'{mm:.3g}' for mm in volume.spacing_mm)} mm"


def _reading(volume: Volume, reading: Reading) -> dict[str, Any]:
    return {
        "stage": reading.stage,
        "finding": reading.finding,
        "confidence": reading.confidence,
        "agreement": AGREES[reading.agreement],
        "place": _mark_words(volume, reading) if reading.mark_mm else "",
        "seconds": f"{reading.seconds:.0f}",
        "note": reading.note,
    }


def _mark_words(volume: Volume, reading: Reading) -> str:
    """Say where the mark is, and how large the ellipse about it."""
    assert reading.mark_mm is not None  # asked only where there is one
    words = place_words(volume, reading.mark_mm)
    if reading.mark_axes_mm is None:
        return words
    wide, high = (2 * mm for mm in reading.mark_axes_mm)
    size = f" of {wide:.1f} × {high:.1f} mm" if volume.spacing_known else ""
    return f"{words}, {reading.mark_plane} ellipse{size}"


def _order_line(progress: Progress) -> str:
    if progress.first is not None:
        return "The first reading was recorded before the model's opinion was shown."
    return "The model's opinion was shown before any reading was recorded." if progress.revealed else ""


def _opinion(said: Opinion, report: ReadingReport) -> dict[str, Any]:
    heatmap = report.heatmaps.get(said.model_digest)
    trust = [] if heatmap is None else [trust_words(heatmap.scorecard)]
    return {
        "number": "" if said.probability is None else probability_words(said.probability),
        "decision": said.decision,
        "label": said.positive_label,
        "model": said.model,
        "synthetic": said.synthetic,
        "lines": [*_lines(said, report.standings.get(said.model_digest)), *trust],
    }


def _lines(said: Opinion, standing: Standing | None) -> Iterator[str]:
    if said.probability is None:
        yield said.reason or "The model gives no probability for this scan."
        return
    if said.threshold is not None:
        name = f" ({said.operating_point})" if said.operating_point else ""
        yield f"Positive from {said.threshold:.3f} on: the operating point{name}, chosen on validation patients."
    if standing is not None and standing.negatives_below is not None:
        yield (
            f"Among validation scans it is above {standing.negatives_below} of {standing.n_negative} without "
            f"{said.positive_label} and {standing.positives_below} of {standing.n_positive} with it."
        )
    if said.coverage is not None:
        beyond = " What lies outside was not looked at." if said.coverage < LITTLE_SEEN else ""
        yield f"The network saw {said.coverage:.0%} of the scan.{beyond}"


def _pictures_title(report: ReadingReport, opinions: Sequence[Opinion]) -> str:
    if report.key_images:
        return "Key images"
    return "Slices through the " + ("hottest place of the heatmap" if _heatmap_of(report, opinions) else "middle")


def _heatmap_of(report: ReadingReport, opinions: Sequence[Opinion]) -> Heatmap | None:
    """Take the heatmap of the first model that has one."""
    return next((report.heatmaps[one.model_digest] for one in opinions if one.model_digest in report.heatmaps), None)


def _may_be_drawn(volume: Volume) -> bool:
    """Tell whether a scan's pixels may leave: none with text burned in, which may be a name."""
    return "W_BURNED_IN" not in volume.codes


def _views(
    report: ReadingReport, opinions: Sequence[Opinion], shots: Sequence[tuple[Shot, list[str]]]
) -> Iterator[dict[str, Any]]:
    """Draw each key image, and beside it the same slice with the first model's heatmap."""
    heatmap = _heatmap_of(report, opinions)
    first = opinions[0] if opinions else None
    stamp = Stamp(first.model_name if first else "", first.model_version if first else "", today())
    for shot, words in shots:
        if not _may_be_drawn(shot.volume):
            continue
        pictures = [_picture(shot, stamp, None)]
        if heatmap is not None and shot.volume.origin is report.volume.origin:
            pictures.append(_picture(shot, stamp, heatmap))
        yield {"pictures": pictures, "words": words}


def _shots(report: ReadingReport, heatmap: Heatmap | None) -> Iterator[tuple[Shot, list[str]]]:
    """Take the key images; without any, slices through the hottest point or the middle."""
    if not report.key_images:
        place = None if heatmap is None else heatmap.hottest_mm
        yield from ((shot, []) for shot in key_shots(report.volume, place))
        return
    for image, scan_of in report.key_images:
        volume = scan_of()
        if image.plane in planes_of(volume) and image.index < plane_grid(volume, image.plane).depth:
            words = [*image.measurements, *([image.note] if image.note else [])]
            yield _shot_of(image, volume), words


def _shot_of(image: KeyImage, volume: Volume) -> Shot:
    """Show a key image as its reader saw it: window, inversion, slab and measurements."""
    window = None if image.function == "lut" else DisplayWindow(image.centre, image.width, image.function)
    if image.inverted is not None and image.inverted != volume.display.inverted:
        volume = replace(volume, display=replace(volume.display, inverted=image.inverted))  # the same voxels
    return Shot(volume, image.plane, image.index, window, image.outlines, image.slab)


def _picture(shot: Shot, stamp: Stamp, heatmap: Heatmap | None) -> dict[str, str]:
    what = f"{shot.title}, with the heatmap" if heatmap is not None else shot.title
    content = encode_png(draw_picture(shot, stamp, heatmap=heatmap))
    source = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
    return {"source": source, "alt": f"{what}. {DISCLAIMER}", "caption": what.capitalize()}


def _provenance(report: ReadingReport, opinions: Sequence[Opinion]) -> Iterator[tuple[str, str]]:
    yield "scan digest", report.volume.origin.content_digest
    for said in opinions:
        yield f"model {said.model}", said.model_digest
    if report.reader:
        yield "reader", report.reader
    yield "medres", medres.__version__
