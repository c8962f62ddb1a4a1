"""Manifest rows -> what an audit needs of each scan: digest, planes, facts of its header and borders, or its fault.

Reads pixels through medres.io, in several processes where asked; keeps no voxels. Knows no label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medres.datasets.planes import TISSUE_HU, Planes, build_planes, grey_voxels, shown_digest, upright_voxels
from medres.datasets.reading import read_channel, read_row_mask
from medres.datasets.rows import Manifest, ManifestRow
from medres.errors import MedresError, describe
from medres.volume import Volume

BORDER = 0.04  # share of the side that counts as border
DARK = 0.04  # share of the range below which a pixel is dark
FRAME = 0.2  # share of the side within which marks are burned in
SHARP = 0.5  # share of the range by which neighbours differ at the edge of a letter; tissue is smoother
MARK = 0.9  # share of the brightest value from which a border pixel counts as a mark
CHUNK = 16  # rows handed to a process at once
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Shown:
    """What one channel of a row shows.

    Attributes:
        channel: its name.
        digest: of what it shows.
        planes: (P, 64, 64) uint8.
        side: smaller side in pixels.
    """

    channel: str
    digest: str
    planes: Planes
    side: int


@dataclass(frozen=True, eq=False)
class Scan:
    """What is remembered of one row's scans.

    Attributes:
        number: row number in the manifest.
        shown: one for each channel; () where one could not be read.
        facts: numbers of header and borders by name.
        code: why it was refused, or "".
        message: in words.
        warnings: `W_...` codes.
    """

    number: int
    shown: tuple[Shown, ...] = ()
    facts: dict[str, float] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of what all channels show; "" where one could not be read."""
        return " ".join(shown.digest for shown in self.shown)


def read_scans(manifest: Manifest, *, workers: int = 1, on_progress: Progress | None = None) -> tuple[Scan, ...]:
    """Read every row once; a scan that cannot be read becomes a fault, never an exception.

    Args:
        manifest: whose rows to read, every channel.
        workers: processes.
        on_progress: called with (rows read, rows).

    Returns:
        One Scan for each row, in their order.
    """
    scans: list[Scan] = []
    for scan in _read_all(manifest, workers):
        scans.append(scan)
        if on_progress:
            on_progress(len(scans), len(manifest.rows))
    return tuple(scans)


def _read_all(manifest: Manifest, workers: int) -> Iterator[Scan]:
    if workers <= 1 or len(manifest.rows) <= CHUNK:
        yield from (read_scan(manifest, row) for row in manifest.rows)
        return
    chunks = [manifest.rows[start : start + CHUNK] for start in range(0, len(manifest.rows), CHUNK)]
    empty = manifest.with_rows(())
    done = 0
    try:
        with ProcessPoolExecutor(workers) as pool:
            for scans in pool.map(_read_chunk, [empty] * len(chunks), chunks):
                done += 1
                yield from scans
    except BrokenProcessPool:
        for chunk in chunks[done:]:
            yield from (_read_alone(empty, row) for row in chunk)


def _read_chunk(manifest: Manifest, rows: Sequence[ManifestRow]) -> list[Scan]:
    return [read_scan(manifest, row) for row in rows]


def _read_alone(manifest: Manifest, row: ManifestRow) -> Scan:
    """Read a row in a process of its own, so that one that kills its process harms no other."""
    try:
        with ProcessPoolExecutor(1) as pool:
            return pool.submit(_read_chunk, manifest, [row]).result()[0]
    except BrokenProcessPool:
        return Scan(row.number, code="E_WORKER_DIED", message=describe("E_WORKER_DIED"))


