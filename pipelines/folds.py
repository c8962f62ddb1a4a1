"""Experiment + split into folds -> one model for each fold, the out-of-fold predictions, AUROC pooled and fold by fold.

Resumable: the same command again skips finished folds and goes on with the one that was cut off.
`out` holds fold_0/, fold_1/, ... (each as one training), `predictions.csv` and `folds.json`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from medres.classifier.loading import load_classifier
from medres.datasets.files import write_atomically
from medres.datasets.split import Split
from medres.evaluation.estimate import Estimate, to_fields
from medres.evaluation.folds import FoldSummary, summarise_folds
from medres.models.trained_model import TrainedModel
from medres.training.train import digest_parts
from pipelines import console
from pipelines.model_scores import score_rows
from pipelines.scored import ScoredRow, ScoredTable, predictions_csv
from pipelines.training import Task, find_finished, train_once

PREDICTIONS, SUMMARY = "predictions.csv", "folds.json"
FOLD = "fold"  # column of the predictions


def train_folds(task: Task, split: Split, out: Path) -> int:
    """Train every fold that is not finished, score its test scans, sum up.

    Args:
        task: what is trained, on what.
        split: into folds.
        out: folder of the folds.

    Returns:
        Exit status.
    """
    names, rows, models = split.fold_names, [], []
    for number, name in enumerate(names):
        console.say(f"fold {number} of {len(names)}")
        place, parts = out / name, split.fold(number)
        model = find_finished(task, parts, place)
        if model is None:
            model = train_once(task, parts, place, resume=True)
            assert model is not None  # one process: `train` refuses folds on several devices
        models.append(model)
        rows += _score_fold(task, split.rows(task.scans, name), model, number)
    table = ScoredTable(tuple(_without_copies(rows)), task.experiment.labels.positive, task.experiment.labels.names)
    write_atomically(out / PREDICTIONS, predictions_csv(table, None, None))
    found = summarise_table(table)
    _write_summary(out, task, split, models, table, found)
    say_summary(found, table, len(rows) - len(table.rows))
    console.say(f"predictions  {out / PREDICTIONS}")
    return console.EXIT_OK


def _score_fold(task: Task, rows: Any, model: TrainedModel, number: int) -> list[ScoredRow]:
    """Score a fold's test scans with the model that never saw their patients."""
    labels = task.experiment.labels
    wanted = [(row, labels.names[index]) for row in rows if (index := labels.index_of(row.label)) is not None]
    classifier = load_classifier(model.folder, device=task.device)
    with console.progress("score") as advance:
        found = score_rows(classifier, task.scans, wanted, advance)
    return [replace(row, columns=row.columns | {FOLD: str(number)}) for row in found]


def _without_copies(rows: list[ScoredRow]) -> list[ScoredRow]:
    """Keep the first of scans with the same content: a copy is no further case."""
    return list({row.scan: row for row in reversed(rows)}.values())[::-1]


def summarise_table(table: ScoredTable) -> FoldSummary:
    """Measure the scored rows of an out-of-fold table."""
    rows = table.scored
    return summarise_folds(
        [row.label for row in rows],
        [[row.probabilities[name] for name in table.class_names] for row in rows],
        table.class_names,
        table.positive,
        [row.columns[FOLD] for row in rows],
        [row.patient for row in rows] if table.has_patients else None,
    )


def say_summary(found: FoldSummary, table: ScoredTable, copies: int = 0) -> None:
    """Show the folds' numbers as a table."""
    scored, metric = len(table.scored), found.metric.replace("_", " ").replace("auroc", "AUROC")
    lines = [[f"fold {name}", *_cells(one)] for name, one in found.folds.items()]
    lines.append(["pooled", *_cells(found.pooled)])
    told = f"{scored} of {len(table.rows)} scans have a score" + (f", {copies} copies left out" if copies else "")
    console.table(f"out-of-fold {metric} ({told})", ["", metric, "95 % interval", "scans", "method"], lines)
    if found.mean is not None and found.spread is not None:
        console.say(f"mean of the folds {found.mean:.3f}, standard deviation {found.spread:.3f}")


def _cells(one: Estimate) -> list[str]:
    if one.value is None:
        return ["-", one.reason, str(one.n), ""]
    interval = "-" if one.lower is None or one.upper is None else f"{one.lower:.3f} to {one.upper:.3f}"
    return [f"{one.value:.3f}", interval, str(one.n), one.method]


def _write_summary(
    out: Path, task: Task, split: Split, models: list[TrainedModel], table: ScoredTable, found: FoldSummary
) -> None:
    """Keep what the folds gave and what they belong to."""
    content = {
        "name": task.experiment.name,
        "experiment_digest": task.experiment.digest,
        "manifest_digest": task.scans.digest,
        "split_digest": digest_parts(split),
        "positive": table.positive,
        "labels": list(table.class_names),
        "scans": len(table.rows),
        "scored": len(table.scored),
        "metric": found.metric,
        "pooled": to_fields(found.pooled),
        "folds": {name: to_fields(one) for name, one in found.folds.items()},
        "mean": found.mean,
        "spread": found.spread,
        "models": [
            {"fold": name, "digest": model.digest, "seconds": model.spec.provenance.get("seconds")}
            for name, model in zip(split.fold_names, models, strict=True)
        ],
    }
    write_atomically(out / SUMMARY, json.dumps(content, indent=2) + "\n")
