"""Results folders and folders of scans -> Worklist: what waits for a reader, the most suspicious first.

Knows the ledger and the headers of scans; knows no screen and no reader. `scans.py` reads what is listed here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from medres.io import find_series
from medres.io.series import Series
from medres.ledger import Ledger, LedgerRow
from medres.review.opinion import Opinion, opinion_of_row

LEDGER_FILE = "ledger.sqlite"
SCANS_FACT, MODEL_FACT, INTAKE_FACT = "folder", "model_folder", "intake"
VIEWABLE = ("E_NO_MODALITY", "E_CHANNEL_MISSING")  # the model could not take it, a reader can
RANK = {"positive": 0, "indeterminate": 1, "negative": 2}  # where probabilities are equal


@dataclass(frozen=True, eq=False)
class WorklistItem:
    """One series, and what models said of it.

    Attributes:
        key: unique in the worklist, free of identifiers; stands in addresses.
        series_key: as `medres inspect` shows it.
        status: "ok", "warned", "refused", "out_of_scope", "error", or "unscored".
        modality: DICOM's word, or "".
        warnings: codes of the intake and the models.
        code, message: why, unless all is well.
        opinions: one for each model that looked at it, the most suspicious first; empty when unscored.
        patient_key: keyed pseudonym, or "".
        scan_digest: of the decoded scan, or "".
        shape: (i, j, k), or None where only the ledger knows the series.
        row: of the ledger, that of the first opinion; or None.
        series: from the headers, or None until it is looked for.
        base: folder that `row.relative_path` starts from, or None when the ledger does not know.
        intake: choices made when it was scored, such as {"nifti_frame": "sform"}.
    """

    key: str
    series_key: str
    status: str
    modality: str
    warnings: tuple[str, ...] = ()
    code: str = ""
    message: str = ""
    opinions: tuple[Opinion, ...] = ()
    patient_key: str = ""
    scan_digest: str = ""
    shape: tuple[int, int, int] | None = None
    row: LedgerRow | None = None
    series: Series | None = None
    base: Path | None = None
    intake: Mapping[str, str] = field(default_factory=dict)

    @property
    def opinion(self) -> Opinion | None:
        """The most suspicious opinion, or None when unscored."""
        return self.opinions[0] if self.opinions else None

    def opinion_of(self, model_digest: str) -> Opinion | None:
        """Give what one model said, or None."""
        return next((said for said in self.opinions if said.model_digest == model_digest), None)

    @property
    def finished_at(self) -> str:
        """When it was scored, UTC in ISO 8601, or ""."""
        return self.row.finished_at if self.row else ""

    @property
    def readable(self) -> bool:
        """Whether there is something to look at: what intake refused is not shown as if it were a scan."""
        return self.status not in ("refused", "error") or self.code in VIEWABLE


@dataclass(frozen=True, eq=False)
class Worklist:
    """What waits.

    Attributes:
        items: the most suspicious first; then those without an answer.
        scans_folder: that holds all the scans, or None when no ledger knows.
        model_folder: of the model that answered last, or None.
        model_folders: by model digest, where the ledgers know.
        models: name and version by model digest, of all models that answered.
        rows: of all ledgers, older answers too.
        skipped: files that are no scan.
    """

    items: tuple[WorklistItem, ...]
    scans_folder: Path | None
    model_folder: Path | None
    model_folders: Mapping[str, Path] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[LedgerRow, ...] = ()
    skipped: int = 0

    def find(self, key: str) -> WorklistItem | None:
        """Give the item of a key, or None."""
        return next((item for item in self.items if item.key == key), None)


@dataclass(frozen=True)
class _Place:
    """One folder, opened: its items in no order, and what it knows."""

    items: tuple[WorklistItem, ...]
    base: Path | None
    model_folder: Path | None = None
    model_folders: Mapping[str, Path] = field(default_factory=dict)
    skipped: int = 0


def open_worklist(
    folders: Path | Sequence[Path], model_folder: Path | None = None, modality: str | None = None
) -> Worklist:
    """List what waits in one folder or several.

    Args:
        folders: results of `medres score`, or folders of scans; a scan that stands in several is listed once, with
            what each model said of it.
        model_folder: a model to score scans with as they are opened; None takes the ledger's own.
        modality: DICOM's word for scans that carry none.

    Returns:
        The worklist; scans that no model has seen are listed as unscored.

    Raises:
        IntakeError: E_NOT_FOUND, E_EMPTY_FOLDER.
        StoreError: when a ledger cannot be read.
    """
    chosen = [folders] if isinstance(folders, Path) else list(folders)
    places = [_from_ledger(one) if (one / LEDGER_FILE).is_file() else _from_scans(one, modality) for one in chosen]
    items = sorted(_joined(places), key=_suspicion)
    bases = {place.base for place in places if place.base is not None}
    known = {digest: path for place in places for digest, path in place.model_folders.items()}
    last = next((place.model_folder for place in reversed(places) if place.model_folder), None)
    return Worklist(
        tuple(items),
        Path(os.path.commonpath(bases)) if bases else None,
        model_folder or last,
        known,
        {said.model_digest: said.model for item in items for said in item.opinions if said.model_name},
        tuple(item.row for place in places for item in place.items if item.row is not None),
        sum(place.skipped for place in places),
    )


def by_arrival(listed: Worklist) -> Worklist:
    """Put the longest waiting first, so that the order tells nothing of what models said.

    Args:
        listed: in any order.

    Returns:
        The same items: those that can be read by when they were scored, then by key; the others last.
    """
    items = sorted(listed.items, key=lambda item: (not item.readable, item.finished_at, item.key))
    return replace(listed, items=tuple(items))


def _joined(places: Iterable[_Place]) -> list[WorklistItem]:
    """Make one item of each scan, whichever folders it stands in."""
    by_scan: dict[tuple[Path | None, str], list[WorklistItem]] = {}
    for place in places:
        for item in place.items:
            by_scan.setdefault((place.base, item.series_key), []).append(item)
    taken: set[str] = set()
    joined = []
    for same in by_scan.values():
        one = _one_of(same)
        while one.key in taken:  # the same series in another folder
            one = replace(one, key=f"{one.key}+")
        taken.add(one.key)
        joined.append(one)
    return joined


def _one_of(same: list[WorklistItem]) -> WorklistItem:
    """Join what several models said of one scan; of one model the newest answer counts."""
    if len(same) == 1:
        return same[0]
    scored = sorted((item for item in same if item.row is not None), key=lambda item: item.finished_at)
    newest = {item.row.model_digest: item for item in scored if item.row is not None}
    ranked = sorted(newest.values(), key=_suspicion) or same
    return replace(
        ranked[0],
        opinions=tuple(said for item in ranked for said in item.opinions),
        warnings=tuple(dict.fromkeys(code for item in ranked for code in item.warnings)),
        series=next((item.series for item in same if item.series), None),
    )


def _from_scans(folder: Path, modality: str | None) -> _Place:
    inventory = find_series(folder, headers_only=True, modality=modality)
    return _Place(tuple(map(_from_series, inventory.series)), folder.resolve(), skipped=len(inventory.skipped))


def _from_ledger(folder: Path) -> _Place:
    with closing(Ledger(folder / LEDGER_FILE)) as ledger:
        rows = list(ledger.rows())
        scans = _beside(folder, ledger.fact(SCANS_FACT))
        model = _beside(folder, ledger.fact(MODEL_FACT))
        digests = sorted({row.model_digest for row in rows})
        found = {digest: _beside(folder, ledger.fact(f"{MODEL_FACT} {digest}")) for digest in digests}
        told = {digest: ledger.fact(f"{INTAKE_FACT} {digest}") for digest in {row.configuration_digest for row in rows}}
    intake = {digest: dict(json.loads(text)) for digest, text in told.items() if text}
    folders = {digest: path for digest, path in found.items() if path is not None}
    if not folders and model is not None and len(digests) == 1:
        folders = {digests[0]: model}
    items = tuple(_from_row(row, scans, intake.get(row.configuration_digest, {})) for row in rows)
    return _Place(items, scans, model, folders)


def _beside(folder: Path, fact: str | None) -> Path | None:
    """Follow a fact, which is relative to the results."""
    return (folder / fact).resolve() if fact else None


def _from_row(row: LedgerRow, base: Path | None, intake: Mapping[str, str]) -> WorklistItem:
    return WorklistItem(
        row.series_key,
        row.series_key,
        row.status,
        row.modality,
        warnings=row.warnings,
        code=row.code,
        message=row.message,
        opinions=(opinion_of_row(row),),
        patient_key=row.patient_key,
        scan_digest=row.scan_digest,
        row=row,
        base=base,
        intake=intake,
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
