"""The geometry and identity rows of the DICOM fault table: each test makes its fault and reads its verdict."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from medres.errors import IntakeError
from medres.io import Series, find_series, read
from tests.phantoms_dicom import (
    CORONAL,
    MARKER,
    SAGITTAL,
    Geometry,
    ct_slices,
    marker_mm,
    phantom_voxels,
    renewed,
    save,
    save_ct,
    set_pixels,
    stored_pixels,
)


def only(folder: Path, **options: object) -> Series:
    """Inspect a folder that holds one series."""
    found = find_series(folder, **options).series
    assert len(found) == 1, [s.codes for s in found]
    return found[0]


def assert_refused(folder: Path, code: str, *words: str, **options: object) -> Series:
    """The one series is refused with this code, the numbers in its message, and reading it raises the same."""
    series = only(folder, **options)
    assert (series.verdict, series.codes[0]) == ("refused", code), series.message
    for word in words:
        assert word in series.message, series.message
    with pytest.raises(IntakeError) as fault:
        read(folder)
    assert fault.value.code == code
    assert "Doe" not in series.message
    assert "MRN" not in series.message
    return series


def test_accept_regular_series(tmp_path: Path) -> None:
    save_ct(tmp_path)
    series = only(tmp_path)
    assert (series.verdict, series.codes, series.message) == ("ok", (), "")
    assert series.spacing_mm == pytest.approx((0.75, 1.25, 2.5))
    assert (series.orientation, series.modality, series.checked) == ("LPS", "CT", "pixels")
    volume = read(tmp_path)
    assert np.array_equal(volume.voxels, phantom_voxels())
    assert volume.voxels.dtype == np.int16
    assert volume.unit == "HU"
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(Geometry().point_ras(MARKER), abs=1e-4)


def test_reject_series_with_missing_slice(tmp_path: Path) -> None:
    datasets = ct_slices()
    save([*datasets[:5], *datasets[6:]], tmp_path)
    assert_refused(tmp_path, "E_GEOM_GAP", "gap 5.00 mm after slice 5 of 8", "expected 2.50 mm", "one slice appears")


def test_reject_series_with_two_missing_slices(tmp_path: Path) -> None:
    datasets = ct_slices()
    save([*datasets[:2], *datasets[4:]], tmp_path)
    assert_refused(tmp_path, "E_GEOM_GAP", "gap 7.50 mm after slice 2 of 7", "2 slices appear missing")


def test_reject_series_where_half_of_the_slices_is_missing(tmp_path: Path) -> None:
    save([ds for k, ds in enumerate(ct_slices()) if k not in (3, 5, 7)], tmp_path)
    assert_refused(tmp_path, "E_GEOM_GAP", "after slice 3 of 6", "expected 2.50 mm", "3 slices appear missing")


def test_fill_missing_slice_where_gaps_are_allowed(tmp_path: Path) -> None:
    datasets = ct_slices()
    save([*datasets[:5], *datasets[6:]], tmp_path)
    volume = read(tmp_path, allow_gaps=True)
    assert volume.shape == phantom_voxels().shape
    assert "W_GAPS_FILLED" in volume.codes
    assert volume.notes["slices_filled"] == 1
    whole = phantom_voxels().astype(np.float32)
    assert np.array_equal(volume.voxels[:, :, 4], whole[:, :, 4])
    assert np.allclose(volume.voxels[:, :, 5], (whole[:, :, 4] + whole[:, :, 6]) / 2)
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(Geometry().point_ras(MARKER), abs=1e-4)


def test_reject_uneven_spacing(tmp_path: Path) -> None:
    def shift(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [*ds.ImagePositionPatient[:2], ds.ImagePositionPatient[2] + 0.03 * k * k]

    save_ct(tmp_path, shift)
    assert_refused(tmp_path, "E_GEOM_UNEVEN", "all gaps must be 2.74", "from 2.530 to 2.950 mm")


def test_resample_uneven_spacing_when_asked(tmp_path: Path) -> None:
    def shift(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [*ds.ImagePositionPatient[:2], ds.ImagePositionPatient[2] + 0.03 * k * k]
        set_pixels(ds, np.full((6, 5), round(100 * (k * 2.5 + 0.03 * k * k)), np.uint16))
        ds.RescaleIntercept = 0

    save_ct(tmp_path, shift)
    volume = read(tmp_path, resample_uneven=True)
    assert "W_UNEVEN_RESAMPLED" in volume.codes
    height = volume.affine[2, 2] * np.arange(volume.shape[2])
    assert np.allclose(volume.voxels[2, 2], 100 * height, atol=1.0)  # a ramp stays a ramp
    assert height[-1] == pytest.approx(8 * 2.5 + 0.03 * 64)


def test_accept_jitter_of_a_micrometre(tmp_path: Path) -> None:
    def jitter(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [*ds.ImagePositionPatient[:2], ds.ImagePositionPatient[2] + 1e-3 * (-1) ** k]

    save_ct(tmp_path, jitter)
    assert only(tmp_path).codes == ()


def test_keep_one_of_two_identical_slices(tmp_path: Path) -> None:
    datasets = ct_slices()
    save([*datasets, *renewed(datasets[4:5], series=False)], tmp_path)
    series = only(tmp_path)
    assert (series.verdict, series.codes, series.file_count) == ("warned", ("W_DUPLICATE",), 9)
    assert "1 left out" in series.message
    skipped = find_series(tmp_path).skipped
    assert [s.code for s in skipped] == ["W_DUPLICATE"]
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_keep_one_of_two_copies_of_one_instance(tmp_path: Path) -> None:
    datasets = ct_slices()
    save(datasets, tmp_path / "a")
    save(datasets[2:4], tmp_path / "b")
    assert only(tmp_path).codes == ("W_DUPLICATE",)
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_reject_two_different_slices_at_one_position(tmp_path: Path) -> None:
    datasets = ct_slices()
    twin = renewed(datasets[4:5], series=False)[0]
    set_pixels(twin, stored_pixels(twin) + np.uint16(3))
    save([*datasets, twin], tmp_path)
    assert_refused(tmp_path, "E_GEOM_DUPLICATE", "1 of 9 positions hold two slices with different pixels")


def test_reject_series_whose_slices_all_lie_at_one_position(tmp_path: Path) -> None:
    first = Geometry().position(0)
    save_ct(tmp_path, lambda ds, k: setattr(ds, "ImagePositionPatient", list(first)))
    assert_refused(tmp_path, "E_GEOM_DUPLICATE", "all 9 lie at one")


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


@pytest.mark.parametrize("degrees", [-12.0, 3.0, 20.0])
def test_accept_gantry_tilt_with_its_exact_geometry(tmp_path: Path, degrees: float) -> None:
    geometry = Geometry(tilt_degrees=degrees)
    save_ct(tmp_path, geometry=geometry)
    series = only(tmp_path)
    assert series.codes == ("W_TILT",)
    assert f"{abs(degrees):g} degrees" in series.message
    volume = read(tmp_path)
    assert volume.notes["tilt_degrees"] == pytest.approx(abs(degrees), abs=1e-3)
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(geometry.point_ras(MARKER), abs=1e-4)


def test_reject_slices_that_do_not_lie_on_a_line(tmp_path: Path) -> None:
    def aside(ds: Dataset, k: int) -> None:
        if k >= 5:
            ds.ImagePositionPatient = [ds.ImagePositionPatient[0] + 4.0, *ds.ImagePositionPatient[1:]]

    save_ct(tmp_path, aside)
    assert_refused(tmp_path, "E_GEOM_UNEVEN", "straight line")


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


def test_list_time_points_whose_slices_have_times_of_their_own(tmp_path: Path) -> None:
    one, two = ct_slices(), ct_slices()
    for t, datasets in enumerate((one, two)):
        for k, ds in enumerate(datasets):
            ds.SeriesInstanceUID, ds.AcquisitionTime = one[0].SeriesInstanceUID, f"12{10 * t:02d}{k:02d}"
    save([*two, *one], tmp_path)
    assert [s.file_count for s in find_series(tmp_path).series] == [9, 9]


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


def test_reject_mixed_matrix_sizes(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: set_pixels(ds, np.zeros((20, 30), np.uint16)) if k == 2 else None)
    assert_refused(tmp_path, "E_GEOM_MATRIX", "8 of 11 x 14", "1 of 20 x 30")


def test_reject_mixed_pixel_spacing(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "PixelSpacing", [1.25, 0.9]) if k == 2 else None)
    assert_refused(tmp_path, "E_GEOM_MATRIX", "pixel spacing", "0.75 to 1.25")


@pytest.mark.parametrize(
    ("name", "code"),
    [("PixelSpacing", "E_NO_SPACING"), ("ImagePositionPatient", "E_NO_POSITION"),
     ("ImageOrientationPatient", "E_NO_POSITION"), ("RescaleSlope", "E_NO_RESCALE"),
     ("RescaleIntercept", "E_NO_RESCALE")],
)  # fmt: skip
def test_reject_slices_without_what_geometry_and_values_need(tmp_path: Path, name: str, code: str) -> None:
    save_ct(tmp_path, lambda ds, k: delattr(ds, name) if k in (1, 2) else None)
    assert_refused(tmp_path, code, "2 of 9 do not")


def test_do_not_take_the_detectors_spacing_for_a_volume(tmp_path: Path) -> None:
    def swap(ds: Dataset, k: int) -> None:
        del ds.PixelSpacing
        ds.ImagerPixelSpacing = [1.25, 0.75]

    save_ct(tmp_path, swap)
    assert_refused(tmp_path, "E_NO_SPACING", "9 of 9")


def test_accept_reversed_instance_numbers_and_mirrored_orientation(tmp_path: Path) -> None:
    save_ct(tmp_path / "a", lambda ds, k: setattr(ds, "InstanceNumber", 100 - k))
    mirrored = Geometry(orientation=((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    save_ct(tmp_path / "b", geometry=mirrored)
    assert np.array_equal(read(tmp_path / "a").voxels, phantom_voxels())
    volume = read(tmp_path / "b")
    assert volume.codes == ()
    assert volume.orientation == "RPI"
    assert marker_mm(volume.voxels, volume.affine) == pytest.approx(mirrored.point_ras(MARKER), abs=1e-4)


def test_warn_of_a_thickness_unlike_the_spacing(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "SliceThickness", 5.0))
    series = only(tmp_path)
    assert series.codes == ("W_THICKNESS",)
    assert series.spacing_mm[2] == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PixelSpacing", b"nan\\0.75 ", "PixelSpacing must be finite"),
        ("PixelSpacing", b"0\\0.75", "PixelSpacing must be > 0 mm, got 0 x 0.75"),
        ("PixelSpacing", b"-1\\0.75 ", "PixelSpacing must be > 0 mm, got -1 x 0.75"),
        ("RescaleSlope", b"0 ", "RescaleSlope must be a number other than 0"),
        ("RescaleSlope", b"NaN ", "RescaleSlope must be finite"),
        ("RescaleSlope", b"Doe^Jane", "RescaleSlope must be a number, got text that is none"),
        ("ImageOrientationPatient", b"1\\0\\0\\0\\2\\0 ", "must be two unit vectors, got lengths 1.0000 and 2.0000"),
        ("ImageOrientationPatient", b"1\\0\\0\\1\\0\\0 ", "right angles, got dot product 1.0000"),
        ("ImagePositionPatient", b"1\\2 ", "ImagePositionPatient must be 3 numbers, got 2"),
    ],
)
def test_reject_header_values_and_name_the_element(tmp_path: Path, name: str, value: bytes, words: str) -> None:
    paths = save(ct_slices(), tmp_path)
    for path in paths[3:5]:
        replace_value(path, name, value)
    assert_refused(tmp_path, "E_HEADER_VALUE", words, "in 2 of 9 files")


def replace_value(path: Path, name: str, value: bytes) -> None:
    """Overwrite an element's bytes in a file, as a broken writer would."""
    from pydicom import dcmread
    from pydicom.datadict import tag_for_keyword
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    ds = dcmread(path)
    tag = Tag(tag_for_keyword(name))
    ds._dict[tag] = RawDataElement(tag, "DS", len(value), value, 0, False, True)
    ds.save_as(path)


def test_reject_mosaic_with_its_reason(tmp_path: Path) -> None:
    save(_mosaic(), tmp_path)
    assert_refused(tmp_path, "E_UNSUPPORTED", "mosaic", "dcm2niix")


def _mosaic() -> list[Dataset]:
    ds = ct_slices(modality="MR")[0]
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    return [ds]


def test_accept_one_slice_alone(tmp_path: Path) -> None:
    save(ct_slices()[:1], tmp_path)
    volume = read(tmp_path)
    assert volume.shape == (14, 11, 1)
    assert volume.frame == "patient"


def test_do_not_take_equal_identifiers_at_different_places_for_one_instance(tmp_path: Path) -> None:
    uid = generate_uid()
    save_ct(tmp_path, lambda ds, k: setattr(ds, "SOPInstanceUID", uid))
    assert only(tmp_path).file_count == 9
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_headers_only_leaves_pixels_alone_and_says_so(tmp_path: Path) -> None:
    datasets = ct_slices()
    twin = copy.deepcopy(datasets[4])
    save([*datasets, twin], tmp_path)
    series = only(tmp_path, headers_only=True)
    assert (series.checked, series.codes) == ("headers", ("W_DUPLICATE",))
