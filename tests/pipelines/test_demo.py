"""The demo, small: every stage is real and leaves what it promises; a second run reuses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines import demo
from tests.small_demo import small_demo, small_plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_demo(tmp_path_factory)


@pytest.mark.parametrize(
    "promised",
    [
        "ct/model/trained_model.json",
        "ct/curves.png",
        "ct/evaluation/evaluation.json",
        "picture/model/weights.safetensors",
        "picture/evaluation/evaluation.json",
        "scores/ledger.sqlite",
        "scores/results.csv",
        "scores/results.parquet",
        "report/report.html",
        "findings.json",
    ],
)
def test_stage_leaves_what_it_promises(walked: Path, promised: str) -> None:
    assert (walked / "demo" / promised).stat().st_size > 0


def test_findings_that_need_no_trained_network_hold(walked: Path) -> None:
    findings = {row["what"]: row for row in json.loads((walked / "demo" / "findings.json").read_text())}
    assert len(findings) == 10
    for what in ("patients in two parts of a split", "inbox", "report of one study"):
        assert findings[what]["holds"], findings[what]


def test_model_says_that_it_knows_phantoms_only(walked: Path) -> None:
    assert json.loads((walked / "demo/ct/model/trained_model.json").read_text())["synthetic"] is True


def test_second_run_reuses_every_stage(
    walked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(walked)
    before = (walked / "demo/ct/model/weights.safetensors").stat().st_mtime_ns
    demo.run(Path("demo"), viewer=False, plan=small_plan(walked))
    said = capsys.readouterr().out
    assert said.count("done before") == said.count("== ")
    assert (walked / "demo/ct/model/weights.safetensors").stat().st_mtime_ns == before
