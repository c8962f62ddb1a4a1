"""What the slices of a series share, read from one header."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from medres.errors import IntakeError
from medres.io import find_series
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
    siemens, ge = (0x0019100C, "SIEMENS MR HEADER"), (0x00431039, "GEMS_PARM_01")
    for (tag, writer), text, expected in ((siemens, "1000", "1000"), (ge, "1000000800\\0\\0", "800")):
        ds = ct_slices(modality="MR")[0]
        ds.add_new(tag & 0xFFFF0000 | 0x10, "LO", writer)
        ds.add_new(tag, "IS", text.split("\\"))
        facts = read_header(save([ds], tmp_path)[0], HeaderReader())[0].facts
        assert dict(facts.strong)["BValue"] == expected


def test_read_no_private_element_of_another_writer(tmp_path: Path) -> None:
    for modality, creator in (("MR", "ACME 1.1"), ("CT", "SIEMENS MR HEADER")):
        ds = ct_slices(modality=modality)[0]
        block = ds.private_block(0x0019, creator, create=True)
        block.add_new(0x0C, "DS", "40")
        block.add_new(0x0A, "US", 36 if creator == "ACME 1.1" else 1)
        facts = read_header(save([ds], tmp_path)[0], HeaderReader())[0].facts
        assert "BValue" not in dict(facts.strong)
        assert "MOSAIC" not in facts.image_type


def test_know_a_mosaic_by_its_tiles(tmp_path: Path) -> None:
    ds = ct_slices(modality="MR")[0]
    del ds.ImageType
    ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 36)
    assert read_header(save([ds], tmp_path)[0], HeaderReader())[0].facts.image_type == ("MOSAIC",)


@pytest.mark.parametrize(("kind", "expected"), [("CT", "CT"), ("MR", "MR"), ("PT", "PT")])
def test_take_an_absent_modality_from_the_kind_of_object(tmp_path: Path, kind: str, expected: str) -> None:
    ds = ct_slices(modality=kind)[0]
    del ds.Modality
    assert read_header(save([ds], tmp_path)[0], HeaderReader("US"))[0].facts.modality == expected
    del ds.SOPClassUID
    ds.file_meta.MediaStorageSOPClassUID = "1.2.3"
    assert read_header(save([ds], tmp_path)[0], HeaderReader("US"))[0].facts.modality == "US"


def test_take_a_spacing_that_repeats_the_detectors_for_the_detectors(tmp_path: Path) -> None:
    spacing = {"ImagerPixelSpacing": [0.2, 0.1], "PixelSpacing": ["0.20", "0.10"]}
    assert facts_of(tmp_path, Modality="DX", **spacing).detector_spacing
    assert not facts_of(tmp_path, Modality="MR", **spacing).detector_spacing
    assert not facts_of(tmp_path, Modality="DX", PixelSpacingCalibrationType="FIDUCIAL", **spacing).detector_spacing
    assert not facts_of(tmp_path, Modality="DX", **spacing | {"PixelSpacing": [0.18, 0.09]}).detector_spacing


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


def test_show_no_text_that_stands_where_a_modality_should(tmp_path: Path) -> None:
    ds = ct_slices()[0]
    with pytest.warns(UserWarning, match="Invalid value for VR CS"):
        ds.Modality = "Doe^Jane"
    assert read_header(save([ds], tmp_path)[0], HeaderReader())[0].facts.modality == "CT"
    del ds.Rows
    save([ds], tmp_path)
    (series,) = find_series(tmp_path).series
    assert (series.verdict, series.modality) == ("refused", "")
