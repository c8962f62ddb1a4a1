"""The open study -> the report of its reading: HTML, and PDF where a browser prints it.

Knows what may be shown to this reader; draws nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.state.canvas import series_of
from app.state.models import heatmaps_made, opinions, standing_of
from app.state.people import person
from app.state.readings import is_hidden, key_images, progress
from app.state.studies import OpenStudy
from medres.errors import IntakeError, MedresError, StoreError
from medres.io.privacy import load_site_key, pseudonym
from medres.results.pdf import can_print, write_pdf
from medres.review.key_images import KeyImage
from medres.review.people import LOCAL
from medres.review.report import ReadingReport, build_reading_page
from medres.review.scans import read_item
from medres.volume import Volume


def reading_report(opened: OpenStudy) -> ReadingReport:
    """Gather what this reader may see of a study; the page is laid out from it later, outside of the session.

    Args:
        opened: the scan.

    Returns:
        What goes into the report.

    Raises:
        MedresError: when the review store or a model cannot be used.
    """
    so_far = progress(opened.item)
    try:
        said = opinions(opened)
    except MedresError:
        said = ()  # the model cannot take this scan: there is no opinion to report
    hidden = any(is_hidden(one, so_far) for one in said)
    shown = () if hidden else said
    standings = {one.model_digest: standing_of(one) for one in shown if one.probability is not None}
    codes = (*opened.volume.codes, *opened.item.warnings, *(code for one in shown for code in one.warnings))
    return ReadingReport(
        opened.item.key,
        opened.volume,
        so_far,
        shown,
        hidden,
        {digest: found for digest, found in standings.items() if found is not None},
        heatmaps_made(opened, shown),
        tuple((image, _scan_of(opened, image)) for image in key_images(opened.item)),
        tuple(dict.fromkeys(codes)),
        _reader_name(),
    )


def _scan_of(opened: OpenStudy, image: KeyImage) -> Callable[[], Volume]:
    """Give what reads the scan of a key image: the open one, or a series beside it."""
    if image.series_key == opened.item.key:
        return lambda: opened.volume
    found = next((one.item for one in series_of(opened.item) if one.item.key == image.series_key), None)
    if found is None:
        raise IntakeError("E_NOT_FOUND", "the series of a key image is gone", "remove the key image")
    return partial(read_item, found)


def _reader_name() -> str:
    """Name the reader by a pseudonym: a report leaves the house, a staff member's address does not."""
    known = person()
    return "" if known is None or known == LOCAL else pseudonym(load_site_key(), known.name)


def prints() -> bool:
    """Tell whether PDF can be made on this machine."""
    return can_print()


def reading_page(report: ReadingReport) -> bytes:
    """Lay the report out as one HTML page, in UTF-8.

    Raises:
        MedresError: when the scan of a key image cannot be read.
    """
    return build_reading_page(report).encode()


def reading_pdf(report: ReadingReport) -> bytes:
    """Lay the report out as PDF.

    Raises:
        MedresError: as for `reading_page`; E_OPTIONAL when the browser does not print.
    """
    with tempfile.TemporaryDirectory(prefix="medres-") as place:
        page, out = Path(place) / "report.html", Path(place) / "report.pdf"
        page.write_bytes(reading_page(report))
        if not write_pdf(page, out):
            raise StoreError("E_OPTIONAL", "Chromium did not print the report", "save the HTML page and print it")
        return out.read_bytes()
