"""Prepared scans + how suspicious each of their patches is -> the patches of an epoch, each with its own label.

Knows no loss and no file. From scan labels alone the most suspicious patches of a scan stand for it; where points or
masks are known, patches are cut around lesions and elsewhere, at any place of the grid.

Source: Campanella et al., Clinical-grade computational pathology using weakly supervised deep learning, Nature Medicine
2019 (doi:10.1038/s41591-019-0508-1): the top-k patches of each scan, chosen anew in each epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn
from torch.utils.data import Sampler

from medres.preprocessing.model_input import View
from medres.preprocessing.views import lay_box
from medres.training.instances import InstanceSpec
from medres.training.lesions import Lesion, held_by_patch
from medres.training.prepared import Cut, PreparedScan
from medres.training.processes import agree_on_buffers, my_place

SCORED_AT_ONCE = 32  # patches
SMOOTH_VOXELS = 1.0  # before the brightest voxel is looked for: a single one is noise
TRIES = 40  # places looked at before a patch elsewhere, or one that holds a lesion, is given up
Suspicion = Callable[[], Sequence[NDArray[np.float64]]]  # (V,) for each scan, higher is more suspicious


class PatchBatches(Sampler[list[Cut]]):
    """The patches of one epoch after another, in batches of nearly equal size.

    Args:
        scans: to learn from, seen in patches.
        spec: which patches.
        positive: index of the positive label; the other one of the two is that of every patch without a lesion.
        overlap: of the sliding patches; a lesion counts in the part of a patch that no neighbour repeats, so that it
            counts somewhere wherever it lies.
        batch_size: patches of a batch, about; 2 at least.
        seed: of all epochs.

    Attributes:
        suspicion: gives the scores of every sliding patch, asked at the start of each epoch but the first ones; None
            goes on as in these.
        label_counts: (2,), patches of each label in an epoch.
    """

    def __init__(
        self,
        scans: Sequence[PreparedScan],
        spec: InstanceSpec,
        *,
        positive: int,
        overlap: float,
        batch_size: int,
        seed: int = 0,
    ) -> None:
        self.suspicion: Suspicion | None = None
        self._scans, self._spec, self._positive, self._inner = tuple(scans), spec, positive, 1.0 - overlap
        self._batch_size, self._seed, self._epoch = batch_size, seed, 0
        self._free = [self._free_views(scan) if spec.supervision != "scan" else None for scan in self._scans]
        self.label_counts = self._count()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next; Lightning calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        total = sum(self.label_counts)
        return max(1, min(round(total / self._batch_size), total // 2))

    def __iter__(self) -> Iterator[list[Cut]]:
        random = np.random.default_rng([self._seed, self._epoch])
        scores = self._scores(random)
        cuts = [cut for number in range(len(self._scans)) for cut in self._of_scan(number, scores[number], random)]
        order = random.permutation(len(cuts))
        rank, count = my_place()
        for part in np.array_split(order, len(self)):
            yield [cuts[index] for index in part[rank::count]]

    def _scores(self, random: np.random.Generator) -> Sequence[NDArray[np.float64]]:
        """Ask how suspicious patches are; in the first epochs, before anything is learnt, by what the spec says."""
        if self.suspicion is not None and self._spec.top and self._epoch >= self._spec.first_epochs:
            return self.suspicion()
        if self._spec.first == "random" or not self._spec.top:
            return self._any_order(random)
        return [find_extremes(scan, dark=self._spec.first == "dark") for scan in self._scans]

    def _any_order(self, random: np.random.Generator) -> list[NDArray[np.float64]]:
        return [random.random(scan.views) for scan in self._scans]

    def _count(self) -> tuple[int, int]:
        """Count the patches of each label that an epoch has."""
        random, counts = np.random.default_rng(self._seed), [0, 0]
        for number, scores in enumerate(self._any_order(random)):
            for cut in self._of_scan(number, scores, random):
                counts[cut.label] += 1
        return counts[0], counts[1]

    def _of_scan(self, number: int, scores: NDArray[np.float64], random: np.random.Generator) -> list[Cut]:
        """Choose the patches of one scan."""
        if self._spec.supervision == "scan":
            return self._by_scan_label(number, scores, random)
        return self._by_lesions(number, scores, random)

    def _by_scan_label(self, number: int, scores: NDArray[np.float64], random: np.random.Generator) -> list[Cut]:
        """Take the most suspicious patches, and of a negative scan some others too; all with the scan's label."""
        scan = self._scans[number]
        order = np.argsort(-scores, kind="stable")
        chosen = list(order[: self._spec.top])
        rest = order[self._spec.top :]
        if scan.label != self._positive and len(rest):
            chosen += list(random.choice(rest, size=min(self._spec.drawn, len(rest)), replace=False))
        return [Cut(number, scan.boxes[view].start, scan.label) for view in chosen]

    def _by_lesions(self, number: int, scores: NDArray[np.float64], random: np.random.Generator) -> list[Cut]:
        """Cut half of the patches around lesions and half elsewhere; add the most suspicious without a lesion."""
        scan, negative = self._scans[number], 1 - self._positive
        around = self._spec.drawn // 2 if scan.lesions else 0
        cuts = [Cut(number, self._around(scan, random), scan.label) for _ in range(around)]
        free = self._free[number]
        assert free is not None  # made for every scan with points or masks
        if not len(free):
            return cuts
        for _ in range(self._spec.drawn - around):
            cuts.append(Cut(number, self._elsewhere(scan, free, random), negative))
        suspects = free[np.argsort(-scores[free], kind="stable")][: self._spec.top]
        return cuts + [Cut(number, scan.boxes[view].start, negative) for view in suspects]

    def _free_views(self, scan: PreparedScan) -> NDArray[np.int_]:
        """List the sliding patches that hold nothing of any lesion."""
        shape = scan.shape
        held = [held_by_patch(scan.lesions, box, shape, self._inner) for box in scan.boxes]
        return np.flatnonzero([one == "nothing" for one in held])

    def _around(self, scan: PreparedScan, random: np.random.Generator) -> tuple[int, int, int]:
        """Cut a patch whose inner part holds a lesion, jittered; about the lesion's middle where none is found."""
        shape, size = scan.shape, scan.boxes[0].size
        lesion = scan.lesions[random.integers(len(scan.lesions))]
        for _ in range(TRIES):
            start = _start_near(_any_cell(lesion, random), size, shape, self._inner, random)
            if lesion.held_by(View(start, size), shape, self._inner) == "lesion":
                return start
        return _start_near(lesion.cells.mean(axis=0), size, shape, 0.0, random)

    def _elsewhere(
        self, scan: PreparedScan, free: NDArray[np.int_], random: np.random.Generator
    ) -> tuple[int, int, int]:
        """Cut a patch that holds nothing of any lesion, anywhere; one of the lattice where none is found."""
        shape, size = scan.shape, scan.boxes[0].size
        for _ in range(TRIES):
            i, j, k = (int(random.integers(n - s + 1)) for n, s in zip(shape, size, strict=True))
            if held_by_patch(scan.lesions, View((i, j, k), size), shape, self._inner) == "nothing":
                return i, j, k
        box: View = scan.boxes[int(random.choice(free))]
        return box.start


