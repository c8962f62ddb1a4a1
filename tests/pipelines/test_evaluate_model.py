"""`medres evaluate MODEL --manifest`: unseen scans alone, leaks refused, failures counted, the model's card updated."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medres.datasets.manifest import read_manifest
from medres.datasets.split import Split
from medres.datasets.split_file import write_split
from medres.errors import MedresError
from medres.evaluation.resampling import Resampling
from medres.io import read
from medres.io.privacy import load_site_key, pseudonym
from medres.models.trained_model import extend_trained_model, load_trained_model
from medres.results.evaluation_json import to_bytes
from pipelines import compare, evaluate
from tests.small import model_spec, spec_3d
from tests.tiny_models import LABELS, picture

PATIENTS, CORRUPT = 8, 3


@pytest.fixture(autouse=True)
def no_pdf(monkeypatch):
    """A browser takes longer than all else."""
    monkeypatch.setattr("medres.results.pdf.BROWSERS", ())


@pytest.fixture
def manifest(tmp_path) -> Path:
    """Pictures of two scans a patient, one of them cut off."""
    (tmp_path / "scans").mkdir()
    rows = []
    for number in range(2 * PATIENTS):
        ill = (number // 2) % 2 == 1
        volume = picture(1000 + number, (30 + number, 30) if ill else None)
        path = tmp_path / "scans" / f"{number}.png"
        Image.fromarray(np.asarray(volume.voxels)[:, :, 0].T).save(path)
        if number == CORRUPT:
            path.write_bytes(path.read_bytes()[:60])
        rows.append([f"p{number // 2}", f"scans/{number}.png", LABELS[ill], "US", "no", "ab"[number % 2]])
    with (tmp_path / "m.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["patient_id", "path", "label", "modality", "spacing_known", "site"], *rows])
    return tmp_path / "m.csv"


def trained_on(
    folder: Path, copy: Path, patients: tuple[str, ...] = (), scans: tuple[str, ...] = (), fingerprint: str = ""
) -> Path:
    """A copy of a model that remembers whom it was trained on."""
    shutil.copytree(folder, copy)
    key = load_site_key()
    record = {
        "schema_version": 1,
        "key_fingerprint": fingerprint or key.fingerprint,
        "training": {"patients": [pseudonym(key, name) for name in patients], "scans": list(scans)},
        "validation": {"patients": [], "scans": []},
    }
    extend_trained_model(load_trained_model(copy), {"training_data.json": record})
    return copy


def split_file(manifest: Path, rows: list[str]) -> Path:
    """A split whose test part holds these rows."""
    read = read_manifest(manifest)
    rest = tuple(row.key for row in read.rows if row.key not in rows)
    write_split(Split({"train": rest, "test": tuple(rows)}, read.digest), manifest.parent / "s.json")
    return manifest.parent / "s.json"


def measured(model: Path, manifest: Path, split: Path | None = None) -> dict:
    """Score and measure without drawing: plots take longer than all else."""
    source = evaluate.from_model(model, manifest, split, "test", "cpu")
    return json.loads(to_bytes(evaluate.measure(source, Resampling(10)).document))


def numbers(out: Path) -> dict:
    return json.loads((out / "evaluation.json").read_text())


def test_every_scan_is_counted_and_the_threshold_is_the_models_own(tiny_us, manifest, tmp_path):
    status = evaluate.run(out=tmp_path / "out", model=tiny_us, manifest=manifest, bootstrap=50)
    found = numbers(tmp_path / "out")
    assert status == 3
    lost = {fate: sum(codes.values()) for fate, codes in found["flow"]["reasons"].items()}
    assert found["flow"]["received"] == 16 == found["flow"]["analysed"] + sum(lost.values())
    assert lost["not readable"] == 1
    spec = load_trained_model(tiny_us).spec
    point = found["operating_points"][spec.default_operating_point]["threshold"]
    assert (point["value"], point["source"]) == (
        spec.operating_points[spec.default_operating_point].threshold,
        "the model",
    )
    assert found["discrimination"]["auroc"]["value"] > 0.8
    assert found["model"]["digest"] == load_trained_model(tiny_us).digest
    assert {group["value"] for group in found["subgroups"]} == {"a", "b"}


def test_patients_of_the_training_are_left_out_by_default(tiny_us, manifest, tmp_path):
    model = trained_on(tiny_us, tmp_path / "model", ("p2", "p5"))
    found = measured(model, manifest)
    assert found["flow"]["received"] == 12
    assert found["data"]["left_out_patient_of_training"] == 4
    assert found["data"]["patient_leak_check"] == "done"


def test_reject_a_split_whose_test_part_shares_a_patient_with_the_training(tiny_us, manifest, tmp_path):
    model = trained_on(tiny_us, tmp_path / "model", ("p2",))
    split = split_file(manifest, [f"scans/{k}.png" for k in (4, 5, 8, 9, 10, 11)])
    with pytest.raises(MedresError, match=r"E_EVAL_LEAK: .* got 1 patient\(s\) with 2 scan\(s\)"):
        measured(model, manifest, split)


def test_reject_the_same_scan_under_another_patients_name(tiny_us, manifest, tmp_path):
    digest = read(manifest.parent / "scans/8.png", modality="US").origin.content_digest
    model = trained_on(tiny_us, tmp_path / "model", ("somebody else",), (digest,))
    split = split_file(manifest, [f"scans/{k}.png" for k in (8, 9, 10, 11)])
    with pytest.raises(MedresError, match=r"E_EVAL_LEAK: .* got 1 with the same content"):
        measured(model, manifest, split)
    assert measured(model, manifest)["data"]["left_out_same_scan_as_training"] == 1


def test_another_sites_key_is_said_and_not_called_no_leak(tiny_us, manifest, tmp_path):
    model = trained_on(tiny_us, tmp_path / "model", ("p2",), fingerprint="00000000")
    found = measured(model, manifest)
    assert found["data"]["patient_leak_check"] == "not checked: another key"
    assert any("not checked: another key" in note for note in found["notes"])


def test_the_models_card_is_updated_where_asked_and_the_model_still_loads(tiny_us, manifest, tmp_path):
    model = trained_on(tiny_us, tmp_path / "model")
    evaluate.run(out=tmp_path / "out", model=model, manifest=manifest, bootstrap=10, update_model=True)
    kept = load_trained_model(model)
    assert json.loads(kept.read_file("evaluation.json"))["headline"] == numbers(tmp_path / "out")["headline"]
    assert "auroc" in (model / "MODEL_CARD.md").read_text()


def test_a_stored_evaluation_names_the_weights_that_the_model_still_has(tiny_us, manifest, tmp_path):
    model = trained_on(tiny_us, tmp_path / "model")
    before = load_trained_model(model)
    evaluate.run(out=tmp_path / "out", model=model, manifest=manifest, bootstrap=10, update_model=True)
    after = load_trained_model(model)
    stored = json.loads(after.read_file("evaluation.json"))["model"]
    assert stored["digest"] == before.digest != after.digest
    assert stored["weights_digest"] == after.spec.files["weights.safetensors"]
    assert f"Of these weights (SHA-256 {stored['weights_digest'][:12]})" in (model / "MODEL_CARD.md").read_text()


def test_scans_unlike_the_training_are_reported_as_the_gates_work(tiny_us, manifest):
    path = manifest.parent / "scans" / "6.png"
    Image.fromarray(np.full((64, 80), 250, np.uint8)).save(path)
    found = measured(tiny_us, manifest)
    judged = found["flow"]["readable"]
    refused = sum(found["flow"]["reasons"]["out of scope"].values())
    gate = found["scope_gate"]
    assert (gate["out_of_scope"]["x"], gate["out_of_scope"]["n"]) == (refused, judged)
    assert refused >= 1
    assert sum(gate[f"out_of_scope where {name}"]["x"] for name in LABELS) == refused
    assert "independent" in gate["out_of_scope"]["method"]


def test_the_band_of_the_model_is_measured_as_coverage_against_error(tiny_us, manifest, tmp_path):
    model = trained_on(tiny_us, tmp_path / "model")
    content = json.loads((model / "trained_model.json").read_text())
    content["indeterminate"] = [0.0, 1.0]
    (model / "trained_model.json").write_text(json.dumps(content))
    found = measured(model, manifest)
    assert (found["abstention"]["lower"], found["abstention"]["upper"]) == (0.0, 1.0)
    assert found["abstention"]["answered"]["value"] == 0.0
    assert found["flow"]["indeterminate"] == found["flow"]["scored"]


def test_two_models_on_one_manifest_can_be_compared(tiny_us, manifest, tmp_path):
    compare.run(first=tiny_us, second=tiny_us, out=tmp_path / "out", manifest=manifest, bootstrap=10)
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert found["differences"]["auroc"]["p"] == 1.0
    assert found["differences"]["sensitivity"]["difference"] == 0.0


def test_facts_of_the_training_are_words_and_not_code():
    spec = model_spec(spec_3d(), provenance={"unreached": [], "scans": {"training": {"none": 3}}, "auroc": 0.894212962})
    facts = evaluate.training_facts(spec)
    assert facts["preprocessing, size"] == "16, 16, 16"
    assert facts["preprocessing, intensity kind"] == "window"
    assert (facts["unreached"], facts["scans training none"], facts["auroc"]) == ("none", "3", "0.8942")
