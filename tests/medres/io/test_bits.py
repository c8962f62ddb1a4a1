"""Padding, high bits and polarity of one plane, bit by bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medres.io.bits import find_padding, inverts, mask_bits, turn_over
from medres.io.instance import Facts

FACTS = Facts(
    patient=(b"", b"", b""), study_uid="", series_uid="", frame_uid="", sop_class="", modality="CT", image_type=(),
    syntax="1.2.840.10008.1.2.1", rows=2, columns=3, frames=1, samples=1, photometric="MONOCHROME2", bits_allocated=16,
    bits_stored=12, signed=False, orientation=None, spacing=None, detector_spacing=False, region_spacing=False,
    thickness_mm=None, padding=None, units="", rescale_type="", settings=(),
    burned_in=False, lossy=False, lossy_ratio=None, strong=(),
    no_preamble=False, explicit=True, order="<",
)  # fmt: skip


@given(numbers=st.lists(st.integers(-2048, 2047), min_size=1, max_size=9), signed=st.booleans())
def test_numbers_of_either_sign_come_back(numbers: list[int], signed: bool) -> None:
    numbers = numbers if signed else [n + 2048 for n in numbers]
    stored = (np.array(numbers) & 0xFFF).astype(np.uint16)
    facts = replace(FACTS, signed=signed)
    found, overlay = mask_bits(stored, facts, None)
    assert found.tolist() == numbers
    assert not overlay


def test_clip_what_a_lossy_decoder_overshoots() -> None:
    facts = replace(FACTS, syntax="1.2.840.10008.1.2.4.51", bits_stored=10)
    found, overlay = mask_bits(np.array([1022, 1025, 0], np.uint16), facts, None)
    assert (found.tolist(), overlay) == ([1022, 1023, 0], False)


def test_find_padding_with_the_pixels_own_sign() -> None:
    stored = np.array([[63536, 5, 0], [1, 63536, 7]], np.uint16)
    signed = find_padding(stored, replace(FACTS, signed=True, padding=(-2000, -2000)))
    assert np.array_equal(signed, stored == 63536)
    assert np.array_equal(find_padding(stored, replace(FACTS, padding=(0, 1))), stored <= 1)
    assert find_padding(stored, replace(FACTS, padding=(2, 2))) is None
    assert find_padding(stored, FACTS) is None


@pytest.mark.parametrize(("signed", "top"), [(False, 4095), (True, -1)])
def test_turning_over_twice_gives_the_same(signed: bool, top: int) -> None:
    facts = replace(FACTS, signed=signed)
    numbers = np.array([-3, 0, 7] if signed else [0, 7, 4095], np.int16 if signed else np.uint16)
    turned = numbers.copy()
    turn_over(turned, facts)
    assert turned.tolist() == [top - n for n in numbers.tolist()]
    turn_over(turned, facts)
    assert np.array_equal(turned, numbers)


def test_only_monochrome1_radiographs_are_turned_over() -> None:
    for modality, expected in (("CR", True), ("DX", True), ("MG", True), ("CT", False), ("MR", False), ("US", False)):
        assert inverts(replace(FACTS, modality=modality, photometric="MONOCHROME1")) is expected
        assert not inverts(replace(FACTS, modality=modality))
