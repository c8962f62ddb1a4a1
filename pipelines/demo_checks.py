"""A demo's folder -> findings: what came out beside what is expected, each checked against the planted truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import medres
from medres import geometry
from medres.classifier import Classifier
from medres.datasets.manifest import read_manifest
from medres.datasets.split_file import read_split
from medres.evaluation.discrimination import auroc
from medres.evaluation.intervals import proportion
from medres.explain.gradcam import build_heatmap
from medres.volume import Volume

if TYPE_CHECKING:
    from pipelines.demo import Place

SIMPLE = {  # classifiers that know no shape: they must not solve the task
    "brightest voxel": lambda v: float(v.max()),
    "mean voxel": lambda v: float(v.mean()),
    "volume of the body": lambda v: float((v > -500).sum()),
}
SIMPLE_AUROC_BELOW, MODEL_AUROC_FROM = 0.75, 0.85
HIT_SHARE_FROM = 0.6  # a blind guess hits about one lesion in five
FINDINGS = "findings.json"


@dataclass(frozen=True)
class Finding:
    """One line of the demo's closing table."""

    what: str
    found: str
    expected: str
    holds: bool
    where: str


def check(place: Place, stage: Callable[[str, Callable[[], object]], None]) -> list[Finding]:
    """Hold everything that came out against what was planted.

    Args:
        place: the demo's folders.
        stage: runs a piece of work once and remembers it.

    Returns:
        The findings, in the order of the walk.
    """

    def work() -> None:
        found = [*_simple(place), _patients(place), *_models(place), *_heatmaps(place), _inbox(place), _report(place)]
        (place.out / FINDINGS).write_text(json.dumps([asdict(finding) for finding in found], indent=1))

    stage("check against the planted truth", work)
    return [Finding(**row) for row in json.loads((place.out / FINDINGS).read_text())]


def _simple(place: Place) -> list[Finding]:
    """Classifiers that look at one number of a scan."""
    manifest = read_manifest(place.volumes / "manifest.csv")
    rows = read_split(place.volumes / "split.json", manifest).rows(manifest, "test")
    labels = np.array([row.label == "lesion" for row in rows], int)
    voxels = [_read(manifest.folder / row.key, row.modality).voxels for row in rows]
    found = []
    for name, measure in SIMPLE.items():
        value = auroc(labels, np.array([measure(v) for v in voxels])).value or 0.5
        strength = max(value, 1 - value)
        found.append(
            Finding(
                f"AUROC of the {name} alone",
                f"{strength:.2f}",
                f"below {SIMPLE_AUROC_BELOW}",
                strength < SIMPLE_AUROC_BELOW,
                str(place.volumes),
            )
        )
    return found


def _patients(place: Place) -> Finding:
    """Patients that stand in more than one part of a split."""
    shared = 0
    for cohort in (place.volumes, place.pictures):
        manifest = read_manifest(cohort / "manifest.csv")
        split = read_split(cohort / "split.json", manifest)
        parts = [{row.patient_id for row in split.rows(manifest, part)} for part in split.parts]
        shared += sum(len(p) for p in parts) - len(set().union(*parts))
    return Finding("patients in two parts of a split", str(shared), "0", shared == 0, str(place.volumes / "split.json"))


def _models(place: Place) -> list[Finding]:
    """AUROC of both networks on patients they have never seen."""
    found = []
    for name, folder in (("3D", place.ct), ("2D", place.picture)):
        path = folder / "evaluation" / "evaluation.json"
        told = json.loads(path.read_text())["headline"]["auroc"]
        interval = "no interval" if told["lower"] is None else f"{told['lower']:.3f} to {told['upper']:.3f}"
        text = f"{told['value']:.3f} ({interval})"
        holds = told["value"] >= MODEL_AUROC_FROM
        expected = f"from {MODEL_AUROC_FROM}"
        found.append(Finding(f"AUROC of the {name} ResNet, held-out patients", text, expected, holds, str(path.parent)))
    return found


def _heatmaps(place: Place) -> list[Finding]:
    """Heatmaps of held-out patients with a lesion: how many are hottest where it was planted."""
    found = []
    for name, cohort, folder in (("3D", place.volumes, place.ct), ("2D", place.pictures, place.picture)):
        hits = [_hits(*case) for case in _lesions(cohort, medres.load(folder / "model"))]
        share = proportion(sum(hits), len(hits))
        interval = "no interval" if share.lower is None else f"{share.lower:.0%} to {share.upper:.0%}"
        text = f"{sum(hits)} of {len(hits)} ({interval})"
        holds = bool(hits) and sum(hits) / len(hits) >= HIT_SHARE_FROM
        what = f"{name} heatmap hottest within one native cell of the lesion"
        found.append(Finding(what, text, f"from {HIT_SHARE_FROM:.0%}", holds, str(folder / "model")))
    return found


def _lesions(cohort: Path, classifier: Classifier) -> list[tuple[Classifier, Volume, list[float]]]:
    """Held-out patients in whom a lesion was planted and found, with its centre in mm."""
    manifest = read_manifest(cohort / "manifest.csv")
    truth = json.loads((cohort / "truth.json").read_text())
    cases = []
    for row in read_split(cohort / "split.json", manifest).rows(manifest, "test"):
        lesion = truth[row.key]
        if lesion:
            volume = _read(manifest.folder / row.key, row.modality)
            if classifier.predict(volume).decision == "positive":
                cases.append((classifier, volume, _centre(lesion)))
    return cases


def _centre(lesion: dict[str, Any]) -> list[float]:
    """Where a lesion lies in the frame of its scan; a picture's is the detector's, one unit a pixel."""
    return [*lesion["centre_pixel"], 0.0] if "centre_pixel" in lesion else lesion["centre_mm"]


def _hits(classifier: Classifier, volume: Volume, centre_mm: list[float]) -> bool:
    """Whether the hottest cell is the lesion's own or one beside it."""
    heatmap = build_heatmap(classifier, volume)
    cells = geometry.apply_affine(np.linalg.inv(heatmap.affine), np.array([heatmap.hottest_mm, centre_mm]))
    return bool((np.abs(cells[0] - cells[1]) <= 1.0).all())


def _inbox(place: Place) -> Finding:
    """One row for each series of the inbox, each with the status it should have."""
    with (place.scores / "results.csv").open(newline="") as file:
        statuses = [row["status"] for row in csv.DictReader(file)]
    studies = len(list(place.inbox.glob("ct[0-9]*")))
    counts = {status: statuses.count(status) for status in ("ok", "warned", "out_of_scope", "refused", "error")}
    text = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items() if count)
    holds = counts["ok"] + counts["warned"] == studies and counts["out_of_scope"] + counts["refused"] == 4
    expected = f"{studies} scored, 4 out of scope or refused"
    return Finding("inbox", text, expected, holds and counts["error"] == 0, str(place.scores / "results.csv"))


def _report(place: Place) -> Finding:
    """The page about one study."""
    page = place.report / "report.html"
    size = page.stat().st_size if page.exists() else 0
    return Finding("report of one study", f"{size / 1024:.0f} KiB", "a page", size > 0, str(page))


def _read(path: Path, modality: str) -> Volume:
    return medres.read(path, modality=modality or None)
