"""Final readings -> a manifest for the next training, and how far readers and model agree.

Knows the worklist and the trail; knows no screen. Both files stay with the site: they name places and pseudonyms.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medres.datasets.manifest import write_manifest
from medres.datasets.rows import CHANNEL, Manifest, ManifestRow
from medres.errors import StoreError
from medres.evaluation.agreement import kappa, tabulate
from medres.io import find_series
from medres.io.privacy import SiteKey, pseudonym
from medres.review.decisions import Progress
from medres.review.people import LOCAL
from medres.review.scans import ALONE, find_item
from medres.review.worklist import Worklist, WorklistItem

FINDINGS = ("positive", "negative", "unsure")
ByStudy = Mapping[str, Mapping[str, Progress]]


@dataclass(frozen=True)
class Exported:
    """What a manifest came to hold.

    Attributes:
        rows: scans with an agreed final reading.
        unsure: left out, because a reader was unsure.
        disputed: left out, because readers differ.
        unknown: left out, because they are not in this worklist.
        without_patient: rows whose scan names no patient; each counts as a patient of its own.
    """

    rows: int
    unsure: int
    disputed: int
    unknown: int
    without_patient: int


def export_manifest(worklist: Worklist, progress: ByStudy, path: Path) -> Exported:
    """Write the scans that readers agreed on, with their label, as a manifest.

    Args:
        worklist: where the scans are.
        progress: from `progress_of`.
        path: CSV file; mode 600.

    Returns:
        What was written and what was left out.

    Raises:
        StoreError: E_REVIEW_EMPTY when no scan has an agreed reading; E_DISK_FULL or E_WRITE.
    """
    findings = {study: _findings(readers) for study, readers in progress.items()}
    settled = {study: found[0] for study, found in findings.items() if len(found) == 1 and found[0] != "unsure"}
    known = [(worklist.find(study), finding) for study, finding in settled.items()]
    items = [(item, finding) for item, finding in known if item is not None]
    if not items or worklist.scans_folder is None:
        raise StoreError("E_REVIEW_EMPTY", f"{len(settled)} studies have an agreed final reading, none can be exported")
    base = worklist.scans_folder.resolve()
    rows = tuple(_row(number, base, *one) for number, one in enumerate(items, start=2))
    write_manifest(Manifest(rows, base), path)
    return Exported(
        len(rows),
        sum(found == ["unsure"] for found in findings.values()),
        sum(len(found) > 1 for found in findings.values()),
        len(settled) - len(items),
        sum(not item.patient_key for item, _ in items),
    )


def _findings(readers: Mapping[str, Progress]) -> list[str]:
    return sorted({one.final.finding for one in readers.values() if one.final is not None})


def _row(number: int, base: Path, item: WorklistItem, finding: str) -> ManifestRow:
    path, series = _place(item, base)
    extra = {"series": series} if series else {}
    patient = item.patient_key or f"study-{item.key}"
    return ManifestRow(number, patient, {CHANNEL: path}, _label(item, finding), item.modality, extra=extra)


def _label(item: WorklistItem, finding: str) -> str:
    """Name the class: the model's own words where it has two."""
    names = list(item.row.probabilities) if item.row else []
    positive = item.opinion.positive_label if item.opinion else ""
    if not positive:
        return finding
    others = [name for name in names if name != positive]
    return positive if finding == "positive" else others[0] if len(others) == 1 else f"no {positive}"


def _place(item: WorklistItem, base: Path) -> tuple[Path, str]:
    """Give what `medres.read` takes: a file or folder, and the series' key where the folder holds several."""
    series = item.series or find_item(item)
    first = series.paths[0].resolve()
    if first.name.lower().endswith(ALONE):
        return first.relative_to(base), ""
    beside = find_series(first.parent, headers_only=True).series
    own = next((one.key for one in beside if first in [path.resolve() for path in one.paths]), "")
    return first.parent.relative_to(base), own if len(beside) > 1 else ""


def agreement_report(progress: ByStudy) -> dict[str, Any]:
    """Count how readers agree with the model, with themselves before it was shown, and with each other.

    Args:
        progress: from `progress_of`.

    Returns:
        Fits into JSON: by reader, and by pair of readers; Cohen's kappa with its interval.

    Raises:
        StoreError: E_REVIEW_EMPTY when there is no final reading.
    """
    readers = sorted({reader for one in progress.values() for reader, p in one.items() if p.final is not None})
    if not readers:
        raise StoreError("E_REVIEW_EMPTY", "no study has a final reading")
    return {
        "readers": {reader: _one_reader(_of(progress, reader)) for reader in readers},
        "pairs": [_one_pair(progress, *pair) for pair in itertools.combinations(readers, 2)],
    }


def with_pseudonyms(progress: ByStudy, key: SiteKey) -> ByStudy:
    """Name readers by a keyed pseudonym: what leaves the store names no member of staff.

    Args:
        progress: from `progress_of`.
        key: the site's.

    Returns:
        The same; the one local reader, who has no name, stays "local".
    """
    return {
        study: {name if name == LOCAL.name else f"reader-{pseudonym(key, name)}": one for name, one in readers.items()}
        for study, readers in progress.items()
    }


def _of(progress: ByStudy, reader: str) -> list[Progress]:
    return [one[reader] for one in progress.values() if reader in one and one[reader].final is not None]


def _one_reader(done: list[Progress]) -> dict[str, Any]:
    told = [(p.final.finding, p.model["decision"]) for p in done if p.final and p.model.get("decision") in FINDINGS[:2]]
    both = [(p.first.finding, p.final.finding) for p in done if p.first and p.final]
    return {
        "final_readings": len(done),
        "with_the_model": _agreement(told),
        "first_with_final": _agreement(both),
        "changed_after_the_model_was_shown": sum(a != b for a, b in both),
        "seconds": [p.final.seconds for p in done if p.final],
    }


def _one_pair(progress: ByStudy, first: str, second: str) -> dict[str, Any]:
    both = [(one.get(first, Progress()).final, one.get(second, Progress()).final) for one in progress.values()]
    return {"readers": [first, second], **_agreement([(a.finding, b.finding) for a, b in both if a and b])}


def _agreement(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    table = tabulate([a for a, _ in pairs], [b for _, b in pairs], FINDINGS)
    agreed = sum(a == b for a, b in pairs)
    return {"n": len(pairs), "agreed": agreed, "kappa": asdict(kappa(table)), "table": table.tolist()}
