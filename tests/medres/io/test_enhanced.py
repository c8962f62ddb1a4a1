"""Enhanced multi-frame images: frames in any order, shared and per-frame groups, several volumes in one file."""

from __future__ import annotations

import copy
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless

from medres.errors import IntakeError
from medres.io import find_series, read
from tests.phantoms_dicom import CORONAL, MARKER, Geometry, enhanced, marker_mm, phantom_voxels, save
from tests.series_verdicts import assert_refused, only
from tests.shared_data import shared


@pytest.mark.parametrize("order", [None, [4, 0, 8, 2, 6, 1, 7, 3, 5], list(range(8, -1, -1))])
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_sort_frames_by_position(tmp_path: Path, order: list[int] | None, modality: str) -> None:
    geometry = Geometry(orientation=CORONAL)
    save([enhanced(geometry=geometry, order=order, modality=modality)], tmp_path)
    series = only(tmp_path)
    assert (series.verdict, series.shape, series.file_count) == ("ok", phantom_voxels().shape, 1)
    volume = read(tmp_path)
    assert np.array_equal(volume.voxels, phantom_voxels())
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(geometry.point_ras(MARKER), abs=1e-4)


def test_apply_a_slope_for_each_frame(tmp_path: Path) -> None:
    slopes = [1.0, 2.0, 4.0, 0.5, 1.0, 2.0, 1.0, 1.0, 0.25]
    voxels = (phantom_voxels() // 4 * 4).astype(np.int16)
    save([enhanced(voxels, slopes=slopes, order=[3, 1, 0, 2, 8, 7, 6, 5, 4])], tmp_path)
    volume = read(tmp_path)
    assert volume.voxels.dtype == np.float32
    assert np.array_equal(volume.voxels, voxels)


@pytest.mark.parametrize("fragments", [1, 2])
def test_read_compressed_frames(tmp_path: Path, fragments: int) -> None:
    order = [4, 0, 8, 2, 6, 1, 7, 3, 5]
    ds = enhanced(order=order)
    stored = np.frombuffer(ds.PixelData, np.uint16).reshape(9, 11, 14)
    streams = [bytes(imagecodecs.jpeg2k_encode(plane, codecformat="j2k", reversible=True)) for plane in stored]
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
    ds.PixelData = encapsulate(streams, fragments_per_frame=fragments)
    ds["PixelData"].is_undefined_length = True
    save([ds], tmp_path)
    assert only(tmp_path).codes == ()
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_refuse_a_missing_frame(tmp_path: Path) -> None:
    ds = enhanced()
    frames = ds.PerFrameFunctionalGroupsSequence
    ds.PerFrameFunctionalGroupsSequence = Sequence([f for k, f in enumerate(frames) if k != 4])
    ds.NumberOfFrames = 8
    ds.PixelData = b"".join(ds.PixelData[k * 308 : (k + 1) * 308] for k in range(9) if k != 4)
    save([ds], tmp_path)
    assert_refused(tmp_path, "E_GEOM_GAP", "after slice 4 of 8")


def test_refuse_more_frames_than_are_described(tmp_path: Path) -> None:
    ds = enhanced()
    ds.NumberOfFrames = 90
    save([ds], tmp_path)
    assert_refused(tmp_path, "E_SIZE_LIMIT", "NumberOfFrames is 90, 9 frames are described")


def test_refuse_a_frame_with_slope_0_and_name_it(tmp_path: Path) -> None:
    ds = enhanced()
    ds.PerFrameFunctionalGroupsSequence[3].PixelValueTransformationSequence[0].RescaleSlope = 0
    save([ds], tmp_path)
    assert_refused(tmp_path, "E_HEADER_VALUE", "RescaleSlope must be a number other than 0, got 0 in frame 4")


def test_list_echoes_of_one_file_as_separate_volumes(tmp_path: Path) -> None:
    ds = enhanced(modality="MR")
    frames = list(ds.PerFrameFunctionalGroupsSequence)
    both = [*copy.deepcopy(frames), *copy.deepcopy(frames)]
    for n, frame in enumerate(both):
        echo = Dataset()
        echo.EffectiveEchoTime = 2.3 if n < 9 else 4.6
        frame.MREchoSequence = Sequence([echo])
    ds.PerFrameFunctionalGroupsSequence = Sequence(both)
    ds.NumberOfFrames = 18
    pixels = np.frombuffer(ds.PixelData, np.uint16)
    ds.PixelData = ds.PixelData + (pixels + np.uint16(1)).tobytes()
    save([ds], tmp_path)
    found = find_series(tmp_path).series
    assert [s.shape for s in found] == [phantom_voxels().shape] * 2
    assert len({s.key for s in found}) == 2
    with pytest.raises(IntakeError, match="E_SERIES_AMBIGUOUS"):
        read(tmp_path)
    assert {int(read(tmp_path, series=s.key).voxels.min()) for s in found} == {-1000, -999}


def _group(**elements: object) -> Sequence:
    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return Sequence([item])


@pytest.mark.parametrize(
    ("macro", "values"),
    [
        ("MRImageFrameTypeSequence", [{"ComplexImageComponent": name} for name in ("MAGNITUDE", "PHASE")]),
        ("MRModifierSequence", [{"InversionTimes": time} for time in (100.0, 900.0)]),
        ("FrameContentSequence", [{"FrameAcquisitionDateTime": f"20200101{t}0000.5+0100"} for t in (10, 11)]),
        ("FrameContentSequence", [{"FrameReferenceDateTime": f"20200101{t}0000"} for t in (10, 11)]),
    ],
)
def test_list_frames_at_one_place_by_what_was_varied(tmp_path: Path, macro: str, values: list[dict]) -> None:
    ds = enhanced(modality="MR")
    frames = list(ds.PerFrameFunctionalGroupsSequence)
    both = [*copy.deepcopy(frames), *copy.deepcopy(frames)]
    for n, frame in enumerate(both):
        setattr(frame, macro, _group(**values[n // 9]))
    ds.PerFrameFunctionalGroupsSequence, ds.NumberOfFrames = Sequence(both), 18
    ds.PixelData = ds.PixelData + (np.frombuffer(ds.PixelData, np.uint16) + np.uint16(1)).tobytes()
    save([ds], tmp_path)
    assert [(s.verdict, s.shape) for s in find_series(tmp_path).series] == [("ok", phantom_voxels().shape)] * 2


def test_take_a_slope_that_stands_outside_of_the_groups(tmp_path: Path) -> None:
    ds = enhanced(modality="MR", intercept=-1024)
    for frame in ds.PerFrameFunctionalGroupsSequence:
        del frame.PixelValueTransformationSequence
    ds.RescaleSlope, ds.RescaleIntercept = 2, -2048
    save([ds], tmp_path)
    assert np.array_equal(read(tmp_path).voxels, 2 * phantom_voxels().astype(int))


def test_apply_a_lookup_table_that_stands_outside_of_the_groups(tmp_path: Path) -> None:
    ds = enhanced(modality="MR", intercept=-1024)
    for frame in ds.PerFrameFunctionalGroupsSequence:
        del frame.PixelValueTransformationSequence
    table = (np.arange(4096) * 3 + 1).astype(np.uint16)
    ds.ModalityLUTSequence = _group(LUTDescriptor=[4096, 0, 16], LUTData=table.tobytes(), ModalityLUTType="US")
    ds.ModalityLUTSequence[0]["LUTDescriptor"].VR = "US"
    ds.ModalityLUTSequence[0]["LUTData"].VR = "OW"
    save([ds], tmp_path)
    volume = read(tmp_path)
    assert "W_MODALITY_LUT" in volume.codes
    assert np.array_equal(volume.voxels, table[phantom_voxels().astype(int) + 1024].astype(np.float32))


def test_take_the_spacing_of_the_frames_before_that_of_the_detector(tmp_path: Path) -> None:
    ds = enhanced()
    ds.ImagerPixelSpacing = [9, 9]
    save([ds], tmp_path)
    assert read(tmp_path).spacing_mm == pytest.approx((0.75, 1.25, 2.5))


def test_refuse_a_cine_without_positions(tmp_path: Path) -> None:
    ds = enhanced()
    del ds.PerFrameFunctionalGroupsSequence, ds.SharedFunctionalGroupsSequence
    ds.Modality = "US"
    save([ds], tmp_path)
    assert_refused(tmp_path, "E_UNSUPPORTED", "a cine of 9 frames")


def test_refuse_a_cine_that_has_a_position_but_none_for_each_frame(tmp_path: Path) -> None:
    ds = enhanced()
    del ds.PerFrameFunctionalGroupsSequence, ds.SharedFunctionalGroupsSequence
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.RescaleSlope, ds.RescaleIntercept = [1, 1], 1, 0
    save([ds], tmp_path)
    assert_refused(tmp_path, "E_UNSUPPORTED", "9 frames stand in one file without functional groups")


@pytest.mark.shared
def test_list_real_time_points_and_image_types_as_separate_volumes() -> None:
    siemens = find_series(shared("data/dicom/mr_enhanced_multiframe/In/Siemens")).series
    assert [s.shape for s in siemens] == [(64, 64, 6)] * 4
    philips = find_series(shared("data/dicom/mr_enhanced_multiframe/In/Philips")).series
    assert [s.shape for s in philips] == [(64, 64, 32)] * 2


def test_refuse_fewer_frames_than_are_described(tmp_path: Path) -> None:
    ds = enhanced()
    ds.NumberOfFrames = 8
    save([ds], tmp_path)
    assert_refused(tmp_path, "E_HEADER_VALUE", "NumberOfFrames must be 9", "got 8")
