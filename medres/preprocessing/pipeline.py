"""Volume(s) -> ModelInput: the one path, for training and for use alike.

Knows the order of the steps; knows neither files nor networks. Only `medres.training.dataset` and `medres.classifier`
may import it. The same bytes give the same tensor, on one thread or many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from medres.errors import IntakeError, ScopeError
from medres.preprocessing import steps
from medres.preprocessing.coverage import coverage
from medres.preprocessing.grid import Grid, target_grid
from medres.preprocessing.model_input import ModelInput
from medres.preprocessing.spec import PreprocessingSpec
from medres.preprocessing.views import cut_views, find_views, seen_along
from medres.volume import Volume

Step = Callable[[Volume], Volume]


def preprocess(volumes: Volume | Mapping[str, Volume], spec: PreprocessingSpec) -> ModelInput:
    """Turn one scan into what a network is shown.

    Args:
        volumes: one Volume, or for several channels the Volumes by name; the spec's first channel is the reference,
            whose field of view decides the grid.
        spec: what the network is shown.

    Returns:
        The tensor with its affine, its views and the share of the scan that it shows.

    Raises:
        ScopeError: E_CHANNEL_MISSING, E_CHANNEL_UNKNOWN, E_CHANNEL_GRID, E_DIMENSIONS.
        IntakeError: E_COLOUR for a colour Volume in 3D, E_NO_SPACING where mm are needed and not known, E_NOT_FINITE
            for NaN or infinite voxels that no padding mask names.

    Example:
        >>> from medres.preprocessing.spec import Window
        >>> volume = Volume(np.zeros((8, 8, 4), np.float32), np.diag([1.0, 1.0, 2.0, 1.0]), "CT", unit="HU")
        >>> window = Window(lower=-1000, upper=0)
        >>> spec = PreprocessingSpec(
        ...     spatial_dims=3, modality="CT", spacing_mm=(2, 2, 2), size=(4, 4, 4), intensity=window
        ... )
        >>> shown = preprocess(volume, spec)
        >>> tuple(shown.tensor.shape), shown.coverage, float(shown.tensor.max())
        ((1, 4, 4, 4), 1.0, 1.0)
    """
    channels = _channels(volumes, spec)
    reference = channels[0]
    codes = _orientation(reference, spec)
    grid = target_grid(Grid(reference.affine, reference.shape), spec, codes)
    prepared = [_run(volume, grid_steps(spec, grid, codes)) for volume in channels]
    _check_overlap(prepared, spec)
    views = find_views(spec.views, grid.shape)
    whole = np.concatenate([_channels_first(volume) for volume in prepared])  # (C, i, j, k)
    _check_finite(whole)
    tensor = cut_views(whole, views, spec)
    return ModelInput(
        tensor=tensor,
        affine=grid.affine,
        shape=grid.shape,
        views=views,
        coverage=coverage(reference, grid, seen_along(views, grid.shape)),
        codes=tuple(dict.fromkeys(code for volume in channels for code in volume.codes)),
        digest=hashlib.sha256(tensor.numpy().data).hexdigest(),
        grid=whole if spec.views.kind == "patches" else None,
    )


def grid_steps(spec: PreprocessingSpec, grid: Grid, codes: str | None) -> tuple[Step, ...]:
    """List the steps in their order.

    Args:
        spec: what the network is shown.
        grid: the prepared grid.
        codes: orientation to bring Volumes into; None keeps their axes.

    Returns:
        Functions Volume -> Volume.
    """
    return (
        partial(steps.reorient, codes=codes),
        partial(steps.crop_around, grid=grid),
        steps.replace_padding,
        partial(steps.to_colours, colour=spec.colour),
        partial(steps.onto_grid, grid=grid),
        partial(steps.scale_intensity, intensity=spec.intensity),
    )


def _run(volume: Volume, path: tuple[Step, ...]) -> Volume:
    """Pass a Volume through the steps."""
    for step in path:
        volume = step(volume)
    return volume


def _channels(volumes: Volume | Mapping[str, Volume], spec: PreprocessingSpec) -> list[Volume]:
    """Order the Volumes as the spec names them, or refuse."""
    if isinstance(volumes, Volume):
        volumes = {spec.channels[0]: volumes}
    unknown = sorted(set(volumes) - set(spec.channels))
    if unknown:
        known = ", ".join(spec.channels)
        raise ScopeError("E_CHANNEL_UNKNOWN", f"channels must be among {known}, got {len(unknown)} other(s)")
    missing = [name for name in spec.channels if name not in volumes]
    if missing:
        raise ScopeError("E_CHANNEL_MISSING", f"the model needs {len(spec.channels)} channels, missing: {missing}")
    found = [volumes[name] for name in spec.channels]
    for volume in found:
        _check_kind(volume, spec)
    _check_frames(found)
    return found


def _check_kind(volume: Volume, spec: PreprocessingSpec) -> None:
    """Refuse a picture for a volume model, a volume for a picture model, colour in 3D, mm where none are known."""
    if volume.is_colour and not spec.is_for_pictures:
        raise IntakeError("E_COLOUR", f"a volume must be grey, got {volume.voxels.shape[3]} colours")
    if spec.is_for_pictures and not volume.is_picture:
        raise ScopeError("E_DIMENSIONS", f"this model must be given one plane, got {volume.shape[2]} planes")
    if not spec.is_for_pictures and volume.is_picture and volume.frame == "detector":
        raise ScopeError("E_DIMENSIONS", "this model must be given a volume, got 1 picture in its detector's frame")
    if spec.spacing_mm is not None and not volume.spacing_known:
        raise IntakeError("E_NO_SPACING", "this model resamples in mm, and the scan's true spacing is not known")


def _check_frames(volumes: list[Volume]) -> None:
    """Refuse channels that do not lie in one space."""
    frames = {volume.frame for volume in volumes}
    named = {volume.origin.frame_of_reference_uid for volume in volumes} - {""}
    if len(frames) > 1 or len(named) > 1:
        count = max(len(frames), len(named))
        raise ScopeError("E_CHANNEL_GRID", f"channels must share one frame of reference, got {count}")


def _check_overlap(prepared: list[Volume], spec: PreprocessingSpec) -> None:
    """Refuse channels that show nothing of the reference channel's field of view."""
    empty = [name for name, volume in zip(spec.channels[1:], prepared[1:], strict=True) if _all_padding(volume)]
    if empty:
        raise ScopeError("E_CHANNEL_GRID", f"channels must overlap {spec.channels[0]}, no voxel does in {empty}")


def _check_finite(values: NDArray[np.float32]) -> None:
    """Refuse NaN: it would come out of the network as a decision."""
    bad = values.size - int(np.isfinite(values).sum())
    if bad:
        cure = "mark voxels outside the scan as padding, or write the file again from its source"
        raise IntakeError(
            "E_NOT_FINITE", f"prepared values must be finite, got {bad} of {values.size} that are not", cure
        )


def _all_padding(volume: Volume) -> bool:
    return volume.padding is not None and bool(volume.padding.all())


def _orientation(volume: Volume, spec: PreprocessingSpec) -> str | None:
    """Say which orientation to bring a scan into; pictures and detector frames keep their axes."""
    return None if spec.is_for_pictures or volume.frame == "detector" else spec.orientation


def _channels_first(volume: Volume) -> NDArray[np.float32]:
    """Give (C, i, j, k): one channel, or three colours."""
    return np.moveaxis(volume.voxels, 3, 0) if volume.is_colour else volume.voxels[None]
