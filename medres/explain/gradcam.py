"""Network + what it was shown -> Grad-CAM relevance; Classifier + Volume -> Heatmap.

Knows no picture and no page. Gradients of the class logit (not of a probability, which saturates) averaged over the
map weigh the layer's channels; ReLU keeps what speaks for the class. No normalisation to the study's own maximum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from medres.errors import ExplanationError
from medres.explain.compose import compose
from medres.explain.heatmap import Heatmap
from medres.models.cells import Cells, trace_cells
from medres.models.evidence import leaf_at
from medres.models.probability import softmax
from medres.preprocessing.model_input import ModelInput
from medres.volume import Volume

if TYPE_CHECKING:
    from medres.classifier import Classifier, Prediction

METHOD = "Grad-CAM"
VIEWS_AT_ONCE = 4  # views whose gradients are held in memory together


@dataclass(frozen=True, eq=False)
class ViewMaps:
    """Grad-CAM of every view of one input.

    Attributes:
        signed: (V, *spatial) float32, before ReLU.
        logits: (V, labels) float32.
        cells: where the map's cells lie in a view.
    """

    signed: NDArray[np.float32]
    logits: NDArray[np.float32]
    cells: Cells

    @property
    def relevance(self) -> NDArray[np.float32]:
        """(V, *spatial) float32, >= 0: what speaks for the class."""
        return np.maximum(self.signed, 0.0)


def grad_cam(network: nn.Module, batch: torch.Tensor, label: int, layer: str) -> ViewMaps:
    """Compute Grad-CAM on a layer's native grid.

    Args:
        network: in eval mode; it is left as it was, without hooks.
        batch: (V, C, *spatial) float32.
        label: index of the class whose logit is explained.
        layer: name of a submodule whose output is (V, channels, *spatial).

    Returns:
        One map for each view.

    Raises:
        ExplanationError: when there is no such layer or its output is no map.

    Source:
        Selvaraju et al. (2017), Grad-CAM, equation 1 and 2, arXiv:1610.02391.
    """
    module = _find_layer(network, layer)
    device = next(network.parameters()).device
    parts = []
    with trace_cells(network, tuple(batch.shape[2:])) as trace:
        for chunk in batch.split(VIEWS_AT_ONCE):
            parts.append(_one_chunk(network, module, chunk.to(device), label))
    signed, logits = (np.concatenate(both) for both in zip(*parts, strict=True))
    if signed.ndim != batch.ndim - 1:
        raise _no_layer(network, layer)
    return ViewMaps(signed, logits, trace.at(signed.shape[1:]))


def _one_chunk(
    network: nn.Module, module: nn.Module, chunk: torch.Tensor, label: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with torch.enable_grad(), leaf_at(module) as leaves:
        logits = network(chunk)
        (gradient,) = torch.autograd.grad(logits[:, label].sum(), leaves[-1])
    activation = leaves[-1].detach()
    weights = gradient.mean(dim=tuple(range(2, gradient.ndim)), keepdim=True)  # (V, channels, 1, ...)
    signed = (weights * activation).sum(dim=1)  # (V, *spatial)
    return signed.float().cpu().numpy(), logits.detach().float().cpu().numpy()


def default_layer(network: nn.Module) -> str:
    """Name the layer a network is explained on where none is asked for.

    Args:
        network: names it as `cam_layer`; else its last child with children of its own is taken.

    Returns:
        Such as "layer4".

    Example:
        >>> default_layer(nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3)), nn.Flatten()))
        '0'
    """
    nested = [name for name, child in network.named_children() if next(child.children(), None) is not None]
    named = getattr(network, "cam_layer", None)
    return str(named or (nested[-1] if nested else ""))


def _find_layer(network: nn.Module, layer: str) -> nn.Module:
    modules: dict[str, nn.Module] = dict(network.named_modules())
    if layer not in modules or not layer:
        raise _no_layer(network, layer)
    return modules[layer]


def _no_layer(network: nn.Module, layer: str) -> ExplanationError:
    names = ", ".join(name for name, _ in network.named_children())
    return ExplanationError("E_EXPLAIN_LAYER", f"layer must be one with a map, such as one of {names}, got {layer!r}")


def build_heatmap(
    classifier: Classifier,
    volume: Volume | Mapping[str, Volume],
    label: str | None = None,
    layer: str | None = None,
    *,
    prediction: Prediction | None = None,
) -> Heatmap:
    """Show where a classifier finds what speaks for a label.

    Args:
        classifier: loaded TrainedModel.
        volume: the scan, or one for each channel by name.
        label: class to explain; None takes the positive one.
        layer: layer of the network; None takes the one the model's explanation was tested on.
        prediction: of the same volume, where it is at hand; None predicts first.

    Returns:
        The heatmap on the layer's native grid, with the model's fixed scale where it brings one for this label and
        layer.

    Raises:
        ExplanationError: for a scan that the model does not answer for, an unknown label or layer.
    """
    told = classifier.predict(volume) if prediction is None else prediction
    if told.decision == "out_of_scope":
        what = f"the scan must be in the model's scope, got {told.code}: {told.reason}"
        raise ExplanationError("E_EXPLAIN_INPUT", what)
    explanation = classifier.model.explanation or {}
    label = label or classifier.model.spec.positive_label
    layer = layer or explanation.get("layer") or default_layer(classifier.network)
    given = classifier.prepare(volume)
    relevance, affine = relevance_of(classifier, given, label, layer)
    scale, threshold, source = _scale(explanation, label, layer, relevance)
    reference = volume if isinstance(volume, Volume) else volume[classifier.model.spec.preprocessing.channels[0]]
    return Heatmap(
        relevance, affine, label, layer, name_method(classifier), scale, threshold, source, given.affine, given.shape,
        reference.spacing_known, explanation.get("scorecard"),
    )  # fmt: skip


def relevance_of(
    classifier: Classifier, given: ModelInput, label: str, layer: str, network: nn.Module | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Compute the relevance for a label on one native grid.

    Slices and patches each count with their own probability of the label: a view the network calls healthy stays cold
    (without a Platt, isotonic or beta calibrator, which was fitted to whole scans and means nothing for a view);
    with learnt attention also with their weight, over that of the weightiest view.
    Of an ensemble the mean over those members that are built like the first and shown the same.

    Args:
        classifier: whose network and calibration are used.
        given: what the network is shown.
        label: class to explain.
        layer: layer of the network.
        network: another network in the classifier's place (for the randomisation check).

    Returns:
        (relevance (i, j, k) float32 >= 0, affine (4, 4) from its index to mm).
    """
    spec = classifier.model.spec
    if label not in spec.label_names:
        raise ExplanationError("E_EXPLAIN_LABEL", f"label must be one of {', '.join(spec.label_names)}, got {label!r}")
    if classifier.members and network is None:
        found = [relevance_of(member, given, label, layer) for member in explained_members(classifier)]
        return np.asarray(np.mean([relevance for relevance, _ in found], axis=0)), found[0][1]
    index = spec.label_names.index(label)
    maps = grad_cam(classifier.network if network is None else network, given.batch, index, layer)
    relevance = maps.relevance
    if given.views:
        shares = softmax(maps.logits, spec.temperature)[:, index].astype(np.float32)
        weights = classifier.weigh_views(given)
        shares = shares if weights is None else (shares * weights / weights.max()).astype(np.float32)
        relevance = relevance * shares.reshape(-1, *[1] * (relevance.ndim - 1))
    return compose(relevance, maps.cells, given)


