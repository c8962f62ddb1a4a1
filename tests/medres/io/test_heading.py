"""What a list of series says of a file: pseudonyms, days and settings, never an identifier."""

from __future__ import annotations

import pytest

from medres.io import find_series, read_series
from medres.io.heading import day_of, read_heading
from tests.phantoms_dicom import SAGITTAL, Geometry, ct_slices, save


@pytest.fixture
def saved(tmp_path):
    slices = ct_slices(geometry=Geometry(orientation=SAGITTAL), modality="MR", intercept=0.0)
    for one in slices:
        one.StudyDate, one.SeriesNumber, one.BodyPartExamined = "20240229", 5, "BRAIN"
        one.RepetitionTime, one.EchoTime, one.ContrastBolusAgent = 500, 12, "agent"
    return save(slices, tmp_path / "scan")


def test_a_heading_holds_settings_and_pseudonyms_of_the_same_kind_as_the_scan(saved):
    found = read_heading(saved[0])
    assert (found.number, found.plane, found.body_part, found.contrast) == (5, "sagittal", "BRAIN", True)
    assert (found.repetition_ms, found.echo_ms) == (500.0, 12.0)
    volume = read_series(find_series(saved[0].parent).series[0])
    assert found.patient_key == volume.origin.patient_key != ""
    assert len(found.study_key) == len(found.frame_key) == 16


def test_a_heading_says_no_name_number_date_or_uid(saved):
    told = str(read_heading(saved[0]))
    for identifier in ("Doe", "DOE", "MRN", "778812", "20240229", "1.2."):
        assert identifier not in told


def test_a_body_part_that_is_no_defined_term_is_left_out(tmp_path):
    slices = ct_slices()
    slices[0].BodyPartExamined = "DOE JANE"
    assert read_heading(save(slices[:1], tmp_path)[0]).body_part == ""


def test_what_is_no_dicom_file_has_no_heading(tmp_path):
    (tmp_path / "note.txt").write_text("no scan")
    assert read_heading(tmp_path / "note.txt") is None
    assert read_heading(tmp_path / "absent") is None


@pytest.mark.parametrize("text", ["", "2020", "20201301", "2020-1-1", "abcdefgh"])
def test_what_is_no_date_gives_no_day(text):
    assert day_of(text) is None
