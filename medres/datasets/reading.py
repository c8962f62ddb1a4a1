"""Manifest row -> the Volumes of its channels, and its segmentation on their grid.

The one place where a row's series, modality and mask become calls of medres.io; knows no label and no network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medres.datasets.masks import read_mask
from medres.datasets.rows import Manifest, ManifestRow
from medres.io import read
from medres.volume import Volume


def read_channel(manifest: Manifest, row: ManifestRow, channel: str | None = None) -> Volume:
    """Read one channel of a row.

    Args:
        manifest: for its folder.
        row: which.
        channel: None takes the first.

    Raises:
        IntakeError: where the scan is refused.
    """
    name = channel or next(iter(row.paths))
    return read(manifest.path(row, name), series=row.series_of(name) or None, modality=row.modality or None)


def read_row(manifest: Manifest, row: ManifestRow) -> dict[str, Volume]:
    """Read every channel of a row, by name, in the order of the manifest's columns.

    Args:
        manifest: for its folder.
        row: which.

    Raises:
        IntakeError: where a scan is refused.
    """
    return {channel: read_channel(manifest, row, channel) for channel in row.paths}


def read_row_mask(manifest: Manifest, row: ManifestRow, volume: Volume) -> NDArray[np.bool_] | None:
    """Read a row's segmentation, laid on a Volume's grid.

    Args:
        manifest: for its folder.
        row: which.
        volume: the scan, such as the row's first channel.

    Returns:
        (i, j, k) bool; None for a row without `mask_path`.

    Raises:
        DatasetError: `E_MASK`.
    """
    place = manifest.mask(row)
    return None if place is None else read_mask(place, volume)
