"""A pretrained backbone -> a folder with its weights and a record of what it has learnt from.

The record names patients by pseudonym and scans by digest, so that a later training can say whether the backbone has
seen scans of its test part. Knows no training.
"""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

import medres
from medres.errors import ModelError
from medres.io.privacy import SiteKey, pseudonym
from medres.models.folder import sha256, write_folder
from medres.training.prepared import PreparedScan
from medres.training.pretraining.loop import Pretrained
from medres.training.spec import ExperimentSpec

WEIGHTS, RECORD, HISTORY = "weights.safetensors", "pretraining.json", "history.csv"
METHOD = "SimSiam (Chen & He 2021, arXiv:2011.10566)"


def save_pretrained(
    folder: Path,
    found: Pretrained,
    experiment: ExperimentSpec,
    scans: Sequence[PreparedScan],
    key: SiteKey,
    facts: Mapping[str, Any],
) -> None:
    """Write weights, record and history, all or none.

    Args:
        folder: does not exist yet, or holds an older pretraining.
        found: what pretraining left.
        experiment: how.
        scans: that were learnt from.
        key: of the site, for pseudonyms.
        facts: further facts for the record, JSON-able: manifest digest, part, device, seconds.

    Raises:
        ModelError: E_DISK_FULL, E_WRITE.
    """
    weights = safetensors.torch.save(_backbone(found.network))
    record = {
        "method": METHOD,
        "network": experiment.network_spec.model_dump(mode="json"),
        "preprocessing": experiment.preprocessing.model_dump(mode="json"),
        "pretraining": experiment.pretraining.model_dump(mode="json"),
        "scans": len(scans),
        "patients": sorted({pseudonym(key, scan.patient_id) for scan in scans}),
        "content_digests": sorted({scan.content_digest for scan in scans}),
        "site_key_fingerprint": key.fingerprint,
        "loss": found.history[-1]["loss"],
        "spread": found.history[-1]["spread"],
        "precision": found.computation.precision,
        "versions": {"medres": medres.__version__, "torch": torch.__version__, "python": platform.python_version()},
        "hardware": {"machine": platform.machine(), "cpus": os.cpu_count()},
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "weights_sha256": sha256(weights),
        **facts,
    }
    files = {
        WEIGHTS: weights,
        HISTORY: _table(found.history),
        RECORD: (json.dumps(record, indent=2, sort_keys=True) + "\n").encode(),
    }
    write_folder(folder, files, marker=RECORD)


def seen_patients(weights: Path, patients: Iterable[str], key: SiteKey) -> int | None:
    """Count patients that a pretrained backbone has learnt from.

    Args:
        weights: file or folder that a training starts from.
        patients: identifiers as in a manifest.
        key: of the site.

    Returns:
        The count; None where the weights carry no record, or one of another site's key.

    Raises:
        ModelError: E_WEIGHTS_FILE where the record is there but cannot be read.
    """
    path = (weights if weights.is_dir() else weights.parent) / RECORD
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        known, fingerprint = set(record["patients"]), record["site_key_fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        told = f"{RECORD} beside the starting weights must be a record of medres pretrain, got something else"
        raise ModelError("E_WEIGHTS_FILE", told, "take the whole folder that medres pretrain wrote") from None
    if fingerprint != key.fingerprint:
        return None
    return len({patient for patient in patients if pseudonym(key, patient) in known})


def _backbone(network: nn.Module) -> dict[str, torch.Tensor]:
    """Leave the head out: it has learnt nothing."""
    return {
        name: tensor.contiguous()
        for name, tensor in network.state_dict().items()
        if name.split(".")[0] not in network.head_names  # type: ignore[operator]
    }


def _table(history: Sequence[Mapping[str, float]]) -> bytes:
    """Write the history as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue().encode()
