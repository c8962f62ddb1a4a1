"""Prediction + Heatmap + scan -> Report; Report <-> result.json.

Everything a page or a program may know of a result, and nothing else: no identity, no path, no UID, no date of the
study. Knows no picture and no layout.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from medres import __version__, geometry
from medres.classifier import Place, Prediction
from medres.errors import StoreError
from medres.explain.heatmap import Heatmap, Region
from medres.models.trained_model import TrainedModel
from medres.preprocessing.spec import Frozen
from medres.results.standing import Standing, find_standing
from medres.results.writing import write_bytes
from medres.volume import Volume

RESULT_FILE = "result.json"
MOST_REGIONS = 5
Triple = tuple[float, float, float]


class ScanFacts(Frozen):
    """What may be said of the scan.

    Attributes:
        modality, shape, orientation, frame, spacing_known: as of the Volume.
        spacing_mm: (3,), or None where it is not known.
        sides_known: whether left and right are known.
        codes: `W_...` codes of the intake.
        content_digest: of the decoded scan.
    """

    modality: str
    shape: tuple[int, int, int]
    spacing_mm: Triple | None
    orientation: str
    frame: Literal["patient", "detector"]
    spacing_known: bool
    sides_known: bool
    codes: tuple[str, ...]
    content_digest: str


class PlaceFacts(Frozen):
    """One place that a model of patches finds suspicious.

    Attributes:
        centre_ras_mm, centre_lps_mm: (3,), mm; None where spacing or sides are not known.
        voxel: (i, j, k) of the scan's own grid, from 0.
        slice: number of the plane k, from 1, as viewers count.
        probability: of the label in the patch that holds it, in [0, 1].
        patch_mm: (3,), mm, edges of that patch; None where spacing is not known.
    """

    centre_ras_mm: Triple | None
    centre_lps_mm: Triple | None
    voxel: tuple[int, int, int]
    slice: int
    probability: float
    patch_mm: Triple | None


class AnswerFacts(Frozen):
    """What the model says.

    Attributes:
        decision: "positive", "negative", "indeterminate" or "out_of_scope".
        positive_label: what it is about.
        probability: of the positive label, in [0, 1]; None when out of scope.
        probabilities: by label name.
        operating_point: name, threshold, rule, sensitivity, specificity, n, n_positive; None when out of scope.
        coverage: share of the scan that the network was shown, in [0, 1].
        code, reason: why out of scope.
        warnings: `W_...` codes of scan and model.
        places: of a model of patches, the most suspicious places, strongest first.
    """

    decision: Literal["positive", "negative", "indeterminate", "out_of_scope"]
    positive_label: str
    probability: float | None
    probabilities: dict[str, float]
    operating_point: dict[str, Any] | None
    coverage: float
    code: str
    reason: str
    warnings: tuple[str, ...]
    places: tuple[PlaceFacts, ...] = ()


class RegionFacts(Frozen):
    """One region of the heatmap.

    Attributes:
        centroid_ras_mm, centroid_lps_mm: (3,), mm; None where spacing or sides are not known.
        hottest_ras_mm: (3,), mm, centre of its hottest cell; None likewise.
        voxel: (i, j, k) of the centroid in the scan's own grid, from 0.
        volume_ml: millilitres; None where spacing is not known or the scan is one plane.
        maximum: in the heatmap's unit.
    """

    centroid_ras_mm: Triple | None
    centroid_lps_mm: Triple | None
    hottest_ras_mm: Triple | None
    voxel: tuple[int, int, int]
    volume_ml: float | None
    maximum: float


class HeatmapFacts(Frozen):
    """What the heatmap says, and how far to trust it.

    Attributes:
        method, layer, label, scale, threshold, scale_source: as of the Heatmap.
        native_shape: cells along its axes.
        cell_mm: (3,), mm, the true resolution; None where spacing is not known.
        hottest: hottest value; `hottest_region` its cell, whether or not it reaches the threshold.
        regions: at or above the threshold, hottest first; at most five.
        region_count: all of them.
        scorecard: the explanation's own test results, or None.
    """

    method: str
    layer: str
    label: str
    scale: float
    threshold: float
    scale_source: str
    native_shape: tuple[int, int, int]
    cell_mm: Triple | None
    hottest: float
    regions: tuple[RegionFacts, ...]
    region_count: int
    scorecard: dict[str, Any] | None


class PictureFacts(Frozen):
    """A picture file beside result.json.

    Attributes:
        file: plain name.
        title: such as "axial, slice 4 of 18".
        heatmap: whether heat is drawn on it.
    """

    file: str = Field(pattern=r"^[a-z0-9_-]+\.png$")
    title: str
    heatmap: bool


class Report(Frozen):
    """The content of result.json.

    Attributes:
        schema_version: of this description.
        made_on: day of this report, ISO 8601; never a date of the study.
        scan, answer, heatmap, standing: see their types; the last two may be None.
        model: name, version, digest, intended use, not for, licence, synthetic.
        provenance: digests, engine, precision, versions, seconds.
        pictures: files beside it.
        notes: sentences about what could not be done.
    """

    schema_version: Literal[1] = 1
    made_on: str
    scan: ScanFacts
    answer: AnswerFacts
    heatmap: HeatmapFacts | None
    standing: Standing | None
    model: dict[str, Any]
    provenance: dict[str, Any]
    pictures: tuple[PictureFacts, ...] = ()
    notes: tuple[str, ...] = ()


def build_report(
    prediction: Prediction,
    model: TrainedModel,
    volume: Volume,
    *,
    heatmap: Heatmap | None = None,
    made_on: str,
    pictures: Sequence[PictureFacts] = (),
    notes: Sequence[str] = (),
) -> Report:
    """Gather all that may be told of a result.

    Args:
        prediction: the answer.
        model: who gave it.
        volume: the scan (of several channels, the reference one).
        heatmap: None where there is none.
        made_on: today, ISO 8601.
        pictures: files beside it.
        notes: sentences about what could not be done.

    Returns:
        The report.
    """
    return Report(
        made_on=made_on,
        scan=_scan_facts(prediction, volume),
        answer=_answer_facts(prediction, volume),
        heatmap=None if heatmap is None else heatmap_facts(heatmap, volume),
        standing=find_standing(model, prediction.probability),
        model=_model_facts(model),
        provenance=_provenance(prediction),
        pictures=tuple(pictures),
        notes=tuple(notes),
    )


def sides_known(volume: Volume) -> bool:
    """Tell whether the patient's left and right are known.

    Args:
        volume: the scan.

    Returns:
        False for detector frames and NIfTI files that say nothing of patient space.
    """
    return volume.frame == "patient" and "W_NIFTI_NO_SIDE" not in volume.codes


def heatmap_facts(heatmap: Heatmap, volume: Volume) -> HeatmapFacts:
    """Describe a heatmap in numbers.

    Args:
        heatmap: of this scan.
        volume: the scan.

    Returns:
        Its facts; places in mm only where spacing and sides are known.
    """
    regions = heatmap.regions()
    return HeatmapFacts(
        method=heatmap.method,
        layer=heatmap.layer,
        label=heatmap.label,
        scale=heatmap.scale,
        threshold=heatmap.threshold,
        scale_source=heatmap.scale_source,
        native_shape=heatmap.relevance.shape,  # type: ignore[arg-type]
        cell_mm=heatmap.cell_mm if volume.spacing_known else None,
        hottest=float(heatmap.relevance.max()),
        regions=tuple(_region_facts(region, volume) for region in regions[:MOST_REGIONS]),
        region_count=len(regions),
        scorecard=heatmap.scorecard,
    )


def _region_facts(region: Region, volume: Volume) -> RegionFacts:
    ras_mm, lps_mm = _in_both_frames(region.centroid_mm, volume)
    hottest_mm, _ = _in_both_frames(region.maximum_mm, volume)
    has_volume = volume.spacing_known and not volume.is_picture
    return RegionFacts(
        centroid_ras_mm=ras_mm,
        centroid_lps_mm=lps_mm,
        hottest_ras_mm=hottest_mm,
        voxel=geometry.nearest_voxel(volume.affine, volume.shape, region.centroid_mm),
        volume_ml=round(region.volume_mm3 / 1000.0, 3) if has_volume else None,
        maximum=region.maximum,
    )


def _in_both_frames(place_mm: Triple, volume: Volume) -> tuple[Triple | None, Triple | None]:
    """Give a place in RAS+ mm and in DICOM's LPS mm; neither where spacing or sides are not known."""
    if not (volume.spacing_known and sides_known(volume)):
        return None, None
    return _mm(place_mm), _mm(geometry.LPS_TO_RAS[:3, :3] @ place_mm)


