"""A trained model + validation rows -> explanation.json in its folder: the fixed scale, threshold and scorecard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from medres import geometry
from medres.classifier import load_classifier
from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split import Split
from medres.explain.checks import Lesion
from medres.explain.scorecard import Case, fit_explanation
from medres.io import read
from medres.models.trained_model import TrainedModel, extend_trained_model
from medres.training.dataset import read_volume
from medres.training.spec import LabelSpec
from medres.volume import Volume

MOST_OF_EACH = 8  # scans with the finding, and as many without it
PART = "validation"


def add_explanation(
    model: TrainedModel, scans: Manifest, parts: Split, labels: LabelSpec, on_scan: Callable[[int, int], None]
) -> TrainedModel:
    """Fix and test the model's heatmaps on some of its validation scans, and save that with the model.

    Args:
        model: as trained.
        scans: the manifest.
        parts: with a part named "validation".
        labels: which labels of the manifest are the positive one.
        on_scan: called with (scans done, scans in all).

    Returns:
        The model as loaded again.
    """
    rows = choose_rows(parts.rows(scans, PART), labels)
    classifier = load_classifier(model.folder)
    content = fit_explanation(classifier, _cases(model, scans, rows, labels, on_scan))
    return extend_trained_model(model, {"explanation.json": content})


def choose_rows(rows: tuple[ManifestRow, ...], labels: LabelSpec) -> list[ManifestRow]:
    """Take up to eight rows with the finding and eight without, spread evenly over the part."""
    positive = labels.names.index(labels.positive)
    chosen: list[ManifestRow] = []
    for wanted in (True, False):
        group = [r for r in rows if labels.index_of(r.label) is not None]
        group = [r for r in group if (labels.index_of(r.label) == positive) == wanted]
        places = np.linspace(0, len(group) - 1, min(MOST_OF_EACH, len(group))).round().astype(int)
        chosen += [group[place] for place in places]
    return chosen


def _cases(
    model: TrainedModel,
    scans: Manifest,
    rows: list[ManifestRow],
    labels: LabelSpec,
    on_scan: Callable[[int, int], None],
) -> Iterator[Case]:
    """Read scans one after the other, with their lesions where a segmentation stands beside them."""
    for number, row in enumerate(rows, 1):
        positive = labels.index_of(row.label) == labels.names.index(labels.positive)
        lesions = lesions_of(scans.folder / row.mask_path) if row.mask_path and positive else ()
        yield Case(_volumes(model, scans, row), positive, lesions)
        on_scan(number, len(rows))


def _volumes(model: TrainedModel, scans: Manifest, row: ManifestRow) -> Volume | dict[str, Volume]:
    channels = model.spec.preprocessing.channels
    if len(channels) == 1:
        return read_volume(scans, row)
    return {name: read_volume(scans, row, name) for name in channels}


def lesions_of(mask: Path) -> tuple[Lesion, ...]:
    """Describe each connected region of a segmentation by its centre and the radius of a ball of its volume."""
    volume = read(mask, modality="SEG")
    if volume.is_picture or volume.is_colour:
        return ()
    marked, count = ndimage.label(volume.voxels > 0)
    found = []
    for index in range(1, count + 1):
        cells = np.argwhere(marked == index)
        centre = geometry.apply_affine(volume.affine, cells.mean(axis=0))
        size = len(cells) * geometry.voxel_volume_mm3(volume.affine)
        radius = float((3.0 * size / (4.0 * np.pi)) ** (1 / 3))
        found.append(Lesion((float(centre[0]), float(centre[1]), float(centre[2])), radius))
    return tuple(found)
