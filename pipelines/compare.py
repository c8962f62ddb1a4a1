"""`medres compare`: two models or prediction tables on the same scans -> is one better, and against readers."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from medres.classifier.loading import load_classifier
from medres.errors import EvaluationError
from medres.evaluation.cases import Cases
from medres.evaluation.clustered import is_clustered
from medres.evaluation.comparison import (
    Difference,
    McNemar,
    compare_auroc,
    compare_by_bootstrap,
    compare_decisions,
)
from medres.evaluation.patient_level import pool_by_patient
from medres.evaluation.resampling import Resampling
from medres.results.disclaimer import DISCLAIMER
from medres.results.evaluation_json import to_bytes, to_plain
from medres.results.evaluation_tables import say_estimate, say_number, write_csv
from medres.results.writing import write_bytes
from pipelines import console
from pipelines.model_scores import score_manifest
from pipelines.prediction_table import read_predictions
from pipelines.readers_table import compare_readers
from pipelines.scored import ScoredTable, decide, to_cases

PREDICTIONS, EVALUATION = "predictions.csv", "evaluation.json"
AT = (0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two scores on the same scans, aligned.

    Attributes:
        first: cases with the first score.
        second: the same cases, in the same order, with the second.
        decisions: decisions of both, True is positive; None where a side has none.
        unmatched: scans that only one side has.
    """

    first: Cases
    second: Cases
    decisions: tuple[np.ndarray, np.ndarray] | None
    unmatched: int


def run(
    first: Path,
    second: Path | None = None,
    out: Path | None = None,
    manifest: Path | None = None,
    split: Path | None = None,
    part: str = "test",
    positive: str | None = None,
    threshold: list[float] | None = None,
    readers: Path | None = None,
    scale: str = "probability",
    bootstrap: int = 2000,
    seed: int = 0,
    device: str = "cpu",
) -> int:
    """Align, compare, write, show."""
    if threshold and len(threshold) > 2:
        raise EvaluationError(
            "E_USAGE", f"--threshold must be given once or twice, got {len(threshold)} times", "see --help"
        )
    _check_values(threshold or [], scale, bootstrap)
    if second is None and readers is None:
        raise EvaluationError("E_USAGE", "B or --readers must be given", "see medres compare --help")
    paths = (first,) if second is None else (first, second)
    sides = [_side(path, manifest, split, part, positive, scale, device) for path in paths]
    pair = align(sides[0], sides[-1], scale, threshold or [])
    found: dict[str, Any] = {} if second is None else measure(pair, Resampling(bootstrap, seed))
    if readers is not None:
        found["readers"] = compare_readers(readers, sides[0], pair.first, pair.decisions)
    document = to_plain(_document(pair, found), {})
    if out is not None:
        write_bytes(out / "comparison.json", to_bytes(document), "the comparison")
        write_bytes(out / "comparison.csv", write_csv(HEAD, rows_of(found, pair.first.clustered)), "the comparison")
    _show(pair, found)
    return console.EXIT_OK


def _check_values(thresholds: Sequence[float], scale: str, bootstrap: int) -> None:
    """Refuse numbers at which nothing can be compared."""
    if bootstrap < 0:
        raise EvaluationError("E_EVAL_VALUE", f"--bootstrap must be 0 or more, got {bootstrap}")
    for one in thresholds:
        if not math.isfinite(one) or (scale == "probability" and not 0 <= one <= 1):
            rule = "lie in [0, 1]" if scale == "probability" else "be a finite number"
            raise EvaluationError("E_EVAL_VALUE", f"a threshold must {rule}, got {one:g}")


