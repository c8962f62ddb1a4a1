"""What belongs together: patients, series, orientations, time points and echoes of the DICOM fault table."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medres.errors import IntakeError
from medres.io import find_series, read
from tests.phantoms_dicom import (
    CORONAL,
    SAGITTAL,
    Geometry,
    ct_slices,
    enhanced,
    phantom_voxels,
    radiograph,
    renewed,
    save,
    save_ct,
    set_pixels,
    stored_pixels,
)
from tests.series_verdicts import assert_refused, only


def test_accept_empty_identifiers_and_say_so(tmp_path: Path) -> None:
    def empty(ds: Dataset, k: int) -> None:
        ds.SOPInstanceUID = ds.SeriesInstanceUID = ds.StudyInstanceUID = ds.SOPClassUID = ds.FrameOfReferenceUID = ""

    save_ct(tmp_path, empty)
    series = only(tmp_path)
    assert series.codes == ("W_EMPTY_UID",)
    assert series.file_count == 9
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_tell_series_without_identifiers_apart_by_their_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_ct(tmp_path / name, lambda ds, k: [delattr(ds, t) for t in ("SeriesInstanceUID", "SOPInstanceUID")])
    assert [s.file_count for s in find_series(tmp_path).series] == [9, 9]


def test_drop_localizer_from_the_series(tmp_path: Path) -> None:
    datasets = ct_slices()
    scout = ct_slices(geometry=Geometry(orientation=SAGITTAL))[0]
    scout.SeriesInstanceUID, scout.ImageType = datasets[0].SeriesInstanceUID, ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    set_pixels(scout, np.zeros((30, 40), np.uint16))
    save([scout, *datasets], tmp_path)
    series = only(tmp_path)
    assert series.codes == ("W_LOCALIZER_SKIPPED",)
    assert [s.code for s in find_series(tmp_path).skipped] == ["W_LOCALIZER_SKIPPED"]
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_split_orientations_into_series(tmp_path: Path) -> None:
    axial, coronal = ct_slices(), ct_slices(geometry=Geometry(orientation=CORONAL))
    for ds in coronal:
        ds.SeriesInstanceUID = axial[0].SeriesInstanceUID
    save([*axial, *coronal], tmp_path)
    found = find_series(tmp_path).series
    assert sorted(s.orientation for s in found) == ["LIP", "LPS"] or {s.orientation for s in found} == {"LPS", "LIA"}
    assert {s.file_count for s in found} == {9}
    with pytest.raises(IntakeError, match="E_SERIES_AMBIGUOUS"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("EchoTime", (2.3, 4.6)),
        ("EchoNumbers", (1, 2)),
        ("DiffusionBValue", (0.0, 1000.0)),
        ("ImageType", (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"])),
        ("TemporalPositionIdentifier", (1, 2)),
        ("AcquisitionNumber", (1, 2)),
        ("TriggerTime", (10.0, 400.0)),
        ("FrameReferenceTime", (500.0, 1500.0)),
        ("DiffusionGradientOrientation", ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])),
        ("ComplexImageComponent", ("MAGNITUDE", "PHASE")),
        ("AcquisitionTime", ("120000", "120130.5")),
        ("ContentTime", ("120000", "120130.5")),
        ("AcquisitionDateTime", ("20200101120000", "20200101120500")),
    ],
)
def test_list_what_was_varied_as_separate_volumes(tmp_path: Path, name: str, values: tuple) -> None:
    one = ct_slices(modality="MR", intercept=-1024)
    two = renewed(ct_slices(modality="MR", intercept=-1024), series=False)
    for datasets, value in zip((one, two), values, strict=True):
        for ds in datasets:
            setattr(ds, name, value)
            ds.SeriesInstanceUID = one[0].SeriesInstanceUID
    for ds in two:
        set_pixels(ds, stored_pixels(ds) + np.uint16(5))
    save([*one, *two], tmp_path)
    found = find_series(tmp_path).series
    assert [(s.verdict, s.file_count) for s in found] == [("ok", 9), ("ok", 9)]
    with pytest.raises(IntakeError, match=f"there are 2: {found[0].key}") as fault:
        read(tmp_path)
    assert fault.value.code == "E_SERIES_AMBIGUOUS"
    volumes = [read(tmp_path, series=s.key).voxels for s in found]
    assert {int(v.min()) for v in volumes} == {-1000, -995}


@pytest.mark.parametrize("name", ["AcquisitionTime", "ContentTime", "AcquisitionDateTime"])
def test_list_acquisitions_between_each_others_slices_by_their_times(tmp_path: Path, name: str) -> None:
    one = ct_slices()
    two = ct_slices(geometry=Geometry(origin=(-31.0, 17.0, -43.75)))
    for second, datasets in enumerate((one, two)):
        for k, ds in enumerate(datasets):
            ds.SeriesInstanceUID, ds.FrameOfReferenceUID = one[0].SeriesInstanceUID, one[0].FrameOfReferenceUID
            time = f"12{second:02d}{k:02d}.5"
            setattr(ds, name, time if name != "AcquisitionDateTime" else f"20200101{time}+0100")
    save([*one, *two], tmp_path)
    assert [(s.verdict, s.file_count) for s in find_series(tmp_path).series] == [("ok", 9), ("ok", 9)]
    with pytest.raises(IntakeError, match="E_SERIES_AMBIGUOUS"):
        read(tmp_path)


def test_list_time_points_whose_slices_have_times_of_their_own(tmp_path: Path) -> None:
    one, two = ct_slices(), ct_slices()
    for t, datasets in enumerate((one, two)):
        for k, ds in enumerate(datasets):
            ds.SeriesInstanceUID, ds.AcquisitionTime = one[0].SeriesInstanceUID, f"12{10 * t:02d}{k:02d}"
    save([*two, *one], tmp_path)
    assert [s.file_count for s in find_series(tmp_path).series] == [9, 9]


def test_list_two_frames_of_reference_as_separate_volumes(tmp_path: Path) -> None:
    one, two = ct_slices(), ct_slices(geometry=Geometry(origin=(-31.0, 17.0, 200.0)))
    for ds in two:
        ds.SeriesInstanceUID = one[0].SeriesInstanceUID
    save([*one, *two], tmp_path)
    assert [(s.verdict, s.file_count) for s in find_series(tmp_path).series] == [("ok", 9), ("ok", 9)]


def test_refuse_to_choose_between_two_series(tmp_path: Path) -> None:
    save_ct(tmp_path / "a")
    save_ct(tmp_path / "b")
    found = find_series(tmp_path).series
    assert [s.verdict for s in found] == ["ok", "ok"]
    with pytest.raises(IntakeError) as fault:
        read(tmp_path)
    assert fault.value.code == "E_SERIES_AMBIGUOUS"
    assert all(s.key in str(fault.value) for s in found)
    assert read(tmp_path, series=found[1].key).origin.series_key == found[1].key


@pytest.mark.parametrize(("name", "value"), [("PatientID", "MRN-1"), ("PatientName", "Roe^Richard")])
def test_reject_two_patients_under_one_series(tmp_path: Path, name: str, value: str) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, name, value) if k > 4 else None)
    series = assert_refused(tmp_path, "E_PATIENT_MIX", "name 2")
    assert value not in series.message


def test_accept_two_spellings_of_one_patient(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "PatientName", "DOE^JANE ^" if k > 4 else "Doe^Jane"))
    assert only(tmp_path).codes == ()


SETTINGS = {
    "SeriesNumber": (3, 4),
    "KVP": (80, 140),
    "ConvolutionKernel": ("B30f", "B60f"),
    "ContrastBolusAgent": ("none", "iodine"),
    "ScanningSequence": ("SE", "GR"),
    "ProtocolName": ("brain", "brain again"),
    "SeriesDescription": ("thick", "thin"),
    "RepetitionTime": (500, 4000),
    "InversionTime": (100, 900),
    "FlipAngle": (5, 20),
    "ReconstructionDiameter": (300, 400),
    "SliceThickness": (2.5, 5),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("shift", [0.0, 1.25], ids=["in one place", "between each other"])
def test_part_two_reconstructions_whose_slices_interleave(tmp_path: Path, name: str, shift: float) -> None:
    first = ct_slices()
    second = renewed(ct_slices(phantom_voxels() + 5, Geometry(origin=(-31.0, 17.0, -45.0 + shift))), series=False)
    for ds in second:
        ds.SeriesInstanceUID, ds.StudyInstanceUID = first[0].SeriesInstanceUID, first[0].StudyInstanceUID
        ds.FrameOfReferenceUID = first[0].FrameOfReferenceUID
    for datasets, value in zip((first, second), SETTINGS[name], strict=True):
        for ds in datasets:
            setattr(ds, name, value)
    save([*first, *second], tmp_path)
    found = find_series(tmp_path).series
    assert [one.shape for one in found] == [phantom_voxels().shape] * 2
    assert {int(read(tmp_path, series=one.key).voxels.min()) for one in found} == {-1000, -995}


def test_keep_one_volume_whose_setting_changes_along_it(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "KVP", 120 if k < 4 else 140))
    assert only(tmp_path).shape == phantom_voxels().shape


def test_keep_one_volume_whose_repetition_time_follows_the_heart(tmp_path: Path) -> None:
    beats = (850, 851, 850, 851, 851, 850, 850, 851, 850)
    save_ct(tmp_path, lambda ds, k: setattr(ds, "RepetitionTime", beats[k]))
    assert only(tmp_path).shape == phantom_voxels().shape


@pytest.mark.parametrize(("modality", "tail"), [("XA", 1), ("MG", 3)])
def test_read_a_tomosynthesis_and_a_rotational_angiography_as_volumes(tmp_path: Path, modality: str, tail: int) -> None:
    ds = enhanced()
    ds.Modality, ds.SOPClassUID = modality, f"1.2.840.10008.5.1.4.1.1.13.1.{tail}"
    save([ds], tmp_path)
    volume = read(tmp_path)
    assert (volume.frame, volume.modality) == ("patient", modality)
    assert np.array_equal(volume.voxels, phantom_voxels())


def test_list_two_units_of_pet_as_separate_volumes(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "Units", "BQML" if k < 4 else "GML"), modality="PT")
    assert {(one.unit, one.file_count) for one in find_series(tmp_path).series} == {("BQML", 4), ("GML", 5)}


def test_keep_one_of_two_copies_of_a_picture(tmp_path: Path) -> None:
    ds = radiograph(np.arange(60, dtype=np.uint16).reshape(6, 10))
    save([ds, ds], tmp_path)
    series = only(tmp_path)
    assert (series.verdict, "W_DUPLICATE" in series.codes, series.file_count) == ("warned", True, 1)
    assert [one.code for one in find_series(tmp_path).skipped] == ["W_DUPLICATE"]
    assert "W_DUPLICATE" in read(tmp_path).codes
    assert only(tmp_path, headers_only=True).codes.count("W_DUPLICATE") == 1


def test_keep_one_of_two_copies_of_a_colour_picture(tmp_path: Path) -> None:
    ds = radiograph(np.zeros((6, 10), np.uint8), "US")
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.PixelData = bytes(range(180))
    save([ds, ds], tmp_path)
    assert "W_DUPLICATE" in only(tmp_path).codes
    assert "W_DUPLICATE" in read(tmp_path).codes


def test_list_different_pictures_of_one_identifier_apart(tmp_path: Path) -> None:
    ds = radiograph(np.arange(60, dtype=np.uint16).reshape(6, 10))
    other = copy.deepcopy(ds)
    set_pixels(other, np.zeros((6, 10), np.uint16))
    smaller = set_pixels(copy.deepcopy(ds), np.zeros((5, 10), np.uint16))
    save([ds, other, smaller], tmp_path)
    found = find_series(tmp_path).series
    assert len({series.key for series in found}) == 3
    assert all("W_DUPLICATE" not in series.codes for series in found)


def in_sequence() -> tuple[list[Dataset], list[Dataset]]:
    """Make two series of which the second goes on where the first ends, as if they were one."""
    one, two = ct_slices(), ct_slices(geometry=Geometry(origin=(-31.0, 17.0, -22.5)))
    for ds in two:
        ds.SeriesInstanceUID, ds.FrameOfReferenceUID = one[0].SeriesInstanceUID, one[0].FrameOfReferenceUID
    return one, two


def test_tell_two_studies_under_one_series_apart(tmp_path: Path) -> None:
    one, two = in_sequence()
    save([*one, *two], tmp_path)
    assert [(s.verdict, s.file_count) for s in find_series(tmp_path).series] == [("ok", 9), ("ok", 9)]
    with pytest.raises(IntakeError, match="E_SERIES_AMBIGUOUS"):
        read(tmp_path)


def test_tell_series_without_identifiers_apart_by_their_number(tmp_path: Path) -> None:
    for number, datasets in enumerate(in_sequence(), 1):
        for ds in datasets:
            ds.SeriesInstanceUID = ds.StudyInstanceUID = ds.SOPInstanceUID = ""
            ds.SeriesNumber = number
        save(datasets, tmp_path, start=10 * number)
    assert [s.file_count for s in find_series(tmp_path).series] == [9, 9]
