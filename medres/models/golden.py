"""A model -> its golden phantom and the probabilities it gives for it, so that a copied folder can prove itself.

Knows the phantom's recipe and numbers; the preprocessing is handed in by the rooms that own it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError
from torch import Tensor, nn

from medres.errors import ModelError
from medres.models.attention import ask_network
from medres.models.probability import scan_probabilities
from medres.models.spec import TrainedModelSpec
from medres.models.test_time import run_variants
from medres.preprocessing.model_input import ModelInput
from medres.preprocessing.spec import Frozen, PreprocessingSpec, Window
from medres.volume import Volume

TOLERANCE = 1e-5  # largest difference of a probability, fp32 on CPU
PHANTOM_VOXELS = 40  # along each axis of a golden phantom
DEFAULT_RANGE = (0.0, 1000.0)  # values of a phantom where no window names a range


class PhantomRecipe(Frozen):
    """How to make a golden phantom: an ellipsoid of waves with one bright sphere, by arithmetic alone.

    Attributes:
        kind: name of the recipe.
        shape: (3,), voxels.
        spacing_mm: (3,), mm.
        lower, upper: values outside the ellipsoid and at the sphere.
    """

    kind: Literal["waves-1"] = "waves-1"
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    lower: float
    upper: float


class Golden(Frozen):
    """The content of `golden.json`.

    Attributes:
        recipe: how to make the phantom.
        probabilities: by label name, what the model gave at its saving (fp32, CPU).
    """

    recipe: PhantomRecipe
    probabilities: dict[str, float]


def phantom_recipe(spec: PreprocessingSpec) -> PhantomRecipe:
    """Choose a phantom that fills the grid which a model is shown.

    Args:
        spec: what the network is shown.

    Returns:
        The recipe.
    """
    patch = getattr(spec.views, "size", None)
    size = np.array((*(spec.size or patch or ()), 1)[:3], float)
    size[size == 0] = PHANTOM_VOXELS
    spacing = np.array((*(spec.spacing_mm or (1.0, 1.0, 1.0)), 1.0)[:3])
    shape = np.array([PHANTOM_VOXELS, PHANTOM_VOXELS - 4, 1 if spec.is_for_pictures else PHANTOM_VOXELS - 8])
    step = np.where(shape > 1, size * spacing / shape, 1.0)
    lower, upper = (spec.intensity.lower, spec.intensity.upper) if isinstance(spec.intensity, Window) else DEFAULT_RANGE
    return PhantomRecipe(
        shape=tuple(int(n) for n in shape),  # type: ignore[arg-type]
        spacing_mm=tuple(round(float(s), 6) for s in step),  # type: ignore[arg-type]
        lower=lower,
        upper=upper,
    )


def build_phantom(recipe: PhantomRecipe, spec: PreprocessingSpec) -> dict[str, Volume]:
    """Make a golden phantom, one Volume for each channel.

    Args:
        recipe: of `phantom_recipe` or `golden.json`.
        spec: gives channels, modality and whether it is a picture.

    Returns:
        Volumes by channel name, on one grid.
    """
    affine = np.diag([-recipe.spacing_mm[0], -recipe.spacing_mm[1], recipe.spacing_mm[2], 1.0])  # L, P, S
    picture = spec.is_for_pictures
    return {
        name: Volume(
            voxels=_waves(recipe, phase=float(n)),
            affine=np.abs(affine) if picture else affine,
            modality=spec.modality,
            unit="HU" if spec.modality == "CT" else "1",
            frame="detector" if picture else "patient",
        )
        for n, name in enumerate(spec.channels)
    }


def _waves(recipe: PhantomRecipe, phase: float) -> NDArray[np.float32]:
    """Compute (i, j, k) values: lower outside, waves within an ellipsoid, upper in a sphere."""
    axes = [np.linspace(-1.0, 1.0, n) if n > 1 else np.zeros(1) for n in recipe.shape]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    waves = 0.4 + 0.1 * (np.sin(7 * x + phase) + np.cos(5 * y - 3 * z) + np.sin(4 * x * y + z))
    share = np.where(x**2 + y**2 + z**2 < 0.81, waves, 0.0)
    share = np.where((x - 0.3) ** 2 + (y + 0.2) ** 2 + (z - 0.1) ** 2 < 0.04, 1.0, share)
    return (recipe.lower + share * (recipe.upper - recipe.lower)).astype(np.float32)


def make_golden(
    spec: TrainedModelSpec, network: nn.Module, prepare: Callable[[Mapping[str, Volume]], ModelInput]
) -> dict[str, Any]:
    """Compute the content of `golden.json` at the end of a training.

    Args:
        spec: of the model about to be saved.
        network: with its final weights; run in eval mode in fp32 on its own device.
        prepare: the one preprocessing path, Volumes by name -> ModelInput.

    Returns:
        JSON-able content.
    """
    recipe = phantom_recipe(spec.preprocessing)
    found = golden_probabilities(spec, network, prepare(build_phantom(recipe, spec.preprocessing)).batch)
    return write_golden(recipe, spec.label_names, found)


def golden_probabilities(spec: TrainedModelSpec, network: nn.Module, batch: Tensor) -> NDArray[np.float64]:
    """Ask a network for a golden phantom.

    Args:
        spec: of the model.
        network: with its final weights; run in eval mode in fp32 on its own device.
        batch: (V, C, *spatial), the prepared phantom.

    Returns:
        (L,) probabilities.
    """
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    with torch.no_grad():
        parts = [
            run_variants(partial(ask_network, network), view.unsqueeze(0).to(device), spec.test_time) for view in batch
        ]
    network.train(was_training)
    outputs = {name: torch.cat([part[name] for part in parts]).cpu().numpy() for name in parts[0]}
    return scan_probabilities(outputs["logits"], spec, outputs.get("attention"))


def write_golden(recipe: PhantomRecipe, label_names: Sequence[str], found: ArrayLike) -> dict[str, Any]:
    """Write the content of `golden.json`.

    Args:
        recipe: of the phantom.
        label_names: in the order of the probabilities.
        found: (L,), what the model gave.

    Returns:
        JSON-able content.
    """
    named = {name: float(p) for name, p in zip(label_names, np.asarray(found), strict=True)}
    return Golden(recipe=recipe, probabilities=named).model_dump(mode="json")


def read_golden(content: Mapping[str, Any] | None) -> Golden:
    """Read the content of `golden.json`.

    Args:
        content: as loaded; None when the model was saved without it.

    Returns:
        Recipe and probabilities.

    Raises:
        ModelError: E_MODEL_GOLDEN when absent, E_MODEL_SCHEMA when not usable.
    """
    if content is None:
        raise ModelError("E_MODEL_GOLDEN", "this model was saved without golden.json", "train it again to get one")
    try:
        return Golden.model_validate(content)
    except ValidationError as fault:
        raise ModelError("E_MODEL_SCHEMA", f"golden.json has {fault.error_count()} fault(s)") from None


def check_golden(golden: Golden, label_names: Sequence[str], probabilities: ArrayLike) -> float:
    """Compare what a model gives here with what it gave when it was saved.

    Args:
        golden: of `golden.json`.
        label_names: in the order of the probabilities.
        probabilities: (L,), what it gives here, in fp32.

    Returns:
        The largest difference, at most 1e-5.

    Raises:
        ModelError: E_MODEL_GOLDEN with the difference.
    """
    if set(golden.probabilities) != set(label_names):
        raise ModelError("E_MODEL_GOLDEN", f"golden.json must name {len(label_names)} labels, got others")
    wanted = np.array([golden.probabilities[name] for name in label_names])
    difference = float(np.abs(wanted - np.asarray(probabilities, float)).max())
    if not difference <= TOLERANCE:
        raise ModelError(
            "E_MODEL_GOLDEN", f"golden probability differs by {difference:.2g}, must be at most {TOLERANCE:g}"
        )
    return difference
