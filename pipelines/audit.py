"""`medres audit`: manifest (and split) -> JSON, a table and an HTML page with the offending pairs side by side."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medres.datasets.audit import AuditReport, audit_manifest, with_safe_groups
from medres.datasets.files import write_atomically
from medres.datasets.kept_pairs import default_folder
from medres.datasets.manifest import Manifest, read_manifest, write_manifest
from medres.datasets.planes import build_planes, grey_voxels
from medres.datasets.reading import read_row
from medres.datasets.rows import ManifestRow
from medres.datasets.split import Split
from medres.datasets.split_file import read_split, split_from_column
from medres.datasets.twins import TWIN
from medres.errors import MedresError, StoreError
from medres.results.audit_html import build_audit_html, name_some, say_estimate, shown_rows
from pipelines import console

FIXES = ("groups",)
PICTURE_SIDE = 160  # pixels in the page


def run(manifest: Path, out: Path, split: Path | None = None, fix: str | None = None, workers: int = 0) -> int:
    """Audit, write what was found, and say it; status 3 where a split leaks or scans cannot be read."""
    if fix is not None and fix not in FIXES:
        raise StoreError("E_USAGE", f"--fix must be {', '.join(FIXES)}, got {fix!r}")
    read_rows = read_manifest(manifest, need_patients=False, check_files=False)
    parts = _find_split(read_rows, split)
    with console.progress("audit") as advance:
        report = audit_manifest(
            read_rows,
            parts,
            workers=workers or os.cpu_count() or 1,
            kept=default_folder(),
            on_progress=lambda step, done, total: advance(done, total=total, note=step),
        )
    write_atomically(out / "audit.json", json.dumps(asdict(report) | {"digest": report.digest}, indent=1) + "\n")
    write_atomically(out / "audit.html", build_audit_html(report, _pictures(read_rows, report)))
    if fix == "groups":
        write_manifest(with_safe_groups(read_rows, report.pairs), out / "manifest_groups.csv")
    _show(report, out, fix)
    return console.EXIT_SOME_REFUSED if report.leaks or report.faults else console.EXIT_OK


def _find_split(manifest: Manifest, split: Path | None) -> Split | None:
    """Take the split file; without one a split column; without that none. Leaks are told, not refused."""
    if split is not None:
        return read_split(split, manifest, allow_leaks=True)
    if "split" in manifest.columns:
        return split_from_column(manifest, allow_leaks=True)
    return None


def _pictures(manifest: Manifest, report: AuditReport) -> dict[int, NDArray[np.uint8]]:
    rows = {row.number: row for row in manifest.rows}
    return {
        number: picture for number in shown_rows(report) if (picture := _picture(manifest, rows[number])) is not None
    }


def _picture(manifest: Manifest, row: ManifestRow) -> NDArray[np.uint8] | None:
    """Draw the middle plane of a row; of several channels one beside the other, in a square."""
    try:
        drawn = [build_planes(grey_voxels(volume), PICTURE_SIDE) for volume in read_row(manifest, row).values()]
    except MedresError:
        return None
    tiles = [planes[len(planes) // 2] for planes in drawn]
    wide = math.ceil(math.sqrt(len(tiles)))
    mosaic = np.zeros((wide, wide, PICTURE_SIDE, PICTURE_SIDE), np.uint8)
    for number, tile in enumerate(tiles):
        mosaic[divmod(number, wide)] = tile
    return mosaic.swapaxes(1, 2).reshape(wide * PICTURE_SIDE, -1)  # (rows, columns)


def _show(report: AuditReport, out: Path, fix: str | None) -> None:
    kinds = [pair.kind for pair in report.pairs]
    rows = [
        ["scans", str(report.scan_count)],
        ["patients", str(report.patient_count) if report.patient_count else "none named"],
        ["exact copies", f"{kinds.count('exact')} pairs"],
        ["near-copies", f"{kinds.count('near')} pairs{_thresholds(report)}"],
        ["copies with different labels", f"{len(report.conflicts)} groups"],
        ["unreadable, refused or empty", f"{len(report.faults)} scans{_codes(report)}"],
    ]
    rows += [
        [f"leak {k.name}", f"{len(k.judged_rows)} scans of {k.parts[1]}: rows {name_some(k.judged_rows, 6)}"]
        for k in report.leaks
    ]
    for shortcut in report.shortcuts:
        best = shortcut.single[0]
        feared = ", to be feared" if shortcut.feared else ""
        told = f"AUROC {say_estimate(shortcut.together)}{feared}; best alone: {best[0]} {best[1].value or 0:.2f}"
        rows.append([f"{shortcut.label} told by header and borders", told])
    rows += [
        [f"label goes along with {b.column}", f"Cramér's V {b.association:.2f}"] for b in report.balance if b.strong
    ]
    console.table("", ["audit", f"{report.seconds:.0f} s"], rows)
    console.say(f"page  {out / 'audit.html'}")
    console.say(f"JSON  {out / 'audit.json'}")
    if fix:
        console.say(f"safe  {out / 'manifest_groups.csv'}: split it with medres split, which keeps leak_group together")


def _thresholds(report: AuditReport) -> str:
    raised = [f"{likeness:.3f} for {kind}" for kind, likeness in report.thresholds.items() if likeness > TWIN]
    return f" (different scans are alike here: accused from {', '.join(raised)})" if raised else ""


def _codes(report: AuditReport) -> str:
    counts: dict[str, int] = {}
    for fault in report.faults:
        counts[fault.code] = counts.get(fault.code, 0) + 1
    return f" ({', '.join(f'{code} {n}' for code, n in sorted(counts.items()))})" if counts else ""
