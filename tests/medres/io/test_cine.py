"""A cine (several frames without a place each): refused with a cure, or read by frame on request."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEGBaseline8Bit

from medres.errors import IntakeError
from medres.io import read
from tests.phantoms_dicom import radiograph, save, set_pixels
from tests.series_verdicts import assert_refused, only

GREY = (np.arange(4 * 6 * 10).reshape(4, 6, 10) * 7 % 251).astype(np.uint8)  # (frames, rows, columns)
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], axis=-1)


def cine(modality: str = "US") -> Dataset:
    ds = set_pixels(radiograph(GREY[0], "US"), GREY)
    ds.Modality, ds.NumberOfFrames = modality, len(GREY)
    return ds


def colour_cine() -> Dataset:
    ds = cine()
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.PixelData = COLOUR.tobytes()
    return ds


def test_refuse_a_cine_and_say_how_to_ask_for_a_frame(tmp_path: Path) -> None:
    save([cine()], tmp_path)
    assert_refused(tmp_path, "E_UNSUPPORTED", "a cine of 4 frames", "--frame 1 to 4")


@pytest.mark.parametrize("number", [1, 3, 4])
def test_read_one_grey_frame(tmp_path: Path, number: int) -> None:
    save([cine()], tmp_path)
    volume = read(tmp_path, frame=number)
    assert np.array_equal(volume.voxels[:, :, 0].T, GREY[number - 1])
    assert volume.notes["frame"] == number
    assert volume.frame == "detector"


def test_read_one_colour_frame(tmp_path: Path) -> None:
    save([colour_cine()], tmp_path)
    assert np.array_equal(read(tmp_path, frame=2).voxels[:, :, 0].transpose(1, 0, 2), COLOUR[1])


def test_read_one_compressed_colour_frame(tmp_path: Path) -> None:
    ds = colour_cine()
    streams = [bytes(imagecodecs.jpeg8_encode(np.full((6, 10, 3), 60 * n, np.uint8), level=95)) for n in range(4)]
    ds.PhotometricInterpretation, ds.file_meta.TransferSyntaxUID = "YBR_FULL_422", JPEGBaseline8Bit
    ds.PixelData = encapsulate(streams)
    ds["PixelData"].is_undefined_length = True
    save([ds], tmp_path)
    assert [round(float(read(tmp_path, frame=n).voxels.mean()), -1) for n in (1, 4)] == [0, 180]


def test_frames_of_one_cine_have_digests_of_their_own(tmp_path: Path) -> None:
    save([cine()], tmp_path)
    assert len({read(tmp_path, frame=n).origin.content_digest for n in range(1, 5)}) == 4


@pytest.mark.parametrize("number", [0, 5])
def test_refuse_a_frame_that_is_not_there(tmp_path: Path, number: int) -> None:
    save([cine()], tmp_path)
    with pytest.raises(IntakeError, match=f"the frame must be 1 to 4, got {number}"):
        read(tmp_path, frame=number)


def test_a_frame_number_changes_nothing_for_a_single_picture(tmp_path: Path) -> None:
    save([radiograph(GREY[0], "US")], tmp_path)
    assert np.array_equal(read(tmp_path, frame=3).voxels[:, :, 0].T, GREY[0])


def test_refuse_nuclear_medicine_whose_frames_lie_by_vectors(tmp_path: Path) -> None:
    save([cine("NM")], tmp_path)
    assert_refused(tmp_path, "E_UNSUPPORTED", "4 frames of nuclear medicine", "dcm2niix")


def test_inspect_judges_the_frame_that_is_asked_for(tmp_path: Path) -> None:
    save([cine("XA")], tmp_path)
    assert only(tmp_path, frame=2).shape == (10, 6, 1)


def described_frames(modality: str) -> Dataset:
    """Make frames that a header describes one by one, none with a place in the patient."""
    ds = cine(modality)
    ds.SharedFunctionalGroupsSequence = Sequence([Dataset()])
    ds.PerFrameFunctionalGroupsSequence = Sequence([Dataset() for _ in GREY])
    for n, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
        rescale = Dataset()
        rescale.RescaleSlope, rescale.RescaleIntercept = n + 1, 0
        group.PixelValueTransformationSequence = Sequence([rescale])
    return ds


@pytest.mark.parametrize("modality", ["XA", "US", "SM"])
def test_list_frames_that_a_header_describes_as_one_file(tmp_path: Path, modality: str) -> None:
    save([described_frames(modality)], tmp_path)
    assert_refused(tmp_path, "E_UNSUPPORTED", "of 4 frames", "--frame 1 to 4")
    assert np.array_equal(read(tmp_path, frame=3).voxels[:, :, 0].T, 3 * GREY[2].astype(int))
    with pytest.raises(IntakeError, match="the frame must be 1 to 4, got 5"):
        read(tmp_path, frame=5)
