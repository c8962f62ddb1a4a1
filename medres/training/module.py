"""Network + TrainingSpec -> LightningModule: one step, one validation, the averaged weights, the history.

Knows tensors and labels; knows neither files nor manifests. Whatever is random follows from (seed, epoch, batch), so a
resumed training goes on to the same weights.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from medres.errors import TrainingError
from medres.evaluation.clustered import auroc_clustered, is_clustered
from medres.evaluation.discrimination import auroc
from medres.evaluation.estimate import Estimate
from medres.models.attention import ask_network, pool_bags
from medres.models.probability import combine_views
from medres.training.augmentation import augment, mix
from medres.training.augmentation.units import units_of
from medres.training.averaging import decay_at, epochs_averaged, move_towards
from medres.training.finetuning import parameter_groups, rate_factor, release
from medres.training.losses import class_weights, classification_loss
from medres.training.processes import agree_on_buffers, gather, is_sharded, mean_share, my_place
from medres.training.sampling import mix_seeds
from medres.training.spec import ExperimentSpec
from medres.training.waiting import Waiting

Batch = tuple[Tensor, Tensor, Tensor]  # (B, C, *spatial), labels (B,), scans (B,)
NAMED_ROWS = 8  # rows spelt out where a batch gave NaN
LOGGED = ("train_loss", "validation_loss", "validation_auroc", "learning_rate", "gradient_norm")
RANK_SEED = 1000  # added to the rank of a process, so that no other number of a seed is met
LOSS_SHARE = 1e-4  # weight of the loss where two epochs have the same AUROC


@dataclass(frozen=True)
class Watchers:
    """Who is told of progress.

    Attributes:
        on_batch: called with (step, steps of the whole training, loss).
        on_epoch: called with the epoch's row of the history.
    """

    on_batch: Callable[[int, int, float], None] | None = None
    on_epoch: Callable[[dict[str, float]], None] | None = None


@dataclass(frozen=True)
class Facts:
    """What the module must know of the data.

    Attributes:
        label_counts: (L,), training scans of each label.
        train_rows: row number of each training scan.
        validation_labels: label of each validation scan.
        positive: index of the positive label.
        stages: names of the network's stages from stem to head.
        channels_last: whether tensors lie channels-last in memory.
        validation_patients: patient of each validation scan; () takes scans as independent.
    """

    label_counts: tuple[int, ...]
    train_rows: tuple[int, ...]
    validation_labels: tuple[int, ...]
    positive: int
    stages: tuple[str, ...]
    channels_last: bool = False
    validation_patients: tuple[str, ...] = ()


class ClassifierModule(lightning.LightningModule):
    """Fits one network.

    Args:
        network: logits from `forward`.
        experiment: how.
        facts: of the data.
        steps: optimiser steps of the whole training.
        watchers: who is told of progress.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        network: nn.Module,
        experiment: ExperimentSpec,
        facts: Facts,
        *,
        steps: int,
        watchers: Watchers = Watchers(),
    ) -> None:
        super().__init__()
        self.network = network
        self.spec, self.experiment, self.facts, self.steps = experiment.training, experiment, facts, steps
        is_averaged = self.spec.average == "swa" or self.spec.average_decay
        self.averaged = copy.deepcopy(network).requires_grad_(False) if is_averaged else None
        self.history: list[dict[str, float]] = []
        self.computation: dict[str, Any] = {}  # as `precision.Computation`; a resumed training computes as it began
        self.scans_digest = ""  # of training and validation scans; a resumed training goes on with the same ones
        self.before = (0.0, 0.0)  # seconds by the clock and of the processor, of calls that were cut off
        self._began, self._busy = time.monotonic(), time.process_time()
        self._watchers = watchers
        self._units, self._is_mr = units_of(experiment.preprocessing), experiment.preprocessing.modality == "MR"
        self._is_mixed = bool(experiment.augmentation.mixup or experiment.augmentation.cutmix)
        self._losses: list[float] = []
        self._norms: list[float] = []
        self._found: list[tuple[Tensor, Tensor]] = []
        self._started, self._scans = 0.0, torch.empty(0)
        self._stepped = -1  # the last step whose weights were averaged
        self._waiting = Waiting()
        self.register_buffer("class_weights", class_weights(facts.label_counts, self.spec.balance), persistent=False)

    @property
    def judged(self) -> nn.Module:
        """The network that is validated and kept."""
        return self.network if self.averaged is None else self.averaged

    def forward(self, x: Tensor) -> Tensor:
        """Give logits of the network that is kept, and with attention the views' scores as a last column."""
        return as_table(ask_network(self.judged, self._laid_out(x)))

    def configure_optimizers(self) -> Any:
        """AdamW with a rate for each group, warm-up and cosine."""
        optimiser = torch.optim.AdamW(parameter_groups(self.network, self.facts.stages, self.spec))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: rate_factor(step, self.steps, self.spec.warmup)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        """Release the groups that learn in this epoch."""
        self._started, self._losses, self._norms = time.monotonic(), [], []
        self.network.train()
        release(self.network, self.facts.stages, self.current_epoch, self.spec)
        self._waiting.start()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Note that the network has its batch."""
        self._waiting.fetched()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Vary a batch, compute its loss."""
        x, labels, scans = batch
        seeds = Generator().manual_seed(self._draw_seed(batch_idx))
        # fp32: a sampling grid in bf16 would be off by voxels
        with self._waiting.varied(), torch.autocast(x.device.type, enabled=False):
            x = augment(x, self.experiment.augmentation, seeds, self._units, is_mr=self._is_mr)
            x, shares = mix(x, labels, len(self.experiment.labels.names), self.experiment.augmentation, seeds)
            x = self._laid_out(x)
        with torch.random.fork_rng(devices=[]):  # dropout
            torch.manual_seed(self._draw_seed(batch_idx, 1))
            outputs = ask_network(self.network, x)
        self._scans = scans
        loss = self._loss(outputs, shares if self._is_mixed else labels, scans)
        if not torch.isfinite(loss) and my_place()[1] == 1:  # of several processes all meet it in the gradient
            self._refuse("loss")
        self._losses.append(float(loss.detach()))
        return loss

    def _draw_seed(self, batch_idx: int, *what: int) -> int:
        """Give the seed of a batch, another one in each process."""
        rank, _ = my_place()
        own = (RANK_SEED + rank,) if rank else ()
        return mix_seeds(self.spec.seed, self.current_epoch, batch_idx, *what, *own)

    def _loss(self, outputs: Mapping[str, Tensor], targets: Tensor, scans: Tensor) -> Tensor:
        """Compute the loss of this process's part so that the mean over processes is that of the whole batch."""
        logits = outputs["logits"].float()
        if "attention" in outputs:
            logits, first = pool_bags(logits, outputs["attention"].float(), scans)
            targets = targets[first]
        about = {"smoothing": self.spec.label_smoothing, "gamma": self.spec.focal_gamma}
        total, divisor = classification_loss(logits, targets, self.class_weights, **about)
        return total / mean_share(divisor)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Refuse gradients that are not finite before they reach the weights."""
        norms = [p.grad.norm() for p in self.network.parameters() if p.grad is not None]
        whole = torch.stack(norms).square().sum().sqrt()
        if not torch.isfinite(whole):
            self._refuse("gradient")
        self._norms.append(float(whole))

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Move the averaged weights; report."""
        self._average()
        if self._watchers.on_batch is not None:
            self._watchers.on_batch(self.global_step, self.steps, self._losses[-1])
        self._waiting.learnt()

    def on_validation_epoch_start(self) -> None:
        """Forget the last validation."""
        self._found = []
        self._average_epochs()
        agree_on_buffers(self.judged)
        self.judged.eval()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep logits by scan."""
        x, _, scans = batch
        self._found.append((self(x).float().cpu(), scans.cpu()))

    def on_validation_epoch_end(self) -> None:
        """Measure loss and AUROC over validation scans, and log what decides about checkpoints."""
        loader: Any = self.trainer.val_dataloaders
        parted = is_sharded(len(loader.batch_sampler.batches))
        by_scan = group_logits(gather(self._found) if parted else self._found)
        self._refuse_judging(by_scan)
        loss, area = self._judge(by_scan)
        row = {
            "epoch": float(self.current_epoch + 1),
            "train_loss": float(np.mean(gather(self._losses))),
            "validation_loss": loss,
            "validation_auroc": 0.5 if area.value is None else area.value,
            "validation_auroc_lower": _number(area.lower),
            "validation_auroc_upper": _number(area.upper),
            "gradient_norm": float(np.mean(self._norms)) if self._norms else float("nan"),
            "learning_rate": float(self.trainer.optimizers[0].param_groups[0]["lr"]),
            "seconds": time.monotonic() - self._started,
            "training_seconds": self._waiting.seconds,
            "waiting_share": self._waiting.share,
        }
        self.log_dict({**{name: row[name] for name in LOGGED}, "rank": row["validation_auroc"] - LOSS_SHARE * loss})
        self.history.append(row)
        if self._watchers.on_epoch is not None:
            self._watchers.on_epoch(row)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history and what the training belongs to."""
        checkpoint["history"] = copy.deepcopy(self.history)
        checkpoint["experiment_digest"] = self.experiment.digest
        checkpoint["computation"] = dict(self.computation)
        checkpoint["scans_digest"] = self.scans_digest
        own = (time.monotonic() - self._began, time.process_time() - self._busy)
        checkpoint["spent"] = [earlier + seconds for earlier, seconds in zip(self.before, own, strict=True)]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the history back, and what it took."""
        self.history = copy.deepcopy(checkpoint["history"])
        clock, processor = checkpoint.get("spent", self.before)  # older ones did not keep it
        self.before = (clock, processor)

    def _judge(self, by_scan: Mapping[int, NDArray[np.float64]]) -> tuple[float, Estimate]:
        """Give loss and AUROC of the positive label over validation scans, its interval by patient."""
        truth = np.array([self.facts.validation_labels[scan] for scan in by_scan])
        found = np.stack([scan_scores(logits, self.experiment) for logits in by_scan.values()])  # (N, L)
        loss = float(-np.log(np.clip(found[np.arange(len(truth)), truth], 1e-7, 1.0)).mean())
        labels, score = (truth == self.facts.positive).astype(int), found[:, self.facts.positive]
        patients = (
            [self.facts.validation_patients[scan] for scan in by_scan] if self.facts.validation_patients else None
        )
        if is_clustered(patients):
            return loss, auroc_clustered(labels, score, np.asarray(patients))
        return loss, auroc(labels, score)

    def _refuse(self, what: str) -> None:
        """Stop with the rows of the batch."""
        rows = sorted({self.facts.train_rows[scan] for scan in gather(list(map(int, self._scans)))})
        named = ", ".join(map(str, rows[:NAMED_ROWS])) + (" ..." if len(rows) > NAMED_ROWS else "")
        self._stop(f"the {what} must be finite, got another in epoch {self.current_epoch + 1} for rows {named}")

    def _refuse_judging(self, by_scan: Mapping[int, NDArray[np.float64]]) -> None:
        """Stop where steps that were still finite have led to weights that give no number."""
        bad = sum(not np.isfinite(logits).all() for logits in by_scan.values())
        if bad:
            whole = f"in epoch {self.current_epoch + 1} for {bad} of {len(by_scan)} validation scans"
            self._stop(f"the logits must be finite, got others {whole}", "lower the learning rate")

    def _stop(self, told: str, cure: str | None = None) -> None:
        """Stop; the checkpoints of finished epochs stay."""
        kept = f"; the best weights of {len(self.history)} epochs are kept in run/best.ckpt" if self.history else ""
        raise TrainingError("E_TRAIN_NAN", told + kept, cure)

    def _average(self) -> None:
        """Move the running average a little towards the network after each step."""
        if self.averaged is None or self.spec.average != "ema" or self.global_step == self._stepped:
            return
        self._stepped = self.global_step
        move_towards(self.averaged, self.network, 1.0 - decay_at(self.global_step, self.spec.average_decay))

    def _average_epochs(self) -> None:
        """Take this epoch into the mean of the last ones."""
        if self.averaged is not None and self.spec.average == "swa":
            held = epochs_averaged(self.current_epoch, self.spec.epochs, self.spec.average_start)
            move_towards(self.averaged, self.network, 1.0 / (max(held, 0) + 1))

    def _laid_out(self, x: Tensor) -> Tensor:
        """Lay a batch channels-last in memory where that is faster."""
        if not self.facts.channels_last:
            return x
        return x.contiguous(memory_format=torch.channels_last_3d if x.ndim == 5 else torch.channels_last)


def group_logits(found: Sequence[tuple[Tensor, Tensor]]) -> dict[int, NDArray[np.float64]]:
    """Gather the logits of each scan's views.

    Args:
        found: batches of (logits (B, L), scans (B,)).

    Returns:
        Scan -> (V, L), or (V, L + 1) with the views' attention scores last; scans in rising order.
    """
    logits = torch.cat([part for part, _ in found]).double().numpy()
    scans = torch.cat([part for _, part in found]).numpy()
    return {int(scan): logits[scans == scan] for scan in np.unique(scans)}


def scan_scores(
    logits: NDArray[np.float64], experiment: ExperimentSpec, temperature: float = 1.0
) -> NDArray[np.float64]:
    """Make one probability for each label of one scan, as the finished model will.

    Args:
        logits: (V, L), or (V, L + 1) with the views' attention scores last.
        experiment: says how views become one.
        temperature: logits are divided by it.

    Returns:
        (L,), in [0, 1].
    """
    views = experiment.preprocessing.views
    rule = "mean" if views.kind == "whole" else views.aggregate
    positive = experiment.labels.names.index(experiment.labels.positive)
    count = len(experiment.labels.names)
    return combine_views(logits[:, :count], rule, positive, temperature, logits[:, -1])


def as_table(outputs: Mapping[str, Tensor]) -> Tensor:
    """Put logits and, if any, attention scores side by side.

    Args:
        outputs: of `ask_network`.

    Returns:
        (B, L), or (B, L + 1).
    """
    logits = outputs["logits"]
    return torch.cat([logits, outputs["attention"][:, None]], dim=1) if "attention" in outputs else logits


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
