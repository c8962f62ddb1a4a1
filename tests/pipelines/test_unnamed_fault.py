import pytest

from pipelines import inspect
from tests.pipelines.program import medres


def quote_the_patient(*_, **__):
    raise ValueError("Doe^Jane, MRN-778812")


def test_a_fault_without_a_name_is_one_sentence_that_quotes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(inspect, "find_series", quote_the_patient)
    done = medres("inspect", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("E_INTERNAL: ValueError in ")
    assert "line" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Doe" not in done.stderr + done.stdout


def test_the_whole_trace_is_shown_on_request(tmp_path, monkeypatch):
    monkeypatch.setattr(inspect, "find_series", quote_the_patient)
    with pytest.raises(ValueError, match="Doe"):
        medres("inspect", tmp_path, MEDRES_TRACEBACK="1")
