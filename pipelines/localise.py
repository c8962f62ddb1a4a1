"""A model's heatmaps + the segmentations of a manifest -> FROC numbers, hit rate, and the tables of marks and lesions.

Only what is shown is judged: a mark is a region at or above the model's fixed threshold.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medres.classifier.classifier import Classifier
from medres.classifier.prediction import Prediction
from medres.datasets.masks import read_mask
from medres.datasets.rows import Manifest, ManifestRow
from medres.errors import EvaluationError, MedresError
from medres.evaluation.localisation import measure_hits
from medres.evaluation.resampling import Resampling
from medres.explain.gradcam import build_heatmap
from medres.explain.marks import HIT_RULE, ScanMarks, mark_scan
from medres.io.privacy import load_site_key, pseudonym
from medres.results.evaluation_tables import write_csv
from medres.volume import Volume
from pipelines.marks import measure_lesions
from pipelines.model_scores import Scan

SHOWN = 16  # digits of a scan's digest, as predictions.csv names it
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

    def __call__(self, scans: Manifest, row: ManifestRow, label: str, volumes: Scan, answer: Prediction) -> None:
        """Mark one scan; a scan without an answer has no heatmap."""
        if answer.probability is None:
            return
        positive = label == self.classifier.model.spec.positive_label
        try:
            inside, reference = self._lesions(scans, row, volumes, positive)
        except MedresError as fault:
            self.left_out.append(fault.code)
            return
        heatmap = build_heatmap(self.classifier, volumes, prediction=answer)
        about: dict[str, Any] = {"scan": answer.scan_digest, "patient": row.patient_id, "weight": answer.probability}
        self.found.append(mark_scan(heatmap, inside, reference.affine, **about))

    def _lesions(self, scans: Manifest, row: ManifestRow, volumes: Scan, positive: bool) -> tuple[np.ndarray, Volume]:
        """Read the lesions of a positive scan; the segmentation of any other scan shows no lesion to be found."""
        channels = self.classifier.model.spec.preprocessing.channels
        reference = volumes if isinstance(volumes, Volume) else volumes[channels[0]]
        path = scans.mask(row)
        if not positive:
            return np.zeros(reference.shape[:3], bool), reference
        if path is None:
            raise EvaluationError("E_EVAL_VALUE", "a positive scan must have a segmentation, got none")
        inside = read_mask(path, reference)
        if not inside.any():
            raise EvaluationError("E_EVAL_VALUE", "the segmentation of a positive scan must not be empty, got no voxel")
        return inside, reference


def collect_marks(classifier: Classifier) -> MarkCollector:
    """Begin to collect the marks of a model.

    Args:
        classifier: its model brings explanation.json: the scale and threshold of its heatmaps.

    Raises:
        EvaluationError: E_EVAL_VALUE without it.
    """
    explanation = classifier.model.explanation
    if not explanation or explanation.get("label") != classifier.model.spec.positive_label:
        told = "--localise needs a model with a fixed heatmap scale (explanation.json), got one without"
        raise EvaluationError("E_EVAL_VALUE", told, "train it again: medres train writes that file")
    return MarkCollector(classifier)


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
        told = f"--localise needs at least one positive scan with a segmentation, got 0 of {len(found)}"
        raise EvaluationError("E_EVAL_EMPTY", told, "name segmentations in the manifest's column mask_path")
    marks = [mark for one in found for mark in one.marks]
    counts = {one.scan: one.lesions for one in found}
    measured = measure_lesions(
        marks, counts, {one.scan: one.patient for one in found}, plan, f"{HIT_RULE}; {SCORE_RULE}"
    )
    ill = [one for one in found if one.is_hit is not None and one.chance is not None]
    pointed = measure_hits([bool(one.is_hit) for one in ill], [one.chance or 0.0 for one in ill], level=plan.level)
    measured["localisation"] = pointed | measured["localisation"]
    return measured | {"kept": _tables(found)}


def say_of_heatmaps(collected: MarkCollector) -> tuple[str, ...]:
    """Say how many positive scans have no known lesion, and whether the heatmaps failed the model's own tests."""
    notes = []
    if lost := len(collected.left_out):
        notes.append(f"localisation leaves {lost} positive scans out, whose segmentation is missing or unreadable")
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
