"""Prepared scans + ExperimentSpec -> fitted network, history and validation logits.

Knows Lightning; knows neither manifests nor the TrainedModel folder (`finish.py` makes it).
"""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from medres.errors import StoreError, TrainingError
from medres.models.attention import ask_network
from medres.models.registry import build_network, check_input_size, find_entry
from medres.models.test_time import run_variants
from medres.models.transfer import LoadingRecord
from medres.training.checkpoint import BEST, LAST, AtomicCheckpoints, checkpoint_callbacks, read_checkpoint
from medres.training.dataset import ScanDataset
from medres.training.kept_memory import kept_memory
from medres.training.memory import check_memory, free_memory, measure_need
from medres.training.module import ClassifierModule, Facts, Watchers, as_table, group_logits
from medres.training.patch_batches import PatchBatches, watch_suspects
from medres.training.precision import Computation, choose_computation, find_device, lay_out
from medres.training.prepared import PreparedScan, digest_scans
from medres.training.processes import count_machines, is_torn, part_ways
from medres.training.sampling import EpochBatches, OrderedBatches, in_order
from medres.training.spec import ExperimentSpec
from medres.training.tracking import find_mlflow

FEWEST = 2  # patients of each class, below which neither a split nor a loss makes sense


@dataclass(frozen=True, eq=False)
class Fitted:
    """What training leaves.

    Attributes:
        network: with the best weights, in eval mode, fp32, on the CPU.
        history: one row for each epoch.
        best_epoch: from 1.
        logits: one (V, L) table for each validation scan, from the kept network in fp32.
        computation: how it was computed.
        loading: record of the starting weights, or None.
        before: seconds by the clock and of the processor that calls took which were cut off before this one.
    """

    network: nn.Module
    history: tuple[dict[str, float], ...]
    best_epoch: int
    logits: tuple[NDArray[np.float64], ...]
    computation: Computation
    loading: LoadingRecord | None = None
    before: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Workplace:
    """Where a training runs.

    Attributes:
        folder: for checkpoints and logs.
        device: "cpu", "cuda" or "cuda:0".
        resume: go on from the last checkpoint.
        tensorboard: write TensorBoard's files too, and MLflow's where it is installed.
        watchers: who is told of progress.
        devices: processes that train together, each on its own device; "cpu" takes processes on the CPU.
        strategy: as Lightning names it: "auto", "ddp", "fsdp", ...
    """

    folder: Path
    device: str = "cpu"
    resume: bool = False
    tensorboard: bool = True
    watchers: Watchers = field(default_factory=Watchers)
    devices: int = 1
    strategy: str = "auto"


def fit_network(
    experiment: ExperimentSpec,
    training: Sequence[PreparedScan],
    validation: Sequence[PreparedScan],
    place: Workplace,
    start: tuple[nn.Module, LoadingRecord] | None = None,
) -> Fitted | None:
    """Fit a network on training scans, keep the epoch that is best on validation scans.

    Args:
        experiment: how.
        training: scans to learn from.
        validation: scans to choose the epoch by; never learnt from.
        place: where it runs and who is told.
        start: a network with weights already loaded, and their record; None draws weights from the seed.

    Returns:
        The fitted network and what came of it; None in a process that only helps another one.

    Raises:
        TrainingError: `E_TRAIN_CLASS`, `E_TRAIN_NAN`, `E_TRAIN_OUT`, `E_TRAIN_RESUME` or `E_DEVICE`.
        ModelError: `E_NETWORK_UNKNOWN` or `E_INPUT_SMALL`.
    """
    for scans, part in ((training, "training"), (validation, "validation")):
        check_classes(experiment, [(scan.patient_id, scan.label) for scan in scans], part)
    shape = training[0].view(0).shape  # (C, *spatial)
    check_input_size(experiment.network_spec, shape[1:])
    device = find_device(place.device)
    scans_digest = digest_scans(training, validation)
    resumed = _find_resumed(experiment, place, scans_digest)
    network = start[0] if start else build_network(experiment.network_spec, experiment.training.seed)
    own_batch = share_of_batch(experiment, place.devices)
    refuse_too_large(experiment, network, own_batch, shape, device)
    batch_shape = (own_batch, *shape)
    how = _computation(experiment, network, batch_shape, device, resumed)
    loaders = _loaders(experiment, training, validation)
    module = _module(experiment, lay_out(network, how, len(batch_shape)), training, validation, how, loaders[0], place)
    watch_suspects(loaders[0].batch_sampler, module, training)
    module.computation = {"precision": how.precision, "channels_last": how.channels_last, "speedup": how.speedup}
    module.scans_digest = scans_digest
    with quiet_lightning():
        trainer = _trainer(experiment, place, device, how)
        _run(trainer, module, loaders, place.folder / LAST if resumed else None)
    if not part_ways():
        return None
    return _collect(experiment, module, validation, place.folder, how, start[1] if start else None)


