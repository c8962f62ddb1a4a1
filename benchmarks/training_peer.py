"""Manifest + split + experiment -> the loop of MONAI's classification tutorials on the same scans, one epoch at a time.

LoadImage, a Compose whose random part says what the experiment's augmentation says, CacheDataset, DataLoader with
workers, MONAI's own ResNet begun from the same weights, fp32, Adam and cross-entropy, the best weights kept on disk.
Source: the tutorials `mednist_tutorial` and `densenet_training_dict` of Project-MONAI.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from monai import transforms as mt
from monai.data import CacheDataset, DataLoader
from monai.metrics import ROCAUCMetric
from monai.networks.nets import ResNet, resnet18
from monai.utils import set_determinism

from benchmarks.training_clock import Used, used
from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split import Split
from medres.models.registry import build_network
from medres.preprocessing.spec import Percentiles, PreprocessingSpec, Window
from medres.training.augmentation.spec import AugmentationSpec
from medres.training.spec import ExperimentSpec

KEY = "image"
START_SECONDS = 600  # to read and cache all scans


class Rival:
    """A `Peer` in a process of its own, so that neither loop lives in what the other leaves behind.

    Args: as of `Peer`.
    """

    def __init__(self, *given: Any) -> None:
        context = get_context("spawn")
        self._line, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, *given))
        self._process.start()
        self.positive = given[0].labels.names.index(given[0].labels.positive)
        if not self._line.poll(START_SECONDS):
            raise SystemExit("the peer did not start")
        self.reading: float = self._line.recv()
        self.epochs, self.aurocs = list[Used](), list[float]()

    def run_epoch(self) -> None:
        """Let it do an epoch, and wait for it."""
        self._line.send("epoch")
        spent, area = self._line.recv()
        self.epochs.append(spent)
        self.aurocs.append(area)

    def finish(self) -> tuple[Any, Any]:
        """End it; gives scores and labels of the validation scans at its best epoch."""
        self._line.send("end")
        found: tuple[Any, Any] = self._line.recv()
        self._process.join()
        return found


def _serve(line: Connection, *given: Any) -> None:
    """Do what is asked for, in the peer's process."""
    started = time.monotonic()
    peer = Peer(*given)
    line.send(time.monotonic() - started)
    while line.recv() == "epoch":
        peer.run_epoch()
        line.send((peer.epochs[-1], peer.aurocs[-1]))
    line.send(peer.scores)


class Peer:
    """A training by MONAI's parts.

    Args:
        experiment: what both loops do.
        manifest, split: scans.
        out: folder for the best weights.
        workers: of the loaders.
    """

    def __init__(self, experiment: ExperimentSpec, manifest: Manifest, split: Split, out: Path, workers: int) -> None:
        set_determinism(experiment.training.seed, use_deterministic_algorithms=False)
        self.out, self.best, self.aurocs, self.epochs = out, -1.0, list[float](), list[Used]()
        fixed = [*load(experiment.preprocessing)]
        varied = [*fixed, *vary(experiment.augmentation, experiment.preprocessing)]
        about: dict[str, Any] = {"batch_size": experiment.training.batch_size, "num_workers": workers}
        sets = [
            CacheDataset(items(manifest, split.rows(manifest, part), experiment), mt.Compose(steps), progress=False)
            for part, steps in (("train", varied), ("validation", fixed))
        ]
        self.training, self.validation = DataLoader(sets[0], shuffle=True, **about), DataLoader(sets[1], **about)
        self.network = make_network(experiment)
        self.optimiser = torch.optim.Adam(self.network.parameters(), experiment.training.learning_rate)
        self.loss, self.area = torch.nn.CrossEntropyLoss(), ROCAUCMetric()
        self.positive = experiment.labels.names.index(experiment.labels.positive)

    def run_epoch(self) -> None:
        """Learn once from every scan, judge, keep the weights where they are the best."""
        start, waited = used(), 0.0
        self.network.train()
        asked = time.monotonic()
        for batch in self.training:
            waited += time.monotonic() - asked
            self.optimiser.zero_grad()
            self.loss(self.network(batch[KEY]), batch["label"]).backward()
            self.optimiser.step()
            asked = time.monotonic()
        self.epochs.append(used().since(start, waited))
        self._judge()

    def _judge(self) -> None:
        self.network.eval()
        with torch.no_grad():
            found = [(self.network(batch[KEY]).softmax(1), batch["label"]) for batch in self.validation]
        scores, labels = (torch.cat(part) for part in zip(*found, strict=True))
        self.area(scores[:, self.positive], (labels == self.positive).long())
        self.aurocs.append(float(self.area.aggregate()))  # type: ignore[arg-type]
        self.area.reset()
        if self.aurocs[-1] > self.best:
            self.best, self.scores = self.aurocs[-1], (scores[:, self.positive].numpy(), labels.numpy())
            torch.save(self.network.state_dict(), self.out / "peer.pth")


def make_network(experiment: ExperimentSpec) -> ResNet:
    """Build MONAI's ResNet-18 with the stem of ours, begun from our weights."""
    spec = experiment.network_spec
    network = resnet18(
        spatial_dims=spec.spatial_dims,
        n_input_channels=spec.in_channels,
        num_classes=spec.label_count,
        conv1_t_stride=2,
        bias_downsample=False,
    )
    network.load_state_dict(build_network(spec, experiment.training.seed).state_dict())  # all names, or it raises
    return network


