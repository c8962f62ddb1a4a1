"""Every channel of every row is compared with every other; a pair of rows is told once."""

from __future__ import annotations

from pathlib import Path

from medres.datasets.manifest import read_manifest
from medres.datasets.pairs import find_pairs
from medres.datasets.scans import read_scans
from medres.datasets.twins import TWIN
from tests.medres.datasets.pictures import COPIES, textured


def write(folder: Path, rows: list[tuple[int, int]]) -> Path:
    """Write rows of two channels by the seeds of their pictures; a negative seed is a mirrored copy."""
    lines = ["patient_id,path_t1c,path_flair,label,modality"]
    for number, seeds in enumerate(rows):
        names = []
        for channel, seed in zip(("t1c", "flair"), seeds, strict=True):
            picture = COPIES["mirrored"](textured(-seed)) if seed < 0 else textured(seed)
            names.append(f"{number}_{channel}.png")
            picture.save(folder / names[-1])
        lines.append(f"p{number},{names[0]},{names[1]},a,MR")
    (folder / "m.csv").write_text("\n".join(lines) + "\n")
    return folder / "m.csv"


def test_a_copy_in_the_second_channel_alone_is_found(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, [(1, 11), (2, 12), (3, 13), (4, 11), (5, -12), (6, 16)]))
    pairs, thresholds = find_pairs(manifest, read_scans(manifest))
    assert [(pair.first, pair.second, pair.kind, pair.channels) for pair in pairs] == [
        (2, 5, "exact", ("flair", "flair")),
        (3, 6, "near", ("flair", "flair")),
    ]
    assert thresholds == {"pictures": TWIN}


def test_sequences_that_changed_columns_are_found(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, [(1, 11), (11, 5), (3, 13)]))
    ((pair,), _) = find_pairs(manifest, read_scans(manifest))
    assert (pair.first, pair.second, pair.channels) == (2, 3, ("flair", "t1c"))


def test_channels_of_one_row_are_no_pair(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, [(1, 1), (2, -2), (3, 13)]))
    assert find_pairs(manifest, read_scans(manifest))[0] == ()