def _side(
    path: Path, manifest: Path | None, split: Path | None, part: str, positive: str | None, scale: str, device: str
) -> tuple[ScoredTable, float | None]:
    """Take a side: a table, an evaluation's folder, or a model to run on the manifest; with its threshold."""
    if (path / "trained_model.json").exists():
        if manifest is None:
            raise EvaluationError("E_USAGE", "a model needs --manifest to be compared", "see medres compare --help")
        classifier = load_classifier(path, device=device)
        with console.progress("score") as advance:
            table = score_manifest(classifier, manifest, split, part, advance)[0]
        return table, classifier.operating_point.threshold
    if path.is_dir():
        return read_predictions(path / PREDICTIONS, positive or _positive_of(path), scale=scale), None
    return read_predictions(path, positive, scale=scale), None


def _positive_of(folder: Path) -> str | None:
    """Take the positive class from an evaluation's own record; None where its labels are 0 and 1, or it has none."""
    record = folder / EVALUATION
    name = json.loads(record.read_text(encoding="utf-8"))["data"]["positive"] if record.is_file() else None
    return None if name == "positive" else name


def align(
    first: tuple[ScoredTable, float | None],
    second: tuple[ScoredTable, float | None],
    scale: str,
    thresholds: Sequence[float],
) -> Pair:
    """Bring both sides to the scans that both scored, in one order.

    Raises:
        EvaluationError: E_EVAL_EMPTY without a common scan, E_EVAL_LABEL where labels disagree.
    """
    tables = [replace(one[0], rows=tuple(sorted(one[0].scored, key=lambda row: row.scan))) for one in (first, second)]
    names = [{row.scan for row in table.rows} for table in tables]
    common = names[0] & names[1]
    if not common:
        raise EvaluationError(
            "E_EVAL_EMPTY",
            f"the tables must share scans, got 0 of {len(names[0])} and {len(names[1])}",
            "name the same scan alike in both",
        )
    tables = [replace(table, rows=tuple(row for row in table.rows if row.scan in common)) for table in tables]
    wrong = sum(a.label != b.label for a, b in zip(tables[0].rows, tables[1].rows, strict=True))
    if wrong:
        told = f"both tables must give a scan the same label, got {wrong} that differ"
        raise EvaluationError("E_EVAL_LABEL", told, "correct the labels of one, or name the same --positive for both")
    own = [side[1] for side in (first, second)]
    cuts = list(thresholds) * 2 if len(thresholds) == 1 else list(thresholds) or own
    said = [decide(table.rows, cut, None) for table, cut in zip(tables, cuts, strict=True)]
    given = all(all(one in ("positive", "negative") for one in side) for side in said)
    decisions = tuple(np.array([one == "positive" for one in side]) for side in said)
    cases = [to_cases(table, scale) for table in tables]
    return Pair(cases[0], cases[1], (decisions[0], decisions[1]) if given else None, len(names[0] ^ names[1]))


def measure(pair: Pair, plan: Resampling) -> dict[str, Any]:
    """Compare discrimination, decisions and net benefit.

    Returns:
        `auroc`, `auroc_bootstrap`, `patients` (where scans are clustered), `net_benefit` by threshold probability,
        `sensitivity` and `specificity` where both sides decided.
    """
    labels, one, two = pair.first.labels, pair.first.scores, pair.second.scores
    patients = pair.first.patients if is_clustered(pair.first.patients) else None
    plan = replace(plan, patients=patients)
    found: dict[str, Any] = {"auroc": compare_auroc(labels, one, two, patients, level=plan.level)}
    at = AT if pair.first.scale == "probability" else ()
    drawn = compare_by_bootstrap(labels, one, two, plan, net_benefit_at=at) if plan.resamples else {}
    if drawn:
        found["auroc_bootstrap"] = drawn["auroc"]
    if patients is not None:
        pooled = [pool_by_patient(labels, scores, patients) for scores in (one, two)]
        found["patients"] = compare_auroc(pooled[0].labels, pooled[0].scores, pooled[1].scores, unit="patient")
    if drawn and at:
        found["net_benefit"] = {f"{threshold:g}": drawn[f"net_benefit {threshold:g}"] for threshold in at}
    if pair.decisions is not None:
        found |= compare_decisions(labels, *pair.decisions, plan.level)
    return found


