"""A model's places or heatmaps + a manifest's segmentations or points -> FROC numbers, hit rate, tables of marks.

Only what is shown is judged: a mark is a place that a model of patches names, or a region of a heatmap at or above the
model's fixed threshold.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medres import geometry
from medres.classifier.classifier import Classifier
from medres.classifier.prediction import Prediction
from medres.datasets.masks import read_mask
from medres.datasets.points import check_points, read_points
from medres.datasets.rows import Manifest, ManifestRow
from medres.errors import EvaluationError, MedresError
from medres.evaluation.localisation import measure_hits
from medres.evaluation.resampling import Resampling
from medres.explain.checks import Lesion
from medres.explain.gradcam import build_heatmap
from medres.explain.marks import DISTANCE_RULE, HIT_RULE, ScanMarks, mark_places, mark_scan
from medres.io.privacy import load_site_key, pseudonym
from medres.results.evaluation_tables import write_csv
from medres.volume import Volume
from pipelines.explanations import lesions_of
from pipelines.marks import measure_lesions
from pipelines.model_scores import Scan

SHOWN = 16  # digits of a scan's digest, as predictions.csv names it
PLACE_RULE = "a mark's score is the probability of the patch that holds the place"
SCORE_RULE = "a mark's score is the probability times the region's hottest value over the model's scale"


@dataclass(frozen=True, eq=False)
class MarkCollector:
    """Sees every answer of a model and keeps what its heatmap marked.

    Attributes:
        classifier: of a model that brings a fixed scale and threshold.
        found: marks of the scans whose lesions are known.
        left_out: codes of the scans whose lesions are not known.
    """

    classifier: Classifier
    found: list[ScanMarks] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def rule(self) -> str:
        """How marks are scored and what hits, in words."""
        if self.names_places:
            return f"{DISTANCE_RULE}; {PLACE_RULE}"
        return f"{HIT_RULE}, or beside points {DISTANCE_RULE}; {SCORE_RULE}"

    @property
    def names_places(self) -> bool:
        """Whether the model names places itself: one of patches does, and is judged by these."""
        return self.classifier.model.spec.preprocessing.views.kind == "patches"

    def __call__(self, scans: Manifest, row: ManifestRow, label: str, volumes: Scan, answer: Prediction) -> None:
        """Mark one scan; a scan without an answer has no place."""
        if answer.probability is None:
            return
        channels = self.classifier.model.spec.preprocessing.channels
        reference = volumes if isinstance(volumes, Volume) else volumes[channels[0]]
        positive = label == self.classifier.model.spec.positive_label
        try:
            found = self._mark(scans, row, positive, reference, volumes, answer)
        except MedresError as fault:
            self.left_out.append(fault.code)
            return
        self.found.append(found)

    def _mark(
        self, scans: Manifest, row: ManifestRow, positive: bool, reference: Volume, volumes: Scan, answer: Prediction
    ) -> ScanMarks:
        """Hold what the model marked against the lesions: by distance, or a heatmap by the cells of a segmentation."""
        about = {"scan": answer.scan_digest, "patient": row.patient_id}
        if not self.names_places and row.points_path is None:
            inside = _segmentation(scans, row, reference, positive)
            heatmap = build_heatmap(self.classifier, volumes, prediction=answer)
            return mark_scan(heatmap, inside, reference.affine, weight=answer.probability or 0.0, **about)
        lesions = _lesions(scans, row, reference) if positive else ()
        field_mm3 = float(np.prod(reference.shape[:3])) * geometry.voxel_volume_mm3(reference.affine)
        if self.names_places:
            marked = [(place.centre_mm, place.probability) for place in answer.places]
        else:
            heatmap, weight = build_heatmap(self.classifier, volumes, prediction=answer), answer.probability or 0.0
            marked = [(one.maximum_mm, weight * one.maximum / heatmap.scale) for one in heatmap.regions()]
        places, scores = [place for place, _ in marked], [score for _, score in marked]
        return mark_places(places, scores, lesions, field_mm3, **about)


def _segmentation(scans: Manifest, row: ManifestRow, reference: Volume, positive: bool) -> np.ndarray:
    """Read the lesions of a positive scan; the segmentation of any other scan shows no lesion to be found."""
    path = scans.mask(row)
    if not positive:
        return np.zeros(reference.shape[:3], bool)
    if path is None:
        raise EvaluationError("E_EVAL_VALUE", "a positive scan must have a segmentation or points, got neither")
    inside = read_mask(path, reference)
    if not inside.any():
        raise EvaluationError("E_EVAL_VALUE", "the segmentation of a positive scan must not be empty, got no voxel")
    return inside


def _lesions(scans: Manifest, row: ManifestRow, reference: Volume) -> tuple[Lesion, ...]:
    """Read the lesions of a positive scan as balls: of its points, else of its segmentation."""
    if not reference.spacing_known:
        raise EvaluationError("E_EVAL_VALUE", "places in mm need a scan of known spacing, got one without")
    points, mask = scans.points(row), scans.mask(row)
    found: tuple[Lesion, ...] = ()
    if points is not None:
        read = read_points(points)
        check_points(read, reference.affine, reference.shape)
        found = tuple(Lesion(point.centre_mm, (point.diameter_mm or 0.0) / 2.0) for point in read)
    elif mask is not None:
        found = lesions_of(mask)
    if not found:
        raise EvaluationError("E_EVAL_VALUE", "a positive scan must have a lesion in its points or mask, got none")
    return found


def collect_marks(classifier: Classifier) -> MarkCollector:
    """Begin to collect the marks of a model.

    Args:
        classifier: of a model that names places (patches), or that brings explanation.json: the scale and threshold of
            its heatmaps.

    Raises:
        EvaluationError: E_EVAL_VALUE for any other.
    """
    explanation, collector = classifier.model.explanation, MarkCollector(classifier)
    if collector.names_places:
        return collector
    if not explanation or explanation.get("label") != classifier.model.spec.positive_label:
        told = "--localise needs a model with a fixed heatmap scale (explanation.json), got one without"
        raise EvaluationError("E_EVAL_VALUE", told, "train it again: medres train writes that file")
    return collector


def measure_localised(collected: MarkCollector, analysed: Collection[str], plan: Resampling) -> dict[str, Any]:
    """Measure what the heatmaps mark.

    Args:
        collected: after every scan was scored.
        analysed: scans of the analysis; others are left out.
        plan: resamples, seed, level.

    Returns:
        `localisation`, `froc` and `kept`, fields of the evaluation's setting.

    Raises:
        EvaluationError: E_EVAL_EMPTY where no lesion is known.
    """
    found = [one for one in collected.found if one.scan in set(analysed)]
    if not any(one.lesions for one in found):
        told = f"--localise needs at least one positive scan with a segmentation or points, got 0 of {len(found)}"
        raise EvaluationError("E_EVAL_EMPTY", told, "name them in the manifest's column mask_path or points_path")
    marks = [mark for one in found for mark in one.marks]
    counts = {one.scan: one.lesions for one in found}
    patients = {one.scan: one.patient for one in found}
    measured = measure_lesions(marks, counts, patients, plan, collected.rule)
    ill = [one for one in found if one.is_hit is not None and one.chance is not None]
    pointed = measure_hits([bool(one.is_hit) for one in ill], [one.chance or 0.0 for one in ill], level=plan.level)
    measured["localisation"] = pointed | measured["localisation"]
    return measured | {"kept": _tables(found)}


def say_of_heatmaps(collected: MarkCollector) -> tuple[str, ...]:
    """Say how many positive scans have no known lesion, and whether the heatmaps failed the model's own tests."""
    notes = []
    if lost := len(collected.left_out):
        notes.append(
            f"localisation leaves {lost} positive scans out, whose segmentation or points are missing or unreadable"
        )
    card = (collected.classifier.model.explanation or {}).get("scorecard") or {}
    if card.get("passed") is False:
        notes.append(f"the model's heatmaps failed their tests on validation scans: {card.get('reason', '')}")
    return tuple(notes)


def _tables(found: Sequence[ScanMarks]) -> dict[str, bytes]:
    """Lay marks and lesions out as `--marks` and `--lesions` read them again."""
    key = load_site_key()
    marks = [[mark.scan[:SHOWN], repr(mark.score), mark.lesion] for one in found for mark in one.marks]
    lesions = [[one.scan[:SHOWN], pseudonym(key, one.patient), one.lesions] for one in found]
    return {
        "marks.csv": write_csv(["scan", "score", "lesion"], marks),
        "lesions.csv": write_csv(["scan", "patient_id", "n_lesions"], lesions),
    }
