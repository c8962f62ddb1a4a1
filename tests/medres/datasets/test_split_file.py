"""Split files: bound to their manifest, refused where they leak."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split import build_split
from medres.datasets.split_file import read_split, split_from_column, write_split
from medres.errors import DatasetError
from tests.shared_data import shared


def manifest_of(count: int = 30, **columns: list[str]) -> Manifest:
    rows = (
        ManifestRow(
            n + 2, f"p{n // 2}", {"image": Path(f"{n}.png")}, "ab"[n // 2 % 2],
            extra={name: values[n] for name, values in columns.items()},
        )
        for n in range(count)
    )  # fmt: skip
    return Manifest(tuple(rows), Path("/nowhere"))


def test_written_split_reads_the_same(tmp_path: Path) -> None:
    manifest = manifest_of()
    split = build_split(manifest, folds=3, inner_folds=2, seed=5)
    write_split(split, tmp_path / "s.json")
    again = read_split(tmp_path / "s.json", manifest)
    assert (again.parts, again.seed, again.method, again.kind) == (split.parts, 5, split.method, "nested")
    assert again.balance == split.balance
    assert json.loads((tmp_path / "s.json").read_text())["manifest_digest"] == manifest.digest


def test_refuse_split_of_another_manifest(tmp_path: Path) -> None:
    write_split(build_split(manifest_of()), tmp_path / "s.json")
    with pytest.raises(DatasetError, match="E_SPLIT_DIGEST"):
        read_split(tmp_path / "s.json", manifest_of(32))


def test_refuse_split_edited_into_a_leak(tmp_path: Path) -> None:
    manifest = manifest_of()
    write_split(build_split(manifest), tmp_path / "s.json")
    values = json.loads((tmp_path / "s.json").read_text())
    values["parts"]["test"].append(values["parts"]["train"].pop())
    (tmp_path / "s.json").write_text(json.dumps(values))
    with pytest.raises(DatasetError, match=r"E_PATIENT_LEAK.*rows \d+, \d+ "):
        read_split(tmp_path / "s.json", manifest)


NO_SPLITS = [
    "",
    "[]",
    "{}",
    '{"parts": {}}',
    '{"parts": {"train": 1}, "manifest_digest": "x", "schema_version": 1, "kind": "parts"}',
    '{"parts": {}, "manifest_digest": "x", "schema_version": 9}',
]


@pytest.mark.parametrize("text", NO_SPLITS)
def test_refuse_file_that_is_no_split(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(DatasetError, match="E_SPLIT_FORMAT"):
        read_split(tmp_path / "s.json")


def test_import_a_split_column() -> None:
    words = ["Train", "train", "val", "val", "testing", "test"]
    split = split_from_column(manifest_of(6, split=words))
    assert {name: len(keys) for name, keys in split.parts.items()} == {"train": 2, "validation": 2, "test": 2}
    folds = split_from_column(manifest_of(6, split=["0", "0", "fold_1", "1", "fold2", "2"]))
    assert folds.kind == "folds"
    assert folds.fold_names == ("fold_0", "fold_1", "fold_2")


def test_refuse_a_split_column_that_leaks_or_is_unclear() -> None:
    with pytest.raises(DatasetError, match=r"E_PATIENT_LEAK.*train and test: rows 4, 5"):
        split_from_column(manifest_of(6, split=["train", "train", "train", "test", "test", "test"]))
    with pytest.raises(DatasetError, match=r"E_SPLIT_FORMAT.*rows 3, 4"):
        split_from_column(manifest_of(4, split=["train", "", "holdout", "test"]))


def test_the_published_brain_split_is_imported_with_a_note() -> None:
    manifest = read_manifest(shared("data/brain_mri/manifest_published_split.csv"), need_patients=False)
    split = split_from_column(manifest)
    assert {name: len(keys) for name, keys in split.parts.items()} == {"train": 2641, "test": 624}
    assert "not checked" in split.notes[0]
