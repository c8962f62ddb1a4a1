"""Weights from elsewhere: all of them, in their place, or a reason why not."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch

from medres.errors import ModelError
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec
from medres.models.transfer import adapt_stem, load_weights
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


def test_resnext_in_torchvision_layout_gives_an_independent_forward(tmp_path):
    state = plain_resnet.make_state_dict(50, groups=32)
    torch.save(state, tmp_path / "weights.pth")
    network = build_network(NetworkSpec(name="resnext50_32x4d", spatial_dims=2, in_channels=3, label_count=1000)).eval()
    record = load_weights(network, tmp_path / "weights.pth")
    assert (record.missing, record.unexpected, dict(record.adapted), record.coverage) == ((), (), {}, 1.0)
    x = torch.randn(2, 3, 44, 44, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(network(x), plain_resnet.forward(state, x, 50), rtol=1e-5, atol=1e-5)


def test_names_of_other_projects_lose_their_prefix(tmp_path):
    state = plain_resnet.make_state_dict(18)
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, tmp_path / "w.pth")
    record = load_weights(build(), tmp_path / "w.pth")
    assert (record.layout, record.missing, record.unexpected) == ("torchvision", (), ())
    assert (record.part, record.spatial_dims) == ("state_dict", 2)


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


@pytest.mark.parametrize("name", ["vgg11_bn", "efficientnet_b0", "vit_s16", "densenet121"])
def test_every_family_takes_its_own_weights_back_with_other_channels_and_labels(tmp_path, name):
    facts = {"name": name, "spatial_dims": 2, "width": 0.125}
    learnt = build_network(NetworkSpec(**facts, in_channels=3, label_count=5), seed=1).eval()
    safetensors.torch.save_file(learnt.state_dict(), tmp_path / "w.safetensors")
    network = build_network(NetworkSpec(**facts, in_channels=1, label_count=2), seed=2).eval()
    record = load_weights(network, tmp_path / "w.safetensors")
    assert (record.coverage, record.missing, record.unexpected) == (1.0, (), ())
    assert "3 to 1 channels" in record.adapted.values()
    x = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.embed(x), learnt.embed(x.repeat(1, 3, 1, 1)), rtol=1e-3, atol=1e-3)


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


def keep(state, wanted):
    return {name: tensor for name, tensor in state.items() if wanted(name)}


@pytest.mark.parametrize(
    ("change", "changes", "said"),
    [
        (
            lambda s: keep(s, lambda name: "running" not in name),
            {},
            r"COVERAGE: running statistics .* without 24 .* norm",
        ),
        (lambda s: s, {"norm": "group"}, r'COVERAGE: every weight .* got 22 .* set norm = "batch"'),
        (lambda s: {n: (t * 100).to(torch.int8) for n, t in s.items()}, {}, r"COVERAGE: .* got 0\.0 %"),
        (
            lambda s: s | {"layer1.0.conv1.weight": s["layer1.0.conv1.weight"] * torch.nan},
            {},
            "FILE: .* finite.* got 1",
        ),
        (
            lambda s: s | {"bn1.running_var": s["bn1.running_var"] - 9},
            {},
            r"FILE: .* negative.* first bn1\.running_var",
        ),
    ],
)
def test_reject_weights_that_would_answer_nonsense_and_load_nothing(tmp_path, change, changes, said):
    torch.save(change(plain_resnet.make_state_dict(10)), tmp_path / "w.pth")
    network = build(10, **changes)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(ModelError, match=f"E_WEIGHTS_{said}"):
        load_weights(network, tmp_path / "w.pth")
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("layout", "said"), [("medicalnet", "E_WEIGHTS_FILE: .* got torchvision"), ("keras", "E_USAGE: .* got 'keras'")]
)
def test_reject_a_layout_that_the_file_does_not_have(tmp_path, layout, said):
    torch.save(plain_resnet.make_state_dict(10), tmp_path / "w.pth")
    with pytest.raises(ModelError, match=said):
        load_weights(build(10), tmp_path / "w.pth", layout)
    assert load_weights(build(10), tmp_path / "w.pth", "torchvision").layout == "torchvision"


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_become_those_of_the_network(tmp_path, kind):
    state = plain_resnet.make_state_dict(10)
    torch.save({n: t.to(kind) if t.is_floating_point() else t for n, t in state.items()}, tmp_path / "w.pth")
    network = build(10)
    assert load_weights(network, tmp_path / "w.pth").coverage == 1.0
    assert network.conv1.weight.dtype == torch.float32
    torch.testing.assert_close(network.conv1.weight, state["conv1.weight"], rtol=1e-2, atol=1e-2)


def test_3d_weights_do_not_come_into_a_2d_network(tmp_path):
    save_as_medicalnet(tmp_path, 10, "B")
    with pytest.raises(ModelError, match=r"E_WEIGHTS_COVERAGE: .* choose 2D weights"):
        load_weights(build(10, channels=1), tmp_path / "resnet.pth")


def save_as_medicalnet(folder, depth, shortcut):
    state = plain_resnet.make_state_dict(depth, 3, channels=1, shortcut=shortcut)
    state = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, folder / "resnet.pth")
    return state


@pytest.mark.parametrize(("depth", "shortcut"), [(10, "B"), (18, "A"), (34, "A")])
def test_medicalnet_layout_loads_whole_and_gives_an_independent_forward(tmp_path, depth, shortcut):
    state = save_as_medicalnet(tmp_path, depth, shortcut)
    network = build(depth, 3, channels=1, labels=2, shortcut=shortcut)
    record = load_weights(network, tmp_path / "resnet.pth")
    assert (record.layout, record.missing, record.unexpected, record.coverage) == ("medicalnet", (), (), 1.0)
    assert set(record.adapted) == {"fc.weight", "fc.bias"}
    x = torch.randn(1, 1, 40, 36, 44, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(network.features(x), plain_resnet.features(state, x, depth), rtol=1e-5, atol=1e-5)


def test_shortcuts_of_the_other_type_are_refused_with_the_cure(tmp_path):
    save_as_medicalnet(tmp_path, 18, "A")
    with pytest.raises(
        ModelError, match=r'E_WEIGHTS_COVERAGE: every shortcut must be loaded, got 15 .* set shortcut = "A"'
    ):
        load_weights(build(18, 3, channels=1), tmp_path / "resnet.pth")
    save_as_medicalnet(tmp_path, 18, "B")
    with pytest.raises(ModelError, match=r'E_WEIGHTS_COVERAGE: every weight .* got 15 .* set shortcut = "B"'):
        load_weights(build(18, 3, channels=1, shortcut="A"), tmp_path / "resnet.pth")


def test_a_deeper_file_does_not_fill_a_shallower_network(tmp_path):
    torch.save(plain_resnet.make_state_dict(18), tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"E_WEIGHTS_COVERAGE: .* first layer1\.1\..*own depth"):
        load_weights(build(10), tmp_path / "w.pth")


def test_a_stem_of_another_size_is_refused(tmp_path):
    torch.save(plain_resnet.make_state_dict(18), tmp_path / "w.pth")
    with pytest.raises(ModelError, match="E_WEIGHTS_COVERAGE: the first convolution must be loaded"):
        load_weights(build(stem="small"), tmp_path / "w.pth")


def replicate_borders(network):
    for module in network.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Conv3d)):
            module.padding_mode = "replicate"  # so that a constant axis stays constant up to the border
    return network


def test_inflated_network_gives_the_2d_features_on_a_volume_constant_along_one_axis(tmp_path):
    torch.save(plain_resnet.make_state_dict(18), tmp_path / "w.pth")
    flat, deep = build(), build(dims=3)
    load_weights(flat, tmp_path / "w.pth")
    record = load_weights(deep, tmp_path / "w.pth", carry="inflate")
    assert (record.carry, record.coverage, record.missing) == ("inflate", 1.0, ())
    assert record.adapted["layer1.0.conv1.weight"] == "inflated from 2D"
    picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))  # (B, C, j, i)
    volume = picture.transpose(2, 3)[..., None].repeat(1, 1, 1, 1, 40)  # (B, C, i, j, k)
    with torch.no_grad():
        wanted = replicate_borders(flat).features(picture).transpose(2, 3)[..., None]
        found = replicate_borders(deep).features(volume)
    torch.testing.assert_close(found, wanted.expand_as(found), rtol=1e-4, atol=1e-4)


def test_acs_network_loads_2d_weights_as_they_are(tmp_path):
    state = plain_resnet.make_state_dict(18)
    torch.save(state, tmp_path / "w.pth")
    network = build(dims=3, channels=1, convolution="acs")
    record = load_weights(network, tmp_path / "w.pth")  # the record says what was done, not what was asked for
    assert (record.carry, record.coverage, set(record.adapted)) == ("acs", 1.0, {"conv1.weight"})
    state["conv1.weight"] = state["conv1.weight"].sum(1, keepdim=True)
    cubes = {name: as_cubes(tensor) if tensor.ndim == 4 else tensor for name, tensor in state.items()}
    x = torch.randn(1, 1, 40, 36, 44, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(network(x), plain_resnet.forward(cubes, x, 18), rtol=1e-4, atol=1e-4)


def as_cubes(weight):
    """Lay each third of the filters into its own plane, written out: rows are the plane's second axis."""
    out, into, k, _ = weight.shape
    cubes = torch.zeros(out, into, k, k, k)
    first, second = -(-out // 3), -(-out // 3) + -(-(out - 1) // 3)
    cubes[:first, :, :, :, k // 2] = weight[:first].transpose(2, 3)  # (i, j)
    cubes[first:second, :, :, k // 2, :] = weight[first:second].transpose(2, 3)  # (i, k)
    cubes[second:, :, k // 2, :, :] = weight[second:].transpose(2, 3)  # (j, k)
    return cubes


@pytest.mark.parametrize("carry", [None, "acs"])
def test_2d_weights_need_a_way_into_a_3d_network(tmp_path, carry):
    torch.save(plain_resnet.make_state_dict(18), tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r'E_WEIGHTS_COVERAGE.*"acs"'):
        load_weights(build(dims=3), tmp_path / "w.pth", carry=carry)


def test_record_makes_a_table_and_plain_values(tmp_path):
    torch.save(plain_resnet.make_state_dict(18), tmp_path / "w.pth")
    record = load_weights(build(channels=1, labels=2), tmp_path / "w.pth")
    assert [row[0] for row in record.rows()] == ["loaded", "adapted", "missing", "unexpected"]
    assert record.to_dict()["adapted"]["conv1.weight"] == "3 to 1 channels"
