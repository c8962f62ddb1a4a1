"""A training repeats itself to the bit, goes on after a cut, and refuses what it cannot learn from."""

from __future__ import annotations

import shutil
import signal

import numpy as np
import pytest
import torch

from medres.errors import ModelError, TrainingError
from medres.training.checkpoint import BEST, LAST
from medres.training.dataset import prepare_scans
from medres.training.fit import Workplace, fit_network
from medres.training.module import Watchers
from tests.medres.training import cohorts


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    manifest = cohorts.write_cohort(tmp_path_factory.mktemp("cohort"), 20)
    split, spec = cohorts.split_of(manifest), cohorts.experiment()
    rows = [split.rows(manifest, part) for part in ("train", "validation")]
    return [prepare_scans(manifest, part, spec.preprocessing, spec.labels) for part in rows]


def fit(parts, folder, *, resume=False, on_epoch=None, **changes):
    place = Workplace(folder, resume=resume, tensorboard=False, watchers=Watchers(on_epoch=on_epoch))
    return fit_network(cohorts.experiment(**changes), *parts, place)


def weights_differ(first, second) -> bool:
    one, two = first.network.state_dict(), second.network.state_dict()
    return any(not torch.equal(one[name], two[name]) for name in one)


class CutError(Exception):
    """A power cut after an epoch."""


def cut_after(epoch: int):
    def on_epoch(row):
        if row["epoch"] > epoch:
            raise CutError

    return on_epoch


def test_two_trainings_give_the_same_weights_and_another_seed_others(parts, tmp_path):
    first, again = fit(parts, tmp_path / "a"), fit(parts, tmp_path / "b")
    assert not weights_differ(first, again)
    assert weights_differ(first, fit(parts, tmp_path / "c", seed=5))


def test_resumed_training_ends_with_the_weights_of_an_unbroken_one(parts, tmp_path):
    changes = {"epochs": 4, "average_decay": 0.8, "frozen_epochs": 1, "unfreeze_every": 1, "balance": "sampling"}
    whole = fit(parts, tmp_path / "whole", **changes)
    with pytest.raises(CutError):
        fit(parts, tmp_path / "cut", on_epoch=cut_after(2), **changes)
    resumed = fit(parts, tmp_path / "cut", resume=True, **changes)
    assert not weights_differ(whole, resumed)
    assert whole.before == (0.0, 0.0)
    assert all(seconds > 0 for seconds in resumed.before)  # the energy of what was cut off counts too
    columns = ("epoch", "train_loss", "validation_loss", "validation_auroc", "learning_rate")
    for old, new in zip(whole.history, resumed.history, strict=True):
        assert [old[c] for c in columns] == [new[c] for c in columns]


def test_training_that_had_ended_is_left_as_it_was(parts, tmp_path):
    first = fit(parts, tmp_path)
    again = fit(parts, tmp_path, resume=True)
    assert not weights_differ(first, again)
    assert len(again.history) == 2


