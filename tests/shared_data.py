"""Real scans that may stand beside the checkout -> paths, or a plain reason to skip (in CI: to fail)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("MEDRES_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared(relative: str) -> Path:
    """Find a real file; without it, skip on a laptop and fail in CI."""
    path = SHARED / relative
    if path.exists():
        return path
    reason = f"real scans are not here: {relative} is not in the shared folder beside the checkout"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
