"""Laws that hold for every series: order does not matter, and a voxel lies where the standard's equation puts it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from medres.io import read
from tests.phantoms_dicom import MARKER, Geometry, ct_slices, enhanced, marker_mm, phantom_voxels, save

SMALL = (7, 6, 5)
angles = st.tuples(*[st.floats(-180, 180, allow_nan=False)] * 3)
numbers = st.floats(-300, 300, allow_nan=False, allow_subnormal=False)
spacings = st.floats(0.2, 6.0)


def rotated(angles_degrees: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Turn the axial row and column cosines by three angles."""
    matrix = Rotation.from_euler("xyz", angles_degrees, degrees=True).as_matrix()
    return tuple(map(float, matrix[:, 0])), tuple(map(float, matrix[:, 1]))


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(5)), instance_numbers=st.permutations(range(5)))
def test_any_order_of_files_and_instance_numbers_gives_the_same_volume(
    order: list[int], instance_numbers: list[int]
) -> None:
    datasets = ct_slices(phantom_voxels(SMALL))
    for ds, number in zip(datasets, instance_numbers, strict=True):
        ds.InstanceNumber = number
    with tempfile.TemporaryDirectory() as folder:
        save([datasets[n] for n in order], Path(folder))
        volume = read(folder)
    assert np.array_equal(volume.voxels, phantom_voxels(SMALL))
    assert np.array_equal(volume.affine, reference_affine())
    assert volume.origin.content_digest == reference_digest()


def reference_affine() -> np.ndarray:
    """Read the phantom in its own order."""
    with tempfile.TemporaryDirectory() as folder:
        save(ct_slices(phantom_voxels(SMALL)), Path(folder))
        return read(folder).affine


def reference_digest() -> str:
    """Digest the phantom in its own order."""
    with tempfile.TemporaryDirectory() as folder:
        save(ct_slices(phantom_voxels(SMALL)), Path(folder))
        return read(folder).origin.content_digest


@settings(max_examples=40, deadline=None)
@given(turn=angles, origin=st.tuples(numbers, numbers, numbers), spacing=st.tuples(spacings, spacings, spacings),
       multi_frame=st.booleans())  # fmt: skip
def test_any_orientation_puts_the_marker_at_its_millimetre(
    turn: tuple[float, ...], origin: tuple[float, ...], spacing: tuple[float, ...], multi_frame: bool
) -> None:
    geometry = Geometry(rotated(turn), origin, *(round(s, 3) for s in spacing))
    with tempfile.TemporaryDirectory() as folder:
        save([enhanced(geometry=geometry)] if multi_frame else ct_slices(geometry=geometry), Path(folder))
        volume = read(folder)
    assert np.array_equal(volume.voxels, phantom_voxels())
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(geometry.point_ras(MARKER), abs=1e-3)
    assert np.linalg.det(volume.affine[:3, :3]) > 0  # k runs along the normal


@settings(max_examples=25, deadline=None)
@given(tilt=st.floats(-30, 30), turn=angles)
def test_any_tilt_puts_the_marker_at_its_millimetre(tilt: float, turn: tuple[float, ...]) -> None:
    geometry = Geometry(rotated(turn), tilt_degrees=tilt)
    with tempfile.TemporaryDirectory() as folder:
        save(ct_slices(geometry=geometry), Path(folder))
        volume = read(folder)
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(geometry.point_ras(MARKER), abs=1e-3)
    assert ("W_TILT" in volume.codes) == (abs(np.tan(np.radians(tilt))) > 0.01)
