"""The series of a study, and the patient's priors."""

from __future__ import annotations

import shutil

import pydicom
import pytest

from medres.review.beside import first_path, heading_of, series_beside
from medres.review.worklist import open_worklist
from tests.study_folder import DAYS, build_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_study(tmp_path_factory.mktemp("patient"))


def named(worklist, name):
    return next(item for item in worklist.items if first_path(item).parent.name == name)


def names(found):
    return [first_path(one.item).parent.name for one in found]


def test_a_study_lists_its_series_by_number_the_refused_one_too_then_the_prior(folder):
    listed = open_worklist(folder)
    found = series_beside(listed, named(listed, "a"))
    assert names(found) == ["a", "b", "c", "0"]
    assert [one.prior for one in found] == [False, False, False, True]
    assert found[3].days_before == DAYS
    assert not found[2].item.readable


def test_the_prior_itself_has_no_prior_but_lists_the_later_study(folder):
    listed = open_worklist(folder)
    found = series_beside(listed, named(listed, "0"))
    assert names(found) == ["0", "a", "b", "c"]
    assert [(one.prior, one.later, one.same_study) for one in found] == [(False, False, True)] + [
        (False, True, False)
    ] * 3
    assert found[1].days_before == -DAYS


def test_series_of_one_study_share_a_frame_of_reference_and_a_prior_does_not(folder):
    listed = open_worklist(folder)
    frames = {name: heading_of(named(listed, name)).frame_key for name in ("a", "b", "0")}
    assert frames["a"] == frames["b"] != frames["0"]


def test_without_dates_the_order_of_the_files_tells_which_study_is_the_prior(folder, tmp_path):
    copied = shutil.copytree(folder, tmp_path / "undated")
    for path in copied.rglob("x*"):
        data = pydicom.dcmread(path)
        del data.StudyDate
        data.save_as(path)
    listed = open_worklist(copied)
    found = series_beside(listed, named(listed, "a"))
    assert names(found)[-1] == "0"
    assert found[-1].prior
    assert found[-1].days_before is None
    assert not any(one.prior for one in series_beside(listed, named(listed, "0")))


def test_another_patient_is_no_prior(folder, tmp_path):
    copied = shutil.copytree(folder, tmp_path / "others")
    for path in (copied / "0").iterdir():
        data = pydicom.dcmread(path)
        data.PatientID = "somebody else"
        data.save_as(path)
    listed = open_worklist(copied)
    assert names(series_beside(listed, named(listed, "a"))) == ["a", "b", "c"]
