import json

import numpy as np

from benchmarks.fuzz_phantoms import build_scan, build_series
from benchmarks.intake import ask, to_markdown

SECONDS = {"seconds": 0.5, "cpu": 0.4, "bytes": 100, "peak": 50}


def test_a_reader_is_timed_in_a_process_of_its_own(tmp_path):
    for name, data in build_series(build_scan(np.random.default_rng(0))).items():
        (tmp_path / f"{name}.dcm").write_bytes(data)
    answer = ask("--worker", "medres", "--folder", tmp_path, "--repeats", 2)
    assert answer["bytes"] == 4 * 6 * 8 * 4
    assert answer["seconds"] > 0
    assert json.dumps(answer)


def test_a_reader_that_fails_is_named_by_its_kind(tmp_path):
    assert ask("--worker", "pydicom", "--folder", tmp_path, "--repeats", 1) == {"error": "ValueError"}


def test_the_table_gives_ratios_to_ours():
    text = to_markdown(
        {"a case": {"medres": SECONDS, "other": {**SECONDS, "seconds": 1.0}, "third": {"error": "RuntimeError"}}},
        [{"files": 1000, "seconds": 0.5, "peak": 2**20}],
    )
    assert "| other | 1.000 | 2.00 | 0.400 | 1.00 | 0.50 |" in text
    assert "cannot read it (RuntimeError)" in text
    assert "| 1000 | 0.50 | 1 |" in text
