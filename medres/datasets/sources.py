"""A folder per class, or scans with a table of labels -> manifest rows, every scan inspected first; refused ones apart.

Reads through medres.io. Patients become keyed pseudonyms; the table's identifiers are compared as pseudonyms or UIDs
and kept nowhere.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medres.datasets.rows import CHANNEL, Manifest, ManifestRow
from medres.datasets.table import Table, name_rows, read_table
from medres.errors import DatasetError, MedresError, describe
from medres.io import find_series, read_series
from medres.io.privacy import load_site_key, patient_key
from medres.io.series import Series
from medres.volume import Volume

PART_FOLDERS = {"train": "train", "training": "train", "val": "validation", "valid": "validation"}
PART_FOLDERS |= {"validation": "validation", "test": "test", "testing": "test"}
MATCH_BY = ("path", "series", "study", "patient_id")  # columns of a label table, the finest first
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Refusal:
    """A scan or file that did not become a row.

    Attributes:
        number: its place among what was found, from 1.
        code: why.
        message: why, in words; no name and no path.
    """

    number: int
    code: str
    message: str


@dataclass(frozen=True, eq=False)
class Gathered:
    """What a source gave.

    Attributes:
        manifest: rows that can be learnt from.
        refusals: the rest, each with its code.
        notes: what a reader must know, in words.
    """

    manifest: Manifest
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Found:
    """One scan of a source, read once.

    Attributes:
        path: relative to the source: the file, or the folder of a DICOM series.
        series: key, where the folder holds several.
        volume: None where it was refused.
        code: why it was refused, or "".
        message: in words.
    """

    path: Path
    series: str = ""
    volume: Volume | None = None
    code: str = ""
    message: str = ""


def gather_class_folders(
    source: Path, out: Path, *, modality: str | None = None, on_progress: Progress | None = None
) -> Gathered:
    """Turn a folder per class (or train/ and test/ with a folder per class each) into a manifest.

    Args:
        source: holds one folder for each label.
        out: the manifest's folder; paths become relative to it.
        modality: for files that do not say theirs.
        on_progress: called with (scans read, scans).

    Returns:
        Rows, refusals and notes; a patient is the header's, and where files name none each scan counts as its own.

    Raises:
        DatasetError: `E_MANIFEST_LABEL` where there are no class folders; IntakeError for a missing source.
    """
    folders = _class_folders(source)
    rows: list[ManifestRow] = []
    refusals: list[Refusal] = []
    for part, label, found in _found_in(source, folders, modality, on_progress):
        if found.volume is None:
            refusals.append(Refusal(len(rows) + len(refusals) + 1, found.code, found.message))
        else:
            rows.append(_row(found, source, out, label, {"split": part} if part else {}))
    return _gathered(rows, refusals, out)


def _class_folders(source: Path) -> list[tuple[str, str, Path]]:
    """List (part, label, folder)."""
    inner = sorted(path for path in source.iterdir() if path.is_dir() and not path.name.startswith("."))
    if inner and all(path.name.lower() in PART_FOLDERS for path in inner):
        return [(PART_FOLDERS[part.name.lower()], *rest) for part in inner for rest in _labels_in(part)]
    found = [("", *rest) for rest in _labels_in(source)]
    if len(found) < 2:
        told = f"a source must hold a folder for each of two labels or more, got {len(found)}"
        raise DatasetError("E_MANIFEST_LABEL", told, "sort scans into a folder per label, or give --table with labels")
    return found


def _labels_in(folder: Path) -> list[tuple[str, Path]]:
    return [(path.name, path) for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]


def _found_in(
    source: Path, folders: Sequence[tuple[str, str, Path]], modality: str | None, on_progress: Progress | None
) -> Iterator[tuple[str, str, Found]]:
    done = 0
    for part, label, folder in folders:
        for found in find_scans(folder, source, modality):
            done += 1
            if on_progress:
                on_progress(done, 0)
            yield part, label, found


def find_scans(folder: Path, source: Path, modality: str | None = None) -> Iterator[Found]:
    """Find and read every scan under a folder, one at a time; what cannot be read is told, never raised.

    Args:
        folder: to look in.
        source: what paths become relative to.
        modality: for files that do not say theirs.

    Yields:
        Scans in the order of their paths.
    """
    inventory = find_series(folder, headers_only=True, modality=modality)
    held: dict[Path, int] = defaultdict(int)
    for series in inventory.series:
        held[_place(series)] += 1
    for series in sorted(inventory.series, key=lambda one: (str(one.paths[0]), one.key)):
        place = _place(series)
        key = _key_in(place, series, modality) if held[place] > 1 else ""
        yield _read(series, Path(os.path.relpath(place, source)), key, modality)
    for skipped in inventory.skipped:
        yield Found(Path(), code=skipped.code, message=skipped.reason)


def _place(series: Series) -> Path:
    """Name what a row points at: the only file, or the folder of several."""
    return series.paths[0] if series.kind != "dicom" or series.file_count == 1 else series.paths[0].parent


def _key_in(place: Path, series: Series, modality: str | None) -> str:
    """Give the key under which `read(place, series=...)` finds the series."""
    found = find_series(place, headers_only=True, modality=modality).series
    return next((one.key for one in found if one.paths == series.paths), series.key)


def _read(series: Series, path: Path, key: str, modality: str | None) -> Found:
    try:
        volume = read_series(series, modality=modality)
    except MedresError as error:
        return Found(path, key, code=error.code, message=f"{error.what} - {error.cure}")
    if not volume.modality:
        return Found(path, key, code="E_NO_MODALITY", message=describe("E_NO_MODALITY"))
    return Found(path, key, volume)


def _row(found: Found, source: Path, out: Path, label: str, extra: Mapping[str, str]) -> ManifestRow:
    volume = found.volume
    assert volume is not None  # refused ones were set apart
    path = Path(os.path.relpath(source / found.path, out))
    own = {"series": found.series} if found.series else {}
    return ManifestRow(
        number=0,
        patient_id=volume.origin.patient_key,
        paths={CHANNEL: path},
        label=label,
        modality=volume.modality,
        spacing_known=volume.spacing_known,
        extra={**own, **{name: text for name, text in extra.items() if text}},
    )


def _gathered(rows: Sequence[ManifestRow], refusals: Sequence[Refusal], out: Path) -> Gathered:
    """Number rows, and give each scan without a patient one of its own."""
    if not rows:
        codes = ", ".join(sorted({refusal.code for refusal in refusals})) or "no scan found"
        raise DatasetError("E_MANIFEST_EMPTY", f"a source must hold scans that can be read, got none ({codes})")
    fingerprint = load_site_key().fingerprint
    alone = sum(not row.patient_id for row in rows)
    numbered = (
        replace(
            row,
            number=number,
            patient_id=row.patient_id or patient_key(f"scan|{row.key}"),
            extra={**row.extra, "key_fingerprint": fingerprint},
        )
        for number, row in enumerate(rows, start=2)
    )
    notes = []
    if alone:
        notes.append(
            f"{alone} scans name no patient: each counts as its own; run medres audit --fix groups before you split"
        )
    return Gathered(Manifest(tuple(numbered), out), tuple(refusals), tuple(notes))


def gather_with_table(
    source: Path, table: Path, out: Path, *, modality: str | None = None, on_progress: Progress | None = None
) -> Gathered:
    """Turn a tree of DICOM studies, NIfTI files or pictures and a table of labels into a manifest.

    Args:
        source: the tree.
        table: CSV with `label` and one or more of `path` (relative to the source), `series` (SeriesInstanceUID),
            `study` (StudyInstanceUID), `patient_id` (PatientID); every other column is carried along.
        out: the manifest's folder.
        modality: for files that do not say theirs.
        on_progress: called with (scans read, 0).

    Returns:
        Rows, refusals (scans that no row of the table names among them) and notes.

    Raises:
        DatasetError: `E_MANIFEST_COLUMN`, `E_MANIFEST_LABEL` or `E_MANIFEST_DUPLICATE`, with rows of the table.
    """
    labels = LabelTable(read_table(table))
    rows: list[ManifestRow] = []
    refusals: list[Refusal] = []
    for done, found in enumerate(find_scans(source, source, modality), start=1):
        if on_progress:
            on_progress(done, 0)
        number = len(rows) + len(refusals) + 1
        if found.volume is None:
            refusals.append(Refusal(number, found.code, found.message))
            continue
        values = labels.find(found)
        if values is None:
            refusals.append(Refusal(number, "E_MANIFEST_LABEL", "no row of the table names this scan"))
            continue
        row = _row(found, source, out, values["label"], labels.extra(values))
        rows.append(replace(row, patient_id=row.patient_id or patient_key(values.get("patient_id", ""))))
    gathered = _gathered(rows, refusals, out)
    unused = labels.unused()
    notes = (
        (*gathered.notes, f"the table names scans that were not found: {name_rows(unused)}")
        if unused
        else gathered.notes
    )
    return replace(gathered, notes=notes)


class LabelTable:
    """Labels by path, series, study or patient.

    Args:
        table: as read.

    Raises:
        DatasetError: `E_MANIFEST_COLUMN`, `E_MANIFEST_LABEL` or `E_MANIFEST_DUPLICATE`.
    """

    def __init__(self, table: Table) -> None:
        self.keys = [name for name in MATCH_BY if name in table.columns]
        if not self.keys or "label" not in table.columns:
            have = ", ".join(table.columns[:8])
            told = f"a label table must hold label and one of {', '.join(MATCH_BY)}, got {have}"
            raise DatasetError("E_MANIFEST_COLUMN", told, "add the column")
        self.rows = [(number, dict(zip(table.columns, cells, strict=True))) for number, cells in table.rows]
        empty = [number for number, values in self.rows if not values["label"]]
        if empty:
            raise DatasetError("E_MANIFEST_LABEL", f"label must not be empty, got none in {name_rows(empty)}")
        self._index = {name: self._by(name) for name in self.keys}
        self._used: set[int] = set()

    def _by(self, column: str) -> dict[str, tuple[int, dict[str, str]]]:
        """Index rows by one column; two rows that say different labels of one thing are refused."""
        found: dict[str, tuple[int, dict[str, str]]] = {}
        twice = []
        finer = [name for name in self.keys if MATCH_BY.index(name) < MATCH_BY.index(column)]
        for number, values in self.rows:
            cell = self._normal(column, values[column])
            if not cell or any(values[name] for name in finer):
                continue  # a row that names something finer is found by that
            if cell in found and found[cell][1]["label"] != values["label"]:
                twice += [found[cell][0], number]
            found.setdefault(cell, (number, values))
        if twice:
            told = f"a {column} must have one label, got two in {name_rows(twice)}"
            raise DatasetError("E_MANIFEST_DUPLICATE", told, "keep one row, or add a finer column such as series")
        return found

    @staticmethod
    def _normal(column: str, cell: str) -> str:
        if column == "patient_id":
            return patient_key(cell) if cell else ""
        return Path(cell.replace("\\", "/")).as_posix() if column == "path" and cell else cell

    def find(self, found: Found) -> dict[str, str] | None:
        """Find the table's row of a scan, by the finest column that names it.

        Args:
            found: a scan that was read.
        """
        assert found.volume is not None  # refused ones were set apart
        origin = found.volume.origin
        asked = {
            "path": found.path.as_posix(),
            "series": origin.series_instance_uid,
            "study": origin.study_instance_uid,
            "patient_id": origin.patient_key,
        }
        for column in self.keys:
            hit = self._index[column].get(asked[column]) if asked[column] else None
            if hit is not None:
                self._used.add(hit[0])
                return hit[1]
        return None

    def extra(self, values: Mapping[str, str]) -> dict[str, str]:
        """Give the further columns of a row (site, sex, age, ...); identifiers stay behind."""
        return {
            name: text for name, text in values.items() if name not in (*MATCH_BY, "label", "modality", "spacing_known")
        }

    def unused(self) -> list[int]:
        """List the table's rows, by number, that named no scan."""
        return [number for number, values in self.rows if number not in self._used and self._names(values)]

    def _names(self, values: Mapping[str, str]) -> bool:
        return any(values[name] for name in self.keys)
