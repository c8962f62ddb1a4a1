"""An ensemble in Chromium: its answer and its heatmap say of what they are the mean."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from medres.review.worklist import open_worklist
from tests.app.ensemble_results import build_ensemble_results
from tests.browser.viewer_process import canvas

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return build_ensemble_results(tmp_path_factory.mktemp("ensemble"))


def test_the_answer_and_the_heatmap_of_an_ensemble_name_its_members(page, viewer, results):
    items = open_worklist(results).items
    answered = next(item for item in items if item.opinion and item.opinion.probability is not None)
    page.goto(f"{viewer.address}/reading?study={answered.key}")
    canvas(page)
    page.get_by_role("button", name="Show the opinion without a reading").click(timeout=30000)
    expect(page.get_by_text("trio 1.0, the mean of 3 members")).to_be_visible(timeout=30000)
    box = canvas(page, '[data-ready="all"][data-heat="yes"]')
    box.locator(".port.main").focus()
    page.keyboard.press("h")
    expect(box.locator(".legend")).to_contain_text(re.compile("Grad-CAM, mean of 2 of 3 members for tumour"))
