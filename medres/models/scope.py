"""Training scans -> scope.json; a new scan -> inside or outside of it, with the reason in words.

Knows numbers: facts about a scan by name, and embeddings. Knows no network and no file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medres.preprocessing.model_input import ModelInput
from medres.preprocessing.spec import Frozen
from medres.volume import Volume

SCHEMA_VERSION = 1
MARGIN = 0.5  # a range reaches this share of itself beyond the training data on each side
SLACK_INTENSITY = 0.05  # and at least this far (tensor units), however alike the training scans are
SLACK_EXTENT = math.log(1.25)  # and at least 25 % in size
EMBEDDING_MARGIN = 1.5  # distance allowed, over the largest of training scans held out of their own fit
COMPONENTS = 32  # directions of the embedding that are kept apart; the others share one variance
FOLDS = 5
FEWEST = 8  # training scans below which no embedding gate is fitted

FloatArray = NDArray[np.float64]


class ScopeSpec(Frozen):
    """The content of `scope.json`, as it is checked at loading.

    Attributes:
        schema_version: of this description.
        modality: DICOM's word.
        n: training scans it was fitted on.
        ranges: lower and upper by name of the fact.
        embedding: mean, axes, variances, rest_variance and limit; None where too few scans were there.
    """

    schema_version: Literal[1]
    modality: str
    n: int
    ranges: dict[str, dict[Literal["lower", "upper"], float]]
    embedding: dict[Literal["mean", "axes", "variances", "rest_variance", "limit"], Any] | None


@dataclass(frozen=True)
class ScopeVerdict:
    """Why a scan lies outside a model's scope.

    Attributes:
        code: E_SCOPE_BODY, E_SCOPE_INTENSITY or E_SCOPE_EMBEDDING.
        reason: in words, with the numbers.
    """

    code: str
    reason: str


def describe_scan(volume: Volume, shown: ModelInput) -> dict[str, float]:
    """Measure the facts that the gate looks at.

    Args:
        volume: the reference channel, as read.
        shown: what the network is shown of it.

    Returns:
        Facts by name: `intensity.*` of the tensor; `extent.*` and `spacing.*` (mm) of a scan whose spacing is known. A
        network of patches sees every scan in pieces of one size: the extent is then no fact.
    """
    values = shown.batch.numpy()
    low, middle, high = np.percentile(values, [5, 50, 95])
    steps = np.abs(np.diff(values, axis=-1))
    facts = {
        "intensity.mean": float(values.mean(dtype=np.float64)),
        "intensity.deviation": float(values.std(dtype=np.float64)),
        "intensity.p05": float(low),
        "intensity.p50": float(middle),
        "intensity.p95": float(high),
        "intensity.step": float(steps.mean(dtype=np.float64)),
    }
    sizes = _size_facts(volume) if volume.spacing_known else {}
    in_pieces = shown.grid is not None
    return facts | {name: mm for name, mm in sizes.items() if not (in_pieces and name.startswith("extent."))}


def _size_facts(volume: Volume) -> dict[str, float]:
    """Give extent and spacing (mm), largest first, so that they do not hang on the order of axes."""
    spacing = np.array(volume.spacing_mm)
    axes = 2 if volume.is_picture else 3
    extent = np.sort(spacing[:axes] * volume.shape[:axes])[::-1]
    facts = {f"extent.{n + 1}": float(mm) for n, mm in enumerate(extent)}
    return facts | {f"spacing.{n + 1}": float(mm) for n, mm in enumerate(np.sort(spacing[:axes])[::-1])}


def fit_scope(
    modality: str, facts: Sequence[Mapping[str, float]], embeddings: ArrayLike | None = None
) -> dict[str, Any]:
    """Learn from training scans where a model may answer.

    Args:
        modality: DICOM's word.
        facts: of `describe_scan`, one for each training scan.
        embeddings: (N, F), one for each training scan (mean over its views); None leaves that gate out.

    Returns:
        The content of `scope.json`.
    """
    names = sorted(set.intersection(*(set(scan) for scan in facts))) if facts else []
    ranges = {name: _range(name, np.array([scan[name] for scan in facts])) for name in names}
    vectors = None if embeddings is None else np.asarray(embeddings, float)
    gate = None if vectors is None or len(vectors) < FEWEST else _fit_embedding(vectors)
    return {
        "schema_version": SCHEMA_VERSION,
        "modality": modality,
        "n": len(facts),
        "ranges": ranges,
        "embedding": gate,
    }


def _range(name: str, values: FloatArray) -> dict[str, float]:
    """Widen the range of the training data; sizes on a logarithmic scale."""
    is_size = not name.startswith("intensity.")
    scale = np.log(values) if is_size else values
    lower, upper = float(scale.min()), float(scale.max())
    margin = max(MARGIN * (upper - lower), SLACK_EXTENT if is_size else SLACK_INTENSITY)
    bounds = (lower - margin, upper + margin)
    return dict(zip(("lower", "upper"), map(math.exp, bounds) if is_size else bounds, strict=True))


def _fit_embedding(vectors: FloatArray) -> dict[str, Any]:
    """Fit mean and shrunk covariance; the limit comes from scans that were held out of their own fit."""
    held_out = []
    for fold in range(FOLDS):
        test = np.arange(len(vectors)) % FOLDS == fold
        fitted = _fit_gaussian(vectors[~test])
        held_out += [embedding_distance(fitted, vector) for vector in vectors[test]]
    return _fit_gaussian(vectors) | {"limit": EMBEDDING_MARGIN * max(held_out)}


def _fit_gaussian(vectors: FloatArray) -> dict[str, Any]:
    """Fit a Gaussian whose small variances are pulled towards their mean.

    Source:
        Ledoit & Wolf, A well-conditioned estimator for large-dimensional covariance matrices, J Multivariate Anal 2004.
    """
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    shrinkage, average = _ledoit_wolf(centred)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    kept = min(COMPONENTS, len(vectors) - 1, len(mean))
    own = singular**2 / len(vectors)
    rest = (own[kept:].sum() / (len(mean) - kept)) if len(mean) > kept else 0.0
    floor = 1e-12 + shrinkage * average
    return {
        "mean": _rounded(mean),
        "axes": [_rounded(axis) for axis in axes[:kept]],
        "variances": _rounded((1.0 - shrinkage) * own[:kept] + floor),
        "rest_variance": float((1.0 - shrinkage) * rest + floor),
    }


def _ledoit_wolf(centred: FloatArray) -> tuple[float, float]:
    """Give the shrinkage in [0, 1] and the average variance, from the Gram matrix (N may be far below F)."""
    count, width = centred.shape
    gram = centred @ centred.T / count  # (N, N), same non-zero spectrum as the covariance
    average = float(np.trace(gram)) / width
    spread = float((gram**2).sum()) / width - average**2
    fourth = float(((centred**2).sum(axis=1) ** 2).mean())
    noise = (fourth - float((gram**2).sum())) / (count * width)
    return (min(1.0, max(0.0, noise / spread)) if spread > 0 else 1.0), average


def _rounded(values: FloatArray) -> list[float]:
    """Keep seven digits: a float32's worth."""
    return [float(f"{value:.7g}") for value in values]


