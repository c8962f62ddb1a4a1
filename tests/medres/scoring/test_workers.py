import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from pebble import ProcessExpired

from medres.io import find_series
from medres.ledger.owner import this_run
from medres.scoring.rows import Context, Source
from medres.scoring.sources import stamp
from medres.scoring.workers import Setup, Task, Workers
from tests.medres.scoring import scans


@pytest.fixture
def task(tmp_path):
    series = find_series(scans.write_scans(tmp_path, 2), headers_only=True, modality="CT").series
    one = next(s for s in series if s.paths[0].name == "scan01.nii.gz")
    source = Source(one.key, "CT", one.paths[0].name, stamp(one.paths, tmp_path))
    return Task(one, source, Context("m", "c", "tiny", "1.0", "torch", "fp32"))


def setup_of(model, base):
    return Setup(model, "torch", "cpu", "fp32", (("modality", "CT"),), base, str(this_run()))


def test_a_worker_gives_the_row_of_a_series(task, tiny_ct, tmp_path):
    with Workers(setup_of(tiny_ct, tmp_path), 1, 60.0) as workers:
        row = workers.submit(task).result()
    assert (row.status, row.decision) == ("ok", "positive")


def test_death_and_silence_of_a_worker_are_told_apart(task, tiny_ct, tmp_path):
    setup = setup_of(tiny_ct, tmp_path)
    with Workers(setup, 1, 60.0, scans.dies_at_scan01) as workers, pytest.raises(ProcessExpired):
        workers.submit(task).result()
    with Workers(setup, 1, 0.5, scans.hangs_at_scan01) as workers, pytest.raises(TimeoutError):
        workers.submit(task).result()


RUN = """
import os, sys, time
from pathlib import Path
from medres.ledger.owner import this_run
from medres.scoring.workers import Setup, Workers
if __name__ == "__main__":
    setup = Setup(Path(sys.argv[1]), "torch", "cpu", "fp32", (), Path("."), str(this_run()))
    with Workers(setup, 1, 60.0) as workers:
        print(workers.pool.schedule(os.getpid).result(), flush=True)
        time.sleep(600)
"""


@pytest.mark.slow
def test_a_worker_ends_when_its_run_was_killed(tiny_ct, tmp_path):
    script = tmp_path / "run.py"
    script.write_text(RUN)
    run = subprocess.Popen([sys.executable, script, tiny_ct], stdout=subprocess.PIPE, text=True, cwd=os.getcwd())
    worker = int(run.stdout.readline())
    run.send_signal(signal.SIGKILL)
    run.wait()
    until = time.monotonic() + 20
    while psutil.pid_exists(worker) and time.monotonic() < until:
        time.sleep(0.1)
    assert not psutil.pid_exists(worker)
