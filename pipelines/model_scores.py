"""TrainedModel + manifest -> ScoredTable of scans that the model has never seen, failures kept with their codes.

A patient or a scan of the training data is left out by default, and refused where a split claims it for testing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medres.classifier.classifier import Classifier
from medres.classifier.prediction import Prediction
from medres.datasets.manifest import read_manifest
from medres.datasets.rows import Manifest, ManifestRow
from medres.datasets.split_file import read_split
from medres.errors import EvaluationError, MedresError
from medres.io.privacy import load_site_key, pseudonym
from medres.models.trained_model import TrainedModel
from medres.training.dataset import read_volume
from medres.training.spec import LabelSpec
from medres.volume import Volume
from pipelines.prediction_checks import read_belonging
from pipelines.prediction_table import IN_SCOPE
from pipelines.scored import ScoredRow, ScoredTable

Advance = Callable[..., None]
Scan = Volume | dict[str, Volume]
Watch = Callable[[Manifest, ManifestRow, str, Scan, Prediction], None]  # sees each answer with the scan it is of


@dataclass(frozen=True)
class Chosen:
    """Which rows are judged by, and what was left out.

    Attributes:
        rows: to score.
        facts: for the report: manifest and split digest, part, rows left out, leak check.
        notes: what a reader must know.
    """

    rows: tuple[ManifestRow, ...]
    facts: dict[str, Any]
    notes: tuple[str, ...]


def score_manifest(
    classifier: Classifier,
    manifest: Path,
    split: Path | None,
    part: str,
    advance: Advance,
    watch: Watch | None = None,
) -> tuple[ScoredTable, dict[str, Any], tuple[str, ...]]:
    """Score the unseen rows of a manifest.

    Args:
        classifier: ready to answer.
        manifest: CSV.
        split: split file; None takes every row that the model has never seen.
        part: of the split.
        advance: progress, called with (done, total=).
        watch: sees every answer while its scan is at hand.

    Returns:
        (table, facts of the data, notes).

    Raises:
        EvaluationError: E_EVAL_LEAK where the split's part shares patients or scans with the training data;
            E_EVAL_EMPTY.
    """
    model = classifier.model
    labels = _label_spec(model)
    scans = read_manifest(manifest, labels=None if labels is None else labels.known)
    chosen = choose_rows(model, scans, split, part)
    wanted = [(row, name) for row in chosen.rows if (name := _label_name(row.label, model, labels)) is not None]
    ignored = len(chosen.rows) - len(wanted)
    if not wanted:
        raise EvaluationError("E_EVAL_EMPTY", f"at least one unseen scan is needed, got 0 of {len(scans.rows)} rows")
    rows = score_rows(classifier, scans, wanted, advance, watch)
    kept, seen = _without_seen_scans(model, rows, strict=split is not None)
    facts = chosen.facts | {"rows_of_ignored_labels": ignored, "left_out_same_scan_as_training": seen}
    names = tuple(model.spec.label_names)
    table = ScoredTable(tuple(kept), model.spec.positive_label, names, scans.has_patients)
    return table, facts, chosen.notes


def score_rows(
    classifier: Classifier,
    scans: Manifest,
    wanted: Sequence[tuple[ManifestRow, str]],
    advance: Advance,
    watch: Watch | None = None,
) -> list[ScoredRow]:
    """Score rows one after the other; a fault becomes its code.

    Args:
        classifier: ready to answer.
        scans: manifest of the rows.
        wanted: rows with the model's name of their label.
        advance: progress, called with (done, total=).
        watch: sees every answer while its scan is at hand.
    """
    advance(0, total=len(wanted))
    rows = []
    for done, (row, name) in enumerate(wanted, start=1):
        rows.append(_score_row(classifier, scans, row, name, watch))
        advance(done, note="scored")
    return rows


def choose_rows(model: TrainedModel, scans: Manifest, split: Path | None, part: str) -> Chosen:
    """Choose rows whose patients the model has never seen.

    Args:
        model: with its record of training patients, where it has one.
        scans: manifest.
        split: split file, or None.
        part: of the split.
    """
    facts: dict[str, Any] = {"manifest_digest": scans.digest, "manifest_rows": len(scans.rows)}
    rows: Sequence[ManifestRow] = scans.rows
    if split is not None:
        read = read_split(split, scans)
        rows = read.rows(scans, part)
        facts |= {"split_seed": read.seed, "part": part, "rows_of_the_part": len(rows)}
    seen, checked = _seen_patients(model)
    facts["patient_leak_check"] = checked
    notes: tuple[str, ...] = () if checked == "done" else (f"leak check of patients: {checked}",)
    key = load_site_key()
    leaked = [row for row in rows if seen and pseudonym(key, row.patient_id) in seen]
    if leaked and split is not None:
        people = len({row.patient_id for row in leaked})
        told = (
            f"test patients must not be training patients, got {people} patient(s) with {len(leaked)} scan(s) in both"
        )
        raise EvaluationError("E_EVAL_LEAK", told)
    if split is None:
        facts["left_out_patient_of_training"] = len(leaked)
        if checked != "done":
            notes += ("without a split and without that check, scans may be training scans",)
    gone = {id(row) for row in leaked}
    return Chosen(tuple(row for row in rows if id(row) not in gone), facts, notes)


def _seen_patients(model: TrainedModel) -> tuple[set[str], str]:
    """Pseudonyms of training and validation patients, and whether this site's key can compare them."""
    record = model.training_data
    if record is None:
        return set(), "not done: the model has no record of its training patients"
    if record.get("key_fingerprint") != load_site_key().fingerprint:
        return set(), "not checked: another key"
    return {name for part in ("training", "validation") for name in record[part]["patients"]}, "done"


