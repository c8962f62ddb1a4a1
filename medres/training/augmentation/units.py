"""PreprocessingSpec -> what a millimetre and a Hounsfield unit are in the prepared tensor.

Knows no tensor. A parameter in mm or HU where the tensor has no mm or HU is refused, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

from medres.errors import SpecError
from medres.preprocessing.spec import PatchesView, PreprocessingSpec, SlicesView, Window
from medres.training.augmentation.spec import AugmentationSpec

IN_MM = ("shift_mm", "elastic_mm", "blur_mm", "cutout_mm", "motion_mm")
IN_HU = ("brightness_hu", "noise_hu")


@dataclass(frozen=True)
class Units:
    """What lies behind a prepared tensor's voxels and values.

    Attributes:
        spacing_mm: of the tensor's spatial axes, in their order (2D: rows, columns); empty where it is not known.
        hu_per_unit: HU that a difference of 1 in the tensor stands for; 0 where values are no HU.
    """

    spacing_mm: tuple[float, ...] = ()
    hu_per_unit: float = 0.0

    def voxels(self, millimetres: float, axis: int) -> float:
        """Say how many voxels of one spatial axis a length is; 0 mm is 0 voxels on any grid."""
        return millimetres / self.spacing_mm[axis] if millimetres else 0.0

    def values(self, hounsfield: float) -> float:
        """Say what a difference in HU is in the tensor; 0 HU is 0 in any."""
        return hounsfield / self.hu_per_unit if hounsfield else 0.0


def units_of(preprocessing: PreprocessingSpec) -> Units:
    """Read the units of the tensors that a spec prepares.

    Args:
        preprocessing: what the network is shown.

    Returns:
        Spacing where the spec resamples to one, HU where it windows CT.

    Example:
        >>> window = {"kind": "window", "lower": -100, "upper": 300}
        >>> grid = {"spatial_dims": 3, "spacing_mm": (1, 1, 2), "size": (8, 8, 8)}
        >>> units_of(PreprocessingSpec(**grid, modality="CT", intensity=window))
        Units(spacing_mm=(1.0, 1.0, 2.0), hu_per_unit=400.0)
    """
    window = preprocessing.intensity
    is_hu = isinstance(window, Window) and preprocessing.modality == "CT" and not preprocessing.is_for_pictures
    hu = window.upper - window.lower if is_hu and isinstance(window, Window) else 0.0
    spacing = preprocessing.spacing_mm or ()
    if not spacing or preprocessing.spatial_dims == 3:
        return Units(tuple(spacing), hu)
    across = preprocessing.views.axis if isinstance(preprocessing.views, SlicesView) else 2
    first, second = (length for axis, length in enumerate(spacing) if axis != across)
    return Units((second, first), hu)  # a 2D tensor is (rows, columns)


def check_units(spec: AugmentationSpec, preprocessing: PreprocessingSpec) -> None:
    """Refuse parameters in a unit that the prepared tensor does not have.

    Args:
        spec: how scans are varied.
        preprocessing: what the network is shown.

    Raises:
        SpecError: E_SPEC, with the keys and the cure.
    """
    units = units_of(preprocessing)
    wanted = [key for key in IN_MM if getattr(spec, key)]
    if wanted and not units.spacing_mm:
        told = f"[augmentation] {', '.join(wanted)} must come with [preprocessing] spacing_mm, got none"
        raise SpecError("E_SPEC", told, "name spacing_mm, or use the parameters in voxels or shares")
    wanted = [key for key in IN_HU if getattr(spec, key)]
    if wanted and not units.hu_per_unit:
        told = f"[augmentation] {', '.join(wanted)} must come with CT volumes in a window of HU, got other values"
        raise SpecError("E_SPEC", told, "use brightness and noise, in units of the network's input")
    if not spec.elastic_mm:
        return
    bends = [units.voxels(spec.elastic_mm, axis) / size for axis, size in enumerate(_shape(preprocessing)) if size]
    if bends and spec.elastic + max(bends) > spec.elastic_limit:
        told = f"[augmentation] elastic_mm must be at most {spec.elastic_limit:.4f} of each axis, got {max(bends):.4f}"
        raise SpecError("E_SPEC", told, "lower it, or take fewer elastic_nodes")


def _shape(preprocessing: PreprocessingSpec) -> tuple[int, ...]:
    """Give the tensor's spatial shape; empty where it is not fixed or nothing is in mm."""
    if isinstance(preprocessing.views, PatchesView):
        return preprocessing.views.size
    size = preprocessing.size or ()
    if preprocessing.spatial_dims == 3 or not size:
        return size
    across = preprocessing.views.axis if isinstance(preprocessing.views, SlicesView) else 2
    first, second = (length for axis, length in enumerate(size) if axis != across)
    return second, first
