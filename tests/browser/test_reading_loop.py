"""The reading loop in Chromium: worklist, keys, mouse, first reading before reveal, decisions that outlive a kill."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from medres.classifier import load_classifier
from medres.explain.gradcam import build_heatmap
from medres.io.privacy import load_site_key
from medres.review.decisions import progress_of
from medres.review.scans import read_item
from medres.review.store import ReviewStore
from medres.review.worklist import open_worklist
from tests.browser.viewer_process import FRAME, Viewer, canvas, watch
from tests.results_folder import build_results

pytestmark = pytest.mark.browser
CANARIES = ("Doe^Jane", "MRN-778812", "CANARY-FOLDER", "19500101")


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    return build_results(tmp_path_factory.mktemp("CANARY-FOLDER"))


def look(box: Locator) -> dict:
    box.evaluate(FRAME)
    return box.evaluate("(box) => ({ ...box.medres.look, cursor: box.medres.cursor, heat: box.medres.heatLook.on })")


def test_a_study_is_read_from_the_worklist_to_the_final_reading(page, viewer, results):
    asked = watch(page)
    page.goto(viewer.address)
    page.get_by_role("button", name="Read the first unread study").click(timeout=60000)
    box = canvas(page)
    expect(page.get_by_text("Your first reading")).to_be_visible()
    assert page.get_by_text("Probability of").count() == 0
    assert box.get_attribute("data-heat") == "no"
    page.get_by_role("radio", name="Positive").or_(page.get_by_role("button", name="Positive")).first.click()
    page.get_by_role("button", name="Record first reading").click()
    expect(page.get_by_text("Probability of tumour")).to_be_visible(timeout=30000)
    box = canvas(page, '[data-heat="yes"]')
    assert look(box)["heat"] is False  # off until H
    box.locator(".port.main").click()
    page.keyboard.press("h")
    assert look(box)["heat"] is True
    page.get_by_role("radio", name="Agree", exact=True).or_(
        page.get_by_role("button", name="Agree", exact=True)
    ).first.click()
    page.get_by_role("radio", name="Positive").or_(page.get_by_role("button", name="Positive")).first.click()
    page.get_by_role("button", name="Record final reading").click()
    expect(page.get_by_text("Final: positive")).to_be_visible(timeout=30000)
    key = open_worklist(results).items[0].key
    store = ReviewStore(results / "review.sqlite", load_site_key())
    assert [entry.kind for entry in store.entries(study=key)] == ["first_reading", "revealed", "final_reading"]
    assert store.verify().count == 3
    store.close()
    assert_all_from_here(asked, viewer.address)
    assert_private(page, asked)


def assert_all_from_here(asked: list[str], address: str) -> None:
    foreign = [url for url in asked if not re.match(rf"(blob:)?({address}|{address.replace('http', 'ws')})|data:", url)]
    assert asked
    assert foreign == []


def assert_private(page: Page, asked: list[str]) -> None:
    shown = " ".join([page.title(), page.url, page.locator("body").inner_text(), *asked])
    assert page.title() == "Reading" or page.title() == "medres"
    for canary in CANARIES:
        assert canary not in shown


def open_first(page: Page, viewer: Viewer, results: Path, number: int = 0) -> Locator:
    page.goto(f"{viewer.address}/reading?study={open_worklist(results).items[number].key}")
    return canvas(page)


@pytest.fixture(scope="module")
def opened(chromium, viewer, results):
    """One page with the second study, shared by the tests that change nothing but how it is shown."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield open_first(context.new_page(), viewer, results, 1)
    context.close()


@pytest.fixture
def box(opened):
    opened.locator(".port.main").focus()
    opened.page.keyboard.press(" ")
    opened.evaluate(FRAME)
    return opened