def _without_seen_scans(model: TrainedModel, rows: list[ScoredRow], *, strict: bool) -> tuple[list[ScoredRow], int]:
    """Leave out scans whose content the model was trained on, whatever their patient is called."""
    record = model.training_data or {}
    seen = {digest for part in ("training", "validation") for digest in record.get(part, {}).get("scans", [])}
    leaked = [row for row in rows if row.scan in seen]
    if leaked and strict:
        told = f"test scans must not be training scans, got {len(leaked)} with the same content"
        raise EvaluationError("E_EVAL_LEAK", told)
    kept = [row for row in rows if row.scan not in seen]
    if not kept:
        raise EvaluationError("E_EVAL_EMPTY", f"at least one unseen scan is needed, got 0 of {len(rows)}")
    return kept, len(leaked)


def _label_spec(model: TrainedModel) -> LabelSpec | None:
    """How the manifest's labels became the model's; None where the model does not say."""
    if "experiment.json" not in model.spec.files:
        return None
    return LabelSpec.model_validate(json.loads(model.read_file("experiment.json"))["labels"])


def _label_name(label: str, model: TrainedModel, labels: LabelSpec | None) -> str | None:
    """Name a manifest label as the model does; None for labels that it ignores."""
    if labels is not None:
        index = labels.index_of(label)
        return None if index is None else labels.names[index]
    if label not in model.spec.label_names:
        known = ", ".join(model.spec.label_names)
        raise EvaluationError("E_EVAL_LABEL", f"labels must be among {known}, got others", "use the model's labels")
    return label


def _score_row(classifier: Classifier, scans: Manifest, row: ManifestRow, label: str, watch: Watch | None) -> ScoredRow:
    """Score one row; a fault becomes its code."""
    columns = {**row.extra, **({"site": row.site} if row.site else {})}
    (inside,) = read_belonging([row.extra.get(IN_SCOPE, "")], [row.number])
    about: dict[str, Any] = {"patient": row.patient_id, "label": label, "columns": columns, "belongs": inside}
    unread = f"row {row.number} of the manifest"
    try:
        volumes = _read_volumes(classifier, scans, row)
    except MedresError as fault:
        return ScoredRow(scan=unread, score=None, status="refused", code=fault.code, **about)
    try:
        answer = classifier.predict(volumes)
    except MedresError as fault:
        return ScoredRow(scan=unread, score=None, status="error", code=fault.code, **about)
    if watch is not None:
        watch(scans, row, label, volumes, answer)
    return _answered(answer, unread, about)


def _answered(answer: Prediction, unread: str, about: dict[str, Any]) -> ScoredRow:
    scan = answer.scan_digest or unread
    if answer.probability is None:
        return ScoredRow(scan=scan, score=None, status="out_of_scope", code=answer.code, **about)
    status = "warned" if any(code != "W_MODEL_PHANTOM" for code in answer.warnings) else "ok"
    named = {name: float(value) for name, value in answer.probabilities.items()}
    return ScoredRow(
        scan,
        about["patient"],
        about["label"],
        float(answer.probability),
        named,
        status,
        "",
        answer.decision,
        about["columns"],
        about["belongs"],
    )


def _read_volumes(classifier: Classifier, scans: Manifest, row: ManifestRow) -> Scan:
    """Read what the model takes: one path serves one channel, several go by name."""
    channels = classifier.model.spec.preprocessing.channels
    if len(channels) == 1 and len(row.paths) == 1:
        return read_volume(scans, row)
    return {name: read_volume(scans, row, name) for name in channels if name in row.paths}
