"""A TrainedModel folder loads as it was saved, or is refused with one sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch

from medres.errors import ModelError
from medres.models.folder import sha256
from medres.models.registry import build_network
from medres.models.scope import fit_scope
from medres.models.trained_model import (
    build_trained_network,
    extend_trained_model,
    load_trained_model,
    read_spec,
    save_trained_model,
)
from tests.small import model_spec, save_tiny_model, spec_3d

EXTRAS = {"scope.json": fit_scope("CT", []), "validation.csv": b"label,score\n"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", spec_3d(), extras=EXTRAS).folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy to damage."""
    return shutil.copytree(saved, tmp_path / "copy")


def refusal(folder):
    with pytest.raises(ModelError) as raised:
        load_trained_model(folder)
    assert "\n" not in str(raised.value)
    assert str(folder) not in str(raised.value)
    return raised.value


def rewrite(folder, change):
    """Change the description by hand."""
    content = json.loads((folder / "trained_model.json").read_text())
    change(content)
    (folder / "trained_model.json").write_text(json.dumps(content))


def test_a_copy_of_the_folder_alone_is_the_same_model(folder, saved):
    one, two = load_trained_model(saved), load_trained_model(folder)
    assert one.digest == two.digest == sha256((saved / "trained_model.json").read_bytes())
    assert one.spec == two.spec
    x = torch.zeros(1, 1, 16, 16, 16)
    assert torch.equal(build_trained_network(one)(x), build_trained_network(two)(x))


def test_optional_files_are_read_and_absent_ones_are_none(folder):
    model = load_trained_model(folder)
    assert model.scope == fit_scope("CT", [])
    assert model.explanation is None
    assert model.training_data is None
    assert model.read_file("validation.csv") == b"label,score\n"
    with pytest.raises(ModelError, match=r"E_MODEL_MISSING: this model was saved without evaluation\.json"):
        model.read_file("evaluation.json")


def test_a_folder_names_its_model_without_its_weights(folder, tmp_path):
    copied = Path(shutil.copytree(folder, tmp_path / "without"))
    (copied / "weights.safetensors").unlink()
    assert read_spec(copied) == load_trained_model(folder).spec
    (copied / "trained_model.json").write_text("{}")
    with pytest.raises(ModelError, match="E_MODEL_SCHEMA"):
        read_spec(copied)


def test_every_other_file_has_its_digest(folder):
    files = load_trained_model(folder).spec.files
    assert set(files) == {path.name for path in folder.iterdir()} - {"trained_model.json"}
    assert "MODEL_CARD.md" in files


@pytest.mark.parametrize("name", ["weights.safetensors", "golden.json", "scope.json", "MODEL_CARD.md"])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_reject_a_flipped_bit_anywhere(folder, name, place):
    content = bytearray((folder / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (folder / name).write_bytes(content)
    fault = refusal(folder)
    assert fault.code == "E_MODEL_DIGEST"
    assert name in fault.what


def test_reject_a_cut_file(folder):
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    assert refusal(folder).code == "E_MODEL_DIGEST"


@pytest.mark.parametrize("name", ["weights.safetensors", "scope.json"])
def test_reject_a_missing_file(folder, name):
    (folder / name).unlink()
    fault = refusal(folder)
    assert fault.code == "E_MODEL_MISSING"
    assert fault.what == f"the model's file {name} is missing"


def test_reject_a_folder_that_is_no_model(tmp_path):
    assert refusal(tmp_path).code == "E_MODEL_MISSING"
    assert refusal(tmp_path / "nowhere").code == "E_MODEL_MISSING"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 7}', "{}"])
def test_reject_an_unknown_or_broken_description(folder, text):
    (folder / "trained_model.json").write_text(text)
    assert refusal(folder).code == "E_MODEL_SCHEMA"


def test_reject_a_newer_schema_by_its_number(folder):
    rewrite(folder, lambda content: content.update(schema_version=2))
    assert refusal(folder).what == "schema_version must be 1, got 2"


def test_reject_a_missing_value_instead_of_filling_it(folder):
    rewrite(folder, lambda content: content.pop("label_names"))
    assert refusal(folder).what == "label_names: Field required (1 fault(s) in all)"


def test_reject_a_class_count_that_the_weights_do_not_have(folder):
    def three_labels(content):
        content["label_names"] = ["none", "tumour", "cyst"]
        content["network"]["label_count"] = 3

    rewrite(folder, three_labels)
    fault = refusal(folder)
    assert fault.code == "E_MODEL_SHAPE"
    assert "got (2" in fault.what


def test_reject_weights_that_are_not_safetensors_even_with_a_right_digest(folder):
    (folder / "weights.safetensors").write_bytes(b"not weights")
    rewrite(folder, lambda content: content["files"].update({"weights.safetensors": sha256(b"not weights")}))
    assert refusal(folder).code == "E_WEIGHTS_FILE"


def test_reject_a_scope_of_another_version_even_with_a_right_digest(folder):
    text = json.dumps({"schema_version": 2}).encode()
    (folder / "scope.json").write_bytes(text)
    rewrite(folder, lambda content: content["files"].update({"scope.json": sha256(text)}))
    fault = refusal(folder)
    assert fault.code == "E_MODEL_SCHEMA"
    assert fault.what.startswith("schema_version: Input should be 1")


def test_reject_a_description_without_weights(folder):
    rewrite(folder, lambda content: content["files"].pop("weights.safetensors"))
    assert refusal(folder).code == "E_MODEL_SCHEMA"


def test_saving_refuses_weights_of_another_network_and_writes_nothing(tmp_path):
    spec = model_spec(spec_3d())
    other = build_network(spec.network.model_copy(update={"width": 0.25}))
    with pytest.raises(ModelError, match="E_MODEL_SHAPE"):
        save_trained_model(tmp_path / "model", spec, other.state_dict())
    assert list(tmp_path.iterdir()) == []


def test_files_can_be_added_without_touching_the_weights(folder):
    before = load_trained_model(folder)
    after = extend_trained_model(before, {"evaluation.json": {"auroc": {"value": 0.9, "lower": 0.8, "upper": 0.95}}})
    assert after.digest != before.digest
    assert after.spec.files["weights.safetensors"] == before.spec.files["weights.safetensors"]
    assert "| auroc | 0.900 | 0.800 to 0.950 |" in (folder / "MODEL_CARD.md").read_text()


def test_the_weights_file_holds_the_state_dict_alone(folder):
    names = safetensors.torch.load((folder / "weights.safetensors").read_bytes()).keys()
    assert set(names) == set(build_network(model_spec(spec_3d()).network).state_dict())