HEAD = ("measure", "first", "second", "difference", "lower", "upper", "p", "method", "n")


def rows_of(found: dict[str, Any], clustered: bool = False) -> list[list[Any]]:
    """Lay differences out as a table; McNemar on clustered scans says what it takes them for."""
    naive = ", scans taken as independent" if clustered else ""
    rows = []
    for name, one in _walk(found, ""):
        if isinstance(one, Difference):
            rows.append([name, one.first, one.second, one.difference, one.lower, one.upper, one.p, one.method, one.n])
        elif isinstance(one, McNemar):
            right = [(one.both + part) / one.n if one.n else None for part in (one.only_first, one.only_second)]
            rows.append(
                [name, *right, one.difference, one.lower, one.upper, one.p, f"McNemar, {one.method}{naive}", one.n]
            )
    return rows + _rows_of_ways(found.get("readers", {}).get("ways", {}))


def _rows_of_ways(ways: dict[str, Any]) -> list[list[Any]]:
    """Lay out the mean AUROC of each pair of ways of reading, first minus second as in every other row."""
    if not ways:
        return []
    names, study = ways["names"], ways["study"]
    method = f"Obuchowski-Rockette, {len(ways['readers'])} readers"
    rows = []
    for i, j, difference, lower, upper, p in study.differences:
        ends = (None, None) if lower is None or upper is None else (-upper, -lower)
        means = study.mean_auroc[i], study.mean_auroc[j]
        rows.append([f"way {names[i]} against {names[j]}, mean auroc", *means, -difference, *ends, p, method, study.n])
    return rows


def _walk(found: Any, name: str) -> list[tuple[str, Any]]:
    if isinstance(found, dict):
        return [pair for key, part in found.items() for pair in _walk(part, f"{name} {key}".strip())]
    return [(name, found)]


def _document(pair: Pair, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "kind": "comparison",
        "disclaimer": DISCLAIMER,
        "n": pair.first.n,
        "n_positive": pair.first.n_positive,
        "n_patients": pair.first.n_patients,
        "clustered": pair.first.clustered,
        "note": "McNemar's test takes scans as independent" if pair.first.clustered else None,
        "unmatched_scans": pair.unmatched,
        "digests": [pair.first.digest, pair.second.digest],
        "differences": found,
    }


def _show(pair: Pair, found: dict[str, Any]) -> None:
    """Print the differences, first minus second."""
    rows = []
    for name, first, second, difference, lower, upper, p, method, n in rows_of(found, pair.first.clustered):
        interval = f"{say_number(lower)} to {say_number(upper)}" if lower is not None else ""
        chance = "" if p is None else f"{p:.3g}"
        rows.append(
            [name, say_number(first), say_number(second), say_number(difference), interval, chance, method, str(n)]
        )
    title = f"{pair.first.n} scans that both scored, {pair.first.n_positive} positive; first minus second"
    console.table(title, ["measure", "first", "second", "difference", "95% interval", "p", "method", "n"], rows)
    for reason in dict.fromkeys(one.reason for _, one in _walk(found, "") if getattr(one, "reason", "")):
        console.say(f"note: {reason}")
    if pair.unmatched:
        console.say(f"note: {pair.unmatched} scans were scored by one side alone and left out")
    study = found.get("readers", {}).get("ways", {}).get("study")
    if study is not None and study.f is not None:
        console.say(
            f"ways of reading: F({study.df1}, {study.df2:.1f}) = {study.f:.3f}, p = {study.p:.3g} ({study.method})"
        )
    for name, one in found.get("readers", {}).get("kappa", {}).items():
        console.say(f"agreement of readers {name}: kappa {say_estimate(one)}")
    if pair.decisions is None:
        console.say("note: no decisions of both sides (give --threshold): sensitivity and specificity are left out")
