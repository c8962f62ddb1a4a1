"""Evaluation + setting -> the content of `evaluation.json`: each number with interval, method, n, unit and digests.

Described by `docs/evaluation.schema.json`. Knows no page; writes no file. The same evaluation gives the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import numpy as np

from medres.evaluation.estimate import Estimate, to_fields
from medres.evaluation.summary import Evaluation, PointResult
from medres.results.disclaimer import DISCLAIMER
from medres.results.evaluation_setting import EvaluationSetting

SCHEMA_VERSION = 1
HEADLINE_RATES = ("sensitivity", "specificity", "ppv", "npv")
HEADLINE_CALIBRATION = ("citl", "slope", "oe_ratio", "brier")


def build_document(evaluation: Evaluation, setting: EvaluationSetting) -> dict[str, Any]:
    """Put every number of an evaluation into one JSON-able document.

    Args:
        evaluation: the numbers.
        setting: what stands around them.

    Returns:
        Nested plain values; undefined numbers are null with a reason.
    """
    origin = {"data_digest": evaluation.cases.digest, "model_digest": setting.model.get("digest")}
    document = {
        "schema_version": SCHEMA_VERSION,
        "kind": "evaluation",
        "medres_version": setting.version,
        "disclaimer": DISCLAIMER,
        "title": setting.title,
        "model": dict(setting.model) or None,
        "data": {**setting.data, **_size(evaluation, setting)},
        "settings": _settings(evaluation),
        "headline": headline(evaluation, setting),
        "discrimination": evaluation.discrimination,
        "default_operating_point": evaluation.default or None,
        "operating_points": {name: _point(point) for name, point in evaluation.points.items()},
        "calibration": evaluation.calibration,
        "calibrators": dict(setting.calibrators),
        "reliability": evaluation.bins,
        "decision_curve": evaluation.decisions,
        "subgroups": evaluation.subgroups,
        "patients": evaluation.patients,
        "classes": evaluation.classes or None,
        "abstention": _abstention(evaluation, setting),
        "scope_gate": dict(setting.gate) or None,
        "localisation": dict(setting.localisation) or None,
        "hit_rule": setting.hit_rule or None,
        "flow": {**asdict(setting.flow), "failure_rate": setting.failures, "worst_case": dict(setting.worst_case)},
        "notes": [*setting.notes, *evaluation.notes],
    }
    plain: dict[str, Any] = to_plain(document, origin)
    for name, point in evaluation.points.items():
        _mark(plain["operating_points"][name], point.threshold.source)
    if evaluation.default:
        source = evaluation.points[evaluation.default].threshold.source
        for part in ("headline", "flow", "abstention", "subgroups", "patients"):
            _mark(plain[part], source, only=(*HEADLINE_RATES, "accuracy"))
    return plain


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """Write a document as JSON, the same bytes every time."""
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def headline(evaluation: Evaluation, setting: EvaluationSetting) -> dict[str, Estimate]:
    """Choose the dozen numbers that a summary, a terminal and a model card show."""
    found = {name: evaluation.discrimination[name] for name in ("auroc", "auprc", "prevalence")}
    if evaluation.default:
        point = evaluation.points[evaluation.default]
        found |= {name: point.rates[name] for name in HEADLINE_RATES}
        found |= {f"worst case {name}": setting.worst_case[name] for name in HEADLINE_RATES[:2] if setting.worst_case}
    found |= {name: evaluation.calibration[name] for name in HEADLINE_CALIBRATION if evaluation.calibration}
    for rule, patient in evaluation.patients.items():
        found[f"patient auroc ({rule})"] = patient.auroc
    found |= {name: one for name, one in setting.localisation.items() if name in ("froc_mean", "hit_rate")}
    found["failure rate"] = setting.failures
    for group in evaluation.subgroups:
        found[f"auroc where {group.column} is {group.value}"] = group.auroc
    return found


def _size(evaluation: Evaluation, setting: EvaluationSetting) -> dict[str, Any]:
    cases = evaluation.cases
    return {
        "digest": cases.digest,
        "n": cases.n,
        "n_positive": cases.n_positive,
        "n_patients": cases.n_patients,
        "clustered": cases.clustered,
        "positive": setting.positive,
        "negative": setting.negative,
    }


def _settings(evaluation: Evaluation) -> dict[str, Any]:
    plan, cases = evaluation.plan, evaluation.cases
    return {
        "level": plan.level,
        "resamples": plan.resamples,
        "seed": plan.seed,
        "bootstrap": plan.method,
        "unit": cases.unit,
        "scale": cases.scale,
        "positive_when": "score >= threshold",
    }


def _point(point: PointResult) -> dict[str, Any]:
    """Lay one operating point out, its bootstrap numbers beside the others."""
    return {field.name: getattr(point, field.name) for field in fields(point)}


def _abstention(evaluation: Evaluation, setting: EvaluationSetting) -> dict[str, Any] | None:
    if setting.band is None or not evaluation.band:
        return None
    return {"lower": setting.band[0], "upper": setting.band[1], **evaluation.band}


def to_plain(value: Any, origin: Mapping[str, Any]) -> Any:
    """Turn estimates, dataclasses, arrays and numpy scalars into plain JSON values.

    Args:
        value: anything that an evaluation holds.
        origin: digests that every estimate carries.

    Returns:
        dict, list, str, int, float, bool or None; NaN and infinity become None.

    Example:
        >>> to_plain({"a": (1, float("nan"))}, {})
        {'a': [1, None]}
    """
    if isinstance(value, Estimate):
        return {**to_fields(value), **origin}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name), origin) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): to_plain(part, origin) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist(), origin)
    if isinstance(value, (list, tuple)):
        return [to_plain(part, origin) for part in value]
    if isinstance(value, np.generic):
        return to_plain(value.item(), origin)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _mark(content: Any, source: str, only: tuple[str, ...] = (), name: str = "") -> None:
    """Say at every estimate below where its threshold came from (of certain names, where `only` is given)."""
    if isinstance(content, dict):
        if {"value", "lower", "upper"} <= content.keys():
            if not only or name.rpartition(" ")[2] in only:
                content["threshold_source"] = source
            return
        for key, part in content.items():
            _mark(part, source, only, key)
    elif isinstance(content, list):
        for part in content:
            _mark(part, source, only, name)
