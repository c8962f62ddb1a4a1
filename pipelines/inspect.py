"""medres inspect: a folder or file -> every series with its verdict, every skipped file with its reason."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from medres.io import find_series
from medres.io.privacy import key_is_kept, silence_pydicom
from medres.io.reading import KEYS_CHANGE
from medres.io.series import Inventory, Series, SkippedFile
from pipelines.console import EXIT_OK, EXIT_SOME_REFUSED, err, listing, progress, say, table

DAMAGED = ("E_UNREADABLE", "E_TRUNCATED", "E_SIZE_LIMIT", "E_INPUT_CHANGED", "E_HEADER_VALUE")
MOST_RUNS = 12  # runs of numbers in one row


def run(
    path: Path,
    as_json: bool,
    headers: bool,
    modality: str | None,
    nifti_frame: str | None,
    allow_gaps: bool,
    resample_uneven: bool,
    frame: int | None = None,
) -> int:
    """List the series of a folder; exit status 0, or 3 where something was refused or unreadable."""
    silence_pydicom()
    with progress("inspect") as advance:
        inventory = find_series(
            path,
            headers_only=headers,
            allow_gaps=allow_gaps,
            resample_uneven=resample_uneven,
            nifti_frame=nifti_frame,
            modality=modality,
            frame=frame,
            on_progress=advance,
        )
    if as_json:
        write_json(inventory)
    else:
        write_tables(inventory)
    if inventory.series and not key_is_kept():
        err.print(f"note: {KEYS_CHANGE}", markup=False)
    return EXIT_SOME_REFUSED if has_faults(inventory) else EXIT_OK


def has_faults(inventory: Inventory) -> bool:
    """Tell whether anything was refused or unreadable, or nothing was a scan."""
    refused = any(series.verdict == "refused" for series in inventory.series)
    damaged = any(file.code in DAMAGED for file in inventory.skipped)
    return refused or damaged or not inventory.series


def write_json(inventory: Inventory) -> None:
    """Write the inventory as one JSON object on stdout, entry by entry."""
    out = sys.stdout
    out.write('{\n"series": [')
    _write_entries(describe_series(series) for series in inventory.series)
    out.write('],\n"skipped": [')
    _write_entries(describe_skipped(file) for file in inventory.skipped)
    out.write("]\n}\n")


def _write_entries(entries: Any) -> None:
    for number, entry in enumerate(entries):
        sys.stdout.write(("," if number else "") + "\n  " + json.dumps(entry, allow_nan=False))


def describe_series(series: Series) -> dict[str, Any]:
    """Give the fields that `--json` promises, nothing else of the scan."""
    return {
        "key": series.key,
        "verdict": series.verdict,
        "codes": list(series.codes),
        "message": series.message,
        "modality": series.modality,
        "shape": None if series.shape is None else [int(n) for n in series.shape],
        "spacing_mm": None if series.spacing_mm is None else [round(float(s), 6) for s in series.spacing_mm],
        "orientation": series.orientation,
        "unit": series.unit,
        "affine": None if series.affine is None else series.affine.tolist(),
        "file_count": series.file_count,
        "checked": series.checked,
    }


def describe_skipped(file: SkippedFile) -> dict[str, Any]:
    """Give a skipped file by its number."""
    return {"number": file.number, "code": file.code, "reason": file.reason}


def write_tables(inventory: Inventory) -> None:
    """Print the inventory for a person."""
    counts = {v: sum(s.verdict == v for s in inventory.series) for v in ("ok", "warned", "refused")}
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    left = len(inventory.skipped)
    files = "1 file" if left == 1 else f"{left} files"
    say(f"{len(inventory.series)} series ({summary}); {files} skipped{_checked(inventory)}")
    if inventory.series:
        columns = [
            "series",
            "verdict",
            "modality",
            "shape (i, j, k)",
            "spacing mm",
            "sides",
            "files",
            "what",
        ]
        listing(columns, [_row(series) for series in inventory.series])
    if inventory.skipped or any("number " in series.message for series in inventory.series):
        say("Files are numbered in sorted order of all files under the path.")
    if inventory.skipped:
        say("Skipped files:")
        table("", ["files", "numbers", "code", "reason"], _skipped_rows(inventory))


def _checked(inventory: Inventory) -> str:
    """Say once what the verdicts rest on."""
    seen = sorted({series.checked for series in inventory.series})
    return f"; checked: {', '.join(seen)}" if seen else ""


def _row(series: Series) -> list[str]:
    return [
        series.key,
        series.verdict,
        _measured(series),
        " × ".join(map(str, series.shape)) if series.shape else "–",
        " × ".join(f"{s:.3g}" for s in series.spacing_mm) if series.spacing_mm else "–",
        series.orientation or "–",
        str(series.file_count),
        series.message if series.verdict == "refused" else _warn(series),
    ]


def _measured(series: Series) -> str:
    """Give the modality, with the unit where the header names one that nobody would guess."""
    told = series.unit not in ("", "1", "HU")
    return f"{series.modality or '–'} ({series.unit})" if told else series.modality or "–"


def _warn(series: Series) -> str:
    return f"{', '.join(series.codes)}: {series.message}" if series.codes else ""


def _skipped_rows(inventory: Inventory) -> list[list[str]]:
    """List files by reason."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for file in inventory.skipped:
        numbers.setdefault((file.code, file.reason), []).append(file.number)
    return [[str(len(found)), runs(found), code, reason] for (code, reason), found in numbers.items()]


def runs(numbers: list[int]) -> str:
    """Write rising numbers shortly.

    Example:
        >>> runs([1, 2, 3, 7])
        '1-3, 7'
    """
    breaks = [0, *(n for n in range(1, len(numbers)) if numbers[n] != numbers[n - 1] + 1), len(numbers)]
    parts = [(numbers[low], numbers[high - 1]) for low, high in pairwise(breaks) if high > low]
    told = [f"{low}-{high}" if high > low else str(low) for low, high in parts[:MOST_RUNS]]
    return ", ".join(told) + (", ..." if len(parts) > MOST_RUNS else "")
