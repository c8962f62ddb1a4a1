"""medres predict: a model and a scan -> probability, decision, and with --out a folder with the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medres.classifier import Classifier, Prediction, load_classifier
from medres.errors import CODES
from medres.explain.gradcam import build_heatmap
from medres.explain.heatmap import Heatmap
from medres.io.privacy import silence_pydicom
from medres.results.disclaimer import DISCLAIMER, NO_REGION, PHANTOM
from medres.results.folder import REPORT_FILE, today, write_results
from medres.results.report import Report, Triple, build_report
from medres.results.words import probability_words
from medres.volume import Volume
from pipelines.console import say
from pipelines.scans import intake_choices, read_scan, reference_of, refusing


def run(
    model: Path,
    path: Path,
    explain: bool = False,
    out: Path | None = None,
    series: str | None = None,
    modality: str | None = None,
    channel: list[str] | None = None,
    nifti_frame: str | None = None,
    allow_gaps: bool = False,
    engine: str = "torch",
    device: str = "cpu",
    precision: str = "fp32",
    as_json: bool = False,
    frame: int | None = None,
) -> int:
    """Score one scan; exit status 0, or 3 where it is refused (a scan out of scope is answered: 0)."""
    silence_pydicom()
    choices = intake_choices(modality, nifti_frame, allow_gaps, frame)
    classifier = load_classifier(model, engine=engine, device=device, precision=precision, intake=choices)

    def work() -> None:
        scan = read_scan(
            classifier,
            path,
            channel,
            series=series,
            modality=modality,
            nifti_frame=nifti_frame,
            allow_gaps=allow_gaps,
            frame=frame,
        )
        prediction = classifier.predict(scan)
        heatmap = None
        if explain and prediction.decision != "out_of_scope":
            heatmap = build_heatmap(classifier, scan, prediction=prediction)
        report = _finish(classifier, prediction, reference_of(classifier, scan), heatmap, out)
        say(json.dumps(as_object(report), indent=2, allow_nan=False) if as_json else card(report))
        if out is not None and not as_json:
            say(f"  report: {out / REPORT_FILE}")

    return refusing(work)


def _finish(
    classifier: Classifier, prediction: Prediction, volume: Volume, heatmap: Heatmap | None, out: Path | None
) -> Report:
    """Write the folder of results where one is asked for; gather the report in any case."""
    if out is not None:
        return write_results(out, prediction, classifier.model, volume, heatmap)
    return build_report(prediction, classifier.model, volume, heatmap=heatmap, made_on=today())


def as_object(report: Report) -> dict[str, Any]:
    """Lay a report out for programs: the answer first."""
    content = report.model_dump(mode="json")
    answer = content.pop("answer")
    threshold = None if answer["operating_point"] is None else answer["operating_point"]["threshold"]
    return {**answer, "threshold": threshold, **content, "disclaimer": DISCLAIMER}


def card(report: Report) -> str:
    """Say a result in a few lines."""
    lines = [*_answer_lines(report), *_place_lines(report), *_scan_lines(report), *_heatmap_lines(report)]
    phantom = f"; {PHANTOM}" if report.model["synthetic"] else ""
    lines.append(f"model {report.model['name']} {report.model['version']}{phantom}")
    return "\n  ".join([*lines, DISCLAIMER])


def _answer_lines(report: Report) -> list[str]:
    answer, point = report.answer, report.answer.operating_point
    if point is None or answer.probability is None:
        cure = CODES[answer.code].cure if answer.code in CODES else ""
        return ["out of scope: no probability", f"{answer.code}: {answer.reason} - {cure}"]
    lines = [
        f"{answer.positive_label} {probability_words(answer.probability)}: {answer.decision} "
        f"(threshold {point['threshold']:.3f}, operating point {point['name']})",
        ", ".join(f"{label} {probability_words(value)}" for label, value in answer.probabilities.items()),
    ]
    standing = report.standing
    if standing is not None and standing.negatives_below is not None:
        lines.append(
            f"among validation scans {standing.negatives_below} of {standing.n_negative} without "
            f"{answer.positive_label} scored lower, and {standing.positives_below} of {standing.n_positive} with it"
        )
    return lines


def _place_lines(report: Report) -> list[str]:
    """List the most suspicious places of a model of patches."""
    lines = []
    for number, place in enumerate(report.answer.places, 1):
        where = f"slice {place.slice} of {report.scan.shape[2]}, voxel {', '.join(map(str, place.voxel))}"
        if place.centre_ras_mm is not None and place.centre_lps_mm is not None:
            where += f", {_both_frames(place.centre_ras_mm, place.centre_lps_mm)}"
        said = f"{report.answer.positive_label} {probability_words(place.probability)}"
        lines.append(f"place {number}: {said} at {where}")
    return lines


def _both_frames(ras_mm: Triple, lps_mm: Triple) -> str:
    ras, lps = (", ".join(f"{value:.1f}" for value in place) for place in (ras_mm, lps_mm))
    return f"RAS {ras} mm, DICOM LPS {lps} mm"


def _scan_lines(report: Report) -> list[str]:
    shape = " × ".join(str(n) for n in report.scan.shape)
    seen = f"{report.answer.coverage:.0%} of the scan was shown to the network ({report.scan.modality}, {shape} voxels)"
    told = [code for code in report.answer.warnings if code != "W_MODEL_PHANTOM"]
    return [seen, *(f"warning: {CODES[code].arises} ({code})" for code in told if code in CODES)]


def _heatmap_lines(report: Report) -> list[str]:
    heatmap = report.heatmap
    if heatmap is None:
        return []
    if not heatmap.regions:
        return [f"heatmap: {NO_REGION}"]
    lines = []
    for number, region in enumerate(heatmap.regions, 1):
        place = f"voxel {', '.join(map(str, region.voxel))}"
        if region.centroid_lps_mm is not None and region.centroid_ras_mm is not None:
            place += f", {_both_frames(region.centroid_ras_mm, region.centroid_lps_mm)}"
        lines.append(f"region {number}: {place}, hottest {region.maximum:.3g}")
    return lines
