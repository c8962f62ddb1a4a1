import gzip
from contextlib import closing

import pytest

from medres.io import find_series
from medres.ledger import Ledger
from medres.ledger.owner import this_run
from medres.scoring.rows import Context, Source
from medres.scoring.run import Run, run_tasks
from medres.scoring.sources import stamp
from medres.scoring.workers import Setup, Task
from tests.medres.scoring import scans

CONTEXT = Context("m" * 64, "c" * 64, "tiny", "1.0", "torch", "fp32")


@pytest.fixture
def ledger(tmp_path):
    with closing(Ledger(tmp_path / "out" / "ledger.sqlite")) as opened:
        yield opened


@pytest.fixture
def tasks(tmp_path):
    folder = scans.write_scans(tmp_path / "inbox", 2)
    (folder / "cut.nii").write_bytes(gzip.decompress((folder / "scan00.nii.gz").read_bytes())[:5000])
    found = find_series(folder, headers_only=True, modality="CT").series
    places = [(one, Source(one.key, "CT", one.paths[0].name, stamp(one.paths, folder))) for one in found]
    return [Task(one, source, CONTEXT) for one, source in places]


def run_of(ledger, base, told):
    return Run(ledger, this_run(), CONTEXT, base, lambda *now: told.append(now), 3, 1, 60.0, None)


def setup_of(model, base):
    return Setup(model, "torch", "cpu", "fp32", (("modality", "CT"),), base, str(this_run()))


def test_every_task_gets_a_row_and_progress_counts_them(ledger, tasks, tiny_ct, tmp_path):
    told, base = [], tmp_path / "inbox"
    assert run_tasks(run_of(ledger, base, told), tasks, setup_of(tiny_ct, base), scans.score_task) == 0
    rows = list(ledger.rows())
    assert sorted(row.status for row in rows) == ["ok", "ok", "refused"]
    assert [now[0] for now in told] == [1, 2, 3]
    assert all(row.finished_at for row in rows)


def test_what_headers_refuse_keeps_its_sentence(ledger, tasks, tmp_path):
    refused = next(task for task in tasks if task.series.verdict == "refused")
    assert run_of(ledger, tmp_path / "inbox", []).refuse_by_header(refused)
    row = next(ledger.rows())
    assert f"{row.code}: {row.message}" == refused.series.message


def test_what_another_run_finished_meanwhile_is_counted_and_not_done_again(ledger, tasks, tiny_ct, tmp_path):
    told, base = [], tmp_path / "inbox"
    run_tasks(run_of(ledger, base, []), tasks, setup_of(tiny_ct, base), scans.score_task)
    before = list(ledger.rows())
    assert run_tasks(run_of(ledger, base, told), tasks, setup_of(tiny_ct, base), scans.score_task) == 3
    assert list(ledger.rows()) == before
    assert told[-1] == (3, 3, "by another run")
