"""A table of labels -> the row that names a scan, by path, series, study or patient.

Patients are compared as pseudonyms. Opens no scan.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from medres.datasets.found import Found
from medres.datasets.rows import CHANNEL, is_identifying
from medres.datasets.table import Table, name_rows
from medres.errors import DatasetError
from medres.io.privacy import patient_key

MATCH_BY = ("path", "series", "study", "patient_id")  # columns of a label table, the finest first
PATH_OF = "path_"  # and a channel: the column that names the file or folder of that channel
OWN = ("label", "modality", "spacing_known", "mask_path", "points_path", "site")  # columns of a meaning of their own


@dataclass(frozen=True)
class Match:
    """The row of a table that names a scan.

    Attributes:
        number: of the row in its file.
        channel: which the row calls it; "image" without path columns by channel.
        values: cells by column.
    """

    number: int
    channel: str
    values: Mapping[str, str]


class LabelTable:
    """Labels by path, series, study or patient.

    Args:
        table: as read.
        source: what its paths are relative to; absolute ones are brought there. None leaves those as they are.

    Attributes:
        left_out: further columns that may name a person, a date or a UID and are not carried along.

    Raises:
        DatasetError: `E_MANIFEST_COLUMN`, `E_MANIFEST_LABEL` or `E_MANIFEST_DUPLICATE`.
    """

    def __init__(self, table: Table, source: Path | None = None) -> None:
        self._source = source
        self.channels = tuple(name[len(PATH_OF) :] for name in table.columns if name.startswith(PATH_OF))
        named = [f"{PATH_OF}{channel}" for channel in self.channels]
        self.keys = named or [name for name in MATCH_BY if name in table.columns]
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
        self.left_out = tuple(name for name in self._further(table.columns) if is_identifying(name))

    def _by(self, column: str) -> dict[str, tuple[int, dict[str, str]]]:
        """Index rows by one column; two rows that say different labels of one thing are refused."""
        found: dict[str, tuple[int, dict[str, str]]] = {}
        twice = []
        finer = [] if self.channels else self.keys[: self.keys.index(column)]
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

    def _normal(self, column: str, cell: str) -> str:
        if column == "patient_id":
            return patient_key(cell) if cell else ""
        if not cell or not column.startswith("path"):
            return cell
        path = Path(os.path.normpath(cell.replace("\\", "/")))
        return Path(os.path.relpath(path, self._source) if self._source and path.is_absolute() else path).as_posix()

    def find(self, found: Found) -> Match | None:
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
            name = asked[column.split("_")[0] if self.channels else column]
            hit = self._index[column].get(name) if name else None
            if hit is not None:
                self._used.add(hit[0])
                return Match(hit[0], column[len(PATH_OF) :] if self.channels else CHANNEL, hit[1])
        return None

    def extra(self, values: Mapping[str, str]) -> dict[str, str]:
        """Give the further columns of a row (site, sex, age, ...); identifiers stay behind."""
        return {name: values[name] for name in self._further(values) if name not in self.left_out}

    @staticmethod
    def _further(columns: Iterable[str]) -> list[str]:
        return [name for name in columns if name not in (*MATCH_BY, *OWN) and not name.startswith(PATH_OF)]

    def masks(self) -> set[str]:
        """Name the segmentations, which are no scans, by path."""
        return {self._normal("path", values["mask_path"]) for _, values in self.rows if values.get("mask_path")}

    def unused(self) -> list[int]:
        """List the table's rows, by number, that named no scan."""
        return [number for number, values in self.rows if number not in self._used and self._names(values)]

    def _names(self, values: Mapping[str, str]) -> bool:
        return any(values[name] for name in self.keys)
