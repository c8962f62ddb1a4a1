"""File names -> which files are segmentations of the scan beside them, as public sets name them (`1_mask.png`).

Opens no file. Only a file that lies beside the scan whose name it carries is taken for a segmentation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

ENDING = re.compile(r"\.(nii\.gz|[A-Za-z0-9]+)$")
SEGMENTATION = re.compile(r"(?P<scan>.+?)[ _.-](masks?|seg|segmentation|lesion|roi|gt)([ _-]?\d+)?", re.IGNORECASE)


def find_named_masks(files: Sequence[Path]) -> dict[int, tuple[int, ...]]:
    """Pair scans with the segmentations that carry their names.

    Args:
        files: of a source.

    Returns:
        Place of a scan in `files` to the places of its segmentations.

    Example:
        >>> find_named_masks([Path("a/1.png"), Path("a/1_mask.png"), Path("a/2_mask.png")])
        {0: (1,)}
    """
    places = {(path.parent, ENDING.sub("", path.name)): place for place, path in enumerate(files)}
    found: dict[int, list[int]] = defaultdict(list)
    for place, path in enumerate(files):
        named = SEGMENTATION.fullmatch(ENDING.sub("", path.name))
        scan = places.get((path.parent, named["scan"])) if named else None
        if scan is not None:
            found[scan].append(place)
    return {scan: tuple(masks) for scan, masks in found.items()}
