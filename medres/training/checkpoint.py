"""Checkpoints on the disk: whole or not at all, and only of the same experiment.

Knows files and digests; knows no network.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from medres.errors import TrainingError
from medres.io.atomic import atomic_writer
from medres.models.folder import said_plainly
from medres.training.spec import ExperimentSpec

LAST, BEST = "last.ckpt", "best.ckpt"


def write_state(path: Path, content: dict[str, Any]) -> None:
    """Write what a training needs to go on; a kill at any moment leaves the old file or the new one.

    Args:
        path: file.
        content: tensors, numbers and words.

    Raises:
        StoreError: E_DISK_FULL or E_WRITE.
    """
    held = io.BytesIO()  # torch's own writer says of a full disk no more than "unexpected pos"
    torch.save(content, held)
    with said_plainly():
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_writer(path) as stream:
        stream.write(held.getbuffer())


class AtomicCheckpoints(TorchCheckpointIO):
    """Lightning's checkpoints, written beside their place and put there by one rename."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write a checkpoint, whole or not at all."""
        write_state(Path(path), checkpoint)


def checkpoint_callbacks(folder: Path) -> list[ModelCheckpoint]:
    """Keep the best epoch by validation AUROC, and the last one to go on from.

    Args:
        folder: where they lie.

    Returns:
        Callbacks for Lightning's Trainer.
    """
    common: dict[str, Any] = {"save_top_k": 1, "enable_version_counter": False, "save_on_train_epoch_end": True}
    best = ModelCheckpoint(folder, "best", monitor="rank", mode="max", **common)
    return [best, ModelCheckpoint(folder, "last", every_n_epochs=1, **common)]


def read_checkpoint(path: Path, experiment: ExperimentSpec, scans_digest: str = "") -> dict[str, Any]:
    """Read a checkpoint of this experiment.

    Args:
        path: file.
        experiment: that it must belong to.
        scans_digest: of the scans that it must have learnt from and been chosen by; "" does not ask.

    Returns:
        Lightning's checkpoint.

    Raises:
        TrainingError: `E_TRAIN_RESUME` where there is none, it cannot be read, or it belongs to another experiment or
            other scans.
    """
    content = read_state(path, experiment.digest)
    found = str(content.get("scans_digest") or scans_digest)  # older ones did not keep it
    if scans_digest and found != scans_digest:
        told = f"the checkpoint must be of these training and validation scans ({scans_digest[:12]})"
        cure = "give the manifest and split that it began with, or start without --resume in a new folder"
        raise TrainingError("E_TRAIN_RESUME", f"{told}, got one of {found[:12]}", cure)
    return content


def read_state(path: Path, digest: str) -> dict[str, Any]:
    """Read what a training of one configuration left behind.

    Args:
        path: file.
        digest: of the configuration, as it stands under "experiment_digest".

    Returns:
        The content.

    Raises:
        TrainingError: `E_TRAIN_RESUME` where there is none, it cannot be read, or it belongs to another configuration.
    """
    if not path.is_file():
        raise TrainingError("E_TRAIN_RESUME", "a checkpoint must be there, got none in the output folder")
    try:
        content = _load_whole(path)
    except (OSError, zipfile.BadZipFile, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        told = f"the checkpoint cannot be read ({type(error).__name__}), got a damaged {path.name}"
        raise TrainingError("E_TRAIN_RESUME", told, _instead(path)) from None
    if content.get("experiment_digest") != digest:
        found = str(content.get("experiment_digest"))[:12]
        told = f"the checkpoint must be of this configuration ({digest[:12]}), got one of {found}"
        raise TrainingError("E_TRAIN_RESUME", told)
    return content


def _instead(path: Path) -> str | None:
    """Say what else to go on from."""
    if path.name == LAST and path.with_name(BEST).is_file():
        return f"copy {BEST} over it, the best epoch so far, and resume: no more than the epochs since are done again"
    return None


def _load_whole(path: Path) -> dict[str, Any]:
    """Load a file that torch wrote, once its checksums are found right: torch itself accepts a flipped bit."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError("checksum")
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content