def explained_members(classifier: Classifier) -> tuple[Classifier, ...]:
    """Choose the members of an ensemble whose maps lie on one grid: network and preprocessing of the first.

    Args:
        classifier: of an ensemble.

    Returns:
        One at least.
    """
    first = classifier.members[0].model.spec
    return tuple(
        member
        for member in classifier.members
        if (member.model.spec.network, member.model.spec.preprocessing) == (first.network, first.preprocessing)
    )


def name_method(classifier: Classifier) -> str:
    """Name the method, and of an ensemble how many members were asked.

    Args:
        classifier: any.

    Returns:
        Such as "Grad-CAM" or "Grad-CAM, mean of 5 members".
    """
    if not classifier.members:
        return METHOD
    asked, count = len(explained_members(classifier)), len(classifier.members)
    return f"{METHOD}, mean of {asked} members" if asked == count else f"{METHOD}, mean of {asked} of {count} members"


def _scale(
    explanation: Mapping[str, Any], label: str, layer: str, relevance: NDArray[np.float32]
) -> tuple[float, float, str]:
    """Take the model's fixed scale and threshold; without one, the map's own maximum, and say so."""
    if explanation.get("label") == label and explanation.get("layer") == layer:
        return float(explanation["scale"]), float(explanation["threshold"]), "explanation.json"
    own = float(relevance.max()) or 1.0
    return own, own / 2, "this map alone"
