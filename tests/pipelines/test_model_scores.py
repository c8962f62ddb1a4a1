"""Rows of a manifest are chosen, scored and named as the model names its labels; what fails keeps its code."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medres.classifier import load_classifier
from medres.datasets.manifest import read_manifest
from medres.errors import EvaluationError
from medres.io.privacy import load_site_key, pseudonym
from medres.models.trained_model import extend_trained_model, load_trained_model
from pipelines.model_scores import choose_rows, score_manifest
from tests.tiny_models import LABELS, picture

ROWS = 4


def write_manifest(folder: Path, labels: list[str], cut: int = -1) -> Path:
    """One picture for each label, each of its own patient; one may be cut off."""
    rows = []
    for number, label in enumerate(labels):
        path = folder / f"{number}.png"
        Image.fromarray(np.asarray(picture(700 + number, (30, 30)).voxels)[:, :, 0].T).save(path)
        if number == cut:
            path.write_bytes(path.read_bytes()[:50])
        rows.append([f"p{number}", path.name, label, "US", "no"])
    with (folder / "m.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["patient_id", "path", "label", "modality", "spacing_known"], *rows])
    return folder / "m.csv"


def silent(*_: object, **__: object) -> None:
    """Progress that nobody watches."""


def trained_on(folder: Path, copy: Path, patient: str) -> Path:
    """A copy of a model that remembers one patient of its training."""
    shutil.copytree(folder, copy)
    key = load_site_key()
    empty = {"patients": [], "scans": []}
    seen = {"patients": [pseudonym(key, patient)], "scans": []}
    record = {"schema_version": 1, "key_fingerprint": key.fingerprint, "training": seen, "validation": empty}
    extend_trained_model(load_trained_model(copy), {"training_data.json": record})
    return copy


def test_scores_are_the_classifiers_own_and_a_cut_file_keeps_its_code(tiny_us, tmp_path):
    manifest = write_manifest(tmp_path, [LABELS[k % 2] for k in range(ROWS)], cut=1)
    seen: list[float] = []
    classifier = load_classifier(tiny_us)
    watch = lambda scans, row, label, volumes, answer: seen.append(classifier.predict(volumes).probability)  # noqa: E731
    table, facts, _ = score_manifest(classifier, manifest, None, "test", silent, watch)
    assert [row.score is None for row in table.rows] == [False, True, False, False]
    assert (table.rows[1].status, table.rows[1].code[:2]) == ("refused", "E_")
    assert [row.score for row in table.rows if row.score is not None] == pytest.approx(seen, abs=0)
    assert (facts["manifest_rows"], facts["rows_of_ignored_labels"], table.positive) == (ROWS, 0, LABELS[1])


def test_patients_of_the_training_are_left_out_and_counted(tiny_us, tmp_path):
    manifest = read_manifest(write_manifest(tmp_path, [LABELS[k % 2] for k in range(ROWS)]))
    model = load_trained_model(trained_on(tiny_us, tmp_path / "model", "p2"))
    chosen = choose_rows(model, manifest, None, "test")
    assert [row.patient_id for row in chosen.rows] == ["p0", "p1", "p3"]
    assert (chosen.facts["left_out_patient_of_training"], chosen.facts["patient_leak_check"]) == (1, "done")


def test_without_a_record_of_the_training_the_check_is_called_not_done(tiny_us, tmp_path):
    manifest = read_manifest(write_manifest(tmp_path, list(LABELS)))
    chosen = choose_rows(load_trained_model(tiny_us), manifest, None, "test")
    assert chosen.facts["patient_leak_check"].startswith("not done")
    assert any("scans may be training scans" in note for note in chosen.notes)


def test_reject_a_label_that_the_model_does_not_know(tiny_us, tmp_path):
    manifest = write_manifest(tmp_path, [LABELS[0], "elephant"])
    with pytest.raises(EvaluationError, match="E_EVAL_LABEL"):
        score_manifest(load_classifier(tiny_us), manifest, None, "test", silent)
