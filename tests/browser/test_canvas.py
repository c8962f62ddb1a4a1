"""The canvas against render_slice: pixel for pixel, and the overlay where the lesion is."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from playwright.sync_api import Locator, Page

from medres.results.figures import heat_on_slice, render_slice
from medres.results.planes import Slab, plane_grid, planes_of
from medres.results.windows import CT_PRESETS, first_window
from tests.browser import phantoms

pytestmark = pytest.mark.browser
NAMES = ["axial", "left_sided", "oblique", "tilted", "float", "colour", "inverted"]
READ = """(box, name) => {
    const port = box.medres.ports.find((port) => port.name === name);
    const { width, height } = port.picture;
    const bytes = port.pictureContext.getImageData(0, 0, width, height).data;
    let text = "";
    for (let n = 0; n < bytes.length; n += 8192) text += String.fromCharCode(...bytes.subarray(n, n + 8192));
    return [width, height, port.index, btoa(text)];
}"""
FRAME = "(box) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))"


@pytest.fixture(scope="module")
def server(serve) -> str:
    words = "-m streamlit run tests/browser/phantom_server.py --server.address 127.0.0.1 --server.headless true"
    more = "--server.fileWatcherType none --browser.gatherUsageStats false --server.port {port}"
    return serve(f"{words} {more}".split())


def open_phantom(page: Page, server: str, name: str) -> Locator:
    page.goto(f"{server}/?phantom={name}")
    box = page.locator('.medres[data-ready="all"][data-heat="yes"]')
    box.wait_for(timeout=30000)
    box.evaluate(FRAME)
    return box


def read_plane(box: Locator, plane: str) -> tuple[int, np.ndarray]:
    width, height, index, text = box.evaluate(READ, plane)
    pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)
    return index, pixels[..., :3]


def press(box: Locator, *keys: str) -> None:
    for key in keys:
        box.page.keyboard.press(key)
    box.evaluate(FRAME)


@pytest.mark.parametrize("name", NAMES)
def test_canvas_equals_render_slice_and_its_fill_pixel_for_pixel(page, server, name):
    volume = phantoms.volume(name)
    box = open_phantom(page, server, name)
    for plane in planes_of(volume):
        index, seen = read_plane(box, plane)
        assert index == volume.shape[plane_grid(volume, plane).order[2]] // 2
        np.testing.assert_array_equal(seen, render_slice(volume, plane, index))
    press(box, "f")
    for plane in planes_of(volume):
        index, seen = read_plane(box, plane)
        wanted = render_slice(volume, plane, index, heatmap=phantoms.heatmap(volume), style="fill").astype(int)
        assert np.abs(seen - wanted).max() <= 1  # heat is float32 there and float64 here: half a grey level apart
        assert (seen != wanted).mean() < 0.001


def test_slices_and_presets_follow_the_keys(page, server):
    volume = phantoms.volume("axial")
    box = open_phantom(page, server, "axial")
    press(box, "ArrowDown", "ArrowDown", "4")
    index, seen = read_plane(box, "axial")
    assert index == volume.shape[2] // 2 - 2  # a key down walks to the feet
    np.testing.assert_array_equal(seen, render_slice(volume, "axial", index, CT_PRESETS["lung"]))
    press(box, "Home", " ")
    assert read_plane(box, "axial")[0] == volume.shape[2] // 2
    press(box, "Home")
    assert read_plane(box, "axial")[0] == volume.shape[2] - 1


def test_contour_encloses_the_lesion_within_half_a_voxel(page, server):
    volume = phantoms.volume("tilted")
    heat = phantoms.heatmap(volume)
    box = open_phantom(page, server, "tilted")
    box.evaluate("(box, voxel) => box.medres.goTo(voxel)", phantoms.LESION_IJK.tolist())
    press(box, "h")
    for plane in planes_of(volume):
        grid = plane_grid(volume, plane)
        segments = box.evaluate(
            """(box, name) => {
                const port = box.medres.ports.find((port) => port.name === name);
                const { columns, rows } = port.plane;
                return box.medres.contour(port.field, columns, rows, box.medres.heatLook.threshold);
            }""",
            plane,
        )
        points = np.array(segments).reshape(-1, 2)
        values = heat_on_slice(heat, grid, int(phantoms.LESION_IJK[grid.order[2]]))
        rows, columns = np.nonzero(values >= heat.threshold)
        wanted = np.array([columns.mean(), rows.mean()])
        assert np.abs((points.min(axis=0) + points.max(axis=0)) / 2 - wanted).max() < 0.5


@pytest.mark.parametrize("name", ["axial", "left_sided", "oblique", "tilted"])
def test_the_overlay_lies_on_the_lesion_within_half_a_voxel(page, server, name):
    volume = phantoms.volume(name)
    box = open_phantom(page, server, name)
    box.evaluate("(box, voxel) => box.medres.goTo(voxel)", phantoms.LESION_IJK.tolist())
    box.evaluate(FRAME)
    bare = {plane: read_plane(box, plane) for plane in planes_of(volume)}
    press(box, "f")
    for plane, (index, before) in bare.items():
        grid = plane_grid(volume, plane)
        assert index == phantoms.LESION_IJK[grid.order[2]]
        rows, columns = np.nonzero((read_plane(box, plane)[1] != before).any(axis=-1))
        size = (grid.width, grid.height)
        places = zip(grid.order[:2], grid.flips, size, strict=True)
        lesion = [n - 1 - phantoms.LESION_IJK[axis] if flip else phantoms.LESION_IJK[axis] for axis, flip, n in places]
        assert np.abs(np.subtract([columns.mean(), rows.mean()], lesion)).max() < 0.5


@pytest.mark.parametrize("name", ["oblique", "float"])
def test_slabs_equal_render_slice_pixel_for_pixel(page, server, name):
    volume = phantoms.volume(name)
    box = open_phantom(page, server, name)
    for mode in ("max", "min", "mean"):
        press(box, "s")
        for number, plane in enumerate(planes_of(volume)):
            index, seen = read_plane(box, plane)
            half = box.evaluate("(box, n) => box.medres.ports[n].slabHalf()", number)
            np.testing.assert_array_equal(seen, render_slice(volume, plane, Slab(index, mode, half)))


def test_the_middle_slices_come_first(page, server):
    ranges: list[str] = []
    page.on("request", lambda one: "/bytes/" in one.url and ranges.append(one.headers.get("range", "")))
    open_phantom(page, server, "axial")
    volume = phantoms.volume("axial")
    slice_bytes = volume.shape[0] * volume.shape[1] * 2
    start, end = (int(n) for n in ranges[0].removeprefix("bytes=").split("-"))
    assert start <= volume.shape[2] // 2 * slice_bytes < end
    assert end - start < 0.2 * volume.shape[2] * slice_bytes
    assert len([one for one in ranges if one]) == 3  # the middle, then both ends


def test_first_window_without_one_in_the_file_is_robust(page, server):
    box = open_phantom(page, server, "float")
    window = first_window(phantoms.volume("float"))
    look = box.evaluate("(box) => [box.medres.look.center, box.medres.look.width]")
    assert look == pytest.approx([window.center, window.width])


def test_a_scan_that_names_no_side_shows_no_letters_and_no_place(page, server):
    box = open_phantom(page, server, "no_side")
    assert box.locator(".port").count() == 3
    assert box.locator(".letter:visible").count() == 0
    assert "mm" not in box.locator(".readout").inner_text()
