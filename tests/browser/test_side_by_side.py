"""Several series on one page in Chromium: the list, layouts, a linked prior, key images, regions, the reformat."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from medres.results.figures import render_slice
from medres.review.beside import first_path
from medres.review.reformat import to_patient_axes
from medres.review.scans import read_item
from medres.review.worklist import open_worklist
from tests.browser.viewer_process import FRAME, Viewer, canvas, watch
from tests.study_folder import SHIFT_MM, build_study

pytestmark = pytest.mark.browser
PORTS = "(box) => box.medres.ports.map((port) => [port.scan?.key ?? null, port.name, port.scan ? port.index : -1])"
PIXELS = """(box, n) => {
    const { picture, pictureContext } = box.medres.ports[n];
    const bytes = pictureContext.getImageData(0, 0, picture.width, picture.height).data;
    return [picture.width, picture.height, btoa(String.fromCharCode(...bytes))];
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return build_study(tmp_path_factory.mktemp("CANARY-FOLDER"))


@pytest.fixture(scope="module")
def items(folder):
    """The worklist's items by the folder that their files lie in."""
    return {first_path(item).parent.name: item for item in open_worklist(folder).items}


@pytest.fixture(scope="module")
def box(chromium, folder, items):
    """One page with the axial series, shared by these tests; each begins with three planes of it."""
    viewer = Viewer(folder)
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    asked = watch(page)
    page.goto(f"{viewer.address}/reading?study={items['a'].key}")
    made = canvas(page)
    made.asked = asked  # type: ignore[attr-defined]
    yield made
    context.close()
    viewer.kill()
    assert faults == []


@pytest.fixture(autouse=True)
def begin_anew(box, items):
    box.evaluate("(box, key) => { box.medres.showSeries(key); box.medres.useLayout('planes'); }", items["a"].key)
    press(box, " ")


def press(box: Locator, *keys: str) -> None:
    box.locator(".port.active").focus()
    for key in keys:
        box.page.keyboard.press(key)
    box.evaluate(FRAME)


def ports(box: Locator) -> list[list]:
    box.evaluate(FRAME)
    return box.evaluate(PORTS)


def wait_for_port(box: Locator, number: int, key: str) -> None:
    for _ in range(200):
        if ports(box)[number][0] == key and box.get_attribute("data-ready") == "all":
            return
        box.page.wait_for_timeout(100)
    raise AssertionError(f"viewport {number} shows {ports(box)}, not {key}")


def cursor_mm(box: Locator, number: int) -> np.ndarray:
    return np.array(box.evaluate("(box, n) => box.medres.ports[n].scan.toMm()", number))


def test_the_list_shows_every_series_the_refused_one_with_its_reason(box, items):
    entries = box.locator(".strip .series")
    assert [one.get_attribute("data-series") for one in entries.all()] == [items[n].key for n in ("a", "b", "c", "0")]
    assert box.locator(".strip .group-name").all_inner_texts() == ["This study", "Prior, 184 days before"]
    expect(entries.nth(2)).to_contain_text("E_GEOM_GAP")
    assert entries.nth(2).get_attribute("aria-disabled") == "true"
    expect(entries.nth(0)).to_contain_text("being read")
    box.page.wait_for_function(
        "(host) => [...host.querySelectorAll('img')].every((one) => one.naturalWidth > 0)",
        arg=box.locator(".strip").element_handle(),
    )


def test_page_keys_turn_the_series_of_the_study_and_say_where_it_ends(box, items):
    press(box, "PageDown")
    wait_for_port(box, 0, items["b"].key)
    assert {key for key, *_ in ports(box)} == {items["b"].key}
    press(box, "PageDown")
    expect(box.locator(".spoken")).to_contain_text("No further series")
    press(box, "PageUp")
    wait_for_port(box, 0, items["a"].key)


def test_layouts_give_each_viewport_its_own_plane_and_series(box, items):
    box.evaluate("(box) => box.medres.useLayout('2x2')")
    assert [name for _, name, _ in ports(box)] == ["axial", "coronal", "sagittal", ""]
    press(box, "Shift+Digit4")
    box.locator(f'.series[data-series="{items["0"].key}"]').click()
    wait_for_port(box, 3, items["0"].key)
    press(box, "o")
    assert ports(box)[3][1] == "coronal"
    press(box, "ArrowRight")
    assert box.locator(".port.active").get_attribute("aria-label").startswith("Viewport 1:")
    box.evaluate("(box) => box.medres.useLayout('1x1')")
    assert len(ports(box)) == 1


def test_scrolling_the_shared_frame_moves_both_scans_to_one_place(box, items):
    box.evaluate("(box) => { box.medres.useLayout('1x2'); box.medres.activateNumber(2); }")
    box.evaluate("(box, key) => box.medres.showSeries(key)", items["b"].key)
    wait_for_port(box, 1, items["b"].key)
    press(box, "Shift+Digit1", "ArrowUp", "ArrowUp")
    expect(box.locator(".port .tr").nth(1)).to_have_text("Linked by patient position")
    apart = np.abs(cursor_mm(box, 0) - cursor_mm(box, 1))
    assert (apart <= [0.4, 0.7, 1.3]).all()


def test_a_prior_is_linked_by_the_offset_that_the_reader_sets(box, items):
    press(box, "b")
    wait_for_port(box, 1, items["0"].key)
    assert ports(box)[0][0] == items["a"].key
    expect(box.locator(".port .tl").nth(1)).to_contain_text("Prior, 184 days before")
    expect(box.locator(".port .tr").nth(1)).to_contain_text("Not linked")
    before = ports(box)[1][2]
    press(box, "Shift+Digit1", "ArrowUp")
    assert ports(box)[1][2] == before
    press(box, "ArrowDown", "u", "ArrowUp", "ArrowUp", "ArrowUp", "4")
    shift = cursor_mm(box, 1) - cursor_mm(box, 0)
    np.testing.assert_allclose(shift, np.array(SHIFT_MM) * (-1, -1, 1), atol=1e-3)
    expect(box.locator(".port .tr").nth(1)).to_contain_text("Linked with an offset of 12.3 mm")
    looks = box.evaluate("(box) => box.medres.ports.map((port) => [port.scan.look.width, port.scan.look.center])")
    assert looks == [[1500, -600], [1500, -600]]
    press(box, "u", "ArrowUp")
    expect(box.locator(".port .tr").nth(1)).to_contain_text("Not linked")


def test_a_reload_of_the_page_brings_layout_planes_and_series_back(box, items):
    press(box, "b")
    wait_for_port(box, 1, items["0"].key)
    press(box, "Shift+Digit1", "o")
    before = [port[:2] for port in ports(box)]
    box.page.reload()
    wait_for_port(canvas(box.page), 1, items["0"].key)
    assert [port[:2] for port in ports(box)] == before == [[items["a"].key, "coronal"], [items["0"].key, "axial"]]


def test_scrolling_asks_the_server_for_nothing(box):
    sent: list[str] = []
    box.page.on("websocket", lambda socket: sent.append(socket.url))
    count = len(box.asked)  # type: ignore[attr-defined]
    press(box, *["ArrowUp"] * 5, *["ArrowDown"] * 9, "i", "i", "2", "s", "s", "s", "s")
    box.page.wait_for_timeout(300)
    assert len(box.asked) == count  # type: ignore[attr-defined]
    assert sent == []


def test_the_reformat_says_so_and_is_the_scan_on_the_patients_axes(box, items):
    box.locator(f'.series-item:has(.series[data-series="{items["b"].key}"]) .read-it').click()
    expect(box.page.locator(".medres .port.main .tl")).to_contain_text(items["b"].key, timeout=30000)
    tilted = canvas(box.page)
    tilted.evaluate(FRAME)
    press(tilted, "q")
    wait_for_port(tilted, 0, items["b"].key + "~axes")
    expect(tilted.locator(".port .tl").first).to_contain_text("reformatted to patient axes")
    width, height, text = tilted.evaluate(PIXELS, 0)
    seen = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3]
    straight = to_patient_axes(read_item(items["b"]))
    _, plane, index = ports(tilted)[0]
    np.testing.assert_array_equal(seen, render_slice(straight, plane, index))
    tilted.locator(f'.series-item:has(.series[data-series="{items["a"].key}"]) .read-it').click()
    expect(box.page.locator(".medres .port.main .tl")).to_contain_text(items["a"].key, timeout=30000)
    canvas(box.page).evaluate(FRAME)


