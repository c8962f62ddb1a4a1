"""A faint 6 mm ball among vessels -> is it found, and where, by networks of patches taught by scan labels or by points.

Points teach on small phantoms (96 x 96 x 64 voxels of 0.7 x 0.7 x 1 mm), scan labels alone on tiny ones (48 x 48 x 32)
and on small ones together; large ones (512 x 512 x 300) are held out.

Usage:
    python -m benchmarks.patches make DATA                       (phantoms, labels and points; about 3 GB)
    medres split DATA/train/manifest.csv --out DATA/train.json
    medres split DATA/mixed/manifest.csv --out DATA/mixed.json
    medres train pipelines/configs/patches_points.toml --manifest DATA/train/manifest.csv --split DATA/train.json \
        --out RUNS/points
    medres train pipelines/configs/patches_scan.toml --manifest DATA/mixed/manifest.csv --split DATA/mixed.json \
        --out RUNS/scan
    python -m benchmarks.patches score RUNS/scan/model DATA TABLE.csv   (resumable; beside it what a blind filter finds)
    python -m benchmarks.patches show TABLE.csv ...
"""

from __future__ import annotations

import argparse
import csv
import resource
import shutil
import tempfile
from pathlib import Path

import numpy as np
from scipy import ndimage

import medres
from benchmarks.patch_phantoms import LESION_RADIUS_MM, PatchPhantom, build, write
from medres import geometry
from medres.classifier import Classifier, load_classifier
from medres.datasets.manifest import read_manifest
from medres.datasets.points import read_points
from medres.datasets.rows import Manifest, ManifestRow
from medres.evaluation.discrimination import auroc
from medres.evaluation.intervals import proportion
from medres.models.trained_model import extend_trained_model, load_trained_model
from medres.results.evaluation_tables import say_interval
from medres.volume import Volume

TINY, SMALL, LARGE = (48, 48, 32), (96, 96, 64), (512, 512, 300)
TRAIN, VALIDATION, HELD_OUT = 240, 60, 16
TINY_TRAIN, TINY_VALIDATION = 1920, 120
NEAR_MM = 3.0  # a place this near the lesion's centre has found it
BLUR_MM = 1.5  # of the blind filter: a ball of 6 mm stands out most
SCORED = (
    "patient_id", "scan", "label", "score", "decision", "code", "coverage", "seconds", "peak_gb", "places", "first_mm",
    "rank", "false_places", "flagged_false", "blind", "blind_mm",
)  # fmt: skip
COLUMNS = ("patient_id", "path", "label", "modality", "points_path", "split")


def make(folder: Path, train: int, validation: int, held_out: int, tiny: int = 0, tiny_validation: int = 0) -> None:
    """Write the sets of phantoms with their manifests; a file that is there is not made again."""
    parts = ["train"] * train + ["validation"] * validation
    small_rows = [_row(folder / "train", n, SMALL, part) for n, part in enumerate(parts)]
    _write_manifest(folder / "train", small_rows)
    parts = ["train"] * tiny + ["validation"] * tiny_validation
    tiny_rows = [_row(folder / "tiny", 5_000 + n, TINY, part) for n, part in enumerate(parts)]
    _write_manifest(folder / "tiny", tiny_rows)
    _write_manifest(folder / "mixed", [*_unpointed("train", small_rows), *_unpointed("tiny", tiny_rows)])
    rows = [_row(folder / "held_out", 10_000 + n, LARGE, "test") for n in range(held_out)]
    _write_manifest(folder / "held_out", rows)


def _unpointed(folder: str, rows: list[list[str]]) -> list[list[str]]:
    """Name scans of another folder by their labels alone: where their lesions lie is not to be known."""
    return [[name, f"../{folder}/{path}", label, modality, "", part] for name, path, label, modality, _, part in rows]


def _row(folder: Path, seed: int, shape: tuple[int, int, int], part: str) -> list[str]:
    """Make one phantom, every second one with a lesion."""
    folder.mkdir(parents=True, exist_ok=True)
    lesion, name = seed % 2 == 0, f"p{seed:05d}"
    place = folder / (f"{name}.nii.gz" if shape != LARGE else f"{name}.nii")  # gzip would take longer than the rest
    points = folder / f"{name}.csv"
    if not place.exists() or (lesion and not points.exists()):
        phantom = build(seed, shape, lesion=lesion)
        if lesion:
            _write_point(phantom, points)
        unfinished = place.with_name(f"part_{place.name}")
        write(phantom, unfinished)
        unfinished.replace(place)  # a kill leaves none that is cut short
        print(place.name, flush=True)
    return [name, place.name, "lesion" if lesion else "none", "CT", points.name if lesion else "", part]


def _write_point(phantom: PatchPhantom, path: Path) -> None:
    assert phantom.lesion_mm is not None  # asked for one
    cells = [f"{value:.3f}" for value in (*phantom.lesion_mm, 2 * LESION_RADIUS_MM)]
    path.write_text("x_ras_mm,y_ras_mm,z_ras_mm,diameter_mm\n" + ",".join(cells) + "\n")