def share_of_batch(experiment: ExperimentSpec, devices: int) -> int:
    """Give the scans of a step that each process learns from.

    Args:
        experiment: names the whole batch.
        devices: processes of each machine.
    """
    return max(1, experiment.training.batch_size // (devices * count_machines()))


def refuse_too_large(
    experiment: ExperimentSpec, network: nn.Module, batch: int, shape: Sequence[int], device: torch.device
) -> None:
    """Refuse a training that cannot fit the memory, before it begins.

    Args:
        experiment: whether a second copy of the weights is kept.
        network: that will be trained.
        batch: scans of a step on one device.
        shape: (C, *spatial) of one of them.
        device: where.

    Raises:
        TrainingError: `E_TRAIN_MEMORY`, with the size that would fit.
    """
    averaged = experiment.training.average == "swa" or experiment.training.average_decay > 0
    check_memory(measure_need(network, shape, averaged=averaged), batch, shape, free_memory(device))


def check_classes(experiment: ExperimentSpec, scans: Iterable[tuple[str, int | None]], part: str) -> None:
    """Refuse a part in which a class has too few patients.

    Args:
        experiment: names the labels.
        scans: (patient, index of the label or None where it is ignored) of each scan of the part.
        part: its name, for the message.

    Raises:
        TrainingError: `E_TRAIN_CLASS`.
    """
    found: dict[int | None, set[str]] = {}
    for patient, label in scans:
        found.setdefault(label, set()).add(patient)
    for index, name in enumerate(experiment.labels.names):
        count = len(found.get(index, ()))
        if count < FEWEST:
            told = f"each label must have at least {FEWEST} patients in {part}, got {count} for {name!r}"
            raise TrainingError("E_TRAIN_CLASS", told)


def _find_resumed(experiment: ExperimentSpec, place: Workplace, scans_digest: str) -> dict[str, Any] | None:
    """Find the checkpoint to go on from, or make sure that there is none in the way."""
    last = place.folder / LAST
    if place.resume:
        return read_checkpoint(last, experiment, scans_digest) if last.exists() else None
    if last.exists():
        raise TrainingError("E_TRAIN_OUT", "the output folder must be free, got one with checkpoints")
    return None


def _computation(
    experiment: ExperimentSpec,
    network: nn.Module,
    shape: tuple[int, ...],
    device: torch.device,
    resumed: dict[str, Any] | None,
) -> Computation:
    """Measure and choose; a resumed training computes as it began."""
    if resumed is not None:
        return Computation(**resumed["computation"])
    return choose_computation(experiment.training.precision, network, shape, device)


def _loaders(
    experiment: ExperimentSpec, training: Sequence[PreparedScan], validation: Sequence[PreparedScan]
) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Build the loaders; scans lie ready, so that no worker is needed."""
    ordered = OrderedBatches([scan.views for scan in validation], experiment.training.batch_size)
    return (
        DataLoader(ScanDataset(training), batch_sampler=draw_batches(experiment, training)),
        DataLoader(ScanDataset(validation), batch_sampler=ordered),
    )


def draw_batches(experiment: ExperimentSpec, training: Sequence[PreparedScan]) -> EpochBatches | PatchBatches:
    """Draw scans and views, or with `training.instances` the patches that are worth learning from.

    Args:
        experiment: how.
        training: scans to learn from.

    Returns:
        The batches of one epoch after another.
    """
    spec, views = experiment.training, experiment.preprocessing.views
    if spec.instances is not None:
        return PatchBatches(
            training,
            spec.instances,
            positive=experiment.labels.names.index(experiment.labels.positive),
            overlap=getattr(views, "overlap", 0.0),
            batch_size=spec.batch_size,
            seed=spec.seed,
        )
    return EpochBatches(
        [scan.label for scan in training],
        [scan.views for scan in training],
        batch_size=spec.batch_size,
        views_per_scan=spec.views_per_scan,
        balanced=spec.balance == "sampling",
        together=experiment.network_spec.attention > 0,
        seed=spec.seed,
    )


def _module(
    experiment: ExperimentSpec,
    network: nn.Module,
    training: Sequence[PreparedScan],
    validation: Sequence[PreparedScan],
    how: Computation,
    loader: DataLoader[Any],
    place: Workplace,
) -> ClassifierModule:
    """Put network, facts and watchers together."""
    counts = np.bincount([scan.label for scan in training], minlength=len(experiment.labels.names))
    counts = getattr(loader.batch_sampler, "label_counts", counts)  # of patches, where these have their own labels
    facts = Facts(
        label_counts=tuple(map(int, counts)),
        train_rows=tuple(scan.number for scan in training),
        validation_labels=tuple(scan.label for scan in validation),
        positive=experiment.labels.names.index(experiment.labels.positive),
        stages=find_entry(experiment.network.name).stages,
        channels_last=how.channels_last,
        validation_patients=tuple(scan.patient_id for scan in validation),
    )
    steps = experiment.training.epochs * math.ceil(len(loader) / experiment.training.accumulate)
    return ClassifierModule(network, experiment, facts, steps=steps, watchers=place.watchers)


def _trainer(experiment: ExperimentSpec, place: Workplace, device: torch.device, how: Computation) -> lightning.Trainer:
    """Set Lightning up, without its own talk."""
    spec = experiment.training
    callbacks: list[Callback] = [*checkpoint_callbacks(place.folder)]
    if spec.patience:
        callbacks.append(EarlyStopping("rank", mode="max", patience=spec.patience))
    return lightning.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=[device.index or 0] if device.type == "cuda" and place.devices == 1 else place.devices,
        strategy=_strategy(experiment, place),
        num_nodes=count_machines(),
        precision=how.lightning_name,  # type: ignore[arg-type]
        max_epochs=spec.epochs,
        gradient_clip_val=spec.clip_norm or None,
        gradient_clip_algorithm=spec.clip_by,
        accumulate_grad_batches=spec.accumulate,
        callbacks=callbacks,
        plugins=[AtomicCheckpoints()],
        logger=find_loggers(experiment, place) if place.tensorboard else False,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def _strategy(experiment: ExperimentSpec, place: Workplace) -> Any:
    """Name the strategy; stages that stand still at first leave gradients out, which DDP must know."""
    staged = bool(experiment.training.frozen_epochs or experiment.training.unfreeze_every)
    if place.strategy in ("auto", "ddp") and place.devices * count_machines() > 1:
        return DDPStrategy(find_unused_parameters=staged)
    return place.strategy


def find_loggers(experiment: ExperimentSpec, place: Workplace) -> list[Any]:
    """Give TensorBoard's logger, and MLflow's where that is installed.

    Args:
        experiment: that is trained.
        place: where their files go.

    Returns:
        Loggers for Lightning's Trainer.
    """
    board = TensorBoardLogger(place.folder, name=None, version="tensorboard")
    mlflow = find_mlflow(place.folder, experiment, resume=place.resume)
    return [board] if mlflow is None else [board, mlflow]


def _run(trainer: lightning.Trainer, module: ClassifierModule, loaders: Sequence[Any], resumed: Path | None) -> None:
    """Fit; a resumed training that had already ended is left as it is."""
    on_interrupt = signal.getsignal(signal.SIGINT)
    with kept_memory() if trainer.strategy.root_device.type == "cpu" else contextlib.nullcontext():
        try:
            trainer.fit(module, loaders[0], loaders[1], ckpt_path=resumed, weights_only=True)
        except StoreError as fault:  # of a checkpoint
            raise StoreError(fault.code, fault.what, "free space, then go on with --resume") from None
        except SystemExit as end:
            if end.code != 1:
                raise  # ended by another signal
            signal.signal(signal.SIGINT, on_interrupt)  # Lightning makes an exit of Ctrl-C and is deaf to the next one
            raise KeyboardInterrupt from None
        except RuntimeError as fault:
            if not is_torn(fault):
                raise
            done = len(module.history)
            told = f"every process must train to the end, got one that left after {done} finished epochs"
            raise TrainingError("E_TRAIN_PROCESS", told) from None


def _collect(
    experiment: ExperimentSpec,
    module: ClassifierModule,
    validation: Sequence[PreparedScan],
    folder: Path,
    how: Computation,
    loading: LoadingRecord | None,
) -> Fitted:
    """Take the best epoch's weights and score the validation scans with them, in fp32 as the finished model will."""
    best = read_checkpoint(folder / BEST, experiment)
    module.load_state_dict(best["state_dict"])
    network = module.judged.cpu().float().to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    found = []
    with torch.no_grad():
        for places in in_order([scan.views for scan in validation], experiment.training.batch_size):
            x = torch.stack([validation[scan].view(view) for scan, view in places])
            shown = run_variants(partial(ask_network, network), x, experiment.test_time)
            found.append((as_table(shown), torch.tensor([scan for scan, _ in places])))
    logits = group_logits(found)
    history = tuple(module.history)
    in_order_of_scans = tuple(logits[n] for n in sorted(logits))
    return Fitted(network, history, int(best["epoch"]) + 1, in_order_of_scans, how, loading, module.before)


@contextlib.contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning's log lines and warnings away while the block runs."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
