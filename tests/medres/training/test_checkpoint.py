"""Checkpoints are whole or absent, and belong to one experiment."""

from __future__ import annotations

import resource
import signal

import pytest
import torch

from medres.errors import StoreError, TrainingError
from medres.training.checkpoint import LAST, AtomicCheckpoints, read_checkpoint, write_state
from tests.medres.training import cohorts


def test_reject_checkpoint_with_a_flipped_bit(tmp_path):
    spec = cohorts.experiment()
    write_state(tmp_path / LAST, {"experiment_digest": spec.digest, "weights": torch.zeros(1000)})
    assert read_checkpoint(tmp_path / LAST, spec)["weights"].sum() == 0
    content = bytearray((tmp_path / LAST).read_bytes())
    content[content.index(bytes(4000)) + 2000] ^= 0x40
    (tmp_path / LAST).write_bytes(content)
    with pytest.raises(TrainingError, match="E_TRAIN_RESUME: the checkpoint cannot be read"):
        read_checkpoint(tmp_path / LAST, spec)


def test_reject_checkpoint_of_other_scans(tmp_path):
    spec = cohorts.experiment()
    torch.save({"experiment_digest": spec.digest, "scans_digest": "a"}, tmp_path / LAST)
    assert read_checkpoint(tmp_path / LAST, spec, "a")["scans_digest"] == "a"
    with pytest.raises(TrainingError, match=r"E_TRAIN_RESUME: .* of these training and validation scans .*manifest"):
        read_checkpoint(tmp_path / LAST, spec, "b")
    torch.save({"experiment_digest": spec.digest}, tmp_path / LAST)  # of a version that did not keep it
    read_checkpoint(tmp_path / LAST, spec, "b")


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path):
    path, writer = tmp_path / LAST, AtomicCheckpoints()
    writer.save_checkpoint({"step": 1}, path)
    with pytest.raises(AttributeError):
        writer.save_checkpoint({"step": lambda: None}, path)
    assert torch.load(path, weights_only=True) == {"step": 1}


def test_reject_checkpoint_of_another_experiment(tmp_path):
    torch.save({"experiment_digest": cohorts.experiment(seed=1).digest}, tmp_path / LAST)
    read_checkpoint(tmp_path / LAST, cohorts.experiment(seed=1))
    with pytest.raises(TrainingError, match="E_TRAIN_RESUME: the checkpoint must be of this configuration"):
        read_checkpoint(tmp_path / LAST, cohorts.experiment(seed=2))


def test_reject_checkpoint_that_is_absent_or_broken(tmp_path):
    with pytest.raises(TrainingError, match="E_TRAIN_RESUME: a checkpoint must be there"):
        read_checkpoint(tmp_path / LAST, cohorts.experiment())
    (tmp_path / LAST).write_bytes(b"PK broken")
    with pytest.raises(TrainingError, match="E_TRAIN_RESUME: the checkpoint cannot be read"):
        read_checkpoint(tmp_path / LAST, cohorts.experiment())


def test_a_full_disk_is_told_as_one_and_the_old_checkpoint_stays(tmp_path):
    place = tmp_path / "last.ckpt"
    write_state(place, {"epoch": 1})
    before, limits = place.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(StoreError, match="E_DISK_FULL"):
            write_state(place, {"weights": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert place.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
