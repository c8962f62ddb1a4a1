import subprocess
import sys
from dataclasses import replace

from medres.ledger.owner import is_alive, this_run


def test_this_process_lives():
    assert is_alive(str(this_run())) is True


def test_two_runs_in_one_process_differ():
    assert this_run() != this_run()


def test_a_process_that_ended_is_dead():
    code = "from medres.ledger.owner import this_run; print(this_run())"
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert is_alive(gone) is False


def test_a_process_number_given_again_is_not_the_old_process():
    assert is_alive(str(replace(this_run(), started=1000.0))) is False


def test_another_machine_cannot_be_asked():
    assert is_alive(str(replace(this_run(), host="elsewhere"))) is None
