"""What stands in the TrainedModel folder follows from validation scans alone and proves itself."""

from __future__ import annotations

import csv
import hashlib
import io

import numpy as np
import pytest
import torch

from medres.errors import EvaluationError
from medres.io.privacy import SiteKey, pseudonym
from medres.models.registry import build_network
from medres.training import finish as finishing
from medres.training.dataset import PreparedScan
from medres.training.finish import Data, finish, fit_scan_temperature, operating_points, validation_table
from medres.training.fit import Fitted
from medres.training.precision import Computation
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
