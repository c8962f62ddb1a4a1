import copy
import csv
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing

import pytest

from medres.classifier import load_classifier
from medres.errors import IntakeError, ModelError, StoreError
from medres.io import read
from medres.ledger import Ledger
from medres.models.trained_model import load_trained_model, save_trained_model
from medres.scoring.batch import ScoringOptions, score_folder
from tests.medres.scoring import scans
from tests.tiny_models import picture, tiny_ct_model

CT = ScoringOptions(modality="CT")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return scans.write_scans(tmp_path_factory.mktemp("inbox"), 4)


@pytest.fixture
def inbox(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "inbox")


def rows_of(out):
    with closing(Ledger(out / "ledger.sqlite")) as ledger:
        return {row.relative_path: row for row in ledger.rows()}


def test_every_series_has_one_row_and_the_score_that_predict_gives(inbox, tiny_ct, tmp_path):
    (inbox / "note.txt").write_text("no scan")
    (inbox / "cut.nii.gz").write_bytes((inbox / "scan00.nii.gz").read_bytes()[:2000])
    told = []
    summary = score_folder(inbox, tiny_ct, tmp_path / "out", CT, on_progress=lambda *now: told.append(now))
    rows = rows_of(tmp_path / "out")
    assert summary.series == len(rows) == sum(summary.statuses.values()) == 5
    assert summary.skipped_files >= 1
    assert not summary.all_well
    assert rows["cut.nii.gz"].status == "refused"
    assert rows["cut.nii.gz"].probability is None
    classifier = load_classifier(tiny_ct)
    for n in range(4):
        row = rows[f"scan{n:02d}.nii.gz"]
        alone = classifier.predict(read(inbox / f"scan{n:02d}.nii.gz", modality="CT"))
        assert row.probability == alone.probability
        assert (row.decision, row.scan_digest) == (alone.decision, alone.scan_digest)
        assert row.decision == ("positive" if n % 2 else "negative")
        assert row.seconds > 0
    assert told[-1][:2] == (5, 5)
    with (tmp_path / "out" / "results.csv").open() as table:
        assert Counter(r["status"] for r in csv.DictReader(table)) == Counter(r.status for r in rows.values())


def test_nothing_that_leaves_the_ledger_tells_where_a_scan_lies(inbox, tiny_ct, tmp_path):
    score_folder(inbox, tiny_ct, tmp_path / "out", CT)
    assert stat.S_IMODE((tmp_path / "out" / "ledger.sqlite").stat().st_mode) == 0o600
    for name in ("results.csv", "results.parquet"):
        content = (tmp_path / "out" / name).read_bytes()
        assert b"scan00" not in content
        assert str(tmp_path).encode() not in content


def test_resume_does_only_what_is_not_done_or_has_changed(inbox, tiny_ct, tmp_path):
    out = tmp_path / "out"
    score_folder(inbox, tiny_ct, out, CT)
    before = rows_of(out)
    assert score_folder(inbox, tiny_ct, out, CT).already == 4
    assert rows_of(out) == before
    shutil.copy(inbox / "scan01.nii.gz", inbox / "scan00.nii.gz")
    scans.write_scans(inbox / "new", 1)
    summary = score_folder(inbox, tiny_ct, out, CT)
    assert (summary.series, summary.already) == (5, 3)
    assert rows_of(out)["scan00.nii.gz"].decision == "positive"


def test_a_file_that_gets_a_twin_keeps_one_row(inbox, tiny_ct, tmp_path):
    for n in (1, 2, 3):
        (inbox / f"scan{n:02d}.nii.gz").unlink()
    score_folder(inbox, tiny_ct, tmp_path / "out", CT)
    shutil.copy(inbox / "scan00.nii.gz", inbox / "twin.nii.gz")
    summary = score_folder(inbox, tiny_ct, tmp_path / "out", CT)
    with closing(Ledger(tmp_path / "out" / "ledger.sqlite")) as ledger:
        assert len(list(ledger.rows())) == summary.series == 2


def test_another_model_and_another_configuration_make_new_rows(inbox, tiny_ct, tmp_path):
    other = tiny_ct_model(tmp_path / "other", synthetic=False)
    score_folder(inbox, tiny_ct, tmp_path / "out", CT)
    summary = score_folder(inbox, other, tmp_path / "out", CT)
    assert (summary.already, summary.series) == (0, 4)
    with closing(Ledger(tmp_path / "out" / "ledger.sqlite")) as ledger:
        assert len(list(ledger.rows())) == 8
    assert score_folder(inbox, tiny_ct, tmp_path / "out").statuses["refused"] == 4  # no modality: another configuration


