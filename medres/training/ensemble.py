"""TrainedModels of folds + their out-of-fold scores -> one TrainedModel whose probability is the members' mean.

Measures nothing: operating points are chosen on the out-of-fold scores, which come from one member each.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medres.errors import ModelError
from medres.models.golden import build_phantom, golden_probabilities, phantom_recipe, write_golden
from medres.models.spec import TrainedModelSpec
from medres.models.trained_model import TrainedModel, build_trained_network, check_members, save_ensemble
from medres.training.dataset import prepare_volumes
from medres.training.operating_points import choose_points
from medres.training.spec import ExperimentSpec


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Scores of scans by members that never saw their patients.

    Attributes:
        truth: label of each scan by name, (N,).
        scores: (N,), probability of the positive label.
        table: CSV of them, kept as the model's `validation.csv`.
    """

    truth: Sequence[str]
    scores: NDArray[np.float64]
    table: bytes


def build_ensemble(
    folder: Path, name: str, members: Sequence[TrainedModel], out_of_fold: OutOfFold, facts: Mapping[str, Any]
) -> TrainedModel:
    """Make one TrainedModel of several.

    Args:
        folder: where it goes.
        name: of the ensemble.
        members: of the same labels, modality and channels.
        out_of_fold: scores that operating points are chosen on.
        facts: provenance, JSON-able.

    Returns:
        The ensemble as loaded from the disk.

    Raises:
        ModelError: `E_MODEL_MEMBERS`.
    """
    first = members[0].spec
    check_members(first, members)
    experiment = ExperimentSpec.model_validate_json(members[0].read_file("experiment.json"))
    truth = np.array([label == first.positive_label for label in out_of_fold.truth]).astype(np.int64)
    digest = hashlib.sha256(out_of_fold.table).hexdigest()
    points, unreached = choose_points(experiment.operating, truth, out_of_fold.scores, digest)
    provenance = {
        **facts,
        "members": [{"name": one.spec.name, "version": one.spec.version, "digest": one.digest} for one in members],
        "operating_points_chosen_on": "out-of-fold scores, each of one member",
        "operating_points_not_reached": unreached,
    }
    changed = {
        "name": name,
        "temperature": 1.0,
        "calibrator": None,
        "indeterminate": None,
        "loading": None,
        "operating_points": points,
        "default_operating_point": experiment.operating.default,
        "provenance": provenance,
        "files": {},
    }
    spec = first.model_copy(update=changed)
    extras = {
        "validation.csv": out_of_fold.table,
        "training_data.json": join_training_data(members),
        "experiment.json": json.loads(members[0].read_file("experiment.json")),
        "golden.json": make_ensemble_golden(spec, members),
    }
    return save_ensemble(folder, spec, members, extras)


def make_ensemble_golden(spec: TrainedModelSpec, members: Sequence[TrainedModel]) -> dict[str, Any]:
    """Compute the content of an ensemble's `golden.json`: the mean of what its members give for one phantom.

    Args:
        spec: of the ensemble; its preprocessing names the phantom.
        members: each prepares the phantom in its own way.

    Returns:
        JSON-able content.
    """
    recipe = phantom_recipe(spec.preprocessing)
    phantom = build_phantom(recipe, spec.preprocessing)
    found = []
    for member in members:
        batch = prepare_volumes(phantom, member.spec.preprocessing).batch
        found.append(golden_probabilities(member.spec, build_trained_network(member), batch))
    return write_golden(recipe, spec.label_names, np.mean(found, axis=0))


def join_training_data(members: Sequence[TrainedModel]) -> dict[str, Any]:
    """Join whose scans the members learnt from; a scan that any of them saw counts as seen.

    Args:
        members: with their records.

    Returns:
        The content of `training_data.json`.

    Raises:
        ModelError: `E_MODEL_MEMBERS` where a record is missing or made under another key.
    """
    records = [member.training_data for member in members]
    keys = {record["key_fingerprint"] for record in records if record}
    if any(record is None for record in records) or len(keys) != 1:
        missing = sum(record is None for record in records)
        told = f"members must bring training_data.json under one key, got {missing} without and {len(keys)} key(s)"
        raise ModelError("E_MODEL_MEMBERS", told, "train them on one machine, or with one key file")
    whole = [record for record in records if record is not None]
    return {"schema_version": whole[0]["schema_version"], "key_fingerprint": keys.pop()} | {
        part: {
            what: sorted({name for record in whole for name in record[part][what]}) for what in ("patients", "scans")
        }
        for part in ("training", "validation")
    }
