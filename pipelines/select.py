"""`medres select`: runs of `medres train --folds` on the same folds -> the best, or their ensemble, as one model."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres.datasets.files import write_atomically
from medres.errors import EvaluationError, ModelError, TrainingError
from medres.evaluation.estimate import to_fields
from medres.evaluation.selection import Candidate, Selection, select
from medres.models.trained_model import TrainedModel, load_trained_model
from medres.training.ensemble import OutOfFold, build_ensemble
from medres.training.train import MODEL
from pipelines import console
from pipelines.folds import FOLD, PREDICTIONS, SUMMARY
from pipelines.prediction_table import read_predictions
from pipelines.scored import ScoredRow, ScoredTable, predictions_csv

SELECTION = "selection.json"
ALL_SUBSETS = 4  # runs up to which every subset is a candidate; beyond, single ones, pairs and all together


@dataclass(frozen=True, eq=False)
class FoldRun:
    """One configuration's folds.

    Attributes:
        name: of the experiment, with a number where names repeat.
        models: one for each fold.
        rows: out-of-fold rows by scan.
        summary: content of `folds.json`.
    """

    name: str
    models: tuple[TrainedModel, ...]
    rows: dict[str, ScoredRow]
    summary: dict[str, Any]

    @property
    def parameters(self) -> int:
        """Numbers of all its weights."""
        return sum(tensor.numel() for model in self.models for tensor in model.state_dict.values())


@dataclass(frozen=True, eq=False)
class Common:
    """Scans that every run scored.

    Attributes:
        rows: of the first run, in order.
        probabilities: (runs, n, classes).
        left_out: scans that some run did not score.
    """

    rows: tuple[ScoredRow, ...]
    probabilities: NDArray[np.float64]
    left_out: int


def run(runs: list[Path], out: Path, name: str | None = None, bootstrap: int = 1000) -> int:
    """Compare, choose, write the model, say why."""
    refuse_used(out)
    read = read_runs(runs)
    names, positive = tuple(read[0].summary["labels"]), read[0].summary["positive"]
    common = align(read, names)
    subsets = list_subsets(len(read))
    candidates = [_candidate(read, common, subset) for subset in subsets]
    truth, patients = [row.label for row in common.rows], [row.patient for row in common.rows]
    found = select(candidates, truth, names, positive, patients, resamples=bootstrap)
    chosen = subsets[found.winner]
    table = _table(common, candidates[found.winner].probabilities, positive, names)
    members = [model for place in chosen for model in read[place].models]
    facts = _facts(read, candidates, found, common)
    scores = candidates[found.winner].probabilities[:, names.index(positive)]
    told = name or candidates[found.winner].name
    model = build_ensemble(out / MODEL, told, members, OutOfFold(truth, scores, table), facts)
    write_atomically(out / PREDICTIONS, table)
    write_atomically(out / SELECTION, json.dumps(facts, indent=2) + "\n")
    _say(candidates, found, common, model)
    return console.EXIT_OK


def refuse_used(out: Path) -> None:
    """Refuse a folder whose model or out-of-fold table would be written over.

    Raises:
        TrainingError: E_TRAIN_OUT.
    """
    for name, held in ((MODEL, "a model"), (SUMMARY, "the folds of a training")):
        if (out / name).exists():
            told = f"the output folder must be free, got one with {held}"
            raise TrainingError("E_TRAIN_OUT", told, "choose another --out")


def read_runs(folders: Sequence[Path]) -> list[FoldRun]:
    """Read finished runs of the same folds.

    Raises:
        ModelError: E_SELECT_RUN for a folder that is no finished run, E_SELECT_FOLDS for other folds.
    """
    found: list[FoldRun] = []
    for number, folder in enumerate(folders, start=1):
        found.append(_read_run(folder, number, [one.name for one in found]))
    for key in ("manifest_digest", "split_digest", "labels", "positive"):
        other = [n for n, one in enumerate(found, start=1) if one.summary[key] != found[0].summary[key]]
        if other:
            told = f"every run must have the {key.replace('_digest', '').replace('_', ' ')} of the first, got another"
            raise ModelError("E_SELECT_FOLDS", f"{told} in run {other[0]}")
    return found


def _read_run(folder: Path, number: int, taken: Sequence[str]) -> FoldRun:
    """Read one run's summary, table and models."""
    try:
        summary = json.loads((folder / SUMMARY).read_text())
    except (OSError, ValueError):
        raise ModelError("E_SELECT_RUN", f"run {number} must hold {SUMMARY}, got none that can be read") from None
    table = read_predictions(folder / PREDICTIONS, summary["positive"])
    models = tuple(load_trained_model(folder / one["fold"] / MODEL) for one in summary["models"])
    changed = sum(model.digest != one["digest"] for model, one in zip(models, summary["models"], strict=True))
    if changed:
        told = f"run {number} must hold the models that its table was made with, got {changed} other(s)"
        raise ModelError("E_SELECT_RUN", told)
    name = summary["name"] if summary["name"] not in taken else f"{summary['name']} ({number})"
    return FoldRun(name, models, {row.scan: row for row in table.rows}, summary)


