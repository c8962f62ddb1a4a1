import re

import pytest

from medres.classifier import load_classifier
from medres.errors import StoreError
from medres.explain.gradcam import build_heatmap
from medres.results.disclaimer import DISCLAIMER, NO_REGION, PHANTOM
from medres.results.html import build_html, write_html
from medres.results.report import PictureFacts, Report, build_report
from tests.tiny_models import PLACES_MM, ct_volume

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def report(tiny_ct):
    classifier, volume = load_classifier(tiny_ct), ct_volume(50, PLACES_MM[0])
    heatmap = build_heatmap(classifier, volume)
    return build_report(classifier.predict(volume), classifier.model, volume, heatmap=heatmap, made_on="2026-01-31")


def changed(report, **parts):
    content = report.model_dump(mode="json")
    for name, fields in parts.items():
        content[name] = content[name] | fields if isinstance(fields, dict) else fields
    return Report.model_validate(content)


def test_page_says_score_threshold_standing_coverage_model_and_disclaimer(report):
    page = build_html(report, {})
    assert page.count(DISCLAIMER) >= 2
    assert f"{report.answer.probability:.3f}" in page
    assert f"threshold of {report.answer.operating_point['threshold']:.3f}" in page
    assert "4 of 4 validation scans without tumour scored lower" in page
    assert "The network was shown 100% of the scan." in page
    assert PHANTOM in page
    assert "tiny 1.0" in page


def test_page_lists_the_regions_in_both_frames(report):
    page = build_html(report, {})
    for place in (report.heatmap.regions[0].centroid_ras_mm, report.heatmap.regions[0].centroid_lps_mm):
        assert ", ".join(f"{value:.1f}" for value in place) in page


def test_text_of_a_model_is_escaped(report):
    page = build_html(changed(report, model={"intended_use": "<script>alert(1)</script>"}), {})
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_cold_map_excludes_nothing(report):
    page = build_html(changed(report, heatmap={"regions": [], "region_count": 0}), {})
    assert NO_REGION in page


def test_a_score_is_never_shown_as_a_certainty(report):
    assert "&gt; 0.999" in build_html(changed(report, answer={"probability": 0.99999}), {})
    assert "&lt; 0.001" in build_html(changed(report, answer={"probability": 0.0}), {})


def test_little_coverage_is_said_loudly(report):
    assert "Only 8% of the scan" in build_html(changed(report, answer={"coverage": 0.08}), {})
    assert "Only" not in build_html(report, {})


def test_warnings_are_told_in_words(report):
    page = build_html(changed(report, answer={"warnings": ["W_GAPS_FILLED", "W_SPACING_UNKNOWN"]}), {})
    assert "missing slices were filled by interpolation (not for clinical use)" in page
    assert "the true spacing is not known (nothing in mm is given)" in page


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (None, "never tested"),
        ({"passed": False, "reason": "every map is empty"}, "failed their tests: every map is empty."),
        (
            {"passed": True, "pointing": {"reason": "8 of 8"}, "reason": "all"},
            "passed their tests on validation scans: 8 of 8.",
        ),
    ],
)
def test_the_explanations_own_scorecard_stands_beside_it(report, card, words):
    assert words in build_html(changed(report, heatmap={"scorecard": card}), {})


def test_score_and_threshold_are_placed_on_the_axis(report):
    page = build_html(changed(report, answer={"probability": 0.5}), {})
    assert 'd="M 320.0 110' in page


def test_pictures_of_one_slice_stand_side_by_side(report):
    pictures = [PictureFacts(file=f"{n}.png", title="axial, slice 1 of 2", heatmap=n == "b") for n in "ab"]
    page = build_html(changed(report, pictures=[p.model_dump() for p in pictures]), {"a.png": PNG, "b.png": PNG})
    assert page.count('class="pair"') == 1
    assert page.count("data:image/png;base64,") == 2
    assert "Axial, slice 1 of 2, with the heatmap" in page


def test_reject_picture_that_is_missing_or_is_none(report, tmp_path):
    asked = changed(report, pictures=[{"file": "a.png", "title": "x", "heatmap": False}])
    with pytest.raises(StoreError, match="E_RESULT_FORMAT"):
        write_html(asked, tmp_path, tmp_path / "report.html")
    (tmp_path / "a.png").write_bytes(b"<html>")
    with pytest.raises(StoreError, match="must be a PNG file"):
        write_html(asked, tmp_path, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_page_is_made_for_print(report):
    page = build_html(report, {})
    assert re.search(r"@page \{ size: A4", page)
    assert "@media print" in page


def test_page_lists_suspicious_places_in_both_frames(report):
    place = {"voxel": [3, 4, 5], "slice": 6, "probability": 0.875, "patch_mm": [32.0, 32.0, 32.0]}
    placed = place | {"centre_ras_mm": [1.5, -2.0, 3.0], "centre_lps_mm": [-1.5, 2.0, 3.0]}
    page = build_html(changed(report, answer={"places": [placed]}), {})
    for words in ("Suspicious places", "0.875", "6 of 24", "1.5, -2.0, 3.0", "-1.5, 2.0, 3.0", "32 × 32 × 32 mm"):
        assert words in page
    sideless = place | {"centre_ras_mm": None, "centre_lps_mm": None}
    assert "centre RAS" not in build_html(changed(report, answer={"places": [sideless]}, heatmap=None), {})
    assert "Suspicious places" not in build_html(report, {})
