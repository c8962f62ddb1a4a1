from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn

from medres import geometry
from medres.classifier import Classifier, load_classifier
from medres.errors import ExplanationError
from medres.explain.gradcam import build_heatmap, default_layer, grad_cam, relevance_of
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec
from tests.tiny_models import PLACES_MM, ct_volume, picture, tiny_ct_model

SIZES = {2: (72, 64), 3: (48, 40, 56)}


def resnet(dims, name="resnet10"):
    spec = NetworkSpec(name=name, spatial_dims=dims, in_channels=1, label_count=3, width=0.1)
    return build_network(spec, seed=3).eval()


def batch(dims, count=2):
    return torch.randn(count, 1, *SIZES[dims], generator=torch.Generator().manual_seed(1))


class AnalyticNetwork(nn.Module):
    """Logit 1 is the mean of twice the averages of blocks of 4; so its Grad-CAM is known: 2 x block average / count."""

    def __init__(self, dims):
        super().__init__()
        self.blocks = nn.AvgPool3d(4) if dims == 3 else nn.AvgPool2d(4)
        self.scale = nn.Parameter(torch.tensor([0.0, 2.0]))

    def forward(self, x):
        return self.blocks(x).mean(dim=tuple(range(1, x.ndim)))[:, None] * self.scale


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("name", "layer"), [("resnet10", "layer3"), ("resnet10", "layer2.0.conv2"), ("resnet50", "layer4")]
)
def test_grad_cam_equals_captums(dims, name, layer):
    network, inputs = resnet(dims, name), batch(dims)
    attribution = LayerGradCam(network, dict(network.named_modules())[layer])
    for label in range(3):
        ours = grad_cam(network, inputs, label, layer)
        signed = attribution.attribute(inputs, target=label)[:, 0].detach().numpy()
        assert np.abs(ours.signed - signed).max() <= 1e-5 * max(1.0, float(np.abs(signed).max()))
        positive = attribution.attribute(inputs, target=label, relu_attributions=True)[:, 0].detach().numpy()
        assert np.abs(ours.relevance - positive).max() <= 1e-5 * max(1.0, float(positive.max()))


@pytest.mark.parametrize("dims", [2, 3])
def test_map_of_an_analytic_network_is_the_one_known(dims):
    network = AnalyticNetwork(dims)
    inputs = torch.rand(1, 1, *(16,) * dims)
    maps = grad_cam(network, inputs, 1, "blocks")
    count = 4**dims
    assert np.allclose(maps.relevance, 2 * network.blocks(inputs)[:, 0].numpy() / count, atol=1e-6)
    assert maps.cells.start == (1.5,) * dims
    assert maps.cells.step == (4.0,) * dims


def test_hot_means_important_and_what_speaks_against_is_zero():
    network = AnalyticNetwork(2)
    inputs = torch.zeros(1, 1, 16, 16)
    inputs[..., 4:8, 8:12] = 1.0
    inputs[..., 0:4, 0:4] = -1.0
    relevance = grad_cam(network, inputs, 1, "blocks").relevance[0]
    assert np.unravel_index(relevance.argmax(), relevance.shape) == (1, 2)
    assert (relevance > 0).sum() == 1


def test_logits_are_those_of_the_plain_network():
    network, inputs = resnet(3), batch(3, 6)  # more views than are held at once
    with torch.no_grad():
        assert np.allclose(grad_cam(network, inputs, 0, "layer4").logits, network(inputs).numpy(), atol=1e-5)


def test_network_is_left_as_it_was():
    network, inputs = resnet(2), batch(2)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    grad_cam(network, inputs, 0, "layer4")
    assert all(not module._forward_hooks and not module._backward_hooks for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_no_hook_is_left_when_the_network_fails():
    network = resnet(2)
    with pytest.raises(RuntimeError):
        grad_cam(network, torch.zeros(1, 7, 64, 64), 0, "layer4")
    assert all(not module._forward_hooks for module in network.modules())


def test_works_where_gradients_are_switched_off():
    network, inputs = resnet(2).requires_grad_(False), batch(2)
    expected = grad_cam(resnet(2), inputs, 1, "layer4").relevance
    with torch.no_grad():
        assert np.array_equal(grad_cam(network, inputs, 1, "layer4").relevance, expected)


def test_several_readers_at_once_get_the_serial_result_and_disturb_no_prediction():
    network = resnet(2)
    inputs = [torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(n)) for n in range(8)]
    serial = [grad_cam(network, x, 1, "layer4").relevance for x in inputs]

    def predict(x):
        with torch.inference_mode():
            return network(x)

    with ThreadPoolExecutor(8) as pool:
        maps = [pool.submit(lambda x=x: grad_cam(network, x, 1, "layer4").relevance) for x in inputs]
        plain = [pool.submit(predict, x) for x in inputs]
        assert all(np.array_equal(m.result(), s) for m, s in zip(maps, serial, strict=True))
        assert all(torch.equal(p.result(), predict(x)) for p, x in zip(plain, inputs, strict=True))


