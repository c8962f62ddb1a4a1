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


@pytest.mark.parametrize("place", [b"", b'"notes"', b'"dtype"', b'"shape"', b"row"])
def test_flipped_bits_count_as_absent(tmp_path: Path, place: bytes) -> None:
    cache = TensorCache(tmp_path)
    cache.put("k", {"x": ARRAY}, {"row": 3})
    blob = bytearray(cache.path("k").read_bytes())
    where = blob.index(place) + len(place) + 3 if place else len(blob) - 5
    blob[where] ^= 1
    cache.path("k").write_bytes(blob)
    assert cache.get("k") is None


def test_zero_sized_and_single_numbers_are_kept_too(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path)
    assert cache.put("k", {"none": np.zeros((0, 3)), "one": np.array(2.5)})
    assert cache.get("k").arrays["none"].shape == (0, 3)
    assert cache.get("k").arrays["one"] == 2.5


def test_entries_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path)
    cache.put("k", {"x": ARRAY})
    assert cache.path("k").stat().st_mode & 0o077 == 0


def test_workers_that_fill_a_folder_together_stay_below_its_limit(tmp_path: Path) -> None:
    workers = [TensorCache(tmp_path, limit_bytes=60_000) for _ in range(6)]
    for number in range(40):
        for own, worker in enumerate(workers):
            worker.put(f"k{number}-{own}", {"x": np.zeros(250, np.float32)})
            assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 60_000


def test_a_full_folder_is_not_looked_through_for_every_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = TensorCache(tmp_path, limit_bytes=5_000)
    sweeps = []
    sweep = TensorCache._sweep
    monkeypatch.setattr(TensorCache, "_sweep", lambda self, size: sweeps.append(size) or sweep(self, size))
    kept = [cache.put(f"k{number}", {"x": np.zeros(500, np.float32)}) for number in range(100)]
    assert sum(kept) == 2
    assert len(sweeps) <= 4
    assert cache.put("small", {"x": np.zeros(10, np.float32)})
    assert not cache.put("giant", {"x": np.zeros(5000, np.float32)})


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
