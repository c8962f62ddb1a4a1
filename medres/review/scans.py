"""An item of the worklist -> its files and its Volume, read again as it was read when it was scored.

Knows where ledgers say that scans lie; knows no screen.
"""

from __future__ import annotations

from pathlib import Path

from medres.errors import IntakeError, StoreError
from medres.io import find_series, read_series
from medres.io.series import Series
from medres.review.worklist import WorklistItem
from medres.volume import Volume

ALONE = (".nii", ".nii.gz", ".png", ".jpg", ".jpeg")  # one file is one series


def read_item(item: WorklistItem) -> Volume:
    """Read the scan of one item.

    Args:
        item: a readable one.

    Returns:
        The Volume.

    Raises:
        IntakeError: when the scan is not where it was, or must not be read.
    """
    if not item.readable:
        raise IntakeError(item.code, item.message)
    frame = item.intake.get("nifti_frame")
    volume = read_series(item.series or find_item(item), modality=item.modality or None, nifti_frame=frame)
    if item.scan_digest and volume.origin.content_digest != item.scan_digest:
        raise IntakeError("E_INPUT_CHANGED", "the scan is not the one that was scored", "score the folder again")
    return volume


def find_item(item: WorklistItem) -> Series:
    """Find the files of an item that only the ledger knows.

    Args:
        item: with a ledger row.

    Returns:
        Its Series.

    Raises:
        StoreError: E_STORE_FORMAT when the ledger does not say where the scans lie.
        IntakeError: E_NOT_FOUND when they are gone.
    """
    if item.base is None or item.row is None or not item.row.relative_path:
        raise StoreError("E_STORE_FORMAT", "this ledger does not say where its scans lie", "score the folder again")
    first = item.base / item.row.relative_path
    if not first.exists():
        raise IntakeError("E_NOT_FOUND", "the scan is not where it was when it was scored", "bring the folder back")
    place = first if first.is_file() and first.name.lower().endswith(ALONE) else first.parent
    return _choose(place, first, item) or _choose(item.base, first, item) or _gone()


def _choose(place: Path, first: Path, item: WorklistItem) -> Series | None:
    """Take the series that holds the item's first file; where several do, the one of its key."""
    filled = "W_GAPS_FILLED" in item.warnings  # read again as it was read when it was scored
    found = find_series(
        place,
        headers_only=True,
        allow_gaps=filled or bool(item.intake.get("allow_gaps")),
        nifti_frame=item.intake.get("nifti_frame"),
        modality=item.modality or None,
    ).series
    holding = [series for series in found if first in series.paths]
    if len(holding) > 1:
        holding = [series for series in holding if series.key == item.series_key]
    return holding[0] if len(holding) == 1 else None


def _gone() -> Series:
    raise IntakeError("E_NOT_FOUND", "the series is not in its folder any more", "score the folder again")