def _mm(place: Any) -> Triple:
    x, y, z = (round(float(v), 2) + 0.0 for v in place)  # + 0.0: no minus zero
    return x, y, z


def _scan_facts(prediction: Prediction, volume: Volume) -> ScanFacts:
    return ScanFacts(
        modality=volume.modality,
        shape=volume.shape,
        spacing_mm=volume.spacing_mm if volume.spacing_known else None,
        orientation=volume.orientation if sides_known(volume) else "",
        frame=volume.frame,
        spacing_known=volume.spacing_known,
        sides_known=sides_known(volume),
        codes=volume.codes,
        content_digest=prediction.scan_digest,
    )


def place_facts(place: Place, volume: Volume) -> PlaceFacts:
    """Describe a suspicious place in numbers.

    Args:
        place: of a prediction.
        volume: the scan.

    Returns:
        Its facts; places in mm only where spacing and sides are known.
    """
    ras_mm, lps_mm = _in_both_frames(place.centre_mm, volume)
    return PlaceFacts(
        centre_ras_mm=ras_mm,
        centre_lps_mm=lps_mm,
        voxel=place.voxel,
        slice=place.voxel[2] + 1,
        probability=place.probability,
        patch_mm=_mm(place.patch_mm) if volume.spacing_known else None,
    )


