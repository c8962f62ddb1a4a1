"""Files -> Series -> Volume: DICOM, NIfTI and pictures; see medres/__init__.py for the house.

`find_series` judges everything under a path, `read_series` reads one of what it found, `read` does both.
"""

from __future__ import annotations

from medres.io.reading import read, read_series
from medres.io.scan import find_series
from medres.io.series import Inventory, Series, SkippedFile

__all__ = ["Inventory", "Series", "SkippedFile", "find_series", "read", "read_series"]
