"""Splits: never a patient in two parts, same seed same split, the order of rows irrelevant."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split import build_split
from medres.errors import DatasetError
from tests.shared_data import shared

scans = st.lists(
    st.tuples(
        st.integers(0, 12), st.sampled_from(["benign", "malignant"]), st.sampled_from(["A", "B", "C", "D", "E", ""])
    ),
    min_size=6,
    max_size=60,
)


def manifest_of(rows: list[tuple[int, str, str]]) -> Manifest:
    made = (
        ManifestRow(n, f"p{patient}", {"image": Path(f"{n}.png")}, label, site=site)
        for n, (patient, label, site) in enumerate(rows, start=2)
    )
    return Manifest(tuple(made), Path("/nowhere"))


def split_or_skip(manifest: Manifest, **options: object) -> object:
    try:
        return build_split(manifest, **options)
    except DatasetError as error:
        assume(error.code != "E_SPLIT_TOO_FEW")
        raise


OPTIONS = [{}, {"folds": 3}, {"folds": 3, "inner_folds": 2}, {"group_columns": ("site",)}]


@settings(max_examples=60, deadline=None)
@given(scans, st.sampled_from(OPTIONS), st.integers(0, 5))
def test_never_a_patient_in_two_parts(rows: list, options: dict, seed: int) -> None:
    manifest = manifest_of(rows)
    split = split_or_skip(manifest, seed=seed, **options)
    outer = {name: keys for name, keys in split.parts.items() if "/" not in name}
    assert sorted(key for keys in outer.values() for key in keys) == sorted(manifest.by_key)
    for column in ("patient_id", *split.grouped_by[1:]):
        where: dict[str, set[str]] = {}
        for name in outer:
            for row in split.rows(manifest, name):
                where.setdefault(row.value(column), set()).add(name)
        assert all(len(parts) == 1 for value, parts in where.items() if value)
    for fold in split.fold_names:
        inner = [split.parts[name] for name in split.parts if name.startswith(f"{fold}/")]
        if inner:
            rest = sorted(set(manifest.by_key) - set(split.parts[fold]))
            assert sorted(key for keys in inner for key in keys) == rest


@settings(max_examples=40, deadline=None)
@given(scans, st.randoms(use_true_random=False), st.sampled_from(OPTIONS))
def test_order_of_rows_is_irrelevant_and_same_seed_gives_same_split(rows: list, random: object, options: dict) -> None:
    manifest = manifest_of(rows)
    shuffled = list(manifest.rows)
    random.shuffle(shuffled)
    split = split_or_skip(manifest, seed=3, **options)
    again = build_split(manifest.with_rows(shuffled), seed=3, **options)
    assert split.parts == again.parts
    assert split.manifest_digest == again.manifest_digest


def test_another_seed_gives_another_split() -> None:
    manifest = manifest_of([(n, "benign" if n % 3 else "malignant", "") for n in range(60)])
    assert build_split(manifest, seed=0).parts != build_split(manifest, seed=1).parts


def test_labels_are_balanced_and_the_balance_is_said() -> None:
    manifest = read_manifest(shared("data/lung_nodules/manifest.csv"))
    split = build_split(manifest, seed=0)
    shares = [held["labels"]["malignant"] / held["rows"] for held in split.balance.values()]
    assert np.ptp(shares) < 0.02
    assert [round(held["rows"] / 700, 2) for held in split.balance.values()] == [0.6, 0.2, 0.2]
    assert split.notes == ()


def test_impossible_balance_is_said() -> None:
    rows = [(n, "benign" if n % 2 else "malignant", "A" if n < 40 else f"s{n // 4}") for n in range(52)]
    split = build_split(manifest_of(rows), group_columns=("site",), test=0.3, validation=0.3)
    assert any("wanted 40%" in note for note in split.notes)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"folds": 4}, "E_SPLIT_TOO_FEW", "4 parts, got 3"),
        ({"folds": 3}, "E_SPLIT_TOO_FEW", "'benign' must have a patient (or group) for each of 3 parts, got 2"),
        ({"folds": 1}, "E_SPLIT_FORMAT", "at least 2, got 1"),
        ({"inner_folds": 2}, "E_SPLIT_FORMAT", "need outer ones"),
        ({"test": 0.7, "validation": 0.4}, "E_SPLIT_FORMAT", "0.7 and 0.4"),
        ({"test": float("nan")}, "E_SPLIT_FORMAT", "nan"),
        ({"group_columns": ("scanner",)}, "E_MANIFEST_COLUMN", "'scanner'"),
    ],
)
def test_refuse_what_cannot_be(options: dict, code: str, says: str) -> None:
    manifest = manifest_of([(0, "benign", ""), (0, "benign", ""), (1, "benign", ""), (2, "malignant", "")])
    with pytest.raises(DatasetError) as caught:
        build_split(manifest, **options)
    assert caught.value.code == code
    assert says in caught.value.what


def test_refuse_manifest_without_patients() -> None:
    rows = [ManifestRow(2, "", {"image": Path("a.png")}, "benign")]
    with pytest.raises(DatasetError, match="patient_id"):
        build_split(Manifest(tuple(rows), Path("/nowhere"), has_patients=False))


def test_leak_groups_of_an_audit_stay_together() -> None:
    rows = [
        ManifestRow(n, f"p{n}", {"image": Path(f"{n}.png")}, "ab"[n % 2], extra={"leak_group": str(n // 4)})
        for n in range(40)
    ]
    manifest = Manifest(tuple(rows), Path("/nowhere"))
    split = build_split(manifest)
    where = {key: name for name, keys in split.parts.items() for key in keys}
    assert split.grouped_by == ("patient_id", "leak_group")
    assert all(len({where[row.key] for row in rows[start : start + 4]}) == 1 for start in range(0, 40, 4))


def test_every_fold_becomes_train_validation_and_test() -> None:
    manifest = manifest_of([(n, "benign" if n % 3 else "malignant", "") for n in range(60)])
    plain, nested = build_split(manifest, folds=5), build_split(manifest, folds=3, inner_folds=4)
    tested = Counter(key for n in range(5) for key in plain.fold(n).parts["test"])
    assert tested == Counter(manifest.by_key.keys())
    for split in (*(plain.fold(n) for n in range(5)), *(nested.fold(n, inner) for n in range(3) for inner in range(4))):
        assert list(split.parts) == ["train", "validation", "test"]
        assert sorted(key for keys in split.parts.values() for key in keys) == sorted(manifest.by_key)
    with pytest.raises(DatasetError, match="0 to 4, got 5"):
        plain.fold(5)
    with pytest.raises(DatasetError, match=r"E_SPLIT_FORMAT: folds must be at least 3 .*, got 2"):
        build_split(manifest, folds=2).fold(0)


def test_refuse_unknown_part_and_other_manifest() -> None:
    manifest = manifest_of([(n, "ab"[n % 2], "") for n in range(20)])
    split = build_split(manifest)
    with pytest.raises(DatasetError, match="got 'tset'"):
        split.rows(manifest, "tset")
    with pytest.raises(DatasetError, match=r"E_SPLIT_DIGEST.*1 of its scans are not here, 0 scans here"):
        split.rows(manifest.with_rows(manifest.rows[1:]), "test")
