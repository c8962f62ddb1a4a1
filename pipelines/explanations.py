"""A trained model + validation rows -> explanation.json in its folder: the fixed scale, threshold and scorecard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres import geometry
from medres.classifier import load_classifier
from medres.datasets.masks import number_lesions, read_segmentation
from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split import Split
from medres.explain.checks import Lesion
from medres.explain.scorecard import Case, fit_explanation
from medres.io import read
from medres.models.trained_model import TrainedModel, extend_trained_model
from medres.training.dataset import read_volume
from medres.training.spec import LabelSpec
from medres.volume import Volume

LAYERS_TRIED = 2  # last maps of the network; the one that points best at known lesions is kept
MOST_OF_EACH = 8  # scans with the finding, and as many without it
PART = "validation"


def add_explanation(
    model: TrainedModel, scans: Manifest, parts: Split, labels: LabelSpec, on_scan: Callable[[int, int], None]
) -> TrainedModel:
    """Fix and test the model's heatmaps on some of its validation scans, and save that with the model.

    Where segmentations stand beside the scans, the layer is chosen too:
    of the last two maps the one that points best.

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
    known = any(row.mask_path for row in rows)
    stages: tuple[str, ...] = classifier.network.stages  # type: ignore[assignment]
    layers = stages[-LAYERS_TRIED:] if known else (None,)
    done = len(layers) * len(rows)
    tried = []
    for turn, layer in enumerate(layers):
        watch = partial(_tell, on_scan, turn * len(rows), done)
        tried.append(fit_explanation(classifier, _cases(model, scans, rows, labels, watch), layer=layer))
    content = max(tried, key=_pointing) | {"layers_tried": {one["layer"]: _pointing(one) for one in tried}}
    return extend_trained_model(model, {"explanation.json": content})


def _tell(on_scan: Callable[[int, int], None], before: int, total: int, number: int) -> None:
    on_scan(before + number, total)


def _pointing(content: Mapping[str, Any]) -> float:
    """How much more often than a blind cell the hottest one lies at the lesion; 0 where no place is known."""
    pointing = content["scorecard"]["pointing"]
    return float(pointing["rate"] - pointing["chance"]) if pointing["passed"] is not None else 0.0


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
    on_scan: Callable[[int], None],
) -> Iterator[Case]:
    """Read scans one after the other, with their lesions where a segmentation stands beside them."""
    for number, row in enumerate(rows, 1):
        positive = labels.index_of(row.label) == labels.names.index(labels.positive)
        lesions = lesions_of(scans.folder / row.mask_path) if row.mask_path and positive else ()
        yield Case(_volumes(model, scans, row), positive, lesions)
        on_scan(number)


def _volumes(model: TrainedModel, scans: Manifest, row: ManifestRow) -> Volume | dict[str, Volume]:
    channels = model.spec.preprocessing.channels
    if len(channels) == 1:
        return read_volume(scans, row)
    return {name: read_volume(scans, row, name) for name in channels}


def lesions_of(mask: Path) -> tuple[Lesion, ...]:
    """Describe each connected region of a segmentation by its centre and the radius of a ball (a disc) of its size."""
    found = read_segmentation(mask)
    affine = read(mask, modality="SEG").affine if found.affine is None else found.affine
    marked, count = number_lesions(found.inside)
    flat = found.affine is None and found.inside.shape[2] == 1
    return tuple(_lesion(affine, flat, np.argwhere(marked == index)) for index in range(1, count + 1))


def _lesion(affine: NDArray[np.float64], flat: bool, cells: NDArray[np.int_]) -> Lesion:
    """Describe one region; a picture's mm are the detector's."""
    x, y, z = (float(c) for c in geometry.apply_affine(affine, cells.mean(axis=0)))
    size = len(cells) * geometry.voxel_volume_mm3(affine)
    if flat:
        return Lesion((x, y, z), float(np.sqrt(size / geometry.spacing_mm(affine)[2] / np.pi)))
    return Lesion((x, y, z), float((3.0 * size / (4.0 * np.pi)) ** (1 / 3)))
