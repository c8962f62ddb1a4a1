"""What stands in the TrainedModel folder follows from validation scans alone and proves itself."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from medres.classifier.loading import load_classifier
from medres.errors import EvaluationError
from medres.evaluation.calibrators import from_record
from medres.io.privacy import SiteKey, pseudonym
from medres.models.registry import build_network
from medres.training import finish as finishing
from medres.training.dataset import prepare_scans, read_volume
from medres.training.finish import Data, finish, fit_scan_temperature, operating_points, validation_table
from medres.training.fit import Fitted
from medres.training.precision import Computation
from medres.training.prepared import PreparedScan
from tests.medres.training import cohorts

KEY = SiteKey(b"k" * 32)


def scan(number: int, label: int) -> PreparedScan:
    tensor = torch.rand(1, 1, 12, 12, 12, generator=torch.Generator().manual_seed(number))
    facts = {"intensity.mean": 0.5 + 0.01 * number}
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return PreparedScan(number, f"{number}.nii", f"patient-{number}", label, tensor, digest, facts, 1)


def data_of(count: int = 12) -> Data:
    scans = [scan(number, number % 2) for number in range(2 * count)]
    return Data(scans[:count], scans[count:], KEY)


def fitted_of(logits: np.ndarray, spec=None) -> Fitted:
    spec = spec or cohorts.experiment()
    row = {"epoch": 1.0, "train_loss": 0.5, "validation_auroc": 0.8, "seconds": 1.0}
    network = build_network(spec.network_spec).eval()
    return Fitted(network, (row,), 1, tuple(logits[:, None, :]), Computation("fp32", False))


def noisy_logits(labels, sharpness=1.0, seed=0):
    signal = np.random.default_rng(seed).normal(size=len(labels)) + 1.2 * np.asarray(labels)
    return np.column_stack([np.zeros(len(labels)), sharpness * (signal - 0.6)])


def test_temperature_undoes_logits_that_are_too_sure():
    labels = np.arange(400) % 2
    data = Data([], [scan(n, int(label)) for n, label in enumerate(labels)], KEY)
    spec = cohorts.experiment()
    plain = fit_scan_temperature(spec, fitted_of(noisy_logits(labels)), data.validation)
    sharp = fit_scan_temperature(spec, fitted_of(noisy_logits(labels, 3.0)), data.validation)
    assert sharp == pytest.approx(3 * plain, rel=0.01)


def test_separable_validation_does_not_make_the_model_sure_without_end():
    data = data_of()
    logits = np.array([[0.0, 8.0 * (s.label - 0.5)] for s in data.validation])
    assert fit_scan_temperature(cohorts.experiment(), fitted_of(logits), data.validation) == pytest.approx(
        0.5, abs=0.01
    )


def test_points_carry_the_digest_of_the_validation_table():
    data, spec = data_of(), cohorts.experiment()
    scores = np.column_stack([1 - np.linspace(0, 1, 12), np.linspace(0, 1, 12)])
    table = validation_table(spec, data, scores)
    points, unreached = operating_points(spec, data.validation, scores, table)
    assert unreached == []
    assert {p.chosen_on for p in points.values()} == {hashlib.sha256(table).hexdigest()}
    assert points["sensitive"].sensitivity >= 0.95
    assert points["specific"].specificity >= 0.9


def test_rule_that_no_score_reaches_is_left_out_and_named_unless_it_is_the_default():
    data, spec = data_of(), cohorts.experiment()
    scores = np.full((12, 2), 0.5)
    points, unreached = operating_points(spec, data.validation, scores, b"")
    assert unreached == ["specific"]
    assert "specific" not in points
    chosen = spec.operating.model_copy(update={"default": "specific"})
    with pytest.raises(EvaluationError):
        operating_points(spec.model_copy(update={"operating": chosen}), data.validation, scores, b"")


def test_validation_table_holds_pseudonyms_and_no_identifier():
    data, spec = data_of(), cohorts.experiment()
    text = validation_table(spec, data, np.full((12, 2), 0.5)).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["patient"] for row in rows] == [pseudonym(KEY, s.patient_id) for s in data.validation]
    assert [row["label"] for row in rows] == [spec.labels.names[s.label] for s in data.validation]
    assert "patient-" not in text


def test_folder_holds_all_that_is_needed_and_no_evaluation(tmp_path):
    data, spec = data_of(), cohorts.experiment()
    logits = noisy_logits([s.label for s in data.validation])
    model = finish(spec, fitted_of(logits), data, tmp_path / "model", {"seed": 0})
    assert set(model.spec.files) == {
        "MODEL_CARD.md", "experiment.json", "golden.json", "history.csv", "scope.json", "training_data.json",
        "validation.csv", "weights.safetensors",
    }  # fmt: skip
    assert model.training_data["key_fingerprint"] == KEY.fingerprint
    assert model.training_data["validation"]["scans"] == sorted(s.content_digest for s in data.validation)
    assert len(model.training_data["training"]["patients"]) == 12
    assert model.scope["n"] == 12
    assert model.scope["embedding"] is not None
    assert "patient-" not in str(model.training_data)
    assert b"No evaluation on held-out patients" in model.read_file("MODEL_CARD.md")


def test_embedding_of_a_scan_is_the_mean_over_its_views():
    network = build_network(cohorts.experiment().network_spec).eval()
    views = torch.rand(20, 1, 12, 12, 12)
    many = PreparedScan(1, "a", "p", 0, views, "", {}, 20)
    with torch.no_grad():
        wanted = network.embed(views).mean(0)
    np.testing.assert_allclose(finishing.embed_scans(network, [many])[0], wanted, atol=1e-6)


def operating(spec, **changes):
    """The experiment with some keys of its operating points changed."""
    return spec.model_copy(update={"operating": spec.operating.model_copy(update=changes)})


def scores_of(model) -> dict[str, float]:
    rows = csv.DictReader(io.StringIO(model.read_file("validation.csv").decode()))
    return {row["scan"]: float(row["score"]) for row in rows}


@pytest.mark.parametrize("kind", ["none", "temperature", "platt", "isotonic", "beta"])
def test_points_are_chosen_on_scores_after_the_calibration(tmp_path, kind):
    data = data_of(24)
    spec = operating(cohorts.experiment(), calibration=kind)
    logits = noisy_logits([s.label for s in data.validation], 3.0)
    model = finish(spec, fitted_of(logits), data, tmp_path / "model", {})
    raw = 1 / (1 + np.exp(-logits[:, 1]))
    kept = model.spec.calibrator
    assert (kept is None) == (kind in ("none", "temperature"))
    assert (model.spec.temperature == 1.0) == (kind != "temperature")
    found = list(scores_of(model).values())
    if kept is not None:
        assert kept["kind"] == kind
        np.testing.assert_allclose(
            found, finishing.calibrate_scans(spec, fitted_of(logits), data.validation).scores[:, 1]
        )
        assert type(from_record(kept)).__name__.lower() == kind
    assert (found == pytest.approx(raw)) == (kind == "none")
    assert all(point.threshold in found for point in model.spec.operating_points.values())


def test_without_a_rule_there_is_no_band_and_with_one_it_is_kept_with_its_data(tmp_path):
    data = data_of()
    logits = noisy_logits([s.label for s in data.validation])
    plain = finish(cohorts.experiment(), fitted_of(logits), data, tmp_path / "a", {})
    assert plain.spec.indeterminate is None
    spec = operating(cohorts.experiment(), abstain="error<=0.05")
    model = finish(spec, fitted_of(logits), data, tmp_path / "b", {})
    lower, upper = model.spec.indeterminate
    point = model.spec.operating_points["balanced"]
    assert lower <= point.threshold <= upper <= 1.0
    about = model.spec.provenance["abstention"]
    assert (about["rule"], about["chosen_on"], about["n"]) == ("error<=0.05", point.chosen_on, 12)
    answered = [(s, d.label) for s, d in zip(scores_of(model).values(), data.validation, strict=True)]
    answered = [(s, label) for s, label in answered if s < lower or s >= upper]
    assert len(answered) / 12 == about["coverage"]
    assert sum((s >= point.threshold) != bool(label) for s, label in answered) <= 0.05 * len(answered)


def test_the_saved_model_abstains_on_the_scans_of_its_band_from_files_to_decision(tmp_path):
    manifest, spec = cohorts.write_cohort(tmp_path / "scans", 24), cohorts.experiment()
    spec = operating(spec, abstain="error<=0.05", calibration="platt")
    scans = prepare_scans(manifest, manifest.rows, spec.preprocessing, spec.labels)
    wrong = [replace(scan, label=1 - scan.label) if n in (13, 16, 19) else scan for n, scan in enumerate(scans)]
    data, network = Data(scans[:12], wrong[12:], KEY), build_network(spec.network_spec).eval()
    with torch.no_grad():
        logits = np.stack([network(scan.tensor)[0].double().numpy() for scan in data.validation])
    model = finish(spec, replace(fitted_of(logits), network=network), data, tmp_path / "model", {})
    lower, upper = model.spec.indeterminate
    classifier, scores, seen = load_classifier(model.folder), scores_of(model), []
    for row, scan in zip(manifest.rows[12:], data.validation, strict=True):
        told = classifier.predict(read_volume(manifest, row))
        assert told.probability == pytest.approx(scores[scan.content_digest[:16]], abs=1e-6)
        if told.probability < lower or told.probability >= upper:
            assert told.decision == ("positive" if told.probability >= told.threshold else "negative")
        else:
            assert told.decision == "indeterminate"
        seen.append(told.decision)
    assert "indeterminate" in seen
    assert classifier.verify() <= 1e-5
