"""A folder per class, or scans with a table of labels -> manifest rows, every scan inspected first; refused ones apart.

Reads through medres.io. Patients become keyed pseudonyms; the table's identifiers are compared as pseudonyms or UIDs
and kept nowhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from medres.datasets.channels import Patterns, SingleSequence, find_channel, join_channels, study_of
from medres.datasets.found import Found, Gathered, Refusal, find_scans
from medres.datasets.label_table import LabelTable, Match
from medres.datasets.mask_names import find_named_masks
from medres.datasets.rows import CHANNEL, Manifest, ManifestRow
from medres.datasets.table import name_rows, read_table
from medres.errors import DatasetError, StoreError
from medres.io.privacy import load_site_key, patient_key
from medres.io.scan import list_files

PART_FOLDERS = {"train": "train", "training": "train", "val": "validation", "valid": "validation"}
PART_FOLDERS |= {"validation": "validation", "test": "test", "testing": "test"}
Progress = Callable[[int, int], None]


def gather_class_folders(
    source: Path,
    out: Path,
    *,
    modality: str | None = None,
    channels: Patterns | None = None,
    on_progress: Progress | None = None,
) -> Gathered:
    """Turn a folder per class (or train/ and test/ with a folder per class each) into a manifest.

    Args:
        source: holds one folder for each label.
        out: the manifest's folder; paths become relative to it.
        modality: for files that do not say theirs.
        channels: name to pattern; then a row is a study with a path for each. None makes a row of every scan.
        on_progress: called with (scans read, scans).

    Returns:
        Rows, refusals and notes; a patient is the header's, and where files name none each scan counts as its own.

    Raises:
        DatasetError: `E_MANIFEST_LABEL` where there are no class folders; IntakeError for a missing source.
    """
    sequences: list[SingleSequence] = []
    refusals: list[Refusal] = []
    aside = 0
    folders = _class_folders(source)
    beside = _Masks(source, out)
    for done, (part, label, found) in enumerate(_found_in(source, folders, modality), start=1):
        if on_progress:
            on_progress(done, 0)
        channel = find_channel(found, channels) if channels else CHANNEL
        if found.number in beside.numbers:
            continue
        if found.volume is None:
            refusals.append(Refusal(found.number, found.code, found.message))
        elif not channel:
            aside += 1
        else:
            row = _row(found, source, out, label, {"split": part} if part else {})
            row = replace(row, mask_path=beside.of(found.number))
            sequences.append(SingleSequence((part, label, study_of(found)), channel, row, found.number))
    return _collected(sequences, refusals, out, tuple(channels or ()), (*_said_aside(aside), *beside.said()))


class _Masks:
    """Segmentations of a source that lie beside their scans and carry their names; told by the number of a file."""

    def __init__(self, source: Path, out: Path) -> None:
        self._files, self._out = list_files(source), out
        self._found = find_named_masks(self._files)
        self.numbers = {place + 1 for places in self._found.values() for place in places}

    def of(self, number: int) -> Path | None:
        """Give the only segmentation of a scan, relative to the manifest; None for none or several."""
        places = self._found.get(number - 1, ())
        return Path(os.path.relpath(self._files[places[0]], self._out)) if len(places) == 1 else None

    def said(self) -> Iterator[str]:
        """Say what was taken for a segmentation."""
        several = sum(len(places) > 1 for places in self._found.values())
        if self.numbers:
            yield f"{len(self.numbers)} files are taken for segmentations of the scans whose names they carry"
        if several:
            yield f"{several} scans have several segmentations: none stands in mask_path, join them into one file"


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
    source: Path, folders: Sequence[tuple[str, str, Path]], modality: str | None
) -> Iterator[tuple[str, str, Found]]:
    for part, label, folder in folders:
        for found in find_scans(folder, source, modality):
            yield part, label, found


def _said_aside(count: int) -> tuple[str, ...]:
    return (f"{count} scans are no channel that was asked for and were left out",) if count else ()


def _collected(
    sequences: Sequence[SingleSequence],
    refusals: Sequence[Refusal],
    out: Path,
    channels: Sequence[str],
    notes: Sequence[str],
) -> Gathered:
    """Make rows of scans, or of studies where channels were asked for."""
    if not channels:
        return _gathered([one.row for one in sequences], refusals, out, notes)
    rows, incomplete, count = join_channels(sequences, channels)
    if incomplete:
        notes = (*notes, f"{len(incomplete)} of {count} studies made no row; the refused list says why")
    return _gathered(rows, [*refusals, *incomplete], out, notes)


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


def _gathered(rows: Sequence[ManifestRow], refusals: Sequence[Refusal], out: Path, said: Sequence[str]) -> Gathered:
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
    notes = list(said)
    if alone:
        notes.append(
            f"{alone} scans name no patient: each counts as its own; run medres audit --fix groups before you split"
        )
    return Gathered(Manifest(tuple(numbered), out), tuple(refusals), tuple(notes))


def gather_with_table(
    source: Path,
    table: Path,
    out: Path,
    *,
    modality: str | None = None,
    channels: Patterns | None = None,
    on_progress: Progress | None = None,
) -> Gathered:
    """Turn a tree of DICOM studies, NIfTI files or pictures and a table of labels into a manifest.

    Args:
        source: the tree.
        table: CSV with `label` and one or more of `path` (relative to the source), `series` (SeriesInstanceUID),
            `study` (StudyInstanceUID), `patient_id` (PatientID), or with `path_t1c`, `path_flair`, ... for rows of
            several channels; `mask_path` names segmentations; every other column is carried along,
            but those that may name a person, a date or a UID.
        out: the manifest's folder.
        modality: for files that do not say theirs.
        channels: name to pattern; then a row is a study with a path for each.
        on_progress: called with (scans read, 0).

    Returns:
        Rows, refusals (scans that no row of the table names among them) and notes.

    Raises:
        DatasetError: `E_MANIFEST_COLUMN`, `E_MANIFEST_LABEL` or `E_MANIFEST_DUPLICATE`, with rows of the table.
        StoreError: `E_USAGE` for channels both in the table and as patterns.
    """
    labels = LabelTable(read_table(table), source)
    if labels.channels and channels:
        raise StoreError("E_USAGE", "channels must be named once, got path columns and --channels", "leave one out")
    masks = labels.masks()
    sequences: list[SingleSequence] = []
    refusals: list[Refusal] = []
    aside = renamed = 0
    for done, found in enumerate(find_scans(source, source, modality), start=1):
        if on_progress:
            on_progress(done, 0)
        if found.path.as_posix() in masks:
            continue
        channel = find_channel(found, channels) if channels else CHANNEL
        match = labels.find(found) if found.volume is not None else None
        if found.volume is None:
            refusals.append(Refusal(found.number, found.code, found.message))
        elif not channel:
            aside += 1
        elif match is None and not channels:
            refusals.append(Refusal(found.number, "E_MANIFEST_LABEL", "no row of the table names this scan"))
        else:
            sequences.append(_matched(found, match, channel, (source, out), labels))
            renamed += sequences[-1].row.patient_id != (found.volume.origin.patient_key or sequences[-1].row.patient_id)
    gathered = _collected(sequences, refusals, out, labels.channels or tuple(channels or ()), _said_aside(aside))
    return replace(gathered, notes=(*gathered.notes, *_said_of(labels, renamed)))


def _said_of(labels: LabelTable, renamed: int) -> Iterator[str]:
    if renamed:
        yield f"{renamed} scans have another patient in the table than in their header: the table's was taken"
    unused = labels.unused()
    if unused:
        yield f"the table names scans that were refused or not found: {name_rows(unused)}"
    if labels.left_out:
        yield f"columns that may name a person, a date or a UID were left out: {', '.join(labels.left_out)}"


def _matched(
    found: Found, match: Match | None, channel: str, places: tuple[Path, Path], labels: LabelTable
) -> SingleSequence:
    """Make the row of one scan; without a match, one whose study's other sequences must say the label."""
    source, out = places
    if match is None:
        return SingleSequence(study_of(found), channel, _row(found, source, out, "", {}), found.number)
    values = match.values
    row = _row(found, source, out, values["label"], labels.extra(values))
    mask, points = (values.get(name, "").replace("\\", "/") for name in ("mask_path", "points_path"))
    row = replace(
        row,
        patient_id=patient_key(values.get("patient_id", "")) or row.patient_id,
        mask_path=Path(os.path.relpath(source / mask, out)) if mask else None,
        points_path=Path(os.path.relpath(source / points, out)) if points else None,
        site=values.get("site", ""),
    )
    if labels.channels:
        return SingleSequence(("row", match.number), match.channel, row, found.number)
    return SingleSequence(study_of(found), channel, row, found.number)