def read_scan(manifest: Manifest, row: ManifestRow) -> Scan:
    """Read one row's scans and keep what an audit needs.

    Args:
        manifest: for its folder.
        row: which.

    Returns:
        A Scan, with a code where a channel was refused.
    """
    shown: list[Shown] = []
    facts: dict[str, float] = {}
    warnings: list[str] = []
    several = len(row.paths) > 1
    first: Volume | None = None
    for channel in row.paths:
        told = f"{channel}: " if several else ""
        try:
            volume = read_channel(manifest, row, channel)
        except MedresError as error:
            return Scan(row.number, code=error.code, message=f"{told}{error.what} - {error.cure}")
        except (OSError, ValueError, MemoryError) as error:
            message = f"{told}the scan could not be read ({type(error).__name__})"
            return Scan(row.number, code="E_UNREADABLE", message=message)
        grey = grey_voxels(volume)
        planes = build_planes(upright_voxels(volume), window=TISSUE_HU if volume.unit == "HU" else None)
        shown.append(Shown(channel, shown_digest(grey), planes, min(grey.shape[:2])))
        own = _header_facts(volume, row) | _border_facts(grey) | dict.fromkeys(volume.codes, 1.0)
        facts |= {f"{told}{name}": value for name, value in own.items()}
        warnings += volume.codes
        first = first or volume
    code, message = _mask_fault(manifest, row, first)
    return Scan(row.number, tuple(shown), facts, code, message, tuple(dict.fromkeys(warnings)))


def _mask_fault(manifest: Manifest, row: ManifestRow, volume: Volume | None) -> tuple[str, str]:
    """Try to lay the row's segmentation on its first channel."""
    if volume is not None and row.mask_path is not None:
        try:
            read_row_mask(manifest, row, volume)
        except MedresError as error:
            return error.code, f"segmentation: {error.what} - {error.cure}"
    return "", ""


def _header_facts(volume: Volume, row: ManifestRow) -> dict[str, float]:
    columns, rows, slices = volume.shape
    facts = {
        "columns": columns,
        "rows": rows,
        "slices": slices,
        "columns over rows": columns / rows,
        "colour": float(volume.is_colour),
        "bits": volume.voxels.dtype.itemsize * 8,
    }
    if volume.spacing_known and row.spacing_known:
        facts |= {f"spacing {axis} mm": mm for axis, mm in zip("ijk", volume.spacing_mm, strict=True)}
    return {name: float(value) for name, value in facts.items()}


def _border_facts(grey: NDArray) -> dict[str, float]:
    plane = np.nan_to_num(grey[:, :, grey.shape[2] // 2].astype(np.float32))  # (i, j)
    low, high = float(plane.min()), float(plane.max())
    scaled = (plane - low) / max(high - low, 1e-6)
    wide = max(1, int(BORDER * min(plane.shape)))
    inner = np.zeros(plane.shape, bool)
    inner[wide:-wide, wide:-wide] = True
    ring = scaled[~inner]
    dark = scaled < DARK
    dark_columns, dark_rows = np.all(dark, axis=1), np.all(dark, axis=0)
    return {
        "border mean": float(ring.mean()),
        "border spread": float(ring.std()),
        "border marks": float((ring > MARK).mean()),
        "border black": float((ring <= 0).mean()),
        "sharp marks": _sharp_share(scaled),
        "padding left": _run(np.asarray(dark_columns)),
        "padding right": _run(dark_columns[::-1]),
        "padding top": _run(dark_rows),
        "padding bottom": _run(dark_rows[::-1]),
        "lowest value": low,
        "highest value": high,
    }


def _sharp_share(scaled: NDArray) -> float:
    """Measure how much of the outer frame are sharp edges, as letters and rulers have them."""
    wide = max(1, int(FRAME * min(scaled.shape)))
    edges = np.zeros(scaled.shape, bool)
    edges[1:] |= np.abs(np.diff(scaled, axis=0)) > SHARP
    edges[:, 1:] |= np.abs(np.diff(scaled, axis=1)) > SHARP
    edges[wide:-wide, wide:-wide] = False
    return float(edges.mean())


def _run(dark: NDArray) -> float:
    """Measure how far an edge is dark, as a share of the side."""
    return float(np.argmin(dark) / len(dark)) if not dark.all() else 1.0
