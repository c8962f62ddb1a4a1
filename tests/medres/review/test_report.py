"""A reading -> one page with everything on it that may be, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medres.results.disclaimer import DISCLAIMER
from medres.results.figures import render_slice
from medres.results.folder import BURNED_IN_NOTE
from medres.results.planes import Slab
from medres.review.decisions import Progress, Reading
from medres.review.key_images import KeyImage
from medres.review.opinion import Opinion
from medres.review.report import ReadingReport, _shot_of, build_reading_page
from medres.volume import Volume
from tests.browser import phantoms
from tests.tiny_models import ct_volume

SAID = Opinion("positive", 0.9994, "tumour", 0.5, "balanced", 0.6, ("W_MODEL_PHANTOM",), "", "m<1>", "1", "d" * 64)
FIRST = Reading("first", "negative", 2, seconds=31.4)
FINAL = Reading("final", "positive", 4, "agree", (-10.0, 20.0, 5.0), "near <b>the</b> vessel", 95.0)


@pytest.fixture
def report():
    return ReadingReport("s-1", ct_volume(0), Progress(FIRST, FINAL, True), (SAID,))


def test_readings_opinion_and_disclaimers_stand_on_the_page(report):
    page = build_reading_page(report)
    for fact in (
        "negative",
        "positive",
        "agrees",
        "L 10.0 A 20.0 S 5.0 mm",
        "&gt; 0.999",
        "60% of the scan",
        "phantoms",
    ):
        assert fact in page
    assert "before the model&#39;s opinion was shown" in page
    assert page.count(DISCLAIMER) >= 2 + 3  # above, below and with each picture
    assert "near &lt;b&gt;the&lt;/b&gt; vessel" in page
    assert "m&lt;1&gt;" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_a_region_mark_and_the_trust_in_a_heatmap_stand_on_the_page(report):
    heat = phantoms.heatmap(report.volume)
    marked = replace(FINAL, mark_plane="axial", mark_axes_mm=(6.0, 4.5))
    page = build_reading_page(
        replace(report, progress=Progress(FIRST, marked, True), heatmaps={SAID.model_digest: heat})
    )
    assert "L 10.0 A 20.0 S 5.0 mm, axial ellipse of 12.0 × 9.0 mm" in page
    assert "This heatmap has not been tested" in page
    failed = replace(heat, scorecard={"passed": False, "reason": "it glows at random"})
    assert "failed their tests: it glows at random" in build_reading_page(
        replace(report, heatmaps={SAID.model_digest: failed})
    )


def test_an_opinion_that_still_waits_is_not_in_the_report(report):
    page = build_reading_page(replace(report, progress=Progress(), hidden=True))
    assert "Not shown before the first reading" in page
    assert "0.999" not in page
    assert "m&lt;1&gt;" not in page
    assert "No reading has been recorded" in page


def test_key_images_are_drawn_with_their_measurements_and_those_of_other_series_too(report):
    other = ct_volume(1)
    images = (
        (KeyImage("s-1", "axial", 3, 40.0, 400.0, "margin", ("length 12.4 mm",)), lambda: report.volume),
        (KeyImage("s-2", "coronal", 5, 40.0, 400.0), lambda: other),
        (KeyImage("s-2", "coronal", 9999, 40.0, 400.0), lambda: other),  # no such slice in this scan
    )
    page = build_reading_page(replace(report, key_images=images))
    assert page.count("data:image/png") == 2
    for fact in ("Axial, slice 4", "Coronal, slice 6", "length 12.4 mm", "margin"):
        assert fact in page


def test_a_key_image_is_drawn_as_it_was_seen_in_its_window_inverted_and_thick():
    scan = Volume(np.random.default_rng(0).random((9, 8, 7)).astype(np.float32), np.eye(4), "MR")
    seen = KeyImage("s-1", "axial", 3, 0.5, 0.5, function="linear_exact", inverted=True, slab=Slab(3, "max", 2))
    shot = _shot_of(seen, scan)
    darkest = 1 - np.clip((np.asarray(scan.voxels)[..., 1:6].max(axis=2) - 0.25) / 0.5, 0, 1)
    wanted = np.rint(darkest * 255).T[::-1, ::-1]  # RAS: the patient's right and front come first on the page
    picture = render_slice(shot.volume, shot.plane, shot.slab, shot.window)
    assert np.abs(picture[..., 0].astype(int) - wanted).max() <= 1
    assert shot.volume.voxels is scan.voxels
    page = build_reading_page(ReadingReport("s-1", scan, Progress(), key_images=((seen, lambda: scan),)))
    assert "Axial, slice 4" in page
    assert _shot_of(replace(seen, function="lut"), scan).window is None


def test_a_scan_with_text_burned_in_gives_no_picture(report):
    burned = Volume(np.zeros((8, 8, 1), np.uint8), np.eye(4), "US", codes=("W_BURNED_IN",), frame="detector")
    page = build_reading_page(replace(report, volume=burned))
    assert "data:image/png" not in page
    assert BURNED_IN_NOTE in page
