"""A faint 6 mm ball among vessels -> is it found, and where, by networks of patches taught by scan labels or by points.

Small phantoms train (96 x 96 x 64 voxels of 0.7 x 0.7 x 1 mm), large ones (512 x 512 x 300) are held out.

Usage:
    python -m benchmarks.patches make DATA                       (manifests with labels and points; about 6 GB)
    medres split DATA/train/manifest.csv --out DATA/split.json
    medres train pipelines/configs/patches_scan.toml --manifest DATA/train/manifest.csv --split DATA/split.json \
        --out RUNS/scan                                          (and patches_points.toml)
    python -m benchmarks.patches score RUNS/scan/model DATA --out TABLE.csv     (one process for each scan; resumable)
    python -m benchmarks.patches blind DATA --out TABLE.csv      (the brightest smoothed place, without learning)
    python -m benchmarks.patches show TABLE.csv ...
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from benchmarks.patch_phantoms import LESION_RADIUS_MM, PatchPhantom, build, write

SMALL, LARGE = (96, 96, 64), (512, 512, 300)
TRAIN, VALIDATION, HELD_OUT = 240, 60, 16
COLUMNS = ("patient_id", "path", "label", "modality", "points_path", "split")


def make(folder: Path, train: int, validation: int, held_out: int) -> None:
    """Write both sets of phantoms with their manifests; a file that is there is not made again."""
    rows = [_row(folder / "train", n, SMALL, "train" if n < train else "validation") for n in range(train + validation)]
    _write_manifest(folder / "train", rows)
    (folder / "held_out").mkdir(parents=True, exist_ok=True)
    rows = [_row(folder / "held_out", 10_000 + n, LARGE, "test") for n in range(held_out)]
    _write_manifest(folder / "held_out", rows)


def _row(folder: Path, seed: int, shape: tuple[int, int, int], part: str) -> list[str]:
    """Make one phantom, every second one with a lesion."""
    folder.mkdir(parents=True, exist_ok=True)
    lesion, name = seed % 2 == 0, f"p{seed:05d}"
    place = folder / (f"{name}.nii.gz" if shape == SMALL else f"{name}.nii")  # gzip would take longer than the rest
    points = folder / f"{name}.csv"
    if not place.exists() or (lesion and not points.exists()):
        phantom = build(seed, shape, lesion=lesion)
        if lesion:
            _write_point(phantom, points)
        write(phantom, place)
        print(place.name, flush=True)
    return [name, place.name, "lesion" if lesion else "none", "CT", points.name if lesion else "", part]


def _write_point(phantom: PatchPhantom, path: Path) -> None:
    assert phantom.lesion_mm is not None  # asked for one
    cells = [f"{value:.3f}" for value in (*phantom.lesion_mm, 2 * LESION_RADIUS_MM)]
    path.write_text("x_ras_mm,y_ras_mm,z_ras_mm,diameter_mm\n" + ",".join(cells) + "\n")


def _write_manifest(folder: Path, rows: list[list[str]]) -> None:
    with (folder / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("make")
    one.add_argument("folder", type=Path)
    one.add_argument("--train", type=int, default=TRAIN)
    one.add_argument("--validation", type=int, default=VALIDATION)
    one.add_argument("--held-out", type=int, default=HELD_OUT)
    options = vars(parser.parse_args())
    {"make": make}[options.pop("command")](**options)


if __name__ == "__main__":
    main()
