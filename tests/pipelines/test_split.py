"""`medres split` as a user calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    lines = ["patient_id,path,label"]
    for n in range(40):
        (tmp_path / f"{n}.png").write_bytes(b"x")
        lines.append(f"p{n // 2},{n}.png,{'benign' if n // 2 % 4 else 'malignant'}")
    (tmp_path / "m.csv").write_text("\n".join(lines))
    return tmp_path / "m.csv"


def test_split_is_written_and_its_balance_printed(manifest: Path, tmp_path: Path) -> None:
    done = call("split", manifest, "--out", tmp_path / "s.json", "--seed", 4)
    assert done.returncode == 0
    assert "validation" in done.stdout
    assert json.loads((tmp_path / "s.json").read_text())["seed"] == 4


def test_nested_folds(manifest: Path, tmp_path: Path) -> None:
    done = call("split", manifest, "--out", tmp_path / "s.json", "--folds", 3, "--inner-folds", 2)
    assert done.returncode == 0
    assert len(json.loads((tmp_path / "s.json").read_text())["parts"]) == 9


def test_fault_is_one_line_with_a_code(manifest: Path, tmp_path: Path) -> None:
    done = call("split", manifest, "--out", tmp_path / "s.json", "--folds", 30)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("E_SPLIT_TOO_FEW: ")
    assert not (tmp_path / "s.json").exists()