def embedding_distance(gate: Mapping[str, Any], embedding: ArrayLike) -> float:
    """Measure the Mahalanobis distance of an embedding from the training data.

    Args:
        gate: the `embedding` part of `scope.json`.
        embedding: (F,).

    Returns:
        Distance, 0 at the mean.

    Source:
        Lee et al., A simple unified framework for detecting out-of-distribution samples, NeurIPS 2018.
    """
    offset = np.asarray(embedding, float) - np.array(gate["mean"])
    along = np.array(gate["axes"]).reshape(-1, len(offset)) @ offset
    rest = max(0.0, float(offset @ offset - along @ along))
    return math.sqrt(float((along**2 / np.array(gate["variances"])).sum()) + rest / gate["rest_variance"])


def judge_facts(scope: Mapping[str, Any], facts: Mapping[str, float]) -> ScopeVerdict | None:
    """Compare a scan's facts with the training data's ranges, sizes first.

    Args:
        scope: the content of `scope.json`.
        facts: of `describe_scan`.

    Returns:
        None inside, else the first reason.
    """
    for name in sorted(scope["ranges"], key=lambda name: (name.startswith("intensity."), name)):
        bounds = scope["ranges"][name]
        if name in facts and not bounds["lower"] <= facts[name] <= bounds["upper"]:
            return _outside(name, facts[name], bounds)
    return None


def _outside(name: str, value: float, bounds: Mapping[str, float]) -> ScopeVerdict:
    """Say in words what lies outside."""
    kind, part = name.split(".")
    allowed = f"this model was trained for {bounds['lower']:.3g} to {bounds['upper']:.3g}"
    if kind == "intensity":
        words = {"mean": "mean", "deviation": "standard deviation", "step": "mean step between neighbours"}
        what = words.get(part, f"percentile {part.lstrip('p')}")
        return ScopeVerdict("E_SCOPE_INTENSITY", f"the {what} of the prepared values is {value:.3g}; {allowed}")
    rank = {"1": "largest", "2": "second", "3": "smallest"}[part]
    return ScopeVerdict("E_SCOPE_BODY", f"the {rank} {kind} of the scan is {value:.3g} mm; {allowed} mm")


def judge_embedding(scope: Mapping[str, Any], embedding: ArrayLike) -> ScopeVerdict | None:
    """Compare what the network sees with what it saw in training.

    Args:
        scope: the content of `scope.json`.
        embedding: (F,), mean over views.

    Returns:
        None inside, or where the scope holds no such gate; else the reason.
    """
    gate = scope["embedding"]
    if gate is None:
        return None
    distance = embedding_distance(gate, embedding)
    if distance <= gate["limit"]:
        return None
    return ScopeVerdict(
        "E_SCOPE_EMBEDDING", f"distance from the training data is {distance:.3g}, allowed {gate['limit']:.3g}"
    )