def items(manifest: Manifest, rows: Sequence[ManifestRow], experiment: ExperimentSpec) -> list[dict[str, Any]]:
    """Name file and label of each row, as MONAI's dictionary transforms want them."""
    labels = experiment.labels
    found = [(str(manifest.path(row)), labels.index_of(row.label)) for row in rows]
    return [{KEY: path, "label": label} for path, label in found if label is not None]


def load(spec: PreprocessingSpec) -> list[Any]:
    """Say our preprocessing in MONAI's words: what is done once and cached."""
    steps = [mt.LoadImaged(KEY, image_only=True), mt.EnsureChannelFirstd(KEY), mt.Lambdad(KEY, one_channel)]
    if spec.spatial_dims == 3:
        steps.append(mt.Orientationd(KEY, axcodes="RAS", labels=None))
    if spec.spacing_mm is not None:
        steps.append(mt.Spacingd(KEY, pixdim=spec.spacing_mm))
    steps.append(_intensity(spec))
    size = spec.size[: spec.spatial_dims] if spec.size else ()
    if spec.fit == "contain":
        steps.append(mt.Resized(KEY, spatial_size=max(size), size_mode="longest"))
    return [*steps, mt.ResizeWithPadOrCropd(KEY, spatial_size=size), mt.EnsureTyped(KEY)]


def _intensity(spec: PreprocessingSpec) -> Any:
    kind = spec.intensity
    if isinstance(kind, Window):
        return mt.ScaleIntensityRanged(KEY, kind.lower, kind.upper, 0.0, 1.0, clip=True)
    if isinstance(kind, Percentiles):
        return mt.ScaleIntensityRangePercentilesd(KEY, kind.lower, kind.upper, 0.0, 1.0, clip=True)
    return mt.NormalizeIntensityd(KEY)


def one_channel(image: Any) -> Any:
    """Make one channel of colours."""
    return image.mean(0, keepdim=True) if len(image) > 1 else image


def vary(spec: AugmentationSpec, shown: PreprocessingSpec) -> list[Any]:
    """Say our augmentation in MONAI's words: what is done anew in each epoch."""
    dims, often = shown.spatial_dims, spec.intensity_probability
    steps = [mt.RandFlipd(KEY, prob=0.5, spatial_axis="ijk".index(axis)) for axis in spec.flips if axis in "ijk"[:dims]]
    return [*steps, _move(spec, shown), *_detail(spec, often, dims), *_grey(spec, often, shown)]


def _move(spec: AugmentationSpec, shown: PreprocessingSpec) -> Any:
    """Everything affine and elastic in one sampling, as `Rand2DElastic` and `Rand3DElastic` do."""
    dims, size = shown.spatial_dims, (shown.size or ())[: shown.spatial_dims]
    radians = [angle * torch.pi / 180 for angle in spec.rotation_degrees]
    about: dict[str, Any] = {
        "prob": spec.spatial_probability,
        "rotate_range": radians if dims == 3 else radians[-1:],
        "shear_range": [spec.shear] * (dims if dims == 2 else 6),
        "translate_range": [spec.shift * n for n in size],
        "scale_range": [spec.scale + spec.stretch] * dims,
        "padding_mode": "border",
    }
    if not spec.elastic:
        return mt.RandAffined(KEY, **about)
    if dims == 2:
        node = size[0] / (spec.elastic_nodes - 1)  # pixels between two nodes
        highest = spec.elastic * size[0]
        return mt.Rand2DElasticd(KEY, spacing=(node, node), magnitude_range=(0, highest), **about)
    return mt.Rand3DElasticd(KEY, sigma_range=(5, 7), magnitude_range=(50, 150), **about)  # as MONAI's examples do


def _detail(spec: AugmentationSpec, often: float, dims: int) -> list[Any]:
    steps: list[Any] = []
    if spec.blur:
        sigma = (0.25, spec.blur)
        steps.append(mt.RandGaussianSmoothd(KEY, sigma, sigma, sigma, prob=often))
    if spec.sharpen:
        steps.append(mt.RandGaussianSharpend(KEY, alpha=(0.0, spec.sharpen), prob=often))
    if spec.low_resolution > 1:
        zoom = (1 / spec.low_resolution, 1.0)
        mode = "trilinear" if dims == 3 else "bilinear"
        steps.append(mt.RandSimulateLowResolutiond(KEY, prob=often / 2, upsample_mode=mode, zoom_range=zoom))
    return steps


def _grey(spec: AugmentationSpec, often: float, shown: PreprocessingSpec) -> list[Any]:
    steps: list[Any] = []
    if spec.gamma:
        steps.append(mt.RandAdjustContrastd(KEY, prob=often, gamma=(1 - spec.gamma, 1 + spec.gamma)))
    if spec.contrast:
        steps.append(mt.RandScaleIntensityd(KEY, factors=spec.contrast, prob=often))
    if spec.brightness:
        steps.append(mt.RandShiftIntensityd(KEY, offsets=spec.brightness, prob=often))
    if spec.noise:
        steps.append(mt.RandGaussianNoised(KEY, prob=often, std=spec.noise))
    if spec.cutout:
        edge = [max(1, round(spec.cutout * n)) for n in (shown.size or ())[: shown.spatial_dims]]
        most: dict[str, Any] = {"max_spatial_size": edge, "spatial_size": [1] * len(edge), "fill_value": 0.0}
        steps.append(mt.RandCoarseDropoutd(KEY, holes=1, prob=often, **most))
    return steps