def test_letters_reach_the_scan_from_beside_it_but_not_from_where_text_is_typed(box):
    state = "(box) => box.medres.look.inverted"
    box.page.get_by_role("button", name="Report (HTML)").focus()
    before = box.evaluate(state)
    box.page.keyboard.press("i")
    assert box.evaluate(state) is not before
    box.page.get_by_label("Note (no names)").focus()
    box.page.keyboard.type("i h k")
    assert box.evaluate(state) is not before
    box.page.get_by_label("Note (no names)").fill("")


def test_a_key_image_is_kept_listed_found_again_and_removed(box, items):
    press(box, "3", "ArrowUp", "ArrowUp", "k")
    kept = box.page.get_by_text(re.compile(r"1: axial, slice \d+"))
    expect(kept).to_be_visible(timeout=15000)
    index = ports(box)[0][2]
    assert kept.inner_text().endswith(f"slice {index + 1}")
    press(box, "Home", "1")
    box.page.get_by_role("button", name="Go to").first.click()
    box.page.wait_for_function(
        "([box, index]) => box.medres.ports[0].index === index && box.medres.look.width === 40",
        arg=[box.element_handle(), index],
    )
    box.page.get_by_role("button", name="Remove").first.click()
    expect(kept).to_have_count(0, timeout=15000)