def _answer_facts(prediction: Prediction, volume: Volume) -> AnswerFacts:
    point = prediction.operating_point
    return AnswerFacts(
        decision=prediction.decision,
        positive_label=prediction.positive_label,
        probability=prediction.probability,
        probabilities=dict(prediction.probabilities),
        operating_point=None if point is None else point.model_dump(mode="json"),
        coverage=prediction.coverage,
        code=prediction.code,
        reason=prediction.reason,
        warnings=prediction.warnings,
        places=tuple(place_facts(place, volume) for place in prediction.places),
    )


def _model_facts(model: TrainedModel) -> dict[str, Any]:
    spec = model.spec
    told = ("name", "version", "modality", "intended_use", "not_for", "licence", "synthetic")
    return {"digest": model.digest, "network": spec.network.name} | {name: getattr(spec, name) for name in told}


def _provenance(prediction: Prediction) -> dict[str, Any]:
    told = ("model_digest", "configuration_digest", "scan_digest", "input_digest", "engine", "precision")
    facts: dict[str, Any] = {name: getattr(prediction, name) for name in told}
    return facts | {"seconds": round(prediction.seconds, 3), "medres": __version__}


def write_report(report: Report, folder: Path) -> Path:
    """Write result.json, whole or not at all.

    Args:
        report: what is told.
        folder: where it goes.

    Returns:
        The file.
    """
    path = folder / RESULT_FILE
    text = json.dumps(report.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode(), "the result")
    return path


def read_report(path: Path) -> Report:
    """Read result.json.

    Args:
        path: the file, or its folder.

    Returns:
        The report.

    Raises:
        StoreError: E_NOT_FOUND, or E_RESULT_FORMAT for a file that is none.
    """
    file = path / RESULT_FILE if path.is_dir() else path
    try:
        return Report.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise StoreError("E_NOT_FOUND", f"there must be a {RESULT_FILE} at this place, there is none") from None
    except OSError as fault:
        raise StoreError("E_RESULT_FORMAT", f"the result cannot be read ({fault.strerror})") from None
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise StoreError("E_RESULT_FORMAT", f"{place}: {first['msg']} ({fault.error_count()} fault(s))") from None
