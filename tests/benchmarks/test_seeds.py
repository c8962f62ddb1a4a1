"""Tests of benchmarks/seeds.py: copies taken out of training, pieces of a split, means of tables."""

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.seeds import blend, pieces, scan_name, unshared
from medres.datasets.manifest import read_manifest
from medres.datasets.split_file import split_from_column


def write_set(folder: Path, pictures: dict[str, int]) -> Path:
    """Write one even picture for each name, and a manifest whose split column is the name's start."""
    lines = ["patient_id,path,label,modality,split"]
    for name, grey in pictures.items():
        pixels = np.full((32, 32), grey, np.uint8)
        pixels[4:8, 4:8] = 255 - grey
        Image.fromarray(pixels).save(folder / f"{name}.png")
        lines.append(f"p{name},{name}.png,a,US,{name.split('_')[0]}")
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_training_loses_only_what_stands_in_another_part(tmp_path: Path) -> None:
    pictures = {"train_1": 10, "train_2": 20, "train_3": 20, "validation_1": 20, "test_1": 40}
    scans = read_manifest(write_set(tmp_path, pictures))
    split = unshared(scans, split_from_column(scans))
    assert split.parts["train"] == ("train_1.png",)
    assert split.parts["validation"] == ("validation_1.png",)
    assert "less 2 training copies" in split.method


def test_a_split_into_parts_is_one_piece_and_into_folds_one_each(tmp_path: Path) -> None:
    scans = read_manifest(write_set(tmp_path, {"train_1": 10, "validation_1": 20, "test_1": 40}))
    assert [name for name, _ in pieces(split_from_column(scans), None)] == [""]
    folded = tmp_path / "folds"
    folded.mkdir()
    scans = read_manifest(write_set(folded, {"0_a": 10, "1_a": 20, "2_a": 40}))
    assert [name for name, _ in pieces(split_from_column(scans), [0, 2])] == ["fold_0", "fold_2"]


def test_scan_names_keep_no_folder_of_this_machine() -> None:
    assert scan_name("../../home/someone/set/images/benign/001.png") == "images/benign/001.png"


def test_blend_is_the_plain_mean_in_the_order_of_the_first(tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("patient_id,scan,label,fold,score\np1,a,x,0,0.2\np2,b,y,1,0.4\n")
    second.write_text("path,forest\nb,0.8\na,0.6\n")
    blend(tmp_path / "out.csv", [str(first), f"{second}:forest"])
    told = (tmp_path / "out.csv").read_text().splitlines()
    assert told[1:] == ["p1,a,x,0,0.400000", "p2,b,y,1,0.600000"]
