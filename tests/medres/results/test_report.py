import json

import numpy as np
import pytest

from medres import geometry
from medres.classifier import Place, load_classifier
from medres.errors import StoreError
from medres.explain.gradcam import build_heatmap
from medres.explain.heatmap import Heatmap
from medres.results.report import (
    Report,
    build_report,
    heatmap_facts,
    place_facts,
    read_report,
    sides_known,
    write_report,
)
from tests.tiny_models import PLACES_MM, ct_volume, picture


@pytest.fixture(scope="module")
def report(tiny_ct):
    classifier, volume = load_classifier(tiny_ct), ct_volume(50, PLACES_MM[0])
    prediction = classifier.predict(volume)
    heatmap = build_heatmap(classifier, volume, prediction=prediction)
    return build_report(prediction, classifier.model, volume, heatmap=heatmap, made_on="2026-01-31")


def spot(volume, place_mm):
    """A map whose one hot cell is centred on a place."""
    affine = volume.affine.copy()
    affine[:3, 3] = place_mm
    return Heatmap(
        np.ones((1, 1, 1), np.float32), affine, "tumour", "layer4", "Grad-CAM", 1.0, 0.5, "explanation.json",
        volume.affine, volume.shape, volume.spacing_known,
    )  # fmt: skip


def test_a_report_comes_back_from_its_file_as_it_was(report, tmp_path):
    path = write_report(report, tmp_path)
    assert read_report(path) == report
    assert read_report(tmp_path) == report
    assert json.loads(path.read_text())["answer"]["probability"] == report.answer.probability


def test_a_region_is_told_in_ras_and_in_dicom_millimetres_and_as_a_voxel():
    volume, place = ct_volume(0), (-20.0, 12.0, 8.0)
    (region,) = heatmap_facts(spot(volume, place), volume).regions
    assert region.centroid_ras_mm == place
    assert region.centroid_lps_mm == (20.0, -12.0, 8.0)
    back = geometry.apply_affine(volume.affine, region.voxel)
    assert np.abs(back - place).max() <= max(volume.spacing_mm) / 2
    assert region.volume_ml == pytest.approx(0.036)


def test_no_millimetres_where_spacing_is_not_known():
    volume = picture(0)
    facts = heatmap_facts(spot(volume, (40.0, 30.0, 0.0)), volume)
    assert facts.cell_mm is None
    (region,) = facts.regions
    assert (region.centroid_ras_mm, region.centroid_lps_mm, region.volume_ml) == (None, None, None)
    assert region.voxel == (40, 30, 0)


def test_no_side_is_told_where_it_is_not_known(tiny_ct):
    volume = ct_volume(0).with_codes("W_NIFTI_NO_SIDE")
    assert not sides_known(volume)
    assert heatmap_facts(spot(volume, (0.0, 0.0, 0.0)), volume).regions[0].centroid_ras_mm is None
    classifier = load_classifier(tiny_ct)
    report = build_report(classifier.predict(volume), classifier.model, volume, made_on="2026-01-31")
    assert report.scan.orientation == ""


def test_out_of_scope_has_no_probability_anywhere(tiny_ct):
    classifier, volume = load_classifier(tiny_ct), picture(0)
    report = build_report(classifier.predict(volume), classifier.model, volume, made_on="2026-01-31")
    assert report.answer.probability is None
    assert report.answer.probabilities == {}
    assert report.answer.operating_point is None
    assert report.answer.code == "E_SCOPE_MODALITY"


@pytest.mark.parametrize("content", ["", "{}", '{"schema_version": 9}', "\x00\x01", "[1]"])
def test_reject_file_that_is_no_result(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(StoreError, match="E_RESULT_FORMAT") as caught:
        read_report(tmp_path)
    assert str(tmp_path) not in str(caught.value)


def test_reject_missing_result(tmp_path):
    with pytest.raises(StoreError, match="E_NOT_FOUND"):
        read_report(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a/b.png", "x.html"])
def test_reject_picture_that_is_not_beside_the_result(report, name):
    content = report.model_dump(mode="json") | {"pictures": [{"file": name, "title": "x", "heatmap": False}]}
    with pytest.raises(ValueError, match="pattern"):
        Report.model_validate(content)


def test_a_suspicious_place_is_told_in_both_frames_and_by_its_slice(report, tmp_path):
    volume = ct_volume(0)
    place = Place((-20.0, 12.0, 8.0), (22, 11, 13), 0.75, (64.0, 64.0, 64.0))
    told = place_facts(place, volume)
    assert (told.centre_ras_mm, told.centre_lps_mm) == ((-20.0, 12.0, 8.0), (20.0, -12.0, 8.0))
    assert (told.slice, told.probability) == (14, 0.75)
    assert place_facts(place, volume.with_codes("W_NIFTI_NO_SIDE")).centre_ras_mm is None
    with_place = report.model_copy(update={"answer": report.answer.model_copy(update={"places": (told,)})})
    assert read_report(write_report(with_place, tmp_path)) == with_place


def test_a_result_of_before_there_were_places_is_read(report):
    content = report.model_dump(mode="json")
    del content["answer"]["places"]
    assert Report.model_validate(content).answer.places == ()