def test_scans_of_another_modality_are_out_of_scope_without_a_probability(inbox, tiny_ct, tmp_path):
    summary = score_folder(inbox, tiny_ct, tmp_path / "out", ScoringOptions(modality="MR"))
    assert summary.statuses["out_of_scope"] == 4
    assert summary.all_well
    for row in rows_of(tmp_path / "out").values():
        assert (row.code, row.probability, row.probabilities) == ("E_SCOPE_MODALITY", None, {})


def test_a_worker_that_dies_costs_its_own_series_only(inbox, tiny_ct, tmp_path):
    summary = score_folder(inbox, tiny_ct, tmp_path / "out", CT, score=scans.dies_at_scan01)
    rows = rows_of(tmp_path / "out")
    assert summary.statuses["ok"] + summary.statuses["warned"] == 3
    assert (rows["scan01.nii.gz"].status, rows["scan01.nii.gz"].code) == ("error", "E_WORKER_DIED")


def test_a_scan_that_was_killed_by_chance_is_scored_at_the_second_try(inbox, tiny_ct, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDRES_CONFIG", str(tmp_path))
    summary = score_folder(inbox, tiny_ct, tmp_path / "out", CT, score=scans.dies_at_the_first_try)
    assert summary.statuses["error"] == 0


def test_a_decoder_that_hangs_is_timed_out_and_tried_again_under_a_longer_limit(inbox, tiny_ct, tmp_path):
    short = ScoringOptions(modality="CT", timeout=2.0)
    summary = score_folder(inbox, tiny_ct, tmp_path / "out", short, score=scans.hangs_at_scan01)
    assert summary.statuses["error"] == 1
    assert rows_of(tmp_path / "out")["scan01.nii.gz"].code == "E_TIMEOUT"
    assert score_folder(inbox, tiny_ct, tmp_path / "out", short).already == 4
    assert score_folder(inbox, tiny_ct, tmp_path / "out", CT).statuses["error"] == 0


def test_a_foreign_exception_becomes_a_row_that_does_not_quote_it(inbox, tiny_ct, tmp_path):
    score_folder(inbox, tiny_ct, tmp_path / "out", CT, score=scans.raises_with_a_name)
    rows = rows_of(tmp_path / "out")
    assert {row.code for row in rows.values()} == {"E_INTERNAL"}
    assert not any("Doe" in row.message for row in rows.values())


def test_input_that_changes_while_it_is_read_is_an_error_and_is_scored_later(inbox, tiny_ct, tmp_path):
    summary = score_folder(inbox, tiny_ct, tmp_path / "out", CT, score=scans.appends_while_reading)
    assert {row.code for row in rows_of(tmp_path / "out").values()} <= {"E_INPUT_CHANGED", "E_TRUNCATED"}
    assert summary.statuses["error"] + summary.statuses["refused"] == 4


def test_a_scan_too_large_for_the_memory_is_refused_by_its_header_and_the_run_goes_on(inbox, tiny_ct, tmp_path):
    summary = score_folder(inbox, tiny_ct, tmp_path / "out", ScoringOptions(modality="CT", memory_bytes=1e5))
    assert summary.statuses["refused"] == 4
    assert {row.code for row in rows_of(tmp_path / "out").values()} == {"E_SIZE_LIMIT"}


def test_results_of_one_folder_do_not_take_another(inbox, tiny_ct, tmp_path):
    score_folder(inbox, tiny_ct, tmp_path / "out", CT)
    with pytest.raises(StoreError, match="E_STORE_OTHER"):
        score_folder(shutil.copytree(inbox, tmp_path / "b"), tiny_ct, tmp_path / "out", CT)


def test_reject_empty_folder_missing_folder_and_damaged_model(inbox, tiny_ct, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(IntakeError, match="E_EMPTY_FOLDER"):
        score_folder(tmp_path / "empty", tiny_ct, tmp_path / "a", CT)
    with pytest.raises(IntakeError, match="E_NOT_FOUND"):
        score_folder(tmp_path / "nowhere", tiny_ct, tmp_path / "b", CT)
    damaged = shutil.copytree(tiny_ct, tmp_path / "damaged")
    weights = bytearray((damaged / "weights.safetensors").read_bytes())
    weights[-5] ^= 1
    (damaged / "weights.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match="E_MODEL_DIGEST"):
        score_folder(inbox, damaged, tmp_path / "c", CT)
    assert not (tmp_path / "c").exists()


def test_reject_a_model_that_answers_otherwise_here_than_when_it_was_saved(inbox, tiny_ct, tmp_path):
    model = load_trained_model(tiny_ct)
    golden = copy.deepcopy(model.golden)
    golden["probabilities"] = dict.fromkeys(golden["probabilities"], 0.5)
    other = save_trained_model(tmp_path / "other", model.spec, model.state_dict, {"golden.json": golden})
    with pytest.raises(ModelError, match="E_MODEL_GOLDEN"):
        score_folder(inbox, other.folder, tmp_path / "out", CT)


CROWD = 80  # scans


def start(inbox, model, out, *more):
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "score",
        inbox,
        "--model",
        model,
        "--out",
        out,
        "--modality",
        "CT",
    ]
    return subprocess.Popen(
        [*map(str, command), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )


def wait_for_rows(out, count):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if (out / "ledger.sqlite").exists() and len(rows_of(out)) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"fewer than {count} rows after a minute")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return scans.write_scans(tmp_path_factory.mktemp("many"), 12)


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(2))
def test_kill_9_at_a_random_moment_loses_no_finished_row_and_resumes_to_all(many, tiny_ct, tmp_path, trial):
    out = tmp_path / "out"
    run = start(many, tiny_ct, out)
    wait_for_rows(out, 1)
    time.sleep(random.Random(trial).uniform(0.0, 0.4))
    run.send_signal(signal.SIGKILL)
    run.wait()
    kept = rows_of(out)
    assert kept
    summary = score_folder(many, tiny_ct, out, CT)
    assert summary.already >= len(kept)
    after = rows_of(out)
    assert len(after) == summary.series == 12
    assert all(after[name] == row for name, row in kept.items())


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_leaves_at_once_and_resumes(tiny_ct, tmp_path, sent, status):
    out = tmp_path / "out"
    crowd = scans.write_scans(tmp_path / "crowd", CROWD)  # so many that the signal comes before the end
    run = start(crowd, tiny_ct, out)
    wait_for_rows(out, 2)
    run.send_signal(sent)
    _, errors = run.communicate(timeout=30)
    assert run.returncode == status
    assert "Traceback" not in errors
    summary = score_folder(crowd, tiny_ct, out, CT)
    assert 2 <= summary.already < CROWD
    assert sum(summary.statuses.values()) == CROWD


@pytest.mark.slow
def test_two_runs_at_once_share_the_work(many, tiny_ct, tmp_path):
    out = tmp_path / "out"
    runs = [start(many, tiny_ct, out) for _ in range(2)]
    texts = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], texts
    assert all("12 series" in text for text, _ in texts)
    assert len(rows_of(out)) == 12


