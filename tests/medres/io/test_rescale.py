"""The value rows of the DICOM fault table: rescale, lookup tables, padding, bits, polarity and range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medres.errors import IntakeError
from medres.io import find_series, read
from tests.phantoms_dicom import ct_slices, phantom_voxels, radiograph, save, save_ct, set_pixels, stored_pixels
from tests.series_verdicts import assert_refused, only


def test_keep_hu_of_a_monochrome1_ct_and_invert_its_display(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "PhotometricInterpretation", "MONOCHROME1"))
    volume = read(tmp_path)
    assert volume.codes == ("W_MONO1",)
    assert np.array_equal(volume.voxels, phantom_voxels())
    assert volume.display.inverted


@pytest.mark.parametrize("modality", ["CR", "DX", "MG"])
@pytest.mark.parametrize(("dtype", "bits"), [(np.uint16, 12), (np.uint16, 16), (np.int16, 16), (np.uint8, 8)])
def test_monochrome1_radiograph_equals_its_inverted_twin(tmp_path: Path, modality: str, dtype: type, bits: int) -> None:
    stored = (np.arange(15 * 20).reshape(15, 20) * 13 % (1 << min(bits, 12))).astype(dtype)
    top = -1 if dtype is np.int16 else (1 << bits) - 1
    one = radiograph(stored, modality, "MONOCHROME1")
    two = radiograph((top - stored.astype(int)).astype(dtype), modality, "MONOCHROME2")
    for ds in (one, two):
        ds.BitsStored, ds.HighBit = bits, bits - 1
    one.WindowCenter, one.WindowWidth = 100, 50
    two.WindowCenter, two.WindowWidth = top - 100 + 1, 50  # PS3.3 C.11.2.1.2: a window is centred at c - 0.5
    save([one], tmp_path / "one")
    save([two], tmp_path / "two")
    first, second = read(tmp_path / "one"), read(tmp_path / "two")
    assert np.array_equal(first.voxels, second.voxels)
    assert first.voxels.dtype == second.voxels.dtype
    assert "W_MONO1" in first.codes
    assert "W_MONO1" not in second.codes
    assert not first.display.inverted
    assert (first.display.window_center, first.display.window_width) == (second.display.window_center, 50)
    assert (first.frame, first.orientation, first.shape) == ("detector", "detector", (20, 15, 1))


def test_apply_a_slope_for_each_slice(tmp_path: Path) -> None:
    stored = np.arange(11 * 14, dtype=np.uint16).reshape(11, 14)

    def change(ds: Dataset, k: int) -> None:
        set_pixels(ds, stored)
        ds.RescaleSlope, ds.RescaleIntercept, ds.Units = f"{0.1 * (k + 1):.6f}", "0", "BQML"

    save_ct(tmp_path, change, modality="PT", intercept=0.0)
    volume = read(tmp_path)
    assert (volume.voxels.dtype, volume.unit) == (np.float32, "BQML")
    for k in range(volume.shape[2]):
        assert np.array_equal(volume.voxels[:, :, k], stored.T.astype(np.float32) * np.float32(f"{0.1 * (k + 1):.6f}"))


def test_keep_whole_numbers_in_16_bits(tmp_path: Path) -> None:
    save_ct(tmp_path, slope=2.0, voxels=(phantom_voxels() // 2 * 2).astype(np.int16), intercept=-1024.0)
    volume = read(tmp_path)
    assert volume.voxels.dtype == np.int16
    assert np.array_equal(volume.voxels, phantom_voxels() // 2 * 2)


def test_take_float32_where_whole_numbers_do_not_fit_16_bits(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: set_pixels(ds, stored_pixels(ds) + np.uint16(60_000)), modality="MR", intercept=0.0,
            voxels=(phantom_voxels() + 1000).astype(np.int16))  # fmt: skip
    volume = read(tmp_path)
    assert volume.voxels.dtype == np.float32
    assert np.array_equal(volume.voxels, phantom_voxels().astype(int) + 61_000)


def lut_item(first: int, outputs: np.ndarray, bits: int = 16) -> Sequence:
    """Make a lookup table."""
    item = Dataset()
    item.LUTDescriptor = [len(outputs) % 65536, first, bits]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = outputs.astype(np.uint16).tobytes()
    item["LUTData"].VR = "OW"
    item.ModalityLUTType = "HU"
    return Sequence([item])


def test_apply_modality_lookup_table(tmp_path: Path) -> None:
    table = (np.arange(100, dtype=np.uint16) ** 2 + 7).astype(np.uint16)
    stored = np.arange(11 * 14, dtype=np.uint16).reshape(11, 14)

    def change(ds: Dataset, k: int) -> None:
        del ds.RescaleSlope, ds.RescaleIntercept
        set_pixels(ds, stored)
        ds.ModalityLUTSequence = lut_item(20, table)

    save_ct(tmp_path, change)
    volume = read(tmp_path)
    assert volume.codes == ("W_MODALITY_LUT",)
    assert np.array_equal(volume.voxels[:, :, 0], table[np.clip(stored.T.astype(int) - 20, 0, 99)])


def test_reject_lookup_table_that_is_cut_short(tmp_path: Path) -> None:
    def change(ds: Dataset, k: int) -> None:
        ds.ModalityLUTSequence = lut_item(0, np.arange(50))
        ds.ModalityLUTSequence[0].LUTDescriptor = [1000, 0, 16]
        ds.ModalityLUTSequence[0]["LUTDescriptor"].VR = "US"

    save_ct(tmp_path, change)
    assert_refused(tmp_path, "E_HEADER_VALUE", "LUTData must hold 1000 entries, got 100 bytes")


def test_mark_padding_and_keep_its_stored_hu(tmp_path: Path) -> None:
    def change(ds: Dataset, k: int) -> None:
        stored = stored_pixels(ds).astype(np.int16)
        stored[:3, :2] = -2000
        set_pixels(ds, stored)
        ds.add_new(0x00280120, "US", 63536)  # -2000 in a VR that contradicts PixelRepresentation

    save_ct(tmp_path, change)
    series, volume = only(tmp_path), read(tmp_path)
    assert series.codes == volume.codes == ("W_PADDING",)
    assert f"{6 / (11 * 14):.1%} of the voxels" in series.message
    expected = np.zeros(volume.shape, bool)
    expected[:2, :3] = True
    assert np.array_equal(volume.padding, expected)
    assert np.all(volume.voxels[expected] == -3024)
    assert np.array_equal(volume.voxels[~expected], phantom_voxels()[~expected])


def test_mark_a_range_of_padding(tmp_path: Path) -> None:
    def change(ds: Dataset, k: int) -> None:
        ds.add_new(0x00280120, "US", 0)
        ds.add_new(0x00280121, "US", 60)

    save_ct(tmp_path, change)
    volume = read(tmp_path)
    assert volume.padding is not None
    assert np.array_equal(volume.padding, phantom_voxels() + 1024 <= 60)


def test_say_nothing_of_padding_that_no_pixel_holds(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: ds.add_new(0x00280120, "US", 65000))
    volume = read(tmp_path)
    assert (volume.codes, volume.padding) == ((), None)


def test_mark_padding_that_needs_more_bits_than_are_stored(tmp_path: Path) -> None:
    def change(ds: Dataset, k: int) -> None:
        stored = stored_pixels(ds)
        stored[:3, :2] = 63536
        set_pixels(ds, stored, bits_stored=12)
        ds.add_new(0x00280120, "US", 63536)

    save_ct(tmp_path, change)
    volume = read(tmp_path)
    assert volume.codes == ("W_PADDING",)
    assert np.array_equal(np.argwhere(volume.padding).max(axis=0), (1, 2, 8))


def test_reject_signed_ct_that_is_flagged_unsigned(tmp_path: Path) -> None:
    def change(ds: Dataset, k: int) -> None:
        set_pixels(ds, (stored_pixels(ds).astype(int) - 1024).astype(np.int16))
        ds.RescaleIntercept, ds.PixelRepresentation = 0, 0

    save_ct(tmp_path, change)
    assert_refused(tmp_path, "E_VALUE_RANGE", "must lie in [-32768, 32767] HU, got [")


def test_reject_ct_with_too_much_metal(tmp_path: Path) -> None:
    def change(ds: Dataset, k: int) -> None:
        stored = stored_pixels(ds)
        stored[0, 0] = 24_000
        set_pixels(ds, stored)

    save_ct(tmp_path, change)
    assert_refused(tmp_path, "E_VALUE_RANGE", "at most 0.1 % of CT values may lie above 20000 HU, got 0.65 %")


def test_accept_a_little_metal(tmp_path: Path) -> None:
    def change(ds: Dataset, k: int) -> None:
        if k == 4:
            stored = stored_pixels(ds)
            stored[0, 0] = 31_000
            set_pixels(ds, stored)

    save_ct(tmp_path, change)
    assert read(tmp_path).voxels.max() == 31_000 - 1024


@pytest.mark.parametrize("signed", [False, True])
def test_mask_an_overlay_in_the_high_bits(tmp_path: Path, signed: bool) -> None:
    def change(ds: Dataset, k: int) -> None:
        stored = stored_pixels(ds)
        if signed:
            stored = ((stored.astype(int) - 1024) & 0x0FFF).astype(np.uint16)
        stored[2:5, 3:6] |= 0x1000
        set_pixels(ds, stored, bits_stored=12)
        ds.PixelRepresentation = int(signed)
        ds.RescaleIntercept = 0 if signed else -1024

    save_ct(tmp_path, change)
    volume = read(tmp_path)
    assert volume.codes == ("W_OVERLAY_IN_PIXEL",)
    assert np.array_equal(volume.voxels, phantom_voxels())


@pytest.mark.parametrize("extended", [False, True])
def test_read_twelve_signed_bits_whether_or_not_the_sign_was_extended(tmp_path: Path, extended: bool) -> None:
    def change(ds: Dataset, k: int) -> None:
        stored = (stored_pixels(ds).astype(int) - 1024).astype(np.int16)
        set_pixels(ds, stored if extended else (stored & 0x0FFF).astype(np.int16), bits_stored=12)
        ds.RescaleIntercept = 0

    save_ct(tmp_path, change)
    volume = read(tmp_path)
    assert volume.codes == ()
    assert np.array_equal(volume.voxels, phantom_voxels())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("BitsStored", 17, "BitsStored must be at most BitsAllocated (16), got 17"),
     ("BitsAllocated", 12, "BitsAllocated must be 8, 16 or 32, got 12"),
     ("HighBit", 3, "HighBit must be BitsStored - 1 (15), got 3")],
)  # fmt: skip
def test_reject_bits_that_do_not_fit(tmp_path: Path, name: str, value: int, words: str) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, name, value))
    assert_refused(tmp_path, "E_HEADER_VALUE", words)


def test_read_eight_bit_and_thirty_two_bit_numbers(tmp_path: Path) -> None:
    for dtype in (np.uint8, np.int8, np.uint32, np.int32):
        folder = tmp_path / np.dtype(dtype).name
        datasets = ct_slices(modality="MR", voxels=(phantom_voxels() % 100).astype(np.int16), intercept=0.0)
        for ds in datasets:
            set_pixels(ds, stored_pixels(ds).astype(dtype))
        save(datasets, folder)
        assert np.array_equal(read(folder).voxels, phantom_voxels() % 100), dtype


def test_keep_the_files_own_window_and_voi_table(tmp_path: Path) -> None:
    ds = radiograph(np.arange(300, dtype=np.uint16).reshape(15, 20))
    ds.WindowCenter, ds.WindowWidth = [40, 80], [400, 1500]
    ds.VOILUTSequence = lut_item(10, np.array([0, 100, 200]))
    save([ds], tmp_path)
    display = read(tmp_path).display
    assert (display.window_center, display.window_width) == (40, 400)
    assert display.voi_lut is not None
    assert display.voi_lut == pytest.approx(np.array([[10, 11, 12], [0, 0.5, 1.0]]))


def test_leave_out_a_voi_table_that_cannot_be_used(tmp_path: Path) -> None:
    ds = radiograph(np.arange(300, dtype=np.uint16).reshape(15, 20))
    ds.VOILUTSequence = lut_item(10, np.array([0, 100, 200]))
    ds.VOILUTSequence[0].LUTDescriptor = [900, 0, 16]
    ds.VOILUTSequence[0]["LUTDescriptor"].VR = "US"
    save([ds], tmp_path)
    volume = read(tmp_path)
    assert volume.display.voi_lut is None
    assert np.array_equal(volume.voxels[:, :, 0].T, np.arange(300).reshape(15, 20))


def test_warn_of_burned_in_text(tmp_path: Path) -> None:
    stored = np.zeros((10, 12), np.uint16)
    cases = {"US": (radiograph(stored, "US"), True), "SC": (radiograph(stored, "SC"), True)}
    cases["DX"] = (radiograph(stored, "DX"), False)
    said_no, said_yes = radiograph(stored, "US"), radiograph(stored, "DX")
    said_no.BurnedInAnnotation, said_yes.BurnedInAnnotation = "NO", "YES"
    cases |= {"no": (said_no, False), "yes": (said_yes, True)}
    for name, (ds, expected) in cases.items():
        save([ds], tmp_path / name)
        assert ("W_BURNED_IN" in only(tmp_path / name).codes) is expected, name


def test_warn_of_lossy_compression_and_keep_the_ratio(tmp_path: Path) -> None:
    def change(ds: Dataset, k: int) -> None:
        ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", 8.5

    save_ct(tmp_path, change)
    series = only(tmp_path)
    assert series.codes == ("W_LOSSY",)
    assert "ratio 8.5" in series.message
    assert read(tmp_path).notes["lossy_ratio"] == 8.5


def test_take_the_detectors_spacing_for_a_radiograph_and_say_so(tmp_path: Path) -> None:
    ds = radiograph(np.zeros((10, 12), np.uint16))
    save([ds], tmp_path / "none")
    ds.ImagerPixelSpacing = [0.2, 0.1]
    save([ds], tmp_path / "detector")
    unknown, detector = read(tmp_path / "none"), read(tmp_path / "detector")
    assert (unknown.codes, unknown.spacing_known) == (("W_SPACING_UNKNOWN",), False)
    assert (detector.codes, detector.spacing_known) == (("W_DETECTOR_SPACING",), True)
    assert detector.spacing_mm == (0.1, 0.2, 1.0)
    assert np.array_equal(detector.affine, np.diag([0.1, 0.2, 1.0, 1.0]))


def test_list_each_radiograph_of_a_series_as_a_picture_of_its_own(tmp_path: Path) -> None:
    pictures = [radiograph(np.full((10, 12), n, np.uint16)) for n in range(3)]
    for ds in pictures:
        ds.SeriesInstanceUID = pictures[0].SeriesInstanceUID
    save(pictures, tmp_path)
    found = find_series(tmp_path).series
    assert [(s.shape, s.orientation) for s in found] == [((12, 10, 1), "detector")] * 3
    with pytest.raises(IntakeError, match="E_SERIES_AMBIGUOUS"):
        read(tmp_path)


@pytest.mark.parametrize("kind", ["Z_EFF", "MGML", "ED"])
def test_reject_a_map_that_calls_itself_ct_and_is_not_in_hu(tmp_path: Path, kind: str) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "RescaleType", kind))
    assert_refused(tmp_path, "E_NO_RESCALE", f"the header says {kind}")


@pytest.mark.parametrize(("kind", "codes"), [("HU", ()), ("US", ("W_RESCALE_TYPE",)), ("HU_MOD", ("W_RESCALE_TYPE",))])
def test_warn_of_a_ct_whose_values_have_another_name(tmp_path: Path, kind: str, codes: tuple[str, ...]) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "RescaleType", kind))
    assert only(tmp_path).codes == codes


@pytest.mark.parametrize(("units", "unit"), [("BQML", "BQML"), ("GML", "GML"), ("DOE JANE", "1"), ("", "1")])
def test_state_the_unit_of_pet_as_a_defined_term_alone(tmp_path: Path, units: str, unit: str) -> None:
    save_ct(tmp_path, lambda ds, k: setattr(ds, "Units", units), modality="PT")
    assert (only(tmp_path).unit, read(tmp_path).unit) == (unit, unit)


def test_mark_padding_whose_sign_was_not_extended(tmp_path: Path) -> None:
    def change(ds: Dataset, k: int) -> None:
        stored = stored_pixels(ds).astype(np.int32) - 1024
        stored[:2] = -2000
        ds.PixelRepresentation, ds.BitsStored, ds.HighBit, ds.RescaleIntercept = 1, 12, 11, 0
        ds.PixelData = (stored & 0xFFF).astype(np.uint16).tobytes()
        ds.add_new("PixelPaddingValue", "SS", -2000)

    save_ct(tmp_path, change)
    padding = read(tmp_path).padding
    assert padding is not None
    assert padding[:, :2].all()
    assert not padding[:, 2:].any()
