"""`medres augment-preview`: an experiment and a manifest -> a sheet of scans before and after augmentation."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import torch
from numpy.typing import NDArray
from torch import Tensor

from medres.datasets.manifest import read_manifest
from medres.datasets.rows import ManifestRow
from medres.datasets.split_file import read_split
from medres.errors import TrainingError
from medres.results.contact_sheet import SheetRow, contact_sheet
from medres.results.disclaimer import Stamp
from medres.results.writing import write_bytes
from medres.training.augmentation.preview import active_changes, alone, draw_mixed, draw_variants
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.augmentation.units import units_of
from medres.training.dataset import prepare_scans
from medres.training.prepared import PreparedScan
from medres.training.spec import ExperimentSpec
from medres.training.toml_file import read_experiment
from pipelines.console import EXIT_OK, progress, say

AS_IT_IS = "as it is"
PNG = ".png"


def run(
    config: Path,
    manifest: Path,
    out: Path,
    split: Path | None = None,
    scans: int = 4,
    variants: int = 6,
    strength: float | None = None,
    seed: int = 0,
) -> int:
    """Draw some scans with all changes together, then the first of them with each change alone."""
    if scans < 1 or variants < 1:
        raise TrainingError("E_USAGE", f"--scans and --variants must be at least 1, got {scans} and {variants}")
    if out.suffix.lower() != PNG:  # an experiment named here by mistake would be written over
        told = f"--out must name a file that ends in {PNG}, got {out.suffix or 'none'!r}"
        raise TrainingError("E_USAGE", told, f"such as augmentation{PNG}")
    experiment = _with_dial(read_experiment(config), strength)
    listed = read_manifest(manifest, labels=experiment.labels.known)
    rows = read_split(split, listed).rows(listed, "train") if split else listed.rows
    chosen = spread_rows([row for row in rows if experiment.labels.index_of(row.label) is not None], scans, seed)
    with progress("prepare") as advance:
        found = prepare_scans(
            listed, chosen, experiment.preprocessing, experiment.labels, on_progress=lambda d, n: advance(d, n, "")
        )
    sheet = draw_sheet(experiment, found, variants, seed)
    write_bytes(out, sheet, "the sheet")
    say(f"{len(found)} scans, {variants} variants of each: {out}")
    return EXIT_OK


def _with_dial(experiment: ExperimentSpec, strength: float | None) -> ExperimentSpec:
    """Turn the policy's dial, where asked."""
    if strength is None:
        return experiment
    if not 0 <= strength <= 1:
        raise TrainingError("E_USAGE", f"--strength must be in [0, 1], got {strength:g}")
    turned = {**experiment.augmentation.model_dump(), "policy_strength": strength}
    return experiment.model_copy(update={"augmentation": AugmentationSpec.model_validate(turned)})


def spread_rows(rows: Sequence[ManifestRow], count: int, seed: int) -> list[ManifestRow]:
    """Choose rows by chance, labels in turn."""
    by_label: dict[str, list[ManifestRow]] = defaultdict(list)
    for row in random.Random(seed).sample(list(rows), len(rows)):
        by_label[row.label].append(row)
    piles = [by_label[label] for label in sorted(by_label)]
    longest = max(map(len, piles), default=0)
    return [pile[turn] for turn in range(longest) for pile in piles if turn < len(pile)][:count]


def draw_sheet(experiment: ExperimentSpec, scans: Sequence[PreparedScan], variants: int, seed: int) -> bytes:
    """Draw the sheet: each scan with everything, the first with each change alone, and blends."""
    spec, shown = experiment.augmentation, experiment.preprocessing
    changes = active_changes(spec)
    batches = [scan.view(scan.views // 2)[None] for scan in scans]  # (1, C, *spatial) each; the middle view
    units, is_mr = units_of(shown), shown.modality == "MR"

    def rows_of(batch: Tensor, one: AugmentationSpec, place: int = 0) -> list[NDArray]:
        drawn = draw_variants(batch, one, units, count=variants, seed=seed + place, is_mr=is_mr)[0]
        return [scan.numpy() for scan in drawn]

    names = experiment.labels.names
    captions = [AS_IT_IS, *[f"all changes, {n + 1}" for n in range(variants)]]
    rows = [
        SheetRow(f"{names[scan.label]}\n(row {scan.number})", rows_of(batch, spec, place), () if place else captions)
        for place, (scan, batch) in enumerate(zip(scans, batches, strict=True))
    ]
    rows += [SheetRow(f"{key}\nalone", rows_of(batches[0], alone(spec, key))) for key in changes]
    if spec.mixup or spec.cutmix:
        rows.append(_blends(scans, batches, experiment, variants, seed))
    title = f"{experiment.name}: what the network is shown in training, seed {seed}" + _side(experiment)
    orientation = "" if shown.is_for_pictures else shown.orientation
    stamp = Stamp(experiment.name, experiment.version, date.today().isoformat())
    return contact_sheet(rows, stamp, title=title, orientation=orientation if shown.spatial_dims == 3 else "")


def _blends(
    scans: Sequence[PreparedScan], batches: Sequence[Tensor], experiment: ExperimentSpec, count: int, seed: int
) -> SheetRow:
    """Blend the first scan with the others; where shapes differ, with none."""
    alike = [n for n, batch in enumerate(batches) if batch.shape == batches[0].shape]
    batch, labels = torch.cat([batches[n] for n in alike]), torch.tensor([scans[n].label for n in alike])
    names = experiment.labels.names
    drawn, shares = draw_mixed(batch, labels, experiment.augmentation, count=count, seed=seed)
    told = [", ".join(f"{names[n]} {share:.0%}" for n, share in enumerate(row) if share > 0) for row in shares.tolist()]
    return SheetRow("blended", [scan.numpy() for scan in drawn], told)


def _side(experiment: ExperimentSpec) -> str:
    """Say which side is which, where it is known."""
    shown = experiment.preprocessing
    if shown.spatial_dims == 2 or shown.is_for_pictures or shown.orientation[:1] not in ("R", "L"):
        return ""
    return "; middle slices, patient's right on the left"
