"""A page -> the moment at which something stands on it, by the page's own clock.

A waiting locator looks only every half second once it has waited for one, and so adds up to that to each time; here a
script in the page looks in every frame. What is there in one frame counts from the next one: then it is on the screen.
"""

from __future__ import annotations

import json
import time

from playwright.sync_api import Page

WAIT_MS = 240_000
POLL_MS = 100  # for the moment that the page has kept already
WATCH = """(() => {
    const [selector, inside] = %s;
    const isThere = (one) => {
        const box = one.getBoundingClientRect();
        return box.width > 0 && box.height > 0 && (one.tagName !== "IMG" || (one.complete && one.naturalWidth > 0));
    };
    const roots = () => {
        if (!inside) return [document];
        const hosts = document.querySelectorAll('[data-testid^="stBidiComponent"], [data-testid^="stBidiComponent"] *');
        return [...hosts].map((host) => host.shadowRoot).filter(Boolean);
    };
    const look = () => {
        if (!roots().some((root) => [...root.querySelectorAll(selector)].some(isThere))) requestAnimationFrame(look);
        else requestAnimationFrame(() => (window.shownAt = performance.timeOrigin + performance.now()));
    };
    requestAnimationFrame(look);
})()"""


def time_until_shown(page: Page, address: str, selector: str, *, in_component: bool = False) -> float:
    """Go to an address and wait for an element; gives the milliseconds from asking until it is on the screen.

    Args:
        page: fresh; watches for this one element alone.
        address: to go to.
        selector: CSS of what is waited for; an element counts with a size, a picture once it is decoded.
        in_component: whether it stands in the shadow root of one of our components.
    """
    page.add_init_script(WATCH % json.dumps([selector, in_component]))
    start = time.time()
    page.goto(address, wait_until="commit")
    page.wait_for_function("() => window.shownAt", polling=POLL_MS, timeout=WAIT_MS)
    return float(page.evaluate("window.shownAt")) - start * 1000