def align(runs: Sequence[FoldRun], names: Sequence[str]) -> Common:
    """Take the scans that every run scored, and refuse other scans, labels or folds.

    Raises:
        ModelError: E_SELECT_FOLDS.
        EvaluationError: E_EVAL_EMPTY.
    """
    first = runs[0].rows
    for number, one in enumerate(runs[1:], start=2):
        missing = len(first.keys() ^ one.rows.keys())
        moved = [s for s in first.keys() & one.rows.keys() if _place(first[s]) != _place(one.rows[s])]
        if missing or moved:
            told = (
                f"runs must hold the same scans in the same folds, got {missing} other scan(s) and {len(moved)} moved"
            )
            raise ModelError("E_SELECT_FOLDS", f"{told} in run {number}")
    kept = [scan for scan in first if all(one.rows[scan].score is not None for one in runs)]
    if not kept:
        raise EvaluationError(
            "E_EVAL_EMPTY", f"at least one scan that every run scored is needed, got 0 of {len(first)}"
        )
    table = np.array([[[one.rows[scan].probabilities[n] for n in names] for scan in kept] for one in runs])
    return Common(tuple(first[scan] for scan in kept), table, len(first) - len(kept))


def _place(row: ScoredRow) -> tuple[str, str]:
    return row.label, row.columns.get(FOLD, "")


def list_subsets(count: int) -> list[tuple[int, ...]]:
    """List the candidates: every run, and the ensembles of runs.

    Example:
        >>> list_subsets(2)
        [(0,), (1,), (0, 1)]
    """
    sizes = range(1, count + 1) if count <= ALL_SUBSETS else sorted({1, 2, count})
    return [subset for size in sizes for subset in itertools.combinations(range(count), size)]


def _candidate(runs: Sequence[FoldRun], common: Common, subset: Sequence[int]) -> Candidate:
    """Average a subset; what it costs is the number of runs first, then of weights."""
    cost = len(subset) + sum(runs[n].parameters for n in subset) / 1e12
    return Candidate(" + ".join(runs[n].name for n in subset), cost, common.probabilities[list(subset)].mean(axis=0))


def _table(common: Common, found: NDArray[np.float64], positive: str, names: tuple[str, ...]) -> bytes:
    """Write the winner's out-of-fold scores."""
    column = names.index(positive)
    rows = tuple(
        ScoredRow(
            scan=row.scan,
            patient=row.patient,
            label=row.label,
            score=float(values[column]),
            probabilities={name: float(value) for name, value in zip(names, values, strict=True)},
            columns=row.columns,
        )
        for row, values in zip(common.rows, found, strict=True)
    )
    return predictions_csv(ScoredTable(rows, positive, names), None, None, named=True)


def _facts(
    runs: Sequence[FoldRun], candidates: Sequence[Candidate], found: Selection, common: Common
) -> dict[str, Any]:
    """Say what was compared with what, and what came of it."""
    return {
        "chosen": candidates[found.winner].name,
        "chosen_of": len(candidates),
        "scans": len(common.rows),
        "left_out_not_scored_by_all": common.left_out,
        "candidates": {
            one.name: to_fields(estimate) for one, estimate in zip(candidates, found.estimates, strict=True)
        },
        "comparisons": [asdict(step) for step in found.steps],
        "runs": [
            {"name": one.name, "experiment_digest": one.summary["experiment_digest"], "parameters": one.parameters}
            for one in runs
        ],
        "manifest_digest": runs[0].summary["manifest_digest"],
        "split_digest": runs[0].summary["split_digest"],
    }


def _say(candidates: Sequence[Candidate], found: Selection, common: Common, model: TrainedModel) -> None:
    """Show the candidates, the comparisons and the winner."""
    lines = []
    for place, (one, estimate) in enumerate(zip(candidates, found.estimates, strict=True)):
        interval = "-" if estimate.lower is None else f"{estimate.lower:.3f} to {estimate.upper:.3f}"
        value = "-" if estimate.value is None else f"{estimate.value:.3f}"
        lines.append([one.name, value, interval, "chosen" if place == found.winner else ""])
    left = f", {common.left_out} left out that not every run scored" if common.left_out else ""
    console.table(f"out-of-fold, {len(common.rows)} scans{left}", ["", "AUROC", "95 % interval", ""], lines)
    for step in found.steps:
        gap = step.difference
        told = "no interval" if gap.lower is None else f"{gap.lower:+.3f} to {gap.upper:+.3f}"
        verdict = "better" if step.replaced else "not surely better, the simpler stays"
        console.say(f"{step.challenger} minus {step.champion}: {gap.difference or 0:+.3f} ({told}): {verdict}")
    console.say(
        f"model     {model.folder} ({len(model.members)} members; chosen of {len(candidates)} on these scans: "
        "its number here flatters it)"
    )
