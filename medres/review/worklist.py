"""A results folder or a folder of scans -> Worklist: what waits for a reader, the most suspicious first.

Knows the ledger and the headers of scans; knows no screen and no reader.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from medres.errors import IntakeError, StoreError
from medres.io import find_series, read_series
from medres.io.series import Series
from medres.ledger import Ledger, LedgerRow
from medres.review.opinion import Opinion, opinion_of_row
from medres.volume import Volume

LEDGER_FILE = "ledger.sqlite"
SCANS_FACT, MODEL_FACT = "folder", "model_folder"
ALONE = (".nii", ".nii.gz", ".png", ".jpg", ".jpeg")  # one file is one series
VIEWABLE = ("E_NO_MODALITY", "E_CHANNEL_MISSING")  # the model could not take it, a reader can
RANK = {"positive": 0, "indeterminate": 1, "negative": 2}  # where probabilities are equal


@dataclass(frozen=True, eq=False)
class WorklistItem:
    """One series, and what a model said of it.

    Attributes:
        key: unique in the worklist, free of identifiers; stands in addresses.
        series_key: as `medres inspect` shows it.
        status: "ok", "warned", "refused", "out_of_scope", "error", or "unscored".
        modality: DICOM's word, or "".
        warnings: codes of the intake and the model.
        code, message: why, unless all is well.
        opinion: the model's, or None when unscored.
        patient_key: keyed pseudonym, or "".
        scan_digest: of the decoded scan, or "".
        shape: (i, j, k), or None where only the ledger knows the series.
        row: of the ledger, or None.
        series: from the headers, or None until it is looked for.
    """

    key: str
    series_key: str
    status: str
    modality: str
    warnings: tuple[str, ...] = ()
    code: str = ""
    message: str = ""
    opinion: Opinion | None = None
    patient_key: str = ""
    scan_digest: str = ""
    shape: tuple[int, int, int] | None = None
    row: LedgerRow | None = None
    series: Series | None = None

    @property
    def readable(self) -> bool:
        """Whether there is something to look at: what intake refused is not shown as if it were a scan."""
        return self.status not in ("refused", "error") or self.code in VIEWABLE


@dataclass(frozen=True, eq=False)
class Worklist:
    """What waits.

    Attributes:
        items: the most suspicious first; then those without an answer.
        scans_folder: where the scans lie, or None when the ledger does not know.
        model_folder: of the model that answered, or None.
        skipped: files that are no scan.
    """

    items: tuple[WorklistItem, ...]
    scans_folder: Path | None
    model_folder: Path | None
    skipped: int = 0

    def find(self, key: str) -> WorklistItem | None:
        """Give the item of a key, or None."""
        return next((item for item in self.items if item.key == key), None)


def open_worklist(folder: Path, model_folder: Path | None = None, modality: str | None = None) -> Worklist:
    """List what waits in a folder.

    Args:
        folder: results of `medres score`, or a folder of scans.
        model_folder: a model to score scans with as they are opened; None takes the ledger's own.
        modality: DICOM's word for scans that carry none.

    Returns:
        The worklist; scans that no model has seen are listed as unscored.

    Raises:
        IntakeError: E_NOT_FOUND, E_EMPTY_FOLDER.
        StoreError: when the ledger cannot be read.
    """
    if (folder / LEDGER_FILE).is_file():
        return _from_ledger(folder, model_folder)
    inventory = find_series(folder, headers_only=True, modality=modality)
    items = sorted((_from_series(series) for series in inventory.series), key=_suspicion)
    return Worklist(tuple(items), folder, model_folder, len(inventory.skipped))


def _from_ledger(folder: Path, model_folder: Path | None) -> Worklist:
    with closing(Ledger(folder / LEDGER_FILE)) as ledger:
        rows = list(ledger.rows())
        scans, model = ledger.fact(SCANS_FACT), ledger.fact(MODEL_FACT)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.series_key] = counts.get(row.series_key, 0) + 1
    items = [_from_row(row, alone=counts[row.series_key] == 1) for row in rows]
    return Worklist(
        tuple(sorted(items, key=_suspicion)),
        (folder / scans).resolve() if scans else None,  # facts are relative to the results
        model_folder or ((folder / model).resolve() if model else None),
    )


def _from_row(row: LedgerRow, *, alone: bool) -> WorklistItem:
    key = row.series_key if alone else f"{row.series_key}.{row.model_digest[:6]}{row.configuration_digest[:4]}"
    return WorklistItem(
        key,
        row.series_key,
        row.status,
        row.modality,
        warnings=row.warnings,
        code=row.code,
        message=row.message,
        opinion=opinion_of_row(row),
        patient_key=row.patient_key,
        scan_digest=row.scan_digest,
        row=row,
    )


def _from_series(series: Series) -> WorklistItem:
    refused = series.verdict == "refused"
    return WorklistItem(
        series.key,
        series.key,
        "refused" if refused else "unscored",
        series.modality,
        warnings=tuple(code for code in series.codes if code.startswith("W_")),
        code=series.codes[0] if refused else "",
        message=series.message,
        shape=series.shape,
        series=series,
    )


def _suspicion(item: WorklistItem) -> tuple[int, float, int, str]:
    """Sort: by probability downwards, then what has no answer, then what was refused."""
    opinion = item.opinion
    if opinion is not None and opinion.probability is not None:
        return 0, -opinion.probability, RANK.get(opinion.decision, 3), item.key
    order = {"unscored": 1, "out_of_scope": 2, "error": 3, "refused": 4}
    return order.get(item.status, 3), 0.0, 0, item.key


def read_item(worklist: Worklist, item: WorklistItem) -> Volume:
    """Read the scan of one item.

    Args:
        worklist: the item's own.
        item: a readable one.

    Returns:
        The Volume.

    Raises:
        IntakeError: when the scan is not where it was, or must not be read.
    """
    if not item.readable:
        raise IntakeError(item.code, item.message)
    volume = read_series(item.series or find_item(worklist, item), modality=item.modality or None)
    if item.scan_digest and volume.origin.content_digest != item.scan_digest:
        raise IntakeError("E_INPUT_CHANGED", "the scan is not the one that was scored", "score the folder again")
    return volume


def find_item(worklist: Worklist, item: WorklistItem) -> Series:
    """Find the files of an item that only the ledger knows.

    Args:
        worklist: the item's own.
        item: with a ledger row.

    Returns:
        Its Series.

    Raises:
        StoreError: E_STORE_FORMAT when the ledger does not say where the scans lie.
        IntakeError: E_NOT_FOUND when they are gone.
    """
    if worklist.scans_folder is None or item.row is None or not item.row.relative_path:
        raise StoreError("E_STORE_FORMAT", "this ledger does not say where its scans lie", "score the folder again")
    first = worklist.scans_folder / item.row.relative_path
    if not first.exists():
        raise IntakeError("E_NOT_FOUND", "the scan is not where it was when it was scored", "bring the folder back")
    place = first if first.is_file() and first.name.lower().endswith(ALONE) else first.parent
    return _choose(place, first, item) or _choose(worklist.scans_folder, first, item) or _gone()


def _choose(place: Path, first: Path, item: WorklistItem) -> Series | None:
    """Take the series that holds the item's first file; where several do, the one of its key."""
    filled = "W_GAPS_FILLED" in item.warnings  # read again as it was read when it was scored
    found = find_series(place, headers_only=True, allow_gaps=filled, modality=item.modality or None).series
    holding = [series for series in found if first in series.paths]
    if len(holding) > 1:
        holding = [series for series in holding if series.key == item.series_key]
    return holding[0] if len(holding) == 1 else None


def _gone() -> Series:
    raise IntakeError("E_NOT_FOUND", "the series is not in its folder any more", "score the folder again")
