"""An HTML page -> PDF, printed by a Chromium that is installed already.

Knows no report. Where there is no such browser nothing is written, and the caller says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from medres.results.writing import write_bytes

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PDF_SECONDS = 60


def can_print() -> bool:
    """Tell whether there is a browser that prints."""
    return _browser() is not None


def _browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def write_pdf(page: Path, out: Path) -> bool:
    """Print a page as PDF through Chromium, where there is one.

    Args:
        page: HTML file that fetches nothing.
        out: PDF file.

    Returns:
        Whether it was written; a browser that is missing, fails or hangs leaves no PDF and no half of one.
    """
    browser = _browser()
    if browser is None:
        return False
    with tempfile.TemporaryDirectory(prefix="medres-") as place:
        draft = Path(place) / "report.pdf"
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        command += [f"--user-data-dir={place}/profile", f"--print-to-pdf={draft}", page.resolve().as_uri()]
        environment = os.environ | {"HOME": place}
        try:
            subprocess.run(command, capture_output=True, timeout=PDF_SECONDS, check=True, env=environment)
        except (OSError, subprocess.SubprocessError):
            return False
        if not draft.exists():
            return False
        write_bytes(out, draft.read_bytes(), "the PDF")
    return True
