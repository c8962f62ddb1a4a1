"""`medres evaluate`: a model and a manifest, or a table of predictions -> every number with its interval, a report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import medres
from medres.classifier.loading import load_classifier
from medres.errors import EvaluationError
from medres.evaluation.cases import Cases, Threshold
from medres.evaluation.estimate import Estimate
from medres.evaluation.flow import add_failures as with_failures
from medres.evaluation.flow import failure_rate, worst_case
from medres.evaluation.intervals import proportion
from medres.evaluation.operating_point import choose
from medres.evaluation.resampling import Resampling
from medres.evaluation.summary import Evaluation, label_naive, summarise
from medres.models.spec import TrainedModelSpec
from medres.models.trained_model import TrainedModel, extend_trained_model
from medres.results.evaluation_json import build_document, headline, to_bytes
from medres.results.evaluation_setting import EvaluationSetting
from medres.results.evaluation_tables import say_count, say_interval, say_name, say_number
from pipelines import console
from pipelines.calibration_after import calibrators_from, measure_after
from pipelines.evaluation_files import write_evaluation
from pipelines.localise import MarkCollector, collect_marks, measure_localised, say_of_heatmaps
from pipelines.marks import read_froc
from pipelines.model_scores import score_manifest
from pipelines.prediction_table import read_predictions
from pipelines.scored import ScoredTable, measure_scope, note_foreign, to_cases, to_flow

RULES = ("youden", "sensitivity>=0.95", "specificity>=0.95")


@dataclass(frozen=True)
class Source:
    """Whose scores, and where thresholds come from.

    Attributes:
        table: scored scans.
        thresholds: default one first.
        band: indeterminate scores, or None.
        model: facts of the model; empty for a table.
        data: facts of the data.
        validation: scored validation cases, or None.
        notes: what a reader must know.
        trained: the model itself, or None.
        collected: what the model's heatmaps marked, or None.
    """

    table: ScoredTable
    thresholds: tuple[Threshold, ...]
    band: tuple[float, float] | None
    model: dict[str, Any]
    data: dict[str, Any]
    validation: Cases | None
    notes: tuple[str, ...]
    trained: TrainedModel | None = None
    collected: MarkCollector | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """What an evaluation found, before anything is written.

    Attributes:
        evaluation: the numbers.
        setting: what stands around them.
        document: content of `evaluation.json`.
        source: whose scores.
    """

    evaluation: Evaluation
    setting: EvaluationSetting
    document: dict[str, Any]
    source: Source


def run(
    out: Path,
    model: Path | None = None,
    manifest: Path | None = None,
    split: Path | None = None,
    part: str = "test",
    predictions: Path | None = None,
    validation: Path | None = None,
    positive: str | None = None,
    threshold: float | None = None,
    rule: list[str] | None = None,
    scale: str = "probability",
    marks: Path | None = None,
    lesions: Path | None = None,
    localise: bool = False,
    bootstrap: int = 2000,
    seed: int = 0,
    device: str = "cpu",
    update_model: bool = False,
) -> int:
    """Score or read, measure, write, and show the main numbers."""
    _check_call(model, manifest, predictions, (marks, lesions), bootstrap)
    _check_localise(localise, model, marks)
    if predictions is not None:
        _refuse_idle("--predictions", {"--split": split, "--update-model": update_model or None})
        _refuse_idle("a missing --validation", {"--rule": rule or None} if validation is None else {})
    else:
        own = {"--validation": validation, "--positive": positive, "--threshold": threshold, "--rule": rule or None}
        _refuse_idle("MODEL, which brings its own", own)
    if predictions is not None:
        source = from_table(predictions, validation, positive, tuple(rule or ()), threshold, scale)
    else:
        assert model is not None  # _check_call saw to it
        assert manifest is not None
        source = from_model(model, manifest, split, part, device, localise=localise)
    found = measure(source, Resampling(bootstrap, seed), scale, (marks, lesions))
    write_evaluation(out, found.evaluation, found.setting, source.table, to_bytes(found.document))
    if update_model and source.trained is not None:
        extend_trained_model(source.trained, {"evaluation.json": found.document} | _kept_calibrators(found.setting))
    _show(found.evaluation, found.setting, out)
    flow = found.setting.flow
    return console.EXIT_SOME_REFUSED if flow.received > flow.analysed else console.EXIT_OK


def measure(
    source: Source,
    plan: Resampling,
    scale: str = "probability",
    lesions: tuple[Path | None, Path | None] = (None, None),
) -> Measured:
    """Measure everything about one source.

    Args:
        source: whose scores.
        plan: resamples and seed.
        scale: `probability` or `any`.
        lesions: tables of marks and of lesions, or None twice.
    """
    evaluation = summarise(to_cases(source.table, scale), source.thresholds, plan=plan, band=source.band)
    setting = _setting(source, evaluation)
    if lesions[0] is not None and lesions[1] is not None:
        setting = replace(setting, **read_froc(lesions[0], lesions[1], plan))
    elif source.collected is not None:
        marked = measure_localised(source.collected, evaluation.cases.scans.tolist(), plan)
        marked["localisation"]["hit_rate"] = label_naive(marked["localisation"]["hit_rate"], evaluation.cases)
        setting = replace(setting, **marked)
    return Measured(evaluation, setting, build_document(evaluation, setting), source)


def _check_call(
    model: Path | None,
    manifest: Path | None,
    predictions: Path | None,
    lesions: tuple[Path | None, Path | None],
    bootstrap: int,
) -> None:
    """Refuse calls that name neither or both kinds of source."""
    if (model is None) == (predictions is None) or (model is None) != (manifest is None):
        told = "either MODEL with --manifest, or --predictions must be given"
        raise EvaluationError("E_USAGE", told, "see medres evaluate --help")
    if (lesions[0] is None) != (lesions[1] is None):
        raise EvaluationError("E_USAGE", "--marks and --lesions must be given together", "see medres evaluate --help")
    if bootstrap < 0:
        raise EvaluationError("E_EVAL_VALUE", f"--bootstrap must be 0 or more, got {bootstrap}")


def _refuse_idle(beside: str, options: Mapping[str, Any]) -> None:
    """Refuse options that would do nothing."""
    idle = [name for name, value in options.items() if value is not None]
    if idle:
        raise EvaluationError("E_USAGE", f"{idle[0]} does nothing with {beside}", "see medres evaluate --help")


def _check_localise(localise: bool, model: Path | None, marks: Path | None) -> None:
    """Refuse to make marks where there is no model, or where marks are given."""
    if localise and (model is None or marks is not None):
        told = "--localise makes marks of a MODEL's heatmaps and goes without --marks"
        raise EvaluationError("E_USAGE", told, "see medres evaluate --help")


def from_table(
    predictions: Path,
    validation: Path | None,
    positive: str | None,
    rules: tuple[str, ...],
    threshold: float | None,
    scale: str,
) -> Source:
    """Read predictions; choose thresholds on the validation table alone."""
    table = read_predictions(predictions, positive, scale=scale)
    thresholds: list[Threshold] = []
    if threshold is not None:
        if scale == "probability" and not 0 <= threshold <= 1:
            raise EvaluationError("E_EVAL_VALUE", f"a threshold of probabilities must lie in [0, 1], got {threshold:g}")
        thresholds.append(Threshold("stated", threshold, "stated", "stated beforehand"))
    kept = None
    if validation is not None:
        chosen_from = read_predictions(validation, positive or table.positive, role="validation", scale=scale)
        shared = _shared_patients(table, chosen_from)
        kept = to_cases(chosen_from, scale)
        for one in rules or RULES:
            point = choose(kept.labels, kept.scores, one, chosen_on=kept.digest, shared_patients=shared)
            thresholds.append(Threshold(one, point.threshold, one, "the validation table", point.chosen_on))
    data = {"source": "a table of predictions", "rows": len(table.rows)}
    return Source(table, tuple(thresholds), None, {}, data, kept, table.notes)


def _shared_patients(test: ScoredTable, validation: ScoredTable) -> int:
    """Count patients, or scans where no patient is named, that stand in both."""
    if test.has_patients and validation.has_patients:
        return len({row.patient for row in test.rows} & {row.patient for row in validation.rows})
    return len(
        {row.scan for row in test.rows if not row.scan.startswith("row ")} & {row.scan for row in validation.rows}
    )


def from_model(
    folder: Path, manifest: Path, split: Path | None, part: str, device: str, *, localise: bool = False
) -> Source:
    """Score unseen scans, and mark them where asked; thresholds are the model's own."""
    classifier = load_classifier(folder, device=device)
    collected = collect_marks(classifier) if localise else None
    with console.progress("evaluate") as advance:
        table, data, notes = score_manifest(classifier, manifest, split, part, advance, collected)
    if collected is not None:
        notes += say_of_heatmaps(collected)
    spec = classifier.model.spec
    order = sorted(spec.operating_points.values(), key=lambda point: point.name != spec.default_operating_point)
    thresholds = tuple(Threshold(p.name, p.threshold, p.rule, "the model", p.chosen_on) for p in order)
    data = {
        "source": "scored by this run",
        "engine": classifier.engine.kind,
        "precision": classifier.engine.precision,
    } | data
    facts = _model_facts(spec) | {"digest": classifier.model.digest, "weights_digest": spec.weights_digest}
    kept = calibrators_from(classifier.model)
    return Source(table, thresholds, spec.indeterminate, facts, data, kept, notes, classifier.model, collected)


