"""What intake keeps of each image: little, frozen, comparable."""

from __future__ import annotations

import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from medres.io.gathering import read_header
from medres.io.header import HeaderReader
from medres.io.instance import Source
from tests.phantoms_dicom import ct_slices, save


def test_a_slice_is_small_and_frozen(tmp_path: Path) -> None:
    plane = read_header(save(ct_slices()[:1], tmp_path)[0], HeaderReader())[0]
    assert sys.getsizeof(plane) < 300
    with pytest.raises(FrozenInstanceError):
        plane.slope = 2.0  # type: ignore[misc]
    assert isinstance(plane.source, Source)
    assert hash(plane.facts) == hash(plane.facts)
