import csv

import pytest

from medres.results.disclaimer import DISCLAIMER
from medres.scoring.batch import BatchSummary
from pipelines.score import tell
from tests.medres.scoring.scans import write_scans
from tests.pipelines.program import medres


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_scans(tmp_path_factory.mktemp("inbox"), 3)


def test_last_lines_say_what_came_out_and_where_it_lies(folder, tiny_ct, tmp_path):
    done = medres("score", folder, "--model", tiny_ct, "--out", tmp_path, "--modality", "CT")
    assert done.returncode == 0, done.stderr
    first, second, last = done.stdout.strip().splitlines()
    assert first == "3 series: 3 ok, 0 warned, 0 refused, 0 out of scope, 0 error"
    assert second == f"results: {tmp_path / 'results.csv'}"
    assert last == DISCLAIMER
    with (tmp_path / "results.csv").open() as table:
        assert [row["status"] for row in csv.DictReader(table)] == ["ok"] * 3
    again = medres("score", folder, "--model", tiny_ct, "--out", tmp_path, "--modality", "CT")
    assert again.returncode == 0
    assert again.stdout.startswith("already scored: 3\n")


def test_refused_series_give_status_3(folder, tiny_ct, tmp_path):
    done = medres("score", folder, "--model", tiny_ct, "--out", tmp_path)  # NIfTI without --modality
    assert done.returncode == 3
    assert "3 series: 0 ok, 0 warned, 3 refused" in done.stdout


@pytest.mark.parametrize("options", [("--workers", "0"), ("--timeout", "0")])
def test_reject_options_that_cannot_be_followed(folder, tiny_ct, tmp_path, options):
    done = medres("score", folder, "--model", tiny_ct, "--out", tmp_path, *options)
    assert done.returncode == 2
    assert done.stderr.startswith("E_USAGE: ")


def test_empty_folder_and_missing_model_are_said_in_one_line(folder, tiny_ct, tmp_path):
    (tmp_path / "empty").mkdir()
    done = medres("score", tmp_path / "empty", "--model", tiny_ct, "--out", tmp_path / "a")
    assert done.returncode == 1
    assert done.stderr.startswith("E_EMPTY_FOLDER: ")
    done = medres("score", folder, "--model", tmp_path / "empty", "--out", tmp_path / "b")
    assert done.returncode == 1
    assert done.stderr.startswith("E_MODEL_MISSING: ")
    assert not (tmp_path / "b").exists()


def test_files_that_are_no_scan_are_counted(tmp_path):
    statuses = {"ok": 1, "warned": 0, "refused": 0, "out_of_scope": 2, "error": 0}
    lines = tell(BatchSummary(3, statuses, 1, 4, 2.0), tmp_path)
    assert lines[0] == "already scored: 1"
    assert lines[1] == "3 series: 1 ok, 0 warned, 0 refused, 2 out of scope, 0 error; 4 files were no scan"


def test_scoring_where_no_key_can_be_kept_says_so_before_it_begins(folder, tiny_ct, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MEDRES_CONFIG", str(tmp_path / "file" / "medres"))  # a folder that nobody can make
    monkeypatch.delenv("MEDRES_SITE_KEY", raising=False)
    done = medres("score", folder, "--model", tiny_ct, "--out", tmp_path / "out", "--modality", "CT")
    assert done.returncode == 1
    assert done.stderr.startswith("E_WRITE: the site key cannot be kept")
    assert "MEDRES_SITE_KEY" in done.stderr
    assert not (tmp_path / "out").exists()
