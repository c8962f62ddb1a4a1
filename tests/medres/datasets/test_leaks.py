"""Leaks have names, rows and a way to be accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from medres.datasets.leaks import Pair, describe_acceptance, find_leaks, refuse_leaks, with_parts
from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split import Split
from medres.errors import DatasetError

MANIFEST = Manifest(
    tuple(ManifestRow(n, f"p{n if n != 9 else 2}", {"image": Path(f"{n}.png")}, "a") for n in range(2, 10)), Path(".")
)
SPLIT = Split(
    {"train": ("2.png", "3.png", "4.png", "5.png"), "test": ("6.png", "7.png", "8.png", "9.png")}, MANIFEST.digest
)


def pair(first: int, second: int, kind: str = "near") -> Pair:
    return Pair(first, second, kind, 0.9, "mirrored", ("a", "a"))


def leaks(*pairs: Pair) -> dict[str, tuple[int, ...]]:
    return {leak.name: leak.judged_rows for leak in find_leaks(MANIFEST, SPLIT, pairs)}


def test_pairs_across_parts_are_leaks_and_pairs_within_are_not() -> None:
    assert leaks(pair(2, 3), pair(6, 7)) == {"patients:train/test": (9,)}
    assert leaks(pair(3, 6))["near:train/test"] == (6,)


def test_a_chain_of_exact_copies_leaks_as_a_whole() -> None:
    found = leaks(pair(3, 4, "exact"), pair(3, 6, "exact"), pair(3, 7, "exact"))
    assert found["exact:train/test"] == (6, 7)
    assert "near:train/test" not in found


def test_a_near_copy_of_an_exact_copy_is_near() -> None:
    assert leaks(pair(6, 7, "exact"), pair(3, 6))["near:train/test"] == (6, 7)


def test_a_patient_in_three_parts_leaks_between_each_two() -> None:
    rows = tuple(ManifestRow(n, f"p{max(n, 4)}", {"image": Path(f"{n}.png")}, "a") for n in range(2, 8))
    manifest = Manifest(rows, Path("."))
    parts = {"train": ("2.png", "5.png"), "validation": ("3.png", "6.png"), "test": ("4.png", "7.png")}
    found = {leak.name: leak.judged_rows for leak in find_leaks(manifest, Split(parts, manifest.digest), ())}
    assert found == {
        "patients:train/validation": (3,), "patients:train/test": (4,), "patients:validation/test": (4,)
    }  # fmt: skip


def test_twins_within_an_outer_fold_leak_between_inner_ones() -> None:
    parts = {
        "fold_0": ("2.png", "9.png"), "fold_1": ("3.png", "4.png"),
        "fold_0/inner_0": ("3.png",), "fold_0/inner_1": ("4.png",),
        "fold_1/inner_0": ("2.png",), "fold_1/inner_1": ("9.png",),
    }  # fmt: skip
    split = Split(parts, MANIFEST.digest, kind="nested")
    found = {leak.name: leak.judged_rows for leak in find_leaks(MANIFEST, split, [pair(3, 4)])}
    assert found["near:fold_0/inner_0/fold_0/inner_1"] == (4,)
    assert found["patients:fold_1/inner_0/fold_1/inner_1"] == (9,)
    assert len(found) == 2


def test_accepted_leaks_pass_and_are_told_in_the_card() -> None:
    found = find_leaks(MANIFEST, SPLIT, [pair(3, 6)])
    with pytest.raises(DatasetError, match=r"E_LEAK.*near:train/test \(1 scans of test: row 6\)"):
        refuse_leaks(found)
    with pytest.raises(DatasetError, match="near:train/test"):
        refuse_leaks(found, ["patients:train/test"])
    refuse_leaks(found, ["patients:train/test", "near:train/test"])
    told = describe_acceptance(found, ["patients:train/test", "near:train/test"])
    assert told["near:train/test"] == "accepted: 1 scans of test share near-copies with train"


def test_a_leak_that_is_not_there_cannot_be_accepted() -> None:
    with pytest.raises(DatasetError, match=r"got 'near:train/validation'.*patients:train/test"):
        refuse_leaks(find_leaks(MANIFEST, SPLIT, []), ["near:train/validation"])


def test_pairs_say_their_parts() -> None:
    assert with_parts(MANIFEST, SPLIT, [pair(3, 6)])[0].parts == ("train", "test")
    assert with_parts(MANIFEST, None, [pair(3, 6)])[0].parts == ("", "")
