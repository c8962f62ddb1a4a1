import pytest

from medres.io.nifti_writing import write_volume
from tests.pipelines.program import medres
from tests.tiny_models import PLACES_MM, ct_volume


@pytest.fixture(scope="module")
def result(tiny_ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    write_volume(ct_volume(60, PLACES_MM[0]), folder / "scan.nii.gz")
    options = ("--modality", "CT", "--explain", "--out", folder / "out")
    assert medres("predict", tiny_ct, folder / "scan.nii.gz", *options).returncode == 0
    return folder / "out"


def test_page_is_made_again_the_same_from_the_folder_alone(result):
    before = (result / "report.html").read_bytes()
    (result / "report.html").unlink()
    done = medres("report", result)
    assert done.returncode == 0, done.stderr
    assert (result / "report.html").read_bytes() == before


def test_page_goes_where_it_is_asked_for(result, tmp_path):
    assert medres("report", result / "result.json", "--out", tmp_path / "page.html").returncode == 0
    assert (tmp_path / "page.html").read_bytes() == (result / "report.html").read_bytes()


def test_reject_place_without_a_result(tmp_path):
    done = medres("report", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("E_NOT_FOUND: ")
    assert str(tmp_path) not in done.stderr