def _write_manifest(folder: Path, rows: list[list[str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])


def score(model: Path, folder: Path, table: Path, precision: str, gate: bool) -> None:
    """Predict every held-out scan that the table does not hold yet; one row each."""
    scans = read_manifest(folder / "held_out" / "manifest.csv")
    classifier = load_classifier(model if gate else _without_gate(model), precision=precision)
    done = {row["patient_id"] for row in csv.DictReader(table.open())} if table.exists() else set()
    for row in scans.rows:
        if row.patient_id not in done:
            found = _score_row(classifier, scans, row)
            is_new = not table.exists()
            with table.open("a", newline="") as stream:
                csv.writer(stream, lineterminator="\n").writerows([SCORED, found] if is_new else [found])
            print(*found, flush=True)


def _without_gate(model: Path) -> Path:
    """Copy a model and open its gate: trained on crops, it refuses whole scans by their make-up."""
    copy = Path(tempfile.mkdtemp()) / "model"
    shutil.copytree(model, copy)
    loaded = load_trained_model(copy)
    extend_trained_model(loaded, {"scope.json": {**(loaded.scope or {}), "ranges": {}, "embedding": None}})
    return copy


def _score_row(classifier: Classifier, scans: Manifest, row: ManifestRow) -> list[str]:
    """Predict one scan and hold its places against its point."""
    volume = medres.read(scans.path(row), modality="CT")
    answer = classifier.predict(volume)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # kB on Linux
    points = scans.points(row)
    true = None if points is None else np.array(read_points(points)[0].centre_mm)
    away = [np.inf if true is None else float(np.linalg.norm(np.array(p.centre_mm) - true)) for p in answer.places]
    flagged = [p.probability >= (answer.threshold or 1.0) for p in answer.places]
    false = [mm > NEAR_MM for mm in away]
    level, place = _blind(classifier, volume)
    about = [row.patient_id, row.key, row.label, "" if answer.probability is None else f"{answer.probability:.6f}"]
    about += [answer.decision, answer.code, f"{answer.coverage:.4f}", f"{answer.seconds:.1f}", f"{peak:.2f}"]
    about += [str(len(away)), f"{away[0]:.2f}" if away and true is not None else ""]
    about += [next((str(n) for n, mm in enumerate(away, 1) if mm <= NEAR_MM), ""), str(sum(false))]
    about += [str(sum(wrong and loud for wrong, loud in zip(false, flagged, strict=True))), f"{level:.4f}"]
    return [*about, "" if true is None else f"{float(np.linalg.norm(place - true)):.2f}"]


def _blind(classifier: Classifier, volume: Volume) -> tuple[float, np.ndarray]:
    """Give the brightest place of the smoothed scan and how bright it is, on the grid that the network is shown."""
    shown = classifier.prepare(volume)
    assert shown.grid is not None  # a model of patches
    smooth = ndimage.gaussian_filter(shown.grid[0], BLUR_MM / geometry.spacing_mm(shown.affine))
    place = np.array(np.unravel_index(int(np.argmax(smooth)), smooth.shape), float)
    return float(smooth.max()), geometry.apply_affine(shown.affine, place)


def show(tables: list[Path]) -> None:
    """Print what each table says, and the blind filter of the first."""
    for table in tables:
        rows = list(csv.DictReader(table.open()))
        _say(table.stem, [row for row in rows if row["score"]], "score", "first_mm")
        ranks = [row["rank"] for row in rows if row["label"] == "lesion"]
        told = proportion(sum(map(bool, ranks)), len(ranks))
        print(f"  among its places: {sum(map(bool, ranks))} of {len(ranks)} lesions ({say_interval(told)})")
        print(f"  false places a scan: {_mean(rows, 'false_places'):.2f}, flagged {_mean(rows, 'flagged_false'):.2f}")
        peak = max(float(row["peak_gb"]) for row in rows)
        print(f"  seconds a scan: {_mean(rows, 'seconds'):.0f}; peak memory {peak:.2f} GB")
        refused = sum(not row["score"] for row in rows)
        print(f"  coverage at least {min(float(row['coverage']) for row in rows):.2%}; {refused} refused")
    _say("blind filter", list(csv.DictReader(tables[0].open())), "blind", "blind_mm")


def _mean(rows: list[dict[str, str]], column: str) -> float:
    return float(np.mean([float(row[column]) for row in rows]))


def _say(name: str, rows: list[dict[str, str]], score: str, distance: str) -> None:
    """Print AUROC of the scans and how near the first place lies."""
    truth = np.array([row["label"] == "lesion" for row in rows]).astype(int)
    area = auroc(truth, np.array([float(row[score]) for row in rows]))
    away = np.array([float(row[distance] or "inf") for row in rows if row["label"] == "lesion"])
    near = proportion(int((away <= NEAR_MM).sum()), len(away))
    print(f"{name}: {len(rows)} scans, {truth.sum()} with a lesion; AUROC {area.value:.3f} ({say_interval(area)})")
    print(
        f"  first place within {NEAR_MM:g} mm: {int((away <= NEAR_MM).sum())} of {len(away)} ({say_interval(near)}), "
        f"median {np.median(away):.1f} mm"
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("make")
    one.add_argument("folder", type=Path)
    one.add_argument("--train", type=int, default=TRAIN)
    one.add_argument("--validation", type=int, default=VALIDATION)
    one.add_argument("--held-out", type=int, default=HELD_OUT)
    one.add_argument("--tiny", type=int, default=TINY_TRAIN)
    one.add_argument("--tiny-validation", type=int, default=TINY_VALIDATION)
    one = commands.add_parser("score")
    one.add_argument("model", type=Path)
    one.add_argument("folder", type=Path)
    one.add_argument("table", type=Path)
    one.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    one.add_argument("--no-gate", dest="gate", action="store_false", help="open the out-of-scope gate")
    one = commands.add_parser("show")
    one.add_argument("tables", type=Path, nargs="+")
    options = vars(parser.parse_args())
    {"make": make, "score": score, "show": show}[options.pop("command")](**options)


if __name__ == "__main__":
    main()
