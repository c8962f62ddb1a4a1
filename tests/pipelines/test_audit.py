"""`medres audit` as a user calls it, and training that refuses a leaking split."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from medres.datasets.manifest import read_manifest
from medres.datasets.split_file import split_from_column, write_split
from medres.errors import DatasetError
from pipelines import audit
from pipelines.training import refuse_leaking
from tests.medres.datasets.pictures import COPIES, write_cohort, write_manifest
from tests.medres.training import cohorts
from tests.pipelines.program import medres


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    """Eight pictures to train on, and a mirrored copy of one to test on."""
    rows = write_cohort(tmp_path, 10)
    COPIES["mirrored"](Image.open(tmp_path / "1.png")).save(tmp_path / "twin.png")
    return write_manifest(tmp_path / "m.csv", [*rows, ("twin.png", "benign")], ["train"] * 8 + ["test"] * 3)


def test_audit_writes_json_page_and_safe_groups(leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert audit.run(leaking, tmp_path / "out", fix="groups", workers=1) == 3
    told = capsys.readouterr().out
    assert "leak near:train/test" in told
    report = json.loads((tmp_path / "out/audit.json").read_text())
    assert [leak["name"] for leak in report["leaks"]] == ["near:train/test"]
    page = (tmp_path / "out/audit.html").read_text()
    assert "This split leaks" in page
    assert page.count("data:image/jpeg;base64,") == 2
    assert "twin.png" not in page + json.dumps(report)
    assert "leak_group" in (tmp_path / "out/manifest_groups.csv").read_text()


def test_training_refuses_the_leak_unless_it_is_accepted_by_name(leaking: Path) -> None:
    manifest = read_manifest(leaking)
    split = split_from_column(manifest)
    with pytest.raises(DatasetError, match=r"E_LEAK.*near:train/test \(1 scans of test: row 12\)"):
        refuse_leaking(manifest, split, [])
    assert "accepted" in refuse_leaking(manifest, split, ["near:train/test"])["near:train/test"]


def test_clean_manifest_ends_with_status_0(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "m.csv", write_cohort(tmp_path, 6))
    assert audit.run(path, tmp_path / "out", workers=1) == 0
    assert "No copies and no near-copies" in (tmp_path / "out/audit.html").read_text()


def test_train_refuses_a_leak_and_writes_an_accepted_one_into_the_model_and_its_card(tmp_path: Path) -> None:
    cohort = cohorts.write_cohort(tmp_path / "scans", 20)
    split = cohorts.split_of(cohort)
    known, asked = (split.rows(cohort, part)[0] for part in ("train", "validation"))
    shutil.copy(cohort.path(known), cohort.path(asked))  # a copy under another patient's name
    write_split(split, tmp_path / "split.json")
    (tmp_path / "tiny.toml").write_text(cohorts.TOML.replace("epochs = 2", "epochs = 1"))
    places = ("--manifest", tmp_path / "scans/manifest.csv", "--split", tmp_path / "split.json")
    refused = medres("train", tmp_path / "tiny.toml", *places, "--out", tmp_path / "refused")
    assert refused.returncode == 1
    assert refused.stderr.startswith("E_LEAK")
    assert f"exact:train/validation (1 scans of validation: row {asked.number})" in refused.stderr
    assert not (tmp_path / "refused").exists()
    leak = ("--accept-leak", "exact:train/validation")
    done = medres("train", tmp_path / "tiny.toml", *places, "--out", tmp_path / "run", *leak)
    assert done.returncode == 0, done.stderr
    said = "accepted: 1 scans of validation share exact copies with train"
    assert json.loads((tmp_path / "run/model/trained_model.json").read_text())["provenance"]["audit"] == {leak[1]: said}
    card = (tmp_path / "run/model/MODEL_CARD.md").read_text()
    assert leak[1] in card
    assert said in card
