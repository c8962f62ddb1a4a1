"""What the slices of a series share, read from one header."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from medres.errors import IntakeError
from medres.io.facts import parse_orientation, parse_spacing
from medres.io.gathering import read_header
from medres.io.header import HeaderReader
from medres.io.instance import Facts
from tests.phantoms_dicom import ct_slices, save


def facts_of(folder: Path, **elements: object) -> Facts:
    """Write one slice with elements changed and read its facts."""
    ds: Dataset = ct_slices(modality="MR")[0]
    for name, value in elements.items():
        setattr(ds, name, value)
    return read_header(save([ds], folder)[0], HeaderReader())[0].facts


def test_read_what_a_header_says(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, EchoTime=2.3, DiffusionBValue=800.0, ImageType=["DERIVED", "PRIMARY"])
    assert (facts.rows, facts.columns, facts.spacing) == (11, 14, (1.25, 0.75))
    assert facts.orientation == ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    assert dict(facts.strong) == {"ImageType": "DERIVED\\PRIMARY", "Echo": "2.30", "BValue": "800"}
    assert not facts.burned_in
    assert not facts.lossy


def test_read_b_values_as_siemens_and_ge_write_them(tmp_path: Path) -> None:
    for tag, text, expected in ((0x0019100C, "1000", "1000"), (0x00431039, "1000000800\\0\\0", "800")):
        ds = ct_slices(modality="MR")[0]
        ds.add_new(tag & 0xFFFF0000 | 0x10, "LO", "VENDOR")
        ds.add_new(tag, "IS", text.split("\\"))
        facts = read_header(save([ds], tmp_path)[0], HeaderReader())[0].facts
        assert dict(facts.strong)["BValue"] == expected


@pytest.mark.parametrize("name", ["BitsStored", "PixelRepresentation", "PhotometricInterpretation", "SamplesPerPixel"])
def test_never_guess_how_pixels_are_stored(tmp_path: Path, name: str) -> None:
    ds = ct_slices()[0]
    delattr(ds, name)
    with pytest.raises(IntakeError, match=f"E_HEADER_VALUE: {name} must be"):
        read_header(save([ds], tmp_path)[0], HeaderReader())


def test_accept_cosines_and_spacings_within_tolerance() -> None:
    assert parse_orientation(b"1\\0\\0\\0\\0.9999\\0.001") is not None
    assert parse_spacing(b"0.5\\0.25") == (0.5, 0.25)
    for bad in (b"1\\0\\0\\0\\0.99\\0 ", b"1\\0\\0\\0.01\\1\\0 "):
        with pytest.raises(IntakeError, match="ImageOrientationPatient"):
            parse_orientation(bad)
    with pytest.raises(IntakeError, match="PixelSpacing must be > 0 mm, got 0 x 1"):
        parse_spacing(b"0\\1 ")


def test_refuse_a_count_of_frames_that_is_none(tmp_path: Path) -> None:
    for value in ("0", "-1"):
        with pytest.raises(IntakeError, match="NumberOfFrames must be a positive whole number"):
            facts_of(tmp_path, NumberOfFrames=value)
