"""A group's verdict: rows of the table that `medres inspect` shows."""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset

from medres.errors import CODES
from medres.io.judging import say, series_key
from tests.phantoms_dicom import ct_slices, put_jpeg2000, save, save_ct
from tests.series_verdicts import only


def test_a_verdict_says_what_was_checked(tmp_path: Path) -> None:
    save_ct(tmp_path)
    assert only(tmp_path).checked == "pixels"
    assert only(tmp_path, headers_only=True).checked == "headers"


def test_pixels_tell_what_headers_cannot(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: put_jpeg2000(ds))
    path = tmp_path / "x0003"
    path.write_bytes(path.read_bytes()[:-100])
    assert only(tmp_path, headers_only=True).verdict == "ok"
    assert only(tmp_path).codes == ("E_TRUNCATED",)


def test_a_refused_series_still_says_what_it_is(tmp_path: Path) -> None:
    save([ds for k, ds in enumerate(ct_slices()) if k != 4], tmp_path)
    series = only(tmp_path)
    assert (series.modality, series.shape, series.file_count) == ("CT", (14, 11, 8), 8)
    assert (series.affine, series.spacing_mm, series.orientation) == (None, None, "")


def hide_the_kind(ds: Dataset) -> None:
    """Leave nothing in a header that tells the modality."""
    ds.Modality = ds.SOPClassUID = ""
    ds.file_meta.MediaStorageSOPClassUID = "1.2.3"


def test_give_the_modality_where_the_header_has_none(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: hide_the_kind(ds))
    assert only(tmp_path, modality="ct").modality == "CT"
    assert only(tmp_path).modality == ""


def test_a_modality_that_is_given_is_held_to_its_rules(tmp_path: Path) -> None:
    save_ct(tmp_path, lambda ds, k: [hide_the_kind(ds), delattr(ds, "RescaleSlope")])
    assert only(tmp_path).verdict == "ok"
    assert only(tmp_path, modality="CT").codes == ("E_NO_RESCALE",)


def test_every_warning_has_words() -> None:
    codes = tuple(code for code in CODES if code.startswith("W_"))
    assert len(say(codes, {}).split("; ")) >= len(codes)
    assert say((), {}) == ""


def test_a_key_depends_on_every_part_of_the_name() -> None:
    assert len({series_key(name) for name in (("1.2", "CT"), ("1.2", "MR"), ("1.3", "CT"), ("1.2", "CT", ""))}) == 4
    assert "1.2" not in series_key(("1.2", "CT"))
