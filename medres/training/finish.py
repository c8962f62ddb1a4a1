"""Fitted network + validation logits -> TrainedModel folder, calibrated, with operating points, scope, golden phantom.

Knows the folder's files; fits on validation scans alone and measures nothing on test scans. What was not evaluated is
left out, never filled in.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import optimize
from torch import Tensor, nn

from medres.evaluation.abstention import Band, choose_band
from medres.evaluation.calibrators import Calibrator, fit_calibrator, to_record
from medres.io.privacy import SiteKey, pseudonym
from medres.models.golden import make_golden
from medres.models.probability import calibrate
from medres.models.scope import fit_scope
from medres.models.spec import OperatingPoint, TrainedModelSpec
from medres.models.test_time import TestTimeSpec, run_variants
from medres.models.trained_model import TrainedModel, save_trained_model
from medres.training.dataset import PreparedScan, prepare_volumes
from medres.training.fit import Fitted
from medres.training.module import scan_scores
from medres.training.operating_points import choose_points
from medres.training.spec import ExperimentSpec

TEMPERATURES = (0.5, 10.0)  # a separable validation set must not make a model sure without end
EMBED_BATCH = 16  # views embedded at once
TRAINING_DATA_SCHEMA = 1
PLAIN = TestTimeSpec()  # no variants


@dataclass(frozen=True, eq=False)
class CalibratedScans:
    """How validation scores became probabilities.

    Attributes:
        temperature: logits were divided by it.
        calibrator: applied to the positive label after the views became one; None where the temperature is all.
        scores: (N, L), calibrated.
    """

    temperature: float
    calibrator: Calibrator | None
    scores: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Data:
    """Who was learnt from.

    Attributes:
        training, validation: scans.
        key: the site's, for pseudonyms.
    """

    training: Sequence[PreparedScan]
    validation: Sequence[PreparedScan]
    key: SiteKey


def finish(
    experiment: ExperimentSpec, fitted: Fitted, data: Data, folder: Path, provenance: Mapping[str, Any]
) -> TrainedModel:
    """Calibrate, choose operating points, describe the training data and save the model.

    Args:
        experiment: what was asked for.
        fitted: what came of it.
        data: training and validation scans.
        folder: where the TrainedModel goes.
        provenance: digests, versions, hardware and time, JSON-able.

    Returns:
        The model as loaded from the disk.
    """
    calibrated = calibrate_scans(experiment, fitted, data.validation)
    table = validation_table(experiment, data, calibrated.scores)
    points, unreached = operating_points(experiment, data.validation, calibrated.scores, table)
    band = indeterminate_band(experiment, data.validation, calibrated.scores, points)
    spec = TrainedModelSpec(
        name=experiment.name,
        version=experiment.version,
        modality=experiment.preprocessing.modality,
        intended_use=experiment.intended_use,
        not_for=experiment.not_for,
        licence=experiment.licence,
        synthetic=experiment.synthetic,
        network=experiment.network_spec,
        preprocessing=experiment.preprocessing,
        label_names=experiment.labels.names,
        positive_label=experiment.labels.positive,
        temperature=calibrated.temperature,
        calibrator=None if calibrated.calibrator is None else to_record(calibrated.calibrator),
        test_time=experiment.test_time,
        operating_points=points,
        default_operating_point=experiment.operating.default,
        indeterminate=None if band is None else (band.lower, band.upper),
        loading=fitted.loading.to_dict() if fitted.loading else None,
        provenance={
            **provenance,
            **_training_facts(fitted),
            "operating_points_not_reached": unreached,
            **({} if band is None else {"abstention": asdict(band)}),
        },
    )
    return save_trained_model(folder, spec, fitted.network.state_dict(), _extras(experiment, fitted, data, spec, table))


def _extras(
    experiment: ExperimentSpec, fitted: Fitted, data: Data, spec: TrainedModelSpec, table: bytes
) -> dict[str, bytes | dict[str, Any]]:
    """Make the files beside the weights."""
    facts = [scan.facts for scan in data.training]
    embeddings = embed_scans(fitted.network, data.training, experiment.test_time)
    prepare = partial(prepare_volumes, spec=experiment.preprocessing)
    return {
        "validation.csv": table,
        "training_data.json": training_data(data),
        "scope.json": fit_scope(spec.modality, facts, embeddings),
        "golden.json": make_golden(spec, fitted.network, prepare),
        "experiment.json": experiment.model_dump(mode="json"),
        "history.csv": history_table(fitted.history),
    }


def calibrate_scans(experiment: ExperimentSpec, fitted: Fitted, validation: Sequence[PreparedScan]) -> CalibratedScans:
    """Fit the calibration that the experiment asks for, and score the validation scans with it.

    Args:
        experiment: names the calibration.
        fitted: validation logits.
        validation: scans, in the order of the logits.

    Returns:
        Temperature, calibrator and scores.
    """
    kind = experiment.operating.calibration
    temperature = fit_scan_temperature(experiment, fitted, validation) if kind == "temperature" else 1.0
    scores = np.stack([scan_scores(logits, experiment, temperature) for logits in fitted.logits])  # (N, L)
    if kind in ("temperature", "none"):
        return CalibratedScans(temperature, None, scores)
    positive = experiment.labels.names.index(experiment.labels.positive)
    calibrator = fit_calibrator(kind, scores[:, positive], _truth(experiment, validation))
    scores = np.stack([calibrate(row, calibrator, positive) for row in scores])
    return CalibratedScans(temperature, calibrator, scores)


def _truth(experiment: ExperimentSpec, validation: Sequence[PreparedScan]) -> NDArray[np.int64]:
    """Say of each scan whether it is positive, 0 or 1."""
    positive = experiment.labels.names.index(experiment.labels.positive)
    return np.array([scan.label == positive for scan in validation]).astype(np.int64)


def indeterminate_band(
    experiment: ExperimentSpec,
    validation: Sequence[PreparedScan],
    scores: NDArray[np.float64],
    points: Mapping[str, OperatingPoint],
) -> Band | None:
    """Choose the band around the default operating point in which the model gives no decision.

    Args:
        experiment: names the rule; without one there is no band.
        validation: scans.
        scores: (N, L), calibrated.
        points: by name.

    Returns:
        The band within [0, 1] (a score of exactly 1 is always answered), or None.
    """
    rule, point = experiment.operating.abstain, points[experiment.operating.default]
    if rule is None:
        return None
    positive = experiment.labels.names.index(experiment.labels.positive)
    truth = _truth(experiment, validation)
    band = choose_band(truth, scores[:, positive], point.threshold, rule, chosen_on=point.chosen_on)
    return replace(band, upper=min(band.upper, 1.0))


def fit_scan_temperature(experiment: ExperimentSpec, fitted: Fitted, validation: Sequence[PreparedScan]) -> float:
    """Fit the temperature that makes the validation labels most likely, views brought together as in use.

    Args:
        experiment: says how views become one.
        fitted: validation logits.
        validation: scans, in the order of the logits.

    Returns:
        In [0.5, 10].

    Source:
        Guo et al., ICML 2017 (arXiv:1706.04599).
    """
    truth = [scan.label for scan in validation]

    def loss(log_temperature: float) -> float:
        """Mean of minus the log-probability of the truth at one temperature."""
        found = [scan_scores(logits, experiment, float(np.exp(log_temperature))) for logits in fitted.logits]
        return float(-np.mean([np.log(max(row[label], 1e-12)) for row, label in zip(found, truth, strict=True)]))

    bounds = tuple(np.log(TEMPERATURES))
    return float(np.exp(optimize.minimize_scalar(loss, bounds=bounds, method="bounded").x))


def operating_points(
    experiment: ExperimentSpec, validation: Sequence[PreparedScan], scores: NDArray[np.float64], table: bytes
) -> tuple[dict[str, OperatingPoint], list[str]]:
    """Choose every operating point that the validation scores can reach.

    Args:
        experiment: names the rules.
        validation: scans.
        scores: (N, L), calibrated.
        table: `validation.csv`, whose digest the points carry.

    Returns:
        (points by name, names of rules that no validation score reaches).

    Raises:
        EvaluationError: where the default point cannot be reached.
    """
    positive = experiment.labels.names.index(experiment.labels.positive)
    digest = hashlib.sha256(table).hexdigest()
    return choose_points(experiment.operating, _truth(experiment, validation), scores[:, positive], digest)


def validation_table(experiment: ExperimentSpec, data: Data, scores: NDArray[np.float64]) -> bytes:
    """Write label and calibrated scores of each validation scan as CSV.

    Args:
        experiment: names the labels.
        data: scans and key.
        scores: (N, L).

    Returns:
        CSV in UTF-8: scan (start of its content digest), patient (keyed pseudonym), label, score of the positive
        label, then the probability of each label.
    """
    names = experiment.labels.names
    positive = names.index(experiment.labels.positive)
    rows = [["scan", "patient", "label", "score", *(f"probability_{name}" for name in names)]]
    for scan, found in zip(data.validation, scores, strict=True):
        about = [scan.content_digest[:16], pseudonym(data.key, scan.patient_id), names[scan.label]]
        rows.append([*about, repr(float(found[positive])), *(f"{p:.8f}" for p in found)])
    return _to_csv(rows)


def history_table(history: Sequence[Mapping[str, float]]) -> bytes:
    """Write the history, one row for each epoch, as CSV; what an epoch of an older version did not note is "nan"."""
    names = list(dict.fromkeys(name for row in history for name in row))
    rows = [[f"{row.get(name, math.nan):.6g}" for name in names] for row in history]
    return _to_csv([names, *rows] if names else [])


def training_data(data: Data) -> dict[str, Any]:
    """Say, under the site's key, whose scans were learnt from, so that a test set that shares one is refused.

    Args:
        data: scans and key.

    Returns:
        The content of `training_data.json`.
    """
    parts = {"training": data.training, "validation": data.validation}
    return {"schema_version": TRAINING_DATA_SCHEMA, "key_fingerprint": data.key.fingerprint} | {
        name: {
            "patients": sorted({pseudonym(data.key, scan.patient_id) for scan in scans}),
            "scans": sorted(scan.content_digest for scan in scans),
        }
        for name, scans in parts.items()
    }


def embed_scans(
    network: nn.Module, scans: Sequence[PreparedScan], variants: TestTimeSpec = PLAIN
) -> NDArray[np.float64]:
    """Embed scans, the mean over their views.

    Args:
        network: in eval mode, fp32.
        scans: N of them.
        variants: flips and turns, as the model will be used.

    Returns:
        (N, F).
    """
    with torch.no_grad():
        return np.stack([_embed(network, scan, variants) for scan in scans])


def _embed(network: Any, scan: PreparedScan, variants: TestTimeSpec) -> NDArray[np.float64]:
    def run(x: Tensor) -> dict[str, Tensor]:
        """Embed one variant."""
        return {"embedding": network.embed(x)}

    parts = [run_variants(run, part, variants)["embedding"] for part in scan.tensor.split(EMBED_BATCH)]
    return np.asarray(torch.cat(parts).double().mean(dim=0).numpy())  # (F,)


def _training_facts(fitted: Fitted) -> dict[str, Any]:
    """Say how the training went."""
    best = fitted.history[fitted.best_epoch - 1]
    return {
        "epochs": len(fitted.history),
        "best_epoch": fitted.best_epoch,
        "validation_auroc": best["validation_auroc"],
        "precision": fitted.computation.precision,
        "bf16_speedup_measured": fitted.computation.speedup,
        "training_seconds": round(sum(row["seconds"] for row in fitted.history), 1),
    }


def _to_csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
