import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz_intake import run
from benchmarks.fuzz_known import KNOWN, judge
from benchmarks.fuzz_phantoms import build_scan
from benchmarks.fuzz_random import damage, seeds
from medres.io import find_series, read_series

ROOT = Path(__file__).resolve().parents[3]
COUNT = 20_000 if os.environ.get("CI") == "true" else 3_000
PROCESSES = 2
SECONDS = 600


def fuzz(first):
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.fuzz_intake", "--seed", "0", "--json"]
    command += ["--count", str(COUNT // PROCESSES), "--first", str(first)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=SECONDS)
    assert done.stdout, f"the process died with {done.returncode}: {done.stderr[-600:]}"
    return json.loads(done.stdout)


@pytest.mark.slow
def test_damaged_scans_never_crash_hang_fill_memory_or_give_a_wrong_volume():
    with ThreadPoolExecutor(PROCESSES) as pool:
        parts = list(pool.map(fuzz, range(0, COUNT, COUNT // PROCESSES)))
    assert [finding for part in parts for finding in part["findings"]] == []
    outcomes = {
        name: sum(part["outcomes"].get(name, 0) for part in parts) for part in parts for name in part["outcomes"]
    }
    assert sum(part["count"] for part in parts) == COUNT
    assert outcomes["known: right"] >= COUNT // 8
    assert outcomes["random: accepted, same"] > COUNT // 10
    assert outcomes["random: refused or skipped"] > COUNT // 5
    assert max(part["slowest"] for part in parts) < 5.0


@pytest.mark.parametrize("mutation", KNOWN)
def test_a_mutation_of_a_known_effect_gives_the_known_volume_or_a_refusal(mutation, tmp_path):
    known = mutation(np.random.default_rng(5))
    for name, data in known.files.items():
        (tmp_path / name).write_bytes(data)
    series = find_series(tmp_path).series
    assert judge(known, series, [read_series(one) for one in series if one.verdict != "refused"]) == ""


def test_sound_seeds_are_accepted(tmp_path):
    for kind, files in seeds().items():
        (tmp_path / kind).mkdir()
        for name, data in files.items():
            (tmp_path / kind / name).write_bytes(data)
        assert [one.verdict for one in find_series(tmp_path / kind).series] in (["ok"], ["warned"]), kind


def test_the_judge_sees_a_wrong_volume(tmp_path):
    known = KNOWN[0](np.random.default_rng(5))
    for name, data in known.files.items():
        (tmp_path / name).write_bytes(data)
    series = find_series(tmp_path).series
    volume = read_series(series[0])
    assert "voxels" in judge(known, series, [volume.with_voxels(volume.voxels[::-1].copy())])
    assert "affine" in judge(known, series, [volume.with_voxels(volume.voxels, volume.affine + np.eye(4) * 0.01)])


def test_the_same_seed_gives_the_same_inputs():
    data = build_scan(np.random.default_rng(1)).stored.tobytes()
    assert damage(data, np.random.default_rng(3)) == damage(data, np.random.default_rng(3))
    assert run(40, 3).outcomes == run(40, 3).outcomes
