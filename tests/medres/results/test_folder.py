import csv
import re
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from medres.classifier import load_classifier
from medres.explain.gradcam import build_heatmap
from medres.results.folder import BURNED_IN_NOTE, write_results
from medres.results.report import read_report
from medres.volume import Origin
from tests.tiny_models import PLACES_MM, ct_volume, picture

CANARY = Origin("d" * 64, "ct-1", "1.2.840.778812", "1.2.840.778813", "1.2.840.778814", "0123456789abcdef")


@pytest.fixture(scope="module")
def classifier(tiny_ct):
    return load_classifier(tiny_ct)


@pytest.fixture(scope="module")
def written(classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("Doe-Jane") / "result"
    volume = replace(ct_volume(50, PLACES_MM[0]), origin=CANARY)
    prediction = classifier.predict(volume)
    heatmap = build_heatmap(classifier, volume, prediction=prediction)
    return folder, volume, heatmap, write_results(folder, prediction, classifier.model, volume, heatmap)


def test_folder_holds_result_page_pictures_and_heatmap(written):
    folder, _, _, report = written
    names = {path.name for path in folder.iterdir()}
    assert {"result.json", "report.html", "key-slices.png", "regions.csv", "heatmap.nii.gz"} <= names
    assert {"slice-axial.png", "slice-axial-heatmap.png", "slice-coronal.png", "slice-sagittal.png"} <= names
    assert read_report(folder) == report
    assert len(report.pictures) == 6


def test_heatmap_on_the_scans_grid_has_its_affine_and_the_maps_values(written):
    folder, volume, heatmap, _ = written
    image = nib.load(folder / "heatmap.nii.gz")
    assert image.shape == volume.shape
    assert np.allclose(image.affine, volume.affine, atol=1e-5)
    assert np.allclose(image.get_fdata(), heatmap.on_grid(volume.affine, volume.shape), atol=1e-6)


def test_native_heatmap_keeps_its_own_cells_and_hottest_point(written):
    folder, _, heatmap, _ = written
    image = nib.load(folder / "heatmap_native.nii.gz")
    hottest = np.unravel_index(image.get_fdata().argmax(), image.shape)
    assert np.allclose((image.affine @ [*hottest, 1])[:3], heatmap.hottest_mm, atol=1e-4)


def test_table_of_regions_tells_the_same_as_the_report(written):
    folder, _, _, report = written
    rows = list(csv.DictReader((folder / "regions.csv").open()))
    assert len(rows) == len(report.heatmap.regions) > 0
    first = report.heatmap.regions[0]
    assert [float(rows[0][f"lps_{axis}_mm"]) for axis in "xyz"] == list(first.centroid_lps_mm)
    assert float(rows[0]["ras_x_mm"]) == -float(rows[0]["lps_x_mm"])


def test_no_identity_no_path_and_no_uid_in_any_file(written):
    folder, _, _, _ = written
    for path in folder.iterdir():
        content = path.read_bytes()
        for canary in (b"Doe-Jane", b"778812", b"778813", b"778814", b"0123456789abcdef", str(folder.parent).encode()):
            assert canary not in content, path.name


def test_page_is_self_contained(written):
    page = (written[0] / "report.html").read_text()
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert page.count("data:image/png;base64,") == 6
    assert "<script" not in page


def test_scan_with_burned_in_text_gives_no_picture(classifier, tmp_path):
    volume = ct_volume(1).with_codes("W_BURNED_IN")
    report = write_results(tmp_path, classifier.predict(volume), classifier.model, volume)
    assert not list(tmp_path.glob("*.png"))
    assert report.notes == (BURNED_IN_NOTE,)
    assert BURNED_IN_NOTE in (tmp_path / "report.html").read_text()


def test_scan_out_of_scope_is_shown_with_the_reason_and_no_heatmap(classifier, tmp_path):
    volume = replace(ct_volume(1), modality="MR")
    report = write_results(tmp_path, classifier.predict(volume), classifier.model, volume)
    assert [picture.heatmap for picture in report.pictures] == [False] * 3
    page = (tmp_path / "report.html").read_text()
    assert "No probability" in page
    assert "E_SCOPE_MODALITY" in page
    assert not list(tmp_path.glob("heatmap*"))


def test_picture_without_spacing_gives_a_page_without_millimetres(tiny_us, tmp_path):
    classifier, volume = load_classifier(tiny_us), picture(3, (60, 20))
    prediction = classifier.predict(volume)
    write_results(tmp_path, prediction, classifier.model, volume, build_heatmap(classifier, volume))
    page = re.sub(r"data:image/png;base64,[^\"]+", "", (tmp_path / "report.html").read_text())
    assert "spacing not known" in page
    assert not re.search(r"\d mm", page)
