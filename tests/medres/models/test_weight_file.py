"""A file of weights is opened safely, or refused; its layout is told by its names."""

from __future__ import annotations

import pickle

import pytest
import safetensors.torch
import torch

from medres.errors import ModelError
from medres.models.registry import REGISTRY, find_entry
from medres.models.spec import NetworkSpec
from medres.models.weight_file import open_weights, plain_name, read_weights
from tests.small import save_tiny_model, spec_3d


class Harm:
    def __reduce__(self):
        return (print, ("harm done",))


def test_reject_pickle_with_code_and_do_not_run_it(tmp_path, capsys):
    (tmp_path / "w.pth").write_bytes(pickle.dumps({"conv1.weight": Harm()}))
    with pytest.raises(ModelError, match="E_WEIGHTS_FILE"):
        read_weights(tmp_path / "w.pth")
    assert "harm" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_reject_truncated_file(tmp_path, name):
    state = {"conv1.weight": torch.zeros(64, 3, 7, 7)}
    if name.endswith("pth"):
        torch.save(state, tmp_path / name)
    else:
        safetensors.torch.save_file(state, tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="E_WEIGHTS_FILE"):
        read_weights(tmp_path / name)


def test_reject_missing_file_and_file_without_tensors(tmp_path):
    with pytest.raises(ModelError, match="E_WEIGHTS_FILE"):
        read_weights(tmp_path / "nothing.pth")
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"E_WEIGHTS_FILE.*tensors by name"):
        read_weights(tmp_path / "w.pth")


@pytest.mark.parametrize("place", [60, 400, -300])
def test_altered_file_is_refused_or_has_another_digest(tmp_path, place):
    torch.save({"conv1.weight": torch.ones(64)}, tmp_path / "w.pth")
    first, _ = read_weights(tmp_path / "w.pth")
    content = bytearray((tmp_path / "w.pth").read_bytes())
    content[place] ^= 0xFF
    (tmp_path / "w.pth").write_bytes(content)
    try:
        second, _ = read_weights(tmp_path / "w.pth")
    except ModelError:
        second = "refused"
    assert second != first


@pytest.mark.parametrize(
    ("saved", "layout", "dims"),
    [
        ({"conv1.weight": torch.zeros(4, 3, 7, 7)}, "torchvision", 2),
        ({"state_dict": {"module.conv1.weight": torch.zeros(4, 1, 7, 7, 7)}}, "medicalnet", 3),
        ({"state_dict": {"module.conv1.weight": torch.zeros(4, 3, 7, 7)}}, "torchvision", 2),
        ({"fc.weight": torch.zeros(4, 3)}, "other", None),
    ],
)
def test_layout_and_dimensions_are_told_by_names_and_shapes(tmp_path, saved, layout, dims):
    torch.save(saved, tmp_path / "w.pth")
    found = open_weights(tmp_path / "w.pth")
    assert (found.layout, found.spatial_dims, len(found.digest)) == (layout, dims, 64)
    assert not any(name.startswith("module.") for name in found.tensors)


def test_trained_model_gives_its_weights(tmp_path):
    model = save_tiny_model(tmp_path / "model", spec_3d())
    found = open_weights(model.folder)
    assert found.layout == "medres"
    assert found.digest == model.spec.files["weights.safetensors"]
    assert set(found.tensors) == set(model.state_dict)


STEM = {"conv1.weight": torch.arange(6.0).reshape(2, 3, 1, 1)}


@pytest.mark.parametrize(
    ("saved", "part"),
    [
        ({"model": STEM, "optimizer": {"lr": 1}, "epoch": 3}, "model"),
        ({"model": {"depth": 18}, "weights": STEM}, "weights"),
        ({"state_dict": {"model": STEM}}, "state_dict.model"),
        ({"model": STEM, "model_ema": {"conv1.weight": torch.zeros(2, 3, 1, 1)}}, "model"),
        ({"model_ema": {"module.conv1.weight": STEM["conv1.weight"], "n_averaged": torch.tensor(3)}}, "model_ema"),
    ],
)
def test_weights_are_found_in_the_parts_that_others_save_and_averages_only_alone(tmp_path, saved, part):
    torch.save(saved, tmp_path / "w.pth")
    found = open_weights(tmp_path / "w.pth")
    assert found.part == part
    assert torch.equal(found.tensors["conv1.weight"], STEM["conv1.weight"])


@pytest.mark.parametrize("prefix", ["module.encoder_q.", "_orig_mod.module.", "model.backbone.", "net.", "encoder."])
def test_prefixes_of_other_projects_come_off_however_many(tmp_path, prefix):
    saved = {f"{prefix}{name}": tensor for name, tensor in STEM.items()}
    torch.save(saved | {"module.encoder_k.conv1.weight": torch.zeros(2, 3, 1, 1)}, tmp_path / "w.pth")
    assert torch.equal(open_weights(tmp_path / "w.pth").tensors["conv1.weight"], STEM["conv1.weight"])


@pytest.mark.parametrize("name", REGISTRY)
def test_no_prefix_comes_off_the_names_of_our_own_networks(name):
    facts = {"name": name, "spatial_dims": 2, "in_channels": 1, "label_count": 2, "width": 0.125}
    with torch.device("meta"):
        names = list(find_entry(name).build(NetworkSpec(**facts)).state_dict())
    assert [plain_name(one) for one in names] == names


def test_reject_two_networks_in_one_file_but_not_one_under_two_names(tmp_path):
    twice = {"model.conv1.weight": STEM["conv1.weight"], "backbone.conv1.weight": STEM["conv1.weight"]}
    torch.save(twice, tmp_path / "w.pth")
    assert list(open_weights(tmp_path / "w.pth").tensors) == ["conv1.weight"]
    torch.save(twice | {"backbone.conv1.weight": torch.zeros(2, 3, 1, 1)}, tmp_path / "w.pth")
    with pytest.raises(
        ModelError, match=r"E_WEIGHTS_FILE: .* one network, got two different weights for conv1\.weight"
    ):
        open_weights(tmp_path / "w.pth")


def test_a_file_without_known_parts_says_which_it_has(tmp_path):
    torch.save({"student": STEM, "teacher": STEM}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"E_WEIGHTS_FILE: .*got a dict of 'student', 'teacher' - save the state dict"):
        open_weights(tmp_path / "w.pth")


def test_a_folder_that_is_no_trained_model_is_called_one(tmp_path):
    with pytest.raises(ModelError, match=r"E_WEIGHTS_FILE: .*, got another folder"):
        open_weights(tmp_path)