LIMITED = """
import resource, sys
from pipelines import cli
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["medres", *sys.argv[2:]]
cli.main()
"""


def test_full_disk_is_said_in_one_line_and_the_old_tables_stay(inbox, tiny_ct, tmp_path):
    out = tmp_path / "out"
    score_folder(inbox, tiny_ct, out, CT)
    before = (out / "results.csv").read_bytes()
    scans.write_scans(inbox / "new", 3)
    arguments = ["score", inbox, "--model", tiny_ct, "--out", out, "--modality", "CT"]
    command = [sys.executable, "-c", LIMITED, str(len(before) + 200), *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.strip().splitlines()[-1].startswith("E_DISK_FULL: ")
    assert "Traceback" not in run.stderr
    assert (out / "results.csv").read_bytes() == before
    assert score_folder(inbox, tiny_ct, out, CT).series == 7


def test_pictures_are_scored_too(tiny_us, tmp_path):
    from PIL import Image

    (tmp_path / "pictures").mkdir()
    for n, place in enumerate([None, (20, 20)]):
        Image.fromarray(picture(n, place).voxels[:, :, 0].T).save(tmp_path / "pictures" / f"p{n}.png")
    summary = score_folder(tmp_path / "pictures", tiny_us, tmp_path / "out", ScoringOptions(modality="US"))
    rows = rows_of(tmp_path / "out")
    assert summary.series == 2
    assert {name: row.decision for name, row in rows.items()} == {"p0.png": "negative", "p1.png": "positive"}
