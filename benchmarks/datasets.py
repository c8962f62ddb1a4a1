"""Figures of docs/datasets.md: the audit's time, memory and growth; planted copies; splits; the cache against decoding.

Run `python -m benchmarks.datasets growth [how many ...]`, or with `planted`, `split` or `cache`.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from medres.datasets.cache import TensorCache, cache_key
from medres.datasets.manifest import Manifest, read_manifest, write_manifest
from medres.datasets.pairs import find_pairs
from medres.datasets.rows import CHANNEL, ManifestRow
from medres.datasets.scans import read_scans
from medres.datasets.split import build_split
from medres.io import read

SHARED = Path(os.environ.get("MEDRES_SHARED", Path(__file__).resolve().parents[2] / "shared"))
CORES = 2
PLANTED = 60  # scans copied in each way, others for each
COPIES = {
    "crop of 5 % (anywhere)": lambda p, g: _cropped(p, g),
    "JPEG quality 50": lambda p, g: _jpeg(p),
    "brighter by 10 %": lambda p, g: p.point(lambda v: min(255, v * 1.1)),
    "darker by 10 %": lambda p, g: p.point(lambda v: v * 0.9),
    "scaled by 0.8": lambda p, g: p.resize((int(p.width * 0.8), int(p.height * 0.8)), Image.Resampling.BILINEAR),
    "noise (sd 10)": lambda p, g: _noisy(p, g),
    "turned by 3 degrees": lambda p, g: p.rotate(3, Image.Resampling.BILINEAR),
    "mirrored": lambda p, g: ImageOps.mirror(p),
    "flipped": lambda p, g: ImageOps.flip(p),
    "turned by 90 degrees": lambda p, g: p.transpose(Image.Transpose.ROTATE_90),
}


def _cropped(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    width, height = picture.size
    left, top = generator.integers(0, int(0.05 * width) + 1), generator.integers(0, int(0.05 * height) + 1)
    box = (left, top, left + round(0.95 * width), top + round(0.95 * height))
    return picture.crop(box).resize(picture.size, Image.Resampling.BICUBIC)


def _jpeg(picture: Image.Image) -> Image.Image:
    with tempfile.TemporaryFile() as file:
        picture.save(file, "JPEG", quality=50)
        return Image.open(file).convert("L")


def _noisy(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    values = np.asarray(picture, float)
    return Image.fromarray(np.clip(values + generator.normal(0, 10, values.shape), 0, 255).astype(np.uint8))


def growth(*counts: int) -> None:
    """Audit 224 x 224 pictures: real brain scans, each further round warped, so that no two are copies."""
    counts = counts or (1250, 2500, 5000, 10_000)
    source = read_manifest(SHARED / "data/brain_mri/manifest.csv")
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for number in range(max(counts)):
            row = source.rows[number % len(source.rows)]
            picture = Image.open(source.path(row)).convert("L").resize((224, 224))
            if number >= len(source.rows):
                corners = (np.array([0, 0, 0, 224, 224, 224, 224, 0]) + generator.uniform(-35, 35, 8)).tolist()
                picture = picture.transform((224, 224), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
            picture.save(Path(folder) / f"{number}.jpg", quality=90)
            rows.append(ManifestRow(number + 2, f"p{number}", {CHANNEL: Path(f"{number}.jpg")}, row.label, "MR", False))
        for count in counts:
            _audit_once(Manifest(tuple(rows[:count]), Path(folder)))


def _audit_once(manifest: Manifest) -> None:
    wall, own = time.perf_counter(), _cpu_seconds()
    scans = read_scans(manifest, workers=CORES)
    pairs, thresholds = find_pairs(manifest, scans, CORES)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{len(manifest.rows)} pictures: {time.perf_counter() - wall:.0f} s on the wall, {_cpu_seconds() - own:.0f} s "
        f"processor, peak {peak:.2f} GB, {len(pairs)} pairs "
        f"at {thresholds['pictures']:.2f}",
        flush=True,
    )


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def planted() -> None:
    """Plant copies of real scans in the whole set and count those found."""
    for name in ("brain_mri", "breast_ultrasound"):
        source = read_manifest(SHARED / f"data/{name}/manifest.csv")
        generator = np.random.default_rng(0)
        chosen = iter(generator.permutation(len(source.rows)))
        with tempfile.TemporaryDirectory() as folder:
            write_manifest(source, Path(folder) / "m.csv")
            moved = read_manifest(Path(folder) / "m.csv")
            rows, origin = list(moved.rows), {}
            for kind, copy in COPIES.items():
                for number in islice(chosen, PLANTED):
                    picture = copy(Image.open(source.path(source.rows[number])).convert("L"), generator)
                    place = Path(f"{len(rows)}.png")
                    picture.save(Path(folder) / place)
                    origin[len(rows) + 2] = (kind, source.rows[number].number)
                    rows.append(ManifestRow(len(rows) + 2, "", {CHANNEL: place}, "copy", "US"))
            manifest = Manifest(tuple(rows), moved.folder)
            found, _ = find_pairs(manifest, read_scans(manifest, workers=CORES), CORES)
            pairs = {(pair.first, pair.second) for pair in found}
        hits: dict[str, list[bool]] = defaultdict(list)
        for number, (kind, first) in origin.items():
            hits[kind].append((first, number) in pairs)
        print(name, {kind: f"{np.mean(found):.0%}" for kind, found in hits.items()})
        print(name, f"all: {np.mean([hit for found in hits.values() for hit in found]):.1%}", flush=True)


def split() -> None:
    """Split 100,000 rows."""
    rows = tuple(
        ManifestRow(n + 2, f"p{n // 3}", {CHANNEL: Path(f"{n}.png")}, "abc"[n // 3 % 3], site=f"s{n // 3 % 40}")
        for n in range(100_000)
    )
    manifest = Manifest(rows, Path("."))
    for options in ({}, {"folds": 5}, {"folds": 5, "inner_folds": 4}, {"group_columns": ("site",)}):
        start = time.process_time()
        build_split(manifest, **options)
        print(f"{options or 'three parts'}: {time.process_time() - start:.1f} s of processor")


def cache() -> None:
    """Read prepared scans again, against decoding them."""
    for name, modality in (("lung_nodules", "CT"), ("brain_mri", "MR"), ("breast_ultrasound", "US")):
        manifest = read_manifest(SHARED / f"data/{name}/manifest.csv")
        rows = manifest.rows[:300]
        with tempfile.TemporaryDirectory() as folder:
            store = TensorCache(Path(folder))
            for row in rows:
                volume = read(manifest.path(row), modality=modality)
                store.put(cache_key(row.key), {"tensor": np.asarray(volume.voxels)})
            decoded = _decode_seconds(manifest, rows, modality)
            start = time.process_time()
            for row in rows:
                store.get(cache_key(row.key))
            kept = time.process_time() - start
        each = 1e3 / len(rows)
        print(f"{name}: decode {each * decoded:.2f} ms, cached {each * kept:.3f} ms, {decoded / kept:.0f} times")


def _decode_seconds(manifest: Manifest, rows: tuple[ManifestRow, ...], modality: str) -> float:
    start = time.process_time()
    for row in rows:
        read(manifest.path(row), modality=modality)
    return time.process_time() - start


if __name__ == "__main__":
    asked = {"growth": growth, "planted": planted, "split": split, "cache": cache}[sys.argv[1]]
    asked(*(map(int, sys.argv[2:])))
