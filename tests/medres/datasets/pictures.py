"""Pictures with detail, and the ways people copy them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy.ndimage import gaussian_filter


def textured(seed: int, side: int = 96) -> Image.Image:
    """Make a grey picture with structure of several sizes on a dark ground."""
    generator = np.random.default_rng(seed)
    planes = (gaussian_filter(generator.normal(size=(side, side)), s) * s for s in (1.5, 3, 6, 12))
    values = sum(planes)
    down, right = np.mgrid[:side, :side] - side / 2
    body = (down**2 + right**2) < (0.46 * side) ** 2
    return Image.fromarray((np.clip(110 + 60 * values, 8, 255) * body).astype(np.uint8))


def _noisy(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture, float) + np.random.default_rng(0).normal(0, 8, (picture.height, picture.width))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _jpeg(picture: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=50)
    return Image.open(buffer).convert("L")


def _cropped(picture: Image.Image) -> Image.Image:
    side = picture.width
    return picture.crop((0, int(0.03 * side), int(0.95 * side), int(0.98 * side))).resize((side, side))


COPIES = {
    "crop of 5 %": _cropped,
    "JPEG of quality 50": _jpeg,
    "10 % brighter": lambda picture: picture.point(lambda value: min(255, value * 1.1)),
    "10 % darker": lambda picture: picture.point(lambda value: value * 0.9),
    "scaled by 0.8": lambda picture: picture.resize((int(picture.width * 0.8), int(picture.height * 0.8))),
    "noise": _noisy,
    "turned by 3 degrees": lambda picture: picture.rotate(3, Image.Resampling.BILINEAR),
    "mirrored": ImageOps.mirror,
    "flipped": ImageOps.flip,
    "turned by 90 degrees": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
}


def write_cohort(folder: Path, count: int = 12) -> list[tuple[str, str]]:
    """Write different pictures; give (name, label) of each."""
    rows = []
    for number in range(count):
        textured(number).save(folder / f"{number}.png")
        rows.append((f"{number}.png", "benign" if number % 2 else "malignant"))
    return rows


def write_manifest(path: Path, rows: list[tuple[str, str]], splits: list[str] | None = None) -> Path:
    """Write a manifest with a patient for each row."""
    header = "patient_id,path,label,modality" + (",split" if splits else "")
    lines = [f"p{n},{name},{label},US" + (f",{splits[n]}" if splits else "") for n, (name, label) in enumerate(rows)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path
