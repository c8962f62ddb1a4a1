"""What the tests of intake ask of a folder: the verdict of its one series, and that a refusal names its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from medres.errors import IntakeError
from medres.io import Series, find_series, read


def only(folder: Path, **options: object) -> Series:
    """Inspect a folder that holds one series."""
    found = find_series(folder, **options).series
    assert len(found) == 1, [s.codes for s in found]
    return found[0]


def assert_refused(folder: Path, code: str, *words: str, **options: object) -> Series:
    """The one series is refused with this code, the numbers in its message, and reading it raises the same."""
    series = only(folder, **options)
    assert (series.verdict, series.codes[0]) == ("refused", code), series.message
    for word in words:
        assert word in series.message, series.message
    with pytest.raises(IntakeError) as fault:
        read(folder)
    assert fault.value.code == code
    assert "Doe" not in series.message
    assert "MRN" not in series.message
    return series


def replace_value(path: Path, name: str, value: bytes) -> None:
    """Overwrite an element's bytes in a file, as a broken writer would."""

    ds = dcmread(path)
    tag = Tag(tag_for_keyword(name))
    ds._dict[tag] = RawDataElement(tag, "DS", len(value), value, 0, False, True)
    ds.save_as(path)
