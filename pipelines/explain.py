"""medres explain: a model and a scan -> the heatmap as NIfTI, pictures, regions in mm and a report."""

from __future__ import annotations

from pathlib import Path

from medres.classifier import load_classifier
from medres.explain.gradcam import build_heatmap
from medres.io.privacy import silence_pydicom
from medres.results.folder import HEATMAP_FILE, NATIVE_FILE, REGIONS_FILE, REPORT_FILE, write_results
from pipelines.console import say
from pipelines.predict import card
from pipelines.scans import intake_choices, read_scan, reference_of, refusing


def run(
    model: Path,
    path: Path,
    out: Path,
    label: str | None = None,
    layer: str | None = None,
    series: str | None = None,
    modality: str | None = None,
    nifti_frame: str | None = None,
    frame: int | None = None,
) -> int:
    """Write a heatmap and what belongs to it; exit status 0, or 3 where the scan is refused or out of scope."""
    silence_pydicom()
    classifier = load_classifier(model, intake=intake_choices(modality, nifti_frame, frame=frame))

    def work() -> None:
        scan = read_scan(classifier, path, series=series, modality=modality, nifti_frame=nifti_frame, frame=frame)
        prediction = classifier.predict(scan)
        heatmap = build_heatmap(classifier, scan, label, layer, prediction=prediction)
        say(card(write_results(out, prediction, classifier.model, reference_of(classifier, scan), heatmap)))
        say(f"  {out}: {', '.join((HEATMAP_FILE, NATIVE_FILE, REGIONS_FILE, REPORT_FILE))}")

    return refusing(work)
