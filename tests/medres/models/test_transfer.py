"""Weights from elsewhere: all of them, in their place, or a reason why not."""

from __future__ import annotations

import pickle

import pytest
import safetensors.torch
import torch

from medres.errors import ModelError
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec
from medres.models.transfer import adapt_stem, load_weights, read_weights
from tests.medres.models import plain_resnet


def build(depth=18, dims=2, channels=3, labels=1000, seed=1, **changes):
    spec = NetworkSpec(name=f"resnet{depth}", spatial_dims=dims, in_channels=channels, label_count=labels, **changes)
    return build_network(spec, seed).eval()


@pytest.mark.parametrize(("depth", "dims"), [(18, 2), (34, 2), (50, 2), (18, 3)])
def test_torchvision_layout_loads_whole_and_gives_an_independent_forward(tmp_path, depth, dims):
    state = plain_resnet.make_state_dict(depth, dims)
    torch.save(state, tmp_path / "weights.pth")
    network = build(depth, dims)
    record = load_weights(network, tmp_path / "weights.pth")
    assert (record.missing, record.unexpected, dict(record.adapted)) == ((), (), {})
    assert record.coverage == 1.0
    assert record.layout == "torchvision"
    x = torch.randn(2, 3, *[40 + 2 * dims] * dims, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(network(x), plain_resnet.forward(state, x, depth), rtol=1e-5, atol=1e-5)


def test_names_of_other_projects_lose_their_prefix(tmp_path):
    state = plain_resnet.make_state_dict(18)
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, tmp_path / "w.pth")
    record = load_weights(build(), tmp_path / "w.pth")
    assert (record.layout, record.missing, record.unexpected) == ("medicalnet", (), ())


def test_safetensors_load_too(tmp_path):
    safetensors.torch.save_file(plain_resnet.make_state_dict(18), tmp_path / "w.safetensors")
    assert load_weights(build(), tmp_path / "w.safetensors").coverage == 1.0


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_adapted_stem_answers_grey_input_as_before(tmp_path, channels):
    torch.save(plain_resnet.make_state_dict(18), tmp_path / "w.pth")
    whole, other = build(), build(channels=channels)
    load_weights(whole, tmp_path / "w.pth")
    record = load_weights(other, tmp_path / "w.pth")
    assert record.adapted == {"conv1.weight": f"3 to {channels} channels"}
    grey = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        found, wanted = other(grey.repeat(1, channels, 1, 1)), whole(grey.repeat(1, 3, 1, 1))
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_more_channels_share_the_weight_of_the_old_ones():
    weight = torch.rand(4, 3, 7, 7)
    torch.testing.assert_close(adapt_stem(weight, 6).sum(1), weight.sum(1))


def test_head_of_other_labels_is_drawn_afresh_and_said_so(tmp_path):
    torch.save(plain_resnet.make_state_dict(18), tmp_path / "w.pth")
    network = build(labels=2)
    before = network.fc.weight.clone()
    record = load_weights(network, tmp_path / "w.pth")
    assert set(record.adapted) == {"fc.weight", "fc.bias"}
    assert torch.equal(network.fc.weight, before)
    assert record.coverage == 1.0


def test_replace_leaves_even_a_head_that_would_fit(tmp_path):
    torch.save(plain_resnet.make_state_dict(18), tmp_path / "w.pth")
    network = build()
    before = network.fc.weight.clone()
    load_weights(network, tmp_path / "w.pth", head="replace")
    assert torch.equal(network.fc.weight, before)


@pytest.mark.parametrize("changes", [{"depth": 34}, {"width": 0.5}, {"dims": 3}])
def test_reject_weights_of_another_network_and_load_nothing(tmp_path, changes):
    torch.save(plain_resnet.make_state_dict(18), tmp_path / "w.pth")
    network = build(**changes)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(ModelError, match=r"E_WEIGHTS_COVERAGE: at least 90 % .* got \d+\.\d %"):
        load_weights(network, tmp_path / "w.pth")
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_reject_backbone_whose_shortcuts_would_stay_random(tmp_path):
    state = {name: tensor for name, tensor in plain_resnet.make_state_dict(18).items() if "downsample" not in name}
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"E_WEIGHTS_COVERAGE: every shortcut must be loaded, got 15"):
        load_weights(build(), tmp_path / "w.pth")


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


def test_record_makes_a_table_and_plain_values(tmp_path):
    torch.save(plain_resnet.make_state_dict(18), tmp_path / "w.pth")
    record = load_weights(build(channels=1, labels=2), tmp_path / "w.pth")
    assert [row[0] for row in record.rows()] == ["loaded", "adapted", "missing", "unexpected"]
    assert record.to_dict()["adapted"]["conv1.weight"] == "3 to 1 channels"
