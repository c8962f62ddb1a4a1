"""Checkpoints are whole or absent, and belong to one experiment."""

from __future__ import annotations

import pytest
import torch

from medres.errors import TrainingError
from medres.training.checkpoint import LAST, AtomicCheckpoints, read_checkpoint
from tests.medres.training import cohorts


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