def _any_cell(lesion: Lesion, random: np.random.Generator) -> NDArray[np.float64]:
    cell: NDArray[np.float64] = lesion.cells[random.integers(len(lesion.cells))]
    return cell


def _start_near(
    place: NDArray[np.float64],
    size: tuple[int, int, int],
    shape: tuple[int, int, int],
    inner: float,
    random: np.random.Generator,
) -> tuple[int, int, int]:
    """Lay a patch so that a place falls anywhere into its inner part; move it inside the grid where it reaches out."""
    return lay_box(place - np.array(size) * inner * random.uniform(-0.5, 0.5, 3), size, shape).start


def find_extremes(scan: PreparedScan, *, dark: bool = False) -> NDArray[np.float64]:
    """Score each sliding patch by its brightest (darkest) smoothed voxel.

    Args:
        scan: seen in patches; its first channel counts.
        dark: the darkest instead.

    Returns:
        (V,), higher is more suspicious.
    """
    patches = scan.tensor[:, 0].numpy() * (-1.0 if dark else 1.0)  # (V, i, j, k)
    smooth = ndimage.gaussian_filter(patches, (0.0, *[SMOOTH_VOXELS] * 3), mode="nearest")
    return np.asarray(smooth.max(axis=(1, 2, 3)), float)


def score_patches(
    network: nn.Module,
    scans: Sequence[PreparedScan],
    positive: int,
    *,
    batch_size: int,
    lay_out: Callable[[Tensor], Tensor] = lambda x: x,
) -> list[NDArray[np.float64]]:
    """Score every sliding patch of scans, without gradient; the network is left as it was.

    Args:
        network: logits from `forward`.
        scans: seen in patches.
        positive: index of the label whose logit counts against the other one's.
        batch_size: patches at once.
        lay_out: brings a batch to where and how the network computes.

    Returns:
        (V,) for each scan: the difference of the logits.
    """
    found = []
    with torch.no_grad(), judging(network):
        for scan in scans:
            logits = [network(lay_out(part)).float().cpu() for part in scan.tensor.split(batch_size)]
            table = torch.cat(logits).double().numpy()  # (V, L)
            found.append(table[:, positive] - table[:, 1 - positive])
    return found


def watch_suspects(batches: Any, module: Any, scans: Sequence[PreparedScan]) -> None:
    """Let the batches of an epoch ask the network, as it then is, how suspicious each patch is.

    Args:
        batches: of the training; others than `PatchBatches` ask nothing.
        module: `ClassifierModule` that is trained.
        scans: to learn from, in the order of the batches.
    """
    if not isinstance(batches, PatchBatches):
        return

    def ask() -> list[NDArray[np.float64]]:
        """Score every patch, in fp32; in several processes with the same running means, so that all choose alike."""
        agree_on_buffers(module.judged)
        return score_patches(
            module, scans, module.facts.positive, batch_size=SCORED_AT_ONCE, lay_out=lambda x: x.to(module.device)
        )

    batches.suspicion = ask


@contextmanager
def judging(network: nn.Module) -> Iterator[None]:
    """Let a network judge (running means of its norms, no dropout); afterwards each part learns as it did."""
    learning = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in learning:
            module.training = True
