"""A folder of anything: every file stands in a series or is skipped with a reason; names decide nothing."""

from __future__ import annotations

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from medres.errors import IntakeError, SpecError
from medres.io import find_series, read
from tests.phantoms_dicom import ct_slices, phantom_voxels, radiograph, save, save_ct, set_pixels, with_meta
from tests.series_verdicts import only


def report() -> Dataset:
    """Make a structured report."""
    ds = ct_slices()[0]
    for name in ("Rows", "Columns", "PixelData", "BitsAllocated"):
        delattr(ds, name)
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    return with_meta(ds)


def segmentation() -> Dataset:
    """Make a segmentation."""
    ds = set_pixels(ct_slices()[0], np.zeros((4, 4), np.uint8))
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    return with_meta(ds)


def test_skip_what_is_no_scan_and_count_it_with_a_reason(tmp_path: Path) -> None:
    save_ct(tmp_path / "z")
    save([report(), segmentation()], tmp_path / "objects")
    (tmp_path / "empty").touch()
    (tmp_path / "notes.txt").write_text("Doe^Jane MRN-778812")
    (tmp_path / "image.dcm").write_bytes(b"not an image at all" * 40)
    (tmp_path / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000))
    inventory = find_series(tmp_path)
    assert [s.verdict for s in inventory.series] == ["ok"]
    assert [s.code for s in inventory.skipped] == ["W_SKIPPED_FILES"] * 6
    reasons = " ".join(s.reason for s in inventory.skipped)
    for word in ("an empty file", "text", "an Office or thumbnail file", "such as a report", "a segmentation"):
        assert word in reasons
    assert [s.number for s in inventory.skipped] == [1, 2, 3, 4, 5, 6]
    assert sum(s.file_count for s in inventory.series) + len(inventory.skipped) == 15
    assert "Doe" not in reasons


def test_never_follow_a_dicomdir(tmp_path: Path) -> None:
    save_ct(tmp_path / "images")
    directory = Dataset()
    directory.FileSetID, directory.ReferencedFileID = "CD", ["OTHER", "IMAGE"]
    with_meta(directory)
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    save([directory], tmp_path)
    (tmp_path / "x0000").rename(tmp_path / "DICOMDIR")
    inventory = find_series(tmp_path)
    assert [(s.code, "DICOMDIR" in s.reason) for s in inventory.skipped] == [("W_SKIPPED_FILES", True)]
    assert [s.file_count for s in inventory.series] == [9]


def test_recognise_files_by_their_bytes_and_not_by_their_names(tmp_path: Path) -> None:
    save_ct(tmp_path / "a")
    for n, path in enumerate(sorted((tmp_path / "a").iterdir())):
        path.rename(path.with_suffix((".nii", ".png", ".txt", "")[n % 4]))
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(tmp_path / "picture.png")
    (tmp_path / "picture.png").rename(tmp_path / "picture.dcm")
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 4, 5), np.int16), np.eye(4)), tmp_path / "v.nii.gz")
    (tmp_path / "v.nii.gz").rename(tmp_path / "v.jpg")
    inventory = find_series(tmp_path)
    assert sorted(s.kind for s in inventory.series) == ["dicom", "nifti", "picture"]
    assert inventory.skipped == ()


def test_count_header_and_image_of_a_nifti_pair_as_one(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Pair(np.zeros((3, 4, 5), np.int16), np.eye(4)), tmp_path / "pair.hdr")
    inventory = find_series(tmp_path)
    assert [(s.kind, s.file_count) for s in inventory.series] == [("nifti", 2)]
    assert inventory.skipped == ()


def strip_preamble(path: Path, start: int = 132) -> None:
    """Take preamble and prefix off a file."""
    path.write_bytes(path.read_bytes()[start:])


def test_accept_images_without_preamble_and_say_so(tmp_path: Path) -> None:
    for path in save(ct_slices(), tmp_path):
        strip_preamble(path)
    assert only(tmp_path).codes == ("W_NO_PREAMBLE",)
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_accept_images_without_file_meta_information(tmp_path: Path, syntax: str) -> None:
    for path in save(ct_slices(syntax=syntax), tmp_path):
        content = path.read_bytes()
        length = int.from_bytes(content[140:144], "little")
        path.write_bytes(content[144 + length :])
    assert only(tmp_path).codes == ("W_NO_PREAMBLE",)
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())