def _model_facts(spec: TrainedModelSpec) -> dict[str, Any]:
    """What the report says of the model."""
    return {
        "name": spec.name,
        "version": spec.version,
        "modality": spec.modality,
        "network": f"{spec.network.name}, {spec.network.spatial_dims}D",
        "labels": ", ".join(spec.label_names),
        "positive_label": spec.positive_label,
        "intended_use": spec.intended_use,
        "not_for": spec.not_for,
        "licence": spec.licence,
        "trained_on": "synthetic phantoms" if spec.synthetic else "patients' scans",
        "synthetic": spec.synthetic,
        "temperature": spec.temperature,
        "calibrator": "none but the temperature" if spec.calibrator is None else spec.calibrator["kind"],
    }


def _setting(source: Source, evaluation: Evaluation) -> EvaluationSetting:
    """Put what stands around the numbers together."""
    flow = to_flow(source.table)
    point = evaluation.points.get(evaluation.default)
    worst = {} if point is None else worst_case(point.counts, flow, evaluation.plan.level)
    names = ", version ".join(filter(None, (str(source.model.get("name", "")), str(source.model.get("version", "")))))
    positive = source.table.positive if source.table.positive != "1" else "positive"
    negative = source.table.negative if source.table.negative != "0" else "negative"
    return EvaluationSetting(
        title=f"{positive.capitalize()} against {negative}: {names or 'table of predictions'}",
        model=source.model,
        data=source.data,
        flow=flow,
        worst_case={name: label_naive(one, evaluation.cases) for name, one in worst.items()},
        worst_counts=None if point is None else with_failures(point.counts, flow),
        training={} if source.trained is None else training_facts(source.trained.spec),
        failures=label_naive(failure_rate(flow, evaluation.plan.level), evaluation.cases),
        band=source.band,
        gate=_gate(source, evaluation),
        calibrators=measure_after(source.validation, evaluation.cases),
        notes=(*source.notes, *note_foreign(source.table)),
        positive=positive,
        negative=negative,
        version=medres.__version__,
        date=time.strftime("%Y-%m-%d"),
    )


