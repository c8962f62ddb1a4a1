"""Row and Manifest: the frozen values that a manifest's CSV becomes.

Opens no file and knows no pixels. Rows are named by their number in the file (the header is row 1), never by patient or
path. A row's key is its first path with forward slashes, relative to the manifest.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

HOUSE_COLUMNS = ("split", "leak_group", "series", "key_fingerprint")  # written by medres; no facts about scans
SERIES_OF = "series_"  # and a channel: names the series that holds it
# columns, in small letters and digits alone, that may name a person, a date or a UID (PS3.15 table E.1-1)
IDENTIFYING = re.compile(
    r"(patients?|first|last|given|family|sur|full|maiden|physicians?|operators?|readers?|institution)name|names?|surname"
    r"|(patient|study|accession|record|case)?(id|number|mrn|ssn|nhs|pid)|patientid|mrn|ssn|dob|(date)?ofbirth|accession"
    r"|(referring|performing|requesting)?(physician|operator|technologist)s?|institution(address)?|(device)?serialnumber"
    r"|(street|patient|email|postal)?address|phone(number)?|telephone|email|zip(code)?"
    r"|(study|series|acquisition|content|birth)time|.*date|.*datetime|.*birthday|.*uid|(file|folder|original)(name|path)?"
)
CHANNEL = "image"  # the channel of a plain `path` column; PreprocessingSpec's default


def is_identifying(column: str) -> bool:
    """Tell by a column's name whether its cells may name a person, a date or a UID.

    Args:
        column: of a label table or manifest.

    Example:
        >>> [name for name in ("sex", "Study Date", "MRN", "patient_name", "scanner") if is_identifying(name)]
        ['Study Date', 'MRN', 'patient_name']
    """
    return IDENTIFYING.fullmatch(re.sub(r"[^a-z0-9]", "", column.lower())) is not None


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One scan.

    Attributes:
        number: row in the file, the header being row 1.
        patient_id: pseudonym; "" only where the manifest has no such column.
        paths: channel to path relative to the manifest; {"image": ...} for a plain `path` column.
        label: class.
        modality: DICOM's word, or "" where the files say it themselves.
        spacing_known: False where the file's spacing is not true.
        mask_path: segmentation relative to the manifest, or None.
        site: where it was made, or "".
        extra: every other column by name.
        points_path: lesion points relative to the manifest (`points.py`), or None.
    """

    number: int
    patient_id: str
    paths: Mapping[str, Path]
    label: str
    modality: str = ""
    spacing_known: bool = True
    mask_path: Path | None = None
    site: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    points_path: Path | None = None

    @property
    def key(self) -> str:
        """The first path, with forward slashes; with `#` and the series' key where a column names one."""
        channel, path = next(iter(self.paths.items()))
        series = self.series_of(channel)
        return f"{path.as_posix()}#{series}" if series else path.as_posix()

    @property
    def series(self) -> str:
        """Key of one series of a folder that holds several, as `medres inspect` shows it; "" where there is one."""
        return self.extra.get("series", "")

    def series_of(self, channel: str) -> str:
        """Key of the series that holds a channel: column `series_<channel>`, else `series`; "" where there is one.

        Args:
            channel: one of `paths`.
        """
        return self.extra.get(f"{SERIES_OF}{channel}", "") or self.series

    def value(self, column: str) -> str:
        """Give the cell of any column but the paths; "" where it is not there.

        Args:
            column: name, such as `site`, `sex`, `age`.
        """
        return (
            str(getattr(self, column))
            if column in ("patient_id", "label", "modality", "site")
            else self.extra.get(column, "")
        )


@dataclass(frozen=True, eq=False)
class Manifest:
    """Scans to learn from or to judge by.

    Attributes:
        rows: in the order of the file.
        folder: what paths are relative to.
        has_patients: whether a `patient_id` column stands there.
    """

    rows: tuple[ManifestRow, ...]
    folder: Path
    has_patients: bool = True

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the rows say, whatever their order, line ends and separators; `split` is left out."""
        lines = sorted(json.dumps(row_cells(row), sort_keys=True) for row in self.rows)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @cached_property
    def by_key(self) -> dict[str, ManifestRow]:
        """Rows by key."""
        return {row.key: row for row in self.rows}

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        """Labels that occur, sorted."""
        return tuple(sorted({row.label for row in self.rows}))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of further columns, in order of appearance; those that name a channel's series are left out."""
        named = {f"{SERIES_OF}{channel}" for channel in self.channels}
        return tuple(dict.fromkeys(name for row in self.rows for name in row.extra if name not in named))

    @cached_property
    def telling_columns(self) -> tuple[str, ...]:
        """Columns that may go along with the label: modality, site and further ones; none of ours, none that names."""
        further = (name for name in self.columns if name not in HOUSE_COLUMNS and not is_identifying(name))
        return ("modality", "site", *further)

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Channels, in the order of their columns."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.paths))

    def path(self, row: ManifestRow, channel: str | None = None) -> Path:
        """Say where a scan of a row lies.

        Args:
            row: one of `rows`.
            channel: None takes the first.
        """
        return self.folder / (row.paths[channel] if channel else next(iter(row.paths.values())))

    def mask(self, row: ManifestRow) -> Path | None:
        """Say where the segmentation of a row lies, or None."""
        return self.folder / row.mask_path if row.mask_path else None

    def points(self, row: ManifestRow) -> Path | None:
        """Say where the lesion points of a row lie, or None."""
        return self.folder / row.points_path if row.points_path else None

    def with_rows(self, rows: Iterable[ManifestRow]) -> Manifest:
        """Copy with other rows."""
        return replace(self, rows=tuple(rows))

    def with_labels(self, names: Sequence[str]) -> Manifest:
        """Copy with the rows of these labels alone.

        Args:
            names: labels to keep.
        """
        return self.with_rows(row for row in self.rows if row.label in names)


def row_cells(row: ManifestRow) -> dict[str, str]:
    """Give the cells of a row as they are written, empty ones and `split` left out.

    Args:
        row: any.

    Returns:
        Column to text.
    """
    cells = {"patient_id": row.patient_id} if row.patient_id else {}
    single = tuple(row.paths) == (CHANNEL,)
    cells |= {"path" if single else f"path_{name}": path.as_posix() for name, path in row.paths.items()}
    cells["label"] = row.label
    cells |= {"modality": row.modality} if row.modality else {}
    cells |= {} if row.spacing_known else {"spacing_known": "no"}
    cells |= {"mask_path": row.mask_path.as_posix()} if row.mask_path else {}
    cells |= {"points_path": row.points_path.as_posix()} if row.points_path else {}
    cells |= {"site": row.site} if row.site else {}
    return cells | {name: text for name, text in row.extra.items() if text and name != "split"}
