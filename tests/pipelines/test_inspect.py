import json

import numpy as np
import pytest
from PIL import Image

from medres.errors import IntakeError
from pipelines import inspect
from tests.medres.io import nifti_phantom
from tests.pipelines.program import medres, medres_process
from tests.shared_data import shared

GEOMETRY_FIELDS = {"shape", "spacing_mm", "orientation", "affine"}
FIELDS = {"key", "verdict", "codes", "message", "modality", "file_count", "checked", "unit", *GEOMETRY_FIELDS}


def run(path, capsys, **options):
    given = {"as_json": True, "headers": False, "modality": None, "nifti_frame": None}
    status = inspect.run(path, **{**given, "allow_gaps": False, "resample_uneven": False, **options})
    out = capsys.readouterr().out
    return status, json.loads(out) if {**given, **options}["as_json"] else out


@pytest.fixture
def folder(tmp_path):
    """A NIfTI volume, a NIfTI volume whose forms disagree, a picture and a note, in nested folders."""
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    nifti_phantom.write(tmp_path / "deep" / "nameless.nii").rename(tmp_path / "deep" / "nameless")
    nifti_phantom.patch(nifti_phantom.write(tmp_path / "deep" / "deeper" / "b.nii"), srow_x3=99.0)
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(tmp_path / "c.png")
    (tmp_path / "notes.txt").write_text("Doe^Jane")
    return tmp_path


def test_json_has_exactly_the_promised_fields(folder, capsys):
    status, found = run(folder, capsys)
    assert status == 3
    assert set(found) == {"series", "skipped"}
    assert all(set(series) == FIELDS for series in found["series"])
    assert [set(file) for file in found["skipped"]] == [{"number", "code", "reason"}]
    assert sorted(series["verdict"] for series in found["series"]) == ["ok", "refused", "warned"]
    volume = next(series for series in found["series"] if series["verdict"] == "ok")
    assert volume["shape"] == list(nifti_phantom.SHAPE)
    assert volume["spacing_mm"] == pytest.approx(nifti_phantom.SPACING)
    assert np.allclose(volume["affine"], nifti_phantom.affine(), atol=1e-4)
    assert (volume["orientation"], volume["file_count"], volume["checked"]) == ("ALS", 1, "pixels")


def test_every_file_is_in_a_series_or_skipped(folder, capsys):
    _, found = run(folder, capsys)
    assert sum(series["file_count"] for series in found["series"]) + len(found["skipped"]) == 4
    assert found["skipped"][0]["number"] == 4


def test_exit_status_tells_whether_anything_was_refused(folder, capsys):
    assert run(folder / "deep" / "nameless", capsys)[0] == 0
    assert run(folder / "deep" / "deeper", capsys)[0] == 3
    assert run(folder / "deep" / "deeper", capsys, nifti_frame="qform")[0] == 0
    assert run(folder / "notes.txt", capsys)[0] == 3


def test_headers_is_the_quick_look(folder, capsys):
    _, found = run(folder, capsys, headers=True)
    assert {series["checked"] for series in found["series"]} == {"headers"}


def test_the_table_is_for_people_and_names_nobody(folder, capsys):
    status, text = run(folder, capsys, as_json=False)
    assert status == 3
    assert "3 series (1 ok, 1 warned, 1 refused); 1 file skipped" in text
    assert "E_NIFTI_FORMS" in text
    for canary in ("Doe", "notes", "nameless", str(folder)):
        assert canary not in text


def test_many_skipped_files_are_counted_by_reason(tmp_path, capsys):
    nifti_phantom.write(tmp_path / "a.nii")
    for number in range(41):
        (tmp_path / f"note-{number:02d}.txt").write_text("text")
    status, text = run(tmp_path, capsys, as_json=False)
    assert status == 0
    assert "2-42" in text
    assert inspect.runs(list(range(0, 60, 2))).endswith("20, 22, ...")


def test_an_empty_folder_and_a_wrong_path_are_named(tmp_path):
    with pytest.raises(IntakeError, match="E_EMPTY_FOLDER"):
        inspect.run(tmp_path, True, False, None, None, False, False)
    done = medres("inspect", tmp_path / "absent", "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("E_NOT_FOUND: ")
    assert "absent" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_program_writes_json_only_on_stdout(folder):
    done = medres_process("inspect", folder, "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["series"]
    assert done.stderr == ""


@pytest.mark.shared
def test_a_real_ct_is_listed_with_its_geometry(capsys):
    status, found = run(shared("data/dicom/ct_abdomen_18"), capsys, headers=True)
    series = next(s for s in found["series"] if s["modality"] == "CT")
    assert status == 0
    assert (series["shape"], series["file_count"], series["orientation"]) == ([512, 512, 18], 18, "LPS")
    assert series["spacing_mm"] == pytest.approx([0.664062, 0.664062, 2.5], abs=1e-5)
