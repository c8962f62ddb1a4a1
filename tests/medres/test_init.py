"""`import medres` is light, and its two doors open."""

from __future__ import annotations

import subprocess
import sys

import pytest

import medres

HEAVY = ("torch", "pydicom", "monai", "nibabel", "lightning", "scipy", "pandas", "streamlit", "openvino")


def test_import_medres_loads_nothing_heavy():
    told = f"import sys, medres; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_load_and_read_open_their_rooms():
    from medres.classifier import load_classifier
    from medres.io import read

    assert medres.load is load_classifier
    assert medres.read is read


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(AttributeError, match="load, read"):
        _ = medres.predict


def test_the_version_is_three_numbers():
    assert all(part.isdigit() for part in medres.__version__.split("."))
    assert medres.__version__.count(".") == 2
