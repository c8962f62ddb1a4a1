"""Prediction + Heatmap + scan -> a folder of results: result.json, report.html, pictures, the heatmap as NIfTI.

Ties the files of `results/` together; knows no network.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medres.classifier import Prediction
from medres.explain.heatmap import Heatmap
from medres.io.nifti_writing import write_nifti
from medres.models.trained_model import TrainedModel
from medres.results.disclaimer import Stamp
from medres.results.html import write_html
from medres.results.pictures import Picture, Shot, draw_picture, encode_png, key_shots, montage
from medres.results.report import (
    HeatmapFacts,
    PictureFacts,
    Report,
    build_report,
    heatmap_facts,
    sides_known,
    write_report,
)
from medres.results.writing import write_bytes
from medres.volume import Volume

REPORT_FILE, SHEET_FILE, REGIONS_FILE = "report.html", "key-slices.png", "regions.csv"
HEATMAP_FILE, NATIVE_FILE = "heatmap.nii.gz", "heatmap_native.nii.gz"
BURNED_IN_NOTE = "Text may be burned into the pixels of this scan; pictures are therefore not exported."


def write_results(
    folder: Path, prediction: Prediction, model: TrainedModel, volume: Volume, heatmap: Heatmap | None = None
) -> Report:
    """Write all that is told of a result; the page comes last.

    Args:
        folder: made when absent.
        prediction: the answer.
        model: who gave it.
        volume: the scan (of several channels, the reference one).
        heatmap: None where there is none.

    Returns:
        The report.

    Raises:
        StoreError: E_DISK_FULL, E_WRITE.
    """
    made_on = today()
    stamp, place = Stamp(model.spec.name, model.spec.version, made_on), next(iter(prediction.places), None)
    pictures = write_pictures(folder, volume, stamp, heatmap, None if place is None else np.array(place.centre_mm))
    if heatmap is not None:
        write_heatmap(folder, heatmap, volume)
    notes = [BURNED_IN_NOTE] if "W_BURNED_IN" in volume.codes else []
    report = build_report(prediction, model, volume, heatmap=heatmap, made_on=made_on, pictures=pictures, notes=notes)
    write_report(report, folder)
    write_html(report, folder, folder / REPORT_FILE)
    return report


def today() -> str:
    """Give the day in UTC, ISO 8601."""
    return datetime.now(UTC).date().isoformat()


def write_pictures(
    folder: Path,
    volume: Volume,
    stamp: Stamp,
    heatmap: Heatmap | None,
    place_mm: NDArray[np.float64] | None = None,
) -> list[PictureFacts]:
    """Write key slices through a place (or the hottest point, or the middle), without and with heat, and a sheet.

    Args:
        folder: where they go.
        volume: the scan; one with text burned into its pixels gives no picture.
        stamp: model, version and day.
        heatmap: None where there is none.
        place_mm: (3,), RAS+ mm, of the most suspicious place; None where the model names none.

    Returns:
        What was written, the plane the scan was made in first.
    """
    if "W_BURNED_IN" in volume.codes:
        return []
    shots = key_shots(volume, heatmap.hottest_mm if place_mm is None and heatmap is not None else place_mm)
    rows = [_draw_row(shot, stamp, heatmap) for shot in shots]
    written = []
    for shot, row in zip(shots, rows, strict=True):
        for picture, with_heat in zip(row, (False, True), strict=False):
            name = f"slice-{shot.plane}{'-heatmap' if with_heat else ''}.png"
            write_bytes(folder / name, encode_png(picture), "a picture")
            written.append(PictureFacts(file=name, title=shot.title, heatmap=with_heat))
    write_bytes(folder / SHEET_FILE, encode_png(montage(rows)), "a picture")
    return written


def _draw_row(shot: Shot, stamp: Stamp, heatmap: Heatmap | None) -> list[Picture]:
    plain = draw_picture(shot, stamp)
    return [plain] if heatmap is None else [plain, draw_picture(shot, stamp, heatmap=heatmap)]


def write_heatmap(folder: Path, heatmap: Heatmap, volume: Volume) -> HeatmapFacts:
    """Write a heatmap as NIfTI, on the scan's own grid and on its native one, and its regions as CSV.

    Args:
        folder: where they go.
        heatmap: of this scan.
        volume: the scan.

    Returns:
        The heatmap in numbers.
    """
    facts = heatmap_facts(heatmap, volume)
    grids = {
        HEATMAP_FILE: (heatmap.on_grid(volume.affine, volume.shape), volume.affine),
        NATIVE_FILE: (heatmap.relevance, heatmap.affine),
    }
    write_bytes(folder / REGIONS_FILE, regions_table(facts).encode(), "the table of regions")
    for name, (values, affine) in grids.items():
        floats = np.asarray(values, np.float32)
        write_nifti(floats, affine, folder / name, has_sides=sides_known(volume), spacing_known=volume.spacing_known)
    return facts


def regions_table(facts: HeatmapFacts) -> str:
    """Lay the regions out as CSV.

    Args:
        facts: of a heatmap.

    Returns:
        CSV; places in RAS+ mm and in DICOM's LPS mm, empty where spacing or sides are not known.
    """
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    axes = [f"{frame}_{axis}_mm" for frame in ("ras", "lps") for axis in "xyz"]
    table.writerow(["region", "voxel_i", "voxel_j", "voxel_k", *axes, "volume_ml", "maximum"])
    for number, region in enumerate(facts.regions, 1):
        places = [*_or_empty(region.centroid_ras_mm), *_or_empty(region.centroid_lps_mm)]
        volume = "" if region.volume_ml is None else region.volume_ml
        table.writerow([number, *region.voxel, *places, volume, f"{region.maximum:.6g}"])
    return stream.getvalue()


def _or_empty(place: Iterable[float] | None) -> list[float | str]:
    return [""] * 3 if place is None else list(place)