def _gate(source: Source, evaluation: Evaluation) -> dict[str, Estimate]:
    """Measure the out-of-scope gate; a table that names no such scan had none."""
    gated = source.trained is not None or any(
        row.status == "out_of_scope" or not row.belongs for row in source.table.rows
    )
    found = measure_scope(source.table, evaluation.plan.level) if gated else {}
    if found and evaluation.default:
        counts = evaluation.points[evaluation.default].counts
        found["error_accepted"] = proportion(counts.fp + counts.fn, counts.n, level=evaluation.plan.level)
    return {name: label_naive(one, evaluation.cases) for name, one in found.items()}


def training_facts(spec: TrainedModelSpec) -> dict[str, str]:
    """Say in lines how the model was made, for those who must report it."""
    shown = spec.preprocessing.model_dump(mode="json", exclude_none=True)
    facts = dict(_flat(shown, "preprocessing, ")) | {
        "starting weights": "drawn from the seed" if spec.loading is None else "transferred, see trained_model.json"
    }
    return facts | dict(_flat(spec.provenance))


def _say_fact(value: Any) -> str:
    """Word a fact: a list by its items, a float by four digits."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_say_fact, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _flat(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Walk through nested facts, one line each."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name} ".replace("_", " "))
        else:
            yield f"{before}{name}".replace("_", " "), _say_fact(value)


def _kept_calibrators(setting: EvaluationSetting) -> dict[str, Any]:
    """The calibrators fitted on validation data, as the model keeps them."""
    if not setting.calibrators:
        return {}
    return {"calibrators.json": {kind: one["record"] for kind, one in setting.calibrators.items()}}


def _show(evaluation: Evaluation, setting: EvaluationSetting, out: Path) -> None:
    """Print the main numbers and where the rest lies."""
    rows = []
    for name, one in headline(evaluation, setting).items():
        value = say_number(one.value) if one.defined else "undefined"
        rows.append([say_name(name), value, say_interval(one) or one.reason or one.note, say_count(one), one.method])
    flow = setting.flow
    title = f"{flow.analysed} of {flow.received} scans analysed, {evaluation.cases.n_positive} {setting.positive}"
    console.table(title, ["measure", "value", f"{evaluation.plan.level:.0%} interval", "n", "method"], rows)
    for note in (*setting.notes, *evaluation.notes):
        console.say(f"note: {note}")
    console.say(f"report    {out / 'report.html'}")
    console.say(f"numbers   {out / 'evaluation.json'}")