def test_mouse_and_keys_drive_the_planes(box):
    main = box.locator(".port.main")
    frame = main.bounding_box()
    middle = (frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    before = look(box)
    box.page.mouse.move(*middle)
    box.page.mouse.wheel(0, 120)
    assert look(box)["cursor"][2] < before["cursor"][2]
    box.page.mouse.move(*middle)
    box.page.mouse.down()
    box.page.mouse.move(middle[0] + 60, middle[1] - 40, steps=4)
    box.page.mouse.up()
    dragged = look(box)
    assert dragged["width"] > before["width"]
    assert dragged["center"] > before["center"]
    box.page.mouse.click(middle[0] + 80, middle[1] + 30)
    assert look(box)["cursor"][0] != before["cursor"][0]
    for number, (width, center) in enumerate([(80, 40), (200, 75), (40, 40), (1500, -600)], start=1):
        box.page.keyboard.press(str(number))
        assert (look(box)["width"], look(box)["center"]) == (width, center)
    box.page.keyboard.press("i")
    assert look(box)["inverted"] is True
    box.page.keyboard.press(" ")
    assert look(box)["inverted"] is False
    assert look(box)["width"] == before["width"]


def test_the_readout_and_the_letters_tell_value_and_side(box):
    letters = box.locator(".port.main .letter").all_inner_texts()
    assert letters == ["R", "L", "A", "P"]
    frame = box.locator(".port.main").bounding_box()
    box.page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    expect(box.locator(".readout")).to_contain_text(re.compile(r"-?\d+(\.\d+)? HU\s+voxel 1[56], 1[56], 12"))
    expect(box.locator(".owner")).to_contain_text("Research use only")
    expect(box.locator(".port.main .bl")).to_contain_text("Slice 13 of 24")


def test_help_opens_with_a_question_mark_and_every_key_in_it_is_named(box):
    box.page.keyboard.press("?")
    expect(box.locator(".help")).to_be_visible()
    assert box.locator(".help .row").count() > 20
    box.page.keyboard.press("Escape")
    expect(box.locator(".help")).to_be_hidden()


def test_a_length_an_angle_and_an_ellipse_are_measured_in_mm(box):
    told = box.evaluate(
        """(box) => {
            const { medres } = box, port = medres.ports[0], at = (u, v) => port.plane.voxel(u, v, port.index);
            const measure = (kind, ...points) => medres.measures.text({ kind, slice: port.index, points }, port);
            return [
                measure("length", at(2, 2), at(12, 2)),
                measure("angle", at(12, 2), at(2, 2), at(2, 12)),
                measure("ellipse", at(10, 10), at(20, 16)),
            ];
        }"""
    )
    assert told[:2] == ["30.0 mm", "90.0°"]
    assert "424 mm²" in told[2]  # pi x 15 mm x 9 mm


def test_the_ellipse_gives_the_mean_of_the_voxels_inside(box, results):
    listed = open_worklist(results)
    volume = read_item(listed.items[1])
    facts = box.evaluate(
        """(box) => {
            const port = box.medres.ports[0], at = (u, v) => port.plane.voxel(u, v, port.index);
            return [port.index, box.medres.measures.facts(port, at(10, 10), at(20, 16))];
        }"""
    )
    i, j = np.mgrid[: volume.shape[0], : volume.shape[1]]
    inside = ((i - 15) / 5) ** 2 + ((j - 13) / 3) ** 2 <= 1
    values = np.asarray(volume.voxels[..., facts[0]], float)[inside]
    assert facts[1]["count"] == inside.sum()
    assert facts[1]["mean"] == pytest.approx(values.mean())
    assert facts[1]["deviation"] == pytest.approx(values.std(ddof=1))


def test_slab_projection_is_the_maximum_over_its_slices(box, results):
    listed = open_worklist(results)
    volume = read_item(listed.items[1])
    box.page.keyboard.press("s")
    box.evaluate(FRAME)
    seen = box.evaluate(
        "(box) => { const p = box.medres.ports[0]; return [p.index, [...p.pixels.slice(0, 32 * 16)]]; }"
    )
    expect(box.locator(".port.main .bl")).to_contain_text("MIP of 3 slices, 12.0 mm")
    part = np.asarray(volume.voxels[..., seen[0] - 1 : seen[0] + 2]).max(axis=2)
    current = look(box)
    wanted = box.evaluate(
        "(box, rows) => rows.map((x) => box.medres.grey(x))", part[:, :16].T.ravel().astype(float).tolist()
    )
    assert current["function"] in ("linear", "linear_exact")
    assert [n & 255 for n in seen[1]] == wanted


def test_cine_plays_and_stops(box):
    box.page.keyboard.press("p")
    first = look(box)["cursor"][2]
    box.page.wait_for_timeout(400)
    assert look(box)["cursor"][2] != first
    box.page.keyboard.press("p")
    stopped = look(box)["cursor"][2]
    box.page.wait_for_timeout(250)
    assert look(box)["cursor"][2] == stopped


def test_shift_page_down_turns_to_the_next_study_of_the_worklist(page, viewer, results):
    box = open_first(page, viewer, results, 1)
    box.locator(".port.main").click()
    page.keyboard.press("Shift+PageDown")
    following = open_worklist(results).items[2].key
    expect(page.locator(".medres .port.main .tl")).to_contain_text(following, timeout=30000)


def test_the_heatmap_lies_where_the_library_puts_it(page, viewer, results):
    listed = open_worklist(results)
    heat = build_heatmap(load_classifier(listed.model_folder), read_item(listed.items[0]))
    open_first(page, viewer, results)
    reveal = page.get_by_role("button", name="Show the opinion without a reading")
    if reveal.count():
        reveal.click()
    box = canvas(page, '[data-heat="yes"]')
    hottest = box.evaluate(
        """(box) => {
            const { heat } = box.medres, at = heat.data.indexOf(Math.max(...heat.data)), [ni, nj] = heat.shape;
            return box.medres.toMmOf(heat, [at % ni, Math.floor(at / ni) % nj, Math.floor(at / ni / nj)]);
        }"""
    )
    np.testing.assert_allclose(hottest, heat.hottest_mm, atol=1e-3)


def test_three_studies_are_read_from_the_worklist_by_keyboard_alone(page, tmp_path):
    results = build_results(tmp_path)
    viewer = Viewer(results)
    page.goto(viewer.address)
    expect(page.get_by_text("5 of 5 series")).to_be_visible(timeout=60000)
    for _ in range(60):  # the key is heard once the page has settled
        page.keyboard.press("Control+ArrowRight")
        page.wait_for_timeout(1000)
        if page.locator(".medres").count():
            break
    for number, item in enumerate(open_worklist(results).items[:3]):
        expect(page.locator(".medres .port.main .tl")).to_contain_text(item.key, timeout=30000)
        box = canvas(page)
        before = look(box)["cursor"][2]
        page.keyboard.press("ArrowDown")
        assert look(box)["cursor"][2] != before
        expect(page.get_by_text("Your first reading")).to_be_visible()
        for key in ("d", "ArrowRight", "Space", "Control+s"):  # the second choice: negative
            page.keyboard.press(key)
        expect(page.get_by_text("First: negative")).to_be_visible(timeout=30000)
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowDown")  # the scan has the keys again
        for key in ("d", "Space", "Control+s"):  # the first one: positive
            page.keyboard.press(key)
        expect(page.get_by_text("Final: positive")).to_be_visible(timeout=30000)
        if number < 2:
            expect(page.get_by_role("button", name="Next study")).to_be_visible(timeout=30000)
            page.wait_for_timeout(1000)  # until the key is heard
            page.keyboard.press("Control+ArrowRight")
    store = ReviewStore(results / "review.sqlite", load_site_key())
    progress = progress_of(store.entries())
    store.close()
    viewer.kill()
    assert [progress[item.key]["local"].final.finding for item in open_worklist(results).items[:3]] == ["positive"] * 3


def test_two_readers_at_once_never_see_each_others_study(chromium, viewer, results):
    items = open_worklist(results).items
    pages = [chromium.new_context(viewport={"width": 1200, "height": 800}).new_page() for _ in range(2)]
    asked = [watch(one) for one in pages]
    for number, one in enumerate(pages):
        one.goto(f"{viewer.address}/reading?study={items[number].key}")
    for number, one in enumerate(pages):
        canvas(one)
        expect(one.locator(".medres .port.main .tl")).to_contain_text(items[number].key)
        assert items[1 - number].key not in one.locator("body").inner_text()
    tokens = [{url for url in urls if "/medres/bytes/" in url} for urls in asked]
    assert tokens[0]
    assert not tokens[0] & tokens[1]
    for one in pages:
        one.context.close()


def test_a_decision_outlives_a_kill_of_the_server_in_the_middle_of_a_review(page, tmp_path):
    results = build_results(tmp_path)
    viewer = Viewer(results)
    key = open_worklist(results).items[0].key
    page.goto(f"{viewer.address}/reading?study={key}")
    canvas(page)
    page.get_by_role("radio", name="Negative").or_(page.get_by_role("button", name="Negative")).first.click()
    page.get_by_role("button", name="Record first reading").click()
    expect(page.get_by_text("Probability of tumour")).to_be_visible(timeout=30000)
    viewer.kill()
    store = ReviewStore(results / "review.sqlite", load_site_key())
    assert progress_of(store.entries())[key]["local"].first.finding == "negative"
    store.close()
    viewer.start()
    page.goto(f"{viewer.address}/reading?study={key}")
    expect(page.get_by_text("First: negative")).to_be_visible(timeout=60000)
    viewer.kill()
