"""`medres weights` as a user calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from medres.errors import ModelError
from medres.models.registry import build_network
from medres.models.sources import SOURCES
from medres.models.spec import NetworkSpec
from pipelines import weights


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDRES_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    spec = NetworkSpec(name="resnet18", spatial_dims=2, in_channels=3, label_count=1000, width=0.25)
    torch.save(build_network(spec).state_dict(), tmp_path / "w.pth")
    return tmp_path / "w.pth"


def inspect(file: Path, network: str | None = "resnet18", **changes: object) -> int:
    options = {"dims": 0, "channels": 1, "labels": 2, "carry": None, "shortcut": "B", "stem": "standard", "width": 0.25}
    return weights.run("inspect", [str(file)], network=network, **(options | changes))


def test_list_names_every_source_with_its_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert weights.run("list") == 0
    said = capsys.readouterr().out
    assert all(name in said for name in SOURCES)
    assert "non-commercial" in said
    assert "pinned when fetched" in said


def test_inspect_shows_what_loading_would_do(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(file) == 0
    said = capsys.readouterr().out
    assert "torchvision layout): 100.0 % of the backbone" in said
    assert "conv1.weight: 3 to 1 channels" in said
    assert "drawn afresh" in said


@pytest.mark.parametrize("carry", ["inflate", "acs"])
def test_inspect_follows_2d_weights_into_3d(file: Path, carry: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(file, carry=carry) == 0
    assert "100.0 %" in capsys.readouterr().out


def test_inspect_shows_the_table_even_where_loading_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelError, match="E_WEIGHTS_COVERAGE"):
        inspect(file, "resnet34")
    assert "missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changes", [{"carry": "fold"}, {"shortcut": "C"}, {"stem": "wide"}, {"carry": "acs", "dims": 2}]
)
def test_inspect_refuses_options_that_are_none(file: Path, changes: dict[str, str]) -> None:
    with pytest.raises(ModelError, match="E_USAGE"):
        inspect(file, **changes)


def test_verify_says_what_is_wrong_and_ends_with_three(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "weights").mkdir()
    file.rename(tmp_path / "weights" / "resnet18-f37072fd.pth")
    assert weights.run("verify") == 3
    said = capsys.readouterr()
    assert "0 of 1 files" in said.out
    assert "E_WEIGHTS_DIGEST" in said.err


def test_unknown_source_is_one_sentence_on_stderr() -> None:
    command = [sys.executable, "-m", "pipelines.cli", "weights", "fetch", "resnet-18"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("E_WEIGHTS_SOURCE: ")
    assert "resnet18-" in done.stderr
    assert "Traceback" not in done.stderr