def test_skip_what_only_looks_like_a_data_set_without_preamble(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100" + bytes(500))
    (tmp_path / "b").write_bytes(b"\x02\x00\x00\x00" + os.urandom(500))
    inventory = find_series(tmp_path)
    assert inventory.series == ()
    assert sorted(s.code for s in inventory.skipped) == ["E_NOT_DICOM", "W_SKIPPED_FILES"]
    with pytest.raises(IntakeError, match="E_EMPTY_FOLDER"):
        read(tmp_path)


@pytest.mark.filterwarnings("ignore:Unknown encoding")  # of the writer of the phantom
@pytest.mark.parametrize("charset", ["ISO_IR 192", "NO_SUCH_SET", ["", "ISO 2022 IR 87"], None])
def test_names_in_any_character_set_never_fail(
    tmp_path: Path, charset: object, caplog: pytest.LogCaptureFixture
) -> None:
    paths = save(ct_slices(), tmp_path)
    for path in paths:
        path.write_bytes(path.read_bytes().replace(b"Doe^Jane", b"M\xfcl^J\xe4n\xff"))
    if charset is not None:
        save_ct(tmp_path, lambda ds, k: setattr(ds, "SpecificCharacterSet", charset))
    caplog.clear()
    assert only(tmp_path).codes == ()
    assert np.array_equal(read(tmp_path).voxels, phantom_voxels())
    assert caplog.text == ""


def test_give_nothing_at_a_path_its_code(tmp_path: Path) -> None:
    with pytest.raises(IntakeError) as fault:
        find_series(tmp_path / "MRN-778812")
    assert fault.value.code == "E_NOT_FOUND"
    assert "MRN" not in str(fault.value)
    with pytest.raises(IntakeError, match="E_EMPTY_FOLDER"):
        find_series(tmp_path)


def test_do_not_wait_for_pipes_nor_follow_links_in_circles(tmp_path: Path) -> None:
    save_ct(tmp_path / "a")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    inventory = find_series(tmp_path)
    assert [s.file_count for s in inventory.series] == [9]
    assert sorted(s.code for s in inventory.skipped) == ["E_UNREADABLE", "W_SKIPPED_FILES", "W_SKIPPED_FILES"]


def test_read_one_file_alone(tmp_path: Path) -> None:
    path = save(ct_slices()[:1], tmp_path)[0]
    assert read(path).shape == (14, 11, 1)


def test_refuse_a_broken_file_that_names_no_series_with_the_only_series_of_its_folder(tmp_path: Path) -> None:
    paths = save(ct_slices(), tmp_path)
    os.truncate(paths[8], 300)
    series = only(tmp_path)
    assert (series.codes, series.file_count) == (("E_TRUNCATED",), 9)


def test_list_a_broken_file_alone_where_no_series_claims_it(tmp_path: Path) -> None:
    save_ct(tmp_path / "a")
    os.truncate(save(ct_slices()[:1], tmp_path / "b")[0], 300)
    found = find_series(tmp_path).series
    assert sorted((s.verdict, s.codes) for s in found) == [("ok", ()), ("refused", ("E_TRUNCATED",))]


def test_tell_progress_file_by_file(tmp_path: Path) -> None:
    save_ct(tmp_path)
    seen: list[tuple[int, int]] = []
    find_series(tmp_path, headers_only=True, on_progress=lambda done, count: seen.append((done, count)))
    assert seen == [(n, 9) for n in range(1, 10)]
    seen.clear()
    find_series(tmp_path, on_progress=lambda done, count: seen.append((done, count)))
    assert seen == [*[(0, 9)] * 9, (9, 9)]


def test_keys_are_stable_unique_and_free_of_identifiers(tmp_path: Path) -> None:
    one, two = ct_slices(), ct_slices()
    save([*one, *two], tmp_path / "a")
    save([*two[::-1], *one[::-1]], tmp_path / "b")
    first, second = ([s.key for s in find_series(tmp_path / name).series] for name in "ab")
    assert first == second
    assert len(set(first)) == 2
    assert all(len(key) == 12 and int(key, 16) >= 0 for key in first)


def test_the_same_scan_in_any_order_and_place_has_the_same_digest(tmp_path: Path) -> None:
    datasets = ct_slices()
    save(datasets, tmp_path / "a")
    save(datasets[::-1], tmp_path / "b" / "c")
    digests = {read(tmp_path / name).origin.content_digest for name in "ab"}
    assert len(digests) == 1


def test_messages_and_pseudonyms_hold_no_identifier(tmp_path: Path) -> None:
    folder = tmp_path / "CANARY"
    datasets = save_ct(folder)
    volume = read(folder)
    series = find_series(folder).series[0]
    shown = " ".join([series.key, series.message, volume.origin.patient_key, str(volume.notes)])
    for secret in ("Doe", "MRN", "ACC-99", "1950", "CANARY", str(datasets[0].SeriesInstanceUID)):
        assert secret not in shown
    assert len(volume.origin.patient_key) == 16
    assert volume.origin.series_instance_uid == datasets[0].SeriesInstanceUID


def test_mixed_folder_of_patients_and_kinds(tmp_path: Path) -> None:
    save_ct(tmp_path / "p1" / "s1")
    save_ct(tmp_path / "p1" / "s2", modality="MR", intercept=-1024)
    save([radiograph(np.zeros((5, 6), np.uint16))], tmp_path / "p2")
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(tmp_path / "picture.png")
    inventory = find_series(tmp_path, headers_only=True)
    assert sorted(s.modality for s in inventory.series) == ["", "CT", "DX", "MR"]
    assert [s.key for s in inventory.series] == sorted(s.key for s in inventory.series)


def test_skip_spectra(tmp_path: Path) -> None:
    ds = ct_slices(modality="MR")[0]
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.2"
    del ds.PixelData  # its numbers stand in SpectroscopyData, beside Rows and Columns
    save([ds], tmp_path)
    assert [one.reason for one in find_series(tmp_path).skipped] == ["a DICOM object that is no scan (spectra)"]


def test_refuse_the_name_of_a_frame_that_is_none(tmp_path: Path) -> None:
    save_ct(tmp_path)
    with pytest.raises(SpecError, match="E_SPEC: nifti_frame must be sform or qform"):
        find_series(tmp_path, nifti_frame="foo")
