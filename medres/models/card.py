"""TrainedModelSpec -> MODEL_CARD.md: the facts about a model for a reader.

Knows the spec and the JSON files saved beside it; measures nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from medres.models.folder import WEIGHTS, sha256
from medres.models.spec import TrainedModelSpec

RESEARCH_USE = "Research use only. Not a medical device; not for diagnosis or treatment decisions."
NOT_EVALUATED = "No evaluation on held-out patients is stored with this model."
ABSENT = {
    "scope.json": "no out-of-scope gate but the modality: it answers for any scan of its modality",
    "golden.json": "no golden phantom: a copy cannot prove itself",
    "training_data.json": "no record of training patients: a leak into a test set cannot be found",
    "explanation.json": "no fixed scale for heatmaps",
    "validation.csv": "no validation scores",
}


def write_model_card(spec: TrainedModelSpec, files: Mapping[str, bytes]) -> str:
    """Write the model card.

    Args:
        spec: the model's description.
        files: what is saved beside it, by name; `evaluation.json` gives the numbers.

    Returns:
        Markdown.
    """
    parts = [
        f"# {spec.name} {spec.version}",
        f"**{RESEARCH_USE}**",
        "**Trained on synthetic phantoms: for demonstration only.**" if spec.synthetic else "",
        f"## Intended use\n\n{spec.intended_use}",
        f"## Not for\n\n{spec.not_for}",
        "## What it takes and gives\n\n" + _bullets(_facts(spec)),
        "## Operating points\n\n" + _operating_points(spec),
        "## Evaluation on held-out patients\n\n" + _evaluation(files.get("evaluation.json"), files.get(WEIGHTS)),
        "## Known limits\n\n" + _limits(spec, files),
        "## Provenance\n\n" + _bullets(dict(_flat(spec.provenance))),
        f"## Licence\n\n{spec.licence}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(spec: TrainedModelSpec) -> dict[str, Any]:
    """Name what goes in and what comes out."""
    network, shown = spec.network, spec.preprocessing
    return {
        "modality": spec.modality,
        "channels": ", ".join(shown.channels),
        "grid shown": f"{' x '.join(map(str, shown.size)) if shown.size else 'as it comes'}, {shown.fit}",
        "spacing (mm)": shown.spacing_mm or "of the scan",
        "intensity": ", ".join(f"{key} {value}" for key, value in shown.intensity.model_dump().items()),
        "views": ", ".join(f"{key} {value}" for key, value in shown.views.model_dump().items()),
        "network": f"{network.name}, {network.spatial_dims}D, width {network.width:g}, {network.norm} norm"
        + _joined(spec),
        "starting weights": _starting_weights(spec.loading),
        "labels": ", ".join(spec.label_names),
        "positive label": spec.positive_label,
        "temperature": f"{spec.temperature:.4g}",
        "calibrator": "none but the temperature" if spec.calibrator is None else spec.calibrator["kind"],
        "indeterminate": "none" if spec.indeterminate is None else "{:.3g} to below {:.3g}".format(*spec.indeterminate),
    }


def _joined(spec: TrainedModelSpec) -> str:
    """Say of an ensemble that several models answer, each with a card of its own."""
    count = len(spec.members)
    if not count:
        return ""
    told = "the answer is the mean of their probabilities, each has its card in members/"
    return f", as the first of {count} members; {told}"


def _starting_weights(loading: Mapping[str, Any] | None) -> str:
    """Say what the training started from, and how much of it was loaded."""
    if not loading:
        return "none: drawn from the seed"
    parts = ", ".join(f"{len(loading.get(key) or ())} {key}" for key in ("loaded", "adapted", "missing", "unexpected"))
    carried = f"; from 2D by {loading['carry']}" if loading.get("carry") else ""
    share = f"{100 * float(loading.get('coverage') or 0.0):.1f} % of the backbone"
    return f"SHA-256 {str(loading.get('digest'))[:12]}, {loading.get('layout')} layout: {share} ({parts}{carried})"


def _operating_points(spec: TrainedModelSpec) -> str:
    """Tabulate the thresholds with the data they were chosen on."""
    about = "Sensitivity and specificity are those of the validation scans that chose the threshold: they flatter.\n"
    rows = [about, "| name | threshold | rule | sensitivity | specificity | chosen on |", "|---|---|---|---|---|---|"]
    for point in spec.operating_points.values():
        default = " (default)" if point.name == spec.default_operating_point else ""
        numbers = [
            f"{value:.3f}" if value is not None else "undefined" for value in (point.sensitivity, point.specificity)
        ]
        chosen = f"{point.n} cases, {point.n_positive} positive"
        rows.append(
            f"| {point.name}{default} | {point.threshold:.4f} | {point.rule} | {' | '.join(numbers)} | {chosen} |"
        )
    return "\n".join(rows)


def _evaluation(content: bytes | None, weights: bytes | None) -> str:
    """Tabulate every number that carries an interval, and say of which weights."""
    if content is None:
        return NOT_EVALUATED
    numbers = json.loads(content)
    about = _evaluated((numbers.get("model") or {}).get("weights_digest"), weights)
    found = dict(_estimates(numbers.get("headline", numbers)))  # an evaluation names the dozen that a card shows
    rows = ["| metric | value | 95 % interval | n |", "|---|---|---|---|"]
    rows += [f"| {name.replace('_', ' ')} | {' | '.join(_cells(part))} |" for name, part in found.items()]
    return about + _on_what(numbers) + "\n".join(rows) if found else NOT_EVALUATED


def _cells(part: Mapping[str, Any]) -> tuple[str, str, str]:
    """Value, interval and count of one number; what is undefined says why."""
    counted = "" if part.get("n") is None else str(part["n"])
    counted = counted if part.get("x") is None else f"{part['x']}/{counted}"
    if part["value"] is None:
        return "undefined", str(part.get("reason", "")), counted
    interval = f"{part['lower']:.3f} to {part['upper']:.3f}" if _has_interval(part) else "none"
    return f"{part['value']:.3f}", interval, counted


def _on_what(numbers: Mapping[str, Any]) -> str:
    """Say on which data the numbers were measured; empty where an evaluation does not name them."""
    data, notes = numbers.get("data") or {}, numbers.get("notes") or []
    if not {"n", "n_positive", "n_patients", "digest"} <= data.keys():
        return ""
    told = (
        f"{data['n']} scans of {data['n_patients']} patients, {data['n_positive']} {data.get('positive', 'positive')}"
    )
    about = (
        f"On {told} (data digest {data['digest'][:12]}); the positive share there is part of every predictive value."
    )
    return "\n\n".join([about, *(f"Note: {note}." for note in notes)]) + "\n\n"


def _evaluated(digest: str | None, weights: bytes | None) -> str:
    """Say whether the numbers belong to these weights; nothing where the evaluation does not name its weights."""
    if digest is None or weights is None:
        return ""
    if digest != sha256(weights):
        return f"**These numbers belong to other weights (SHA-256 {digest[:12]}), not to those of this model.**\n\n"
    return f"Of these weights (SHA-256 {digest[:12]}).\n\n"


def _has_interval(part: Mapping[str, Any]) -> bool:
    return part.get("lower") is not None and part.get("upper") is not None


def _estimates(content: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk through JSON to every object with value, lower and upper."""
    if not isinstance(content, dict):
        return
    if {"value", "lower", "upper"} <= content.keys():
        yield name, content
        return
    for key, part in content.items():
        yield from _estimates(part, f"{name} {key}".strip())


def _limits(spec: TrainedModelSpec, files: Mapping[str, bytes]) -> str:
    """Say what is absent, and what no model of this kind can do."""
    said = [text for name, text in ABSENT.items() if name not in files]
    card = json.loads(files["explanation.json"]).get("scorecard") or {} if "explanation.json" in files else {}
    if card.get("passed") is False:
        said.append(f"its heatmaps failed their tests on validation scans: {card.get('reason', 'no reason kept')}")
    said.append(f"answers for {spec.modality} only; scans outside its scope get no probability")
    said.append("a heatmap shows what moved the score, not where a tumour ends")
    return "\n".join(f"- {text}" for text in said)


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk through nested facts, one line each."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key} ")
        else:
            yield f"{prefix}{key}", _say(value)


def _say(value: Any) -> Any:
    """Word a fact: a list by its items, a float by four digits, what was not measured as "none"."""
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else value


def _bullets(facts: Mapping[str, Any]) -> str:
    """Make a list of facts."""
    return "\n".join(f"- {key.replace('_', ' ')}: {value}" for key, value in facts.items()) or "- none recorded"