@pytest.mark.parametrize("layer", ["layer9", "", "fc"])
def test_reject_layer_without_a_map(layer):
    with pytest.raises(ExplanationError, match="E_EXPLAIN_LAYER") as caught:
        grad_cam(resnet(2), batch(2), 0, layer)
    assert "layer4" in str(caught.value)


def test_resnets_name_their_last_stage():
    assert default_layer(resnet(3)) == "layer4"


@pytest.fixture(scope="module")
def classifier(tiny_ct):
    return load_classifier(tiny_ct)


@pytest.mark.parametrize("place", PLACES_MM)
def test_hottest_point_of_a_model_lies_within_one_native_cell_of_the_lesion(classifier, place):
    heatmap = build_heatmap(classifier, ct_volume(77, place))
    offset = geometry.apply_affine(np.linalg.inv(heatmap.affine), place)
    offset = offset - geometry.apply_affine(np.linalg.inv(heatmap.affine), heatmap.hottest_mm)
    assert np.abs(offset).max() <= 1.0


@pytest.mark.parametrize("views", ["patches", "slices"])
def test_patches_and_slices_give_one_map_over_the_whole_grid(tmp_path, views):
    classifier = load_classifier(tiny_ct_model(tmp_path / views, views, scope=False))
    volume = ct_volume(77, PLACES_MM[0])
    heatmap, given = build_heatmap(classifier, volume), classifier.prepare(volume)
    reach = geometry.apply_affine(np.linalg.inv(given.affine) @ heatmap.affine, np.array(heatmap.relevance.shape) - 1.0)
    steps = np.array(heatmap.cell_mm) / geometry.spacing_mm(given.affine)
    assert (np.array(given.shape) - 1 - reach < steps).all()
    assert np.linalg.norm(heatmap.hottest_mm - PLACES_MM[0]) < 3**0.5 * max(heatmap.cell_mm)


CALIBRATORS = [
    {"kind": "platt", "slope": 0.3, "intercept": -2.0},
    {"kind": "isotonic", "scores": [0.0, 1.0], "probabilities": [0.1, 0.2]},
    {"kind": "beta", "a": 0.5, "b": 0.7, "c": -1.0},
]


@pytest.mark.parametrize("record", CALIBRATORS, ids=lambda record: record["kind"])
def test_calibrator_of_whole_scans_changes_the_probability_and_no_view_of_the_map(tmp_path, record):
    plain = load_classifier(tiny_ct_model(tmp_path / "model", "slices", scope=False))
    model = replace(plain.model, spec=plain.model.spec.model_copy(update={"calibrator": record}))
    calibrated = Classifier(model, plain.engine)
    volume = ct_volume(77, PLACES_MM[0])
    assert calibrated.predict(volume).probability != plain.predict(volume).probability
    given = plain.prepare(volume)
    maps = [relevance_of(one, given, model.spec.positive_label, "layer4")[0] for one in (plain, calibrated)]
    assert np.array_equal(*maps)


def test_map_of_a_picture_lies_on_the_pictures_pixels(tiny_us):
    heatmap = build_heatmap(load_classifier(tiny_us), picture(51, (60, 20)))
    assert heatmap.relevance.shape == (8, 8, 1)
    assert not heatmap.spacing_known
    assert np.abs(heatmap.hottest_mm[:2] - (60, 20)).max() <= heatmap.cell_mm[0]


def test_without_a_tested_scale_the_map_says_that_its_scale_is_its_own(classifier):
    heatmap = build_heatmap(classifier, ct_volume(77, PLACES_MM[0]))
    assert heatmap.scale_source == "this map alone"
    assert heatmap.scale == heatmap.relevance.max()
    assert heatmap.scorecard is None


def test_another_label_and_another_layer_can_be_asked_for(classifier):
    heatmap = build_heatmap(classifier, ct_volume(77), label="benign", layer="layer3")
    assert (heatmap.label, heatmap.layer) == ("benign", "layer3")
    assert heatmap.cell_mm == (16.0, 16.0, 16.0)


def test_reject_unknown_label_and_scan_out_of_scope(classifier):
    with pytest.raises(ExplanationError, match="E_EXPLAIN_LABEL: label must be one of benign, tumour, got 'cyst'"):
        build_heatmap(classifier, ct_volume(77), label="cyst")
    with pytest.raises(ExplanationError, match=r"E_EXPLAIN_INPUT.*E_SCOPE_MODALITY"):
        build_heatmap(classifier, picture(0))
