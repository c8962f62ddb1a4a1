"""The store of prepared scans: bounded, shared, whole after a kill, never stale."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from medres.datasets.cache import TensorCache, cache_key
from medres.errors import StoreError

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_what_was_put_is_given_back(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path / "c")
    assert cache.get(cache_key("a")) is None
    assert cache.put(cache_key("a"), {"x": ARRAY, "y": ARRAY.astype(np.uint8).T}, {"row": 3})
    entry = cache.get(cache_key("a"))
    assert np.array_equal(entry.arrays["x"], ARRAY)
    assert np.array_equal(entry.arrays["y"], ARRAY.astype(np.uint8).T)
    assert entry.notes == {"row": 3}


def test_another_content_or_spec_is_another_entry() -> None:
    keys = {cache_key("content", "spec"), cache_key("content2", "spec"), cache_key("content", "spec2")}
    assert len(keys) == 3


@pytest.mark.parametrize("damage", [lambda b: b[:40], lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"x" * 99])
def test_damaged_entry_counts_as_absent_and_can_be_put_again(tmp_path: Path, damage: object) -> None:
    cache = TensorCache(tmp_path)
    cache.put("k", {"x": ARRAY})
    cache.path("k").write_bytes(damage(cache.path("k").read_bytes()))
    assert cache.get("k") is None
    assert cache.put("k", {"x": ARRAY})
    assert cache.get("k") is not None


def test_the_folder_stays_below_its_limit_and_the_oldest_go_first(tmp_path: Path) -> None:
    first = TensorCache(tmp_path, limit_bytes=10_000)
    for number in range(4):
        assert first.put(f"old{number}", {"x": np.zeros(500, np.float32)})
        os.utime(first.path(f"old{number}"), (number, number))
    second = TensorCache(tmp_path, limit_bytes=10_000)
    assert all(second.put(f"new{number}", {"x": np.zeros(500, np.float32)}) for number in range(2))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000
    assert second.get("old0") is None
    assert second.get("old3") is not None


def test_what_this_process_uses_is_not_thrown_out_for_more(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path, limit_bytes=5_000)
    kept = [cache.put(f"k{number}", {"x": np.zeros(500, np.float32)}) for number in range(4)]
    assert kept == [True, True, False, False]
    assert cache.get("k0") is not None


def put_many(folder: Path, start: int) -> int:
    cache = TensorCache(folder, limit_bytes=60_000)
    for number in range(60):
        cache.put(cache_key(str((start + number) % 25)), {"x": np.full(300, (start + number) % 25, np.float32)})
    return sum(cache.get(cache_key(str(n))) is not None for n in range(25))


def test_many_workers_share_a_folder(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(put_many, [tmp_path] * 4, range(0, 80, 20)))
    cache = TensorCache(tmp_path)
    for number in range(25):
        entry = cache.get(cache_key(str(number)))
        assert entry is None or (entry.arrays["x"] == number).all()
    assert not list(tmp_path.glob("*.draft"))


KILLED = """
import sys, numpy as np
from pathlib import Path
from medres.datasets.cache import TensorCache
cache = TensorCache(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(100_000):
    cache.put(f"k{number % 50}", {"x": np.full(200_000, number % 50, np.float32)})
"""


def test_kill_leaves_whole_entries_or_none(tmp_path: Path) -> None:
    for delay in (0.02, 0.15):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        cache = TensorCache(tmp_path)
        found = [(n, cache.get(f"k{n}")) for n in range(50)]
        assert all(entry is None or (entry.arrays["x"] == n).all() for n, entry in found)
        assert sum(entry is not None for _, entry in found) == len(list(tmp_path.glob("*.safetensors")))


def test_old_drafts_are_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".dead.draft").write_bytes(b"x" * 100)
    os.utime(tmp_path / ".dead.draft", (1, 1))
    TensorCache(tmp_path).put("k", {"x": ARRAY})
    assert not list(tmp_path.glob("*.draft"))


def test_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="E_WRITE"):
        TensorCache(tmp_path / "file/sub").put("k", {"x": ARRAY})