def test_a_region_is_drawn_about_a_finding_and_stays_for_the_reading(box):
    frame = box.locator(".port.main").bounding_box()
    middle = (frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    press(box, "r")
    box.page.mouse.move(*middle)
    box.page.mouse.down()
    box.page.mouse.move(middle[0] + 60, middle[1] + 40, steps=3)
    box.page.mouse.up()
    expect(box.page.get_by_text(re.compile(r"Marked at .*ellipse, [\d.]+ × [\d.]+ mm, axial"))).to_be_visible(
        timeout=15000
    )
    marked = box.evaluate("(box) => box.medres.scene.mark")
    assert marked["plane"] == "axial"
    assert min(marked["axesMm"]) > 0


def test_the_page_works_by_keyboard_alone_and_every_control_has_a_name(box):
    nameless = box.evaluate(
        """(box) => [...box.querySelectorAll("button, select, input, .port")].filter((one) => {
            const words = one.textContent.trim() || one.getAttribute("aria-label") || one.closest("label")?.textContent;
            return !words;
        }).length"""
    )
    assert nameless == 0
    box.locator('button[data-do="invert"]').focus()
    box.page.keyboard.press("Enter")
    assert box.evaluate("(box) => box.medres.look.inverted") is True
    outline = box.locator('button[data-do="invert"]').evaluate("(one) => getComputedStyle(one).outlineStyle")
    assert outline == "solid"


def test_nothing_that_was_typed_stands_on_the_page_and_nothing_comes_from_elsewhere(box, folder):
    shown = " ".join([box.page.title(), box.page.url, box.page.locator("body").inner_text(), *box.asked])  # type: ignore[attr-defined]
    for canary in ("Doe", "MRN-778812", "CANARY", "19500101", "20200102", "20190702"):
        assert canary not in shown
    host = re.match(r"http://[^/]+", box.page.url)[0]
    assert [url for url in box.asked if not url.startswith((host, host.replace("http", "ws"), "blob:", "data:"))] == []  # type: ignore[attr-defined]