def test_ctrl_c_ends_as_one_and_the_training_goes_on_to_the_same_weights(parts, tmp_path):
    def interrupt(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    whole, before = fit(parts, tmp_path / "whole", epochs=3), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(parts, tmp_path / "cut", epochs=3, on_epoch=interrupt)
    assert signal.getsignal(signal.SIGINT) is before
    assert not weights_differ(whole, fit(parts, tmp_path / "cut", epochs=3, resume=True))


def test_the_best_epoch_stands_in_for_a_damaged_last_one(parts, tmp_path):
    whole = fit(parts, tmp_path / "whole", epochs=4, average_decay=0.8)
    with pytest.raises(CutError):
        fit(parts, tmp_path / "cut", epochs=4, average_decay=0.8, on_epoch=cut_after(2))
    (tmp_path / "cut" / LAST).write_bytes(b"PK broken")
    with pytest.raises(TrainingError, match=r"E_TRAIN_RESUME: .*got a damaged last.ckpt.*copy best.ckpt over it"):
        fit(parts, tmp_path / "cut", epochs=4, average_decay=0.8, resume=True)
    shutil.copy(tmp_path / "cut" / BEST, tmp_path / "cut" / LAST)
    assert not weights_differ(whole, fit(parts, tmp_path / "cut", epochs=4, average_decay=0.8, resume=True))


def test_reject_a_resume_with_other_scans(parts, tmp_path):
    """A validation scan that was learnt from before the cut would flatter what comes after it."""
    fit(parts, tmp_path)
    with pytest.raises(TrainingError, match=r"E_TRAIN_RESUME.*these training and validation scans.*split that it"):
        fit((parts[0][:-1], (*parts[1], parts[0][-1])), tmp_path, resume=True)


def test_it_learns_and_keeps_the_best_epoch(parts, tmp_path):
    fitted = fit(parts, tmp_path, epochs=8, balance="none")
    areas = [row["validation_auroc"] for row in fitted.history]
    assert areas[fitted.best_epoch - 1] == max(areas)
    assert max(areas) >= 0.9
    assert fitted.history[-1]["train_loss"] < fitted.history[0]["train_loss"]


def test_validation_logits_are_those_of_the_kept_network_in_fp32(parts, tmp_path):
    fitted = fit(parts, tmp_path, precision="bf16", average_decay=0.5)
    assert fitted.computation.precision == "bf16"
    with torch.no_grad():
        wanted = [fitted.network(scan.tensor).numpy() for scan in parts[1]]
    np.testing.assert_allclose(np.concatenate(fitted.logits), np.concatenate(wanted), atol=1e-5)
    assert not fitted.network.training


def test_early_stopping_ends_before_the_last_epoch(parts, tmp_path):
    fitted = fit(parts, tmp_path, epochs=30, patience=2, learning_rate=1e-9)
    assert len(fitted.history) < 30


def test_frozen_backbone_learns_nothing_while_the_head_does(parts, tmp_path):
    fitted = fit(parts, tmp_path, epochs=2, frozen_epochs=2)
    start = fit(parts, tmp_path / "start", epochs=1, frozen_epochs=1, learning_rate=1e-12)
    one, two = fitted.network.state_dict(), start.network.state_dict()
    changed = {name.split(".")[0] for name in one if not torch.allclose(one[name].float(), two[name].float())}
    assert changed == {"fc"}


def test_nan_names_its_rows_and_leaves_the_last_good_checkpoint(parts, tmp_path):
    def spoil(row):
        if row["epoch"] == 2:
            for scan in parts[0][:1]:
                scan.source.fill_(float("nan"))

    kept = parts[0][0].source.clone()
    try:
        with pytest.raises(TrainingError, match=rf"E_TRAIN_NAN.*epoch 3 for rows .*\b{parts[0][0].number}\b"):
            fit(parts, tmp_path, epochs=4, on_epoch=spoil, batch_size=16)
    finally:
        parts[0][0].source.copy_(kept)
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["epoch"] == 1


def test_reject_class_with_one_patient(parts, tmp_path):
    few = [scan for scan in parts[0] if scan.label == 0] + [scan for scan in parts[0] if scan.label == 1][:1]
    with pytest.raises(TrainingError, match=r"E_TRAIN_CLASS.*2 patients in training, got 1 for 'lesion'"):
        fit((few, parts[1]), tmp_path)


def test_reject_folder_that_holds_another_run(parts, tmp_path):
    fit(parts, tmp_path)
    with pytest.raises(TrainingError, match="E_TRAIN_OUT"):
        fit(parts, tmp_path)
    with pytest.raises(TrainingError, match="E_TRAIN_RESUME"):
        fit(parts, tmp_path, resume=True, seed=3)


def test_reject_input_too_small_for_the_network(parts, tmp_path):
    spec = cohorts.experiment(cohorts.TOML.replace('stem = "small"', 'stem = "standard"'))
    with pytest.raises(ModelError, match=r"E_INPUT_SMALL.*at least 17.*12 x 12 x 12"):
        fit_network(spec, *parts, Workplace(tmp_path))
