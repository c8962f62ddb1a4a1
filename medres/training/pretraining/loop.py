"""Prepared scans + network + PretrainingSpec -> a backbone that has learnt to know each scan again in any variant.

Goes on after a kill to the same weights: order, variants and rate follow from seed, epoch and batch alone. Knows
neither manifest nor the files that come out (`record.py` writes them).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from medres.errors import TrainingError
from medres.preprocessing.spec import PreprocessingSpec
from medres.training.augmentation import Units, augment
from medres.training.augmentation.units import units_of
from medres.training.checkpoint import read_state, write_state
from medres.training.finetuning import rate_factor
from medres.training.precision import Computation, choose_computation, find_device, lay_out
from medres.training.prepared import PreparedScan
from medres.training.pretraining.siamese import Siamese, build_siamese, likeness_loss, spread_of
from medres.training.pretraining.spec import PretrainingSpec
from medres.training.sampling import EpochBatches, mix_seeds

STATE = "last.ckpt"
MOMENTUM = 0.9
PAPER_BATCH = 256  # the paper's rate is for this batch
COLLAPSED = 0.05  # spread of projections below which all scans have become one point
PATIENCE = 3  # epochs in a row
Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, eq=False)
class Pretrained:
    """What pretraining leaves.

    Attributes:
        network: backbone with its weights and an unused head, eval mode, fp32, CPU.
        history: one row for each epoch: epoch, loss, spread, learning_rate, seconds.
        computation: how it was computed.
    """

    network: nn.Module
    history: tuple[dict[str, float], ...]
    computation: Computation


@dataclass(frozen=True)
class Watch:
    """Where it runs and who is told.

    Attributes:
        folder: for the state to go on from.
        identity: digest of all that decides the result; another state is refused.
        device: "cpu", "cuda" or "cuda:0".
        resume: go on after a kill.
        precision: "auto", "fp32" or "bf16".
        on_step: called with (step, steps, loss).
        on_epoch: called with the row of each epoch.
    """

    folder: Path
    identity: str
    device: str = "cpu"
    resume: bool = False
    precision: str = "auto"
    on_step: Progress | None = None
    on_epoch: Callable[[dict[str, float]], None] | None = None


def pretrain(
    network: nn.Module,
    scans: Sequence[PreparedScan],
    shown: PreprocessingSpec,
    spec: PretrainingSpec,
    watch: Watch,
) -> Pretrained:
    """Let a network learn from scans without looking at their labels.

    Args:
        network: of `build_network`.
        scans: to learn from.
        shown: what the network is shown: decides units and whether MR's artefacts may be drawn.
        spec: how.
        watch: where it runs and who is told.

    Returns:
        The backbone and what came of it.

    Raises:
        TrainingError: E_TRAIN_CLASS for too few scans, E_TRAIN_NAN, E_TRAIN_COLLAPSE, E_TRAIN_OUT, E_TRAIN_RESUME.
    """
    if len(scans) < 2 * spec.batch_size:
        told = f"pretraining needs at least two batches of scans ({2 * spec.batch_size}), got {len(scans)}"
        raise TrainingError("E_TRAIN_CLASS", told, "add scans or lower pretraining.batch_size")
    device = find_device(watch.device)
    state = _find_state(watch)
    sample = scans[0].view(0)[None]  # (1, C, *spatial)
    how = Computation(**state["computation"]) if state else _computation(network, sample, spec, watch, device)
    pair = build_siamese(network, sample, spec.width, spec.bottleneck, spec.seed)
    pair = lay_out(pair, how, sample.ndim).to(device)  # type: ignore[assignment]
    run = _Run(pair, scans, spec, watch, how, device, units_of(shown), shown.modality == "MR")
    run.go_on(state)
    while run.epoch < spec.epochs:
        run.learn_epoch()
    backbone = pair.backbone.cpu().float().to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    return Pretrained(backbone, tuple(run.history), how)


def _find_state(watch: Watch) -> dict[str, Any] | None:
    """Find the state to go on from, or make sure that there is none in the way."""
    path = watch.folder / STATE
    if not path.exists():
        return None
    if not watch.resume:
        raise TrainingError("E_TRAIN_OUT", "the output folder must be free, got one with a pretraining")
    return read_state(path, watch.identity)


def _computation(
    network: nn.Module, sample: Tensor, spec: PretrainingSpec, watch: Watch, device: torch.device
) -> Computation:
    return choose_computation(watch.precision, network, (spec.batch_size, *sample.shape[1:]), device)


class _Run:
    """A pretraining on its way: pair, optimiser, epoch and history."""

    def __init__(
        self,
        pair: Siamese,
        scans: Sequence[PreparedScan],
        spec: PretrainingSpec,
        watch: Watch,
        how: Computation,
        device: torch.device,
        units: Units,
        is_mr: bool,
    ) -> None:
        self.pair, self.scans, self.spec, self.watch, self.how, self.device = pair, scans, spec, watch, how, device
        self.units, self.is_mr = units, is_mr
        self.batches = EpochBatches(
            [0] * len(scans),
            [scan.views for scan in scans],
            batch_size=spec.batch_size,
            views_per_scan=spec.views_per_scan,
            seed=spec.seed,
        )
        self.steps = spec.epochs * len(self.batches)
        self.optimiser = torch.optim.SGD(_groups(pair, spec.weight_decay), lr=self.top_rate, momentum=MOMENTUM)
        self.epoch = 0
        self.history: list[dict[str, float]] = []

    @property
    def top_rate(self) -> float:
        """The highest rate, for this batch."""
        return self.spec.learning_rate * self.spec.batch_size / PAPER_BATCH

    def go_on(self, state: dict[str, Any] | None) -> None:
        """Take up where a state left off."""
        if state is not None:
            self.pair.load_state_dict(state["pair"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.epoch, self.history = int(state["epoch"]), list(state["history"])

    def learn_epoch(self) -> None:
        """Pass over all scans once, judge, write the state down."""
        started, losses, spreads = time.monotonic(), [], []
        self.batches.set_epoch(self.epoch)
        self.pair.train()
        for number, places in enumerate(self.batches):
            batch = torch.stack([self.scans[scan].view(view) for scan, view in places]).to(self.device)
            loss, spread = self._step(batch, number)
            losses.append(loss)
            spreads.append(spread)
        self.epoch += 1
        row = {
            "epoch": float(self.epoch),
            "loss": sum(losses) / len(losses),
            "spread": sum(spreads) / len(spreads),
            "learning_rate": float(self.optimiser.param_groups[0]["lr"]),
            "seconds": round(time.monotonic() - started, 2),
        }
        self.history.append(row)
        self._refuse_collapse()
        self._write()
        if self.watch.on_epoch is not None:
            self.watch.on_epoch(row)

    def _step(self, batch: Tensor, number: int) -> tuple[float, float]:
        """Learn from one batch: two variants of each scan, each to be known from the other."""
        step = self.epoch * len(self.batches) + number
        for group in self.optimiser.param_groups:
            group["lr"] = self.top_rate * rate_factor(step, self.steps, self.spec.warmup)
        seeds = Generator().manual_seed(mix_seeds(self.spec.seed, self.epoch, number))
        first, second = (self._laid_out(self._vary(batch, seeds)) for _ in range(2))
        enabled = self.how.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=enabled):
            seen = self.pair(first), self.pair(second)
        loss = likeness_loss(*((z.float(), p.float()) for z, p in seen))
        if not torch.isfinite(loss):
            told = f"the loss must be finite, got another in epoch {self.epoch + 1}"
            raise TrainingError("E_TRAIN_NAN", told, "lower pretraining.learning_rate; the last epoch's state is kept")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        value = float(loss.detach())
        if self.watch.on_step is not None:
            self.watch.on_step(step + 1, self.steps, value)
        return value, spread_of(seen[0][0])

    def _vary(self, batch: Tensor, seeds: Generator) -> Tensor:
        return augment(batch, self.spec.augmentation, seeds, self.units, is_mr=self.is_mr)

    def _laid_out(self, x: Tensor) -> Tensor:
        if not self.how.channels_last:
            return x
        return x.contiguous(memory_format=torch.channels_last_3d if x.ndim == 5 else torch.channels_last)

    def _refuse_collapse(self) -> None:
        """Stop where all scans have become one point: nothing more would be learnt."""
        last = [row["spread"] for row in self.history[-PATIENCE:]]
        if len(last) == PATIENCE and max(last) < COLLAPSED:
            told = f"embeddings of different scans must lie apart (spread from {COLLAPSED}), got {last[-1]:.3f}"
            cure = "lower pretraining.learning_rate, strengthen pretraining.augmentation or enlarge the batch"
            raise TrainingError("E_TRAIN_COLLAPSE", told, cure)

    def _write(self) -> None:
        how = {"precision": self.how.precision, "channels_last": self.how.channels_last, "speedup": self.how.speedup}
        state = {
            "experiment_digest": self.watch.identity,
            "computation": how,
            "pair": self.pair.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "epoch": self.epoch,
            "history": self.history,
        }
        write_state(self.watch.folder / STATE, state)


def _groups(pair: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Keep norms and biases out of weight decay."""
    named = [parameter for parameter in pair.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in named if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in named if p.ndim <= 1], "weight_decay": 0.0},
    ]
