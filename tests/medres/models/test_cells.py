import pytest
import torch
from torch import nn

from medres.models.cells import Cells, after, trace_cells
from medres.models.registry import build_network
from medres.models.spec import NetworkSpec


def measured_centres(layers, size):
    """Find the centre of each output's receptive field the slow way: which inputs change it, by gradient."""
    centres = []
    for n in range(layers(torch.zeros(1, 1, size, 1)).shape[2]):
        line = torch.ones(1, 1, size, 1, requires_grad=True)
        layers(line)[0, 0, n, 0].backward()
        touched = line.grad[0, 0, :, 0].nonzero().flatten()
        centres.append(float(touched.min() + touched.max()) / 2)
    return centres


def ones(module):
    nn.init.ones_(module.weight)
    return module


@pytest.mark.parametrize(
    "layers",
    [
        [ones(nn.Conv2d(1, 1, (7, 1), stride=(2, 1), padding=(3, 0), bias=False))],
        [ones(nn.Conv2d(1, 1, (3, 1), stride=(2, 1), bias=False)), nn.AvgPool2d((2, 1))],
        [ones(nn.Conv2d(1, 1, (3, 1), dilation=(2, 1), padding=(2, 0), bias=False)), nn.AvgPool2d((4, 1))],
        [nn.AvgPool2d((2, 1)), ones(nn.Conv2d(1, 1, (5, 1), stride=(3, 1), padding=(1, 0), bias=False))],
    ],
)
def test_centres_equal_those_of_the_measured_receptive_fields(layers):
    network = nn.Sequential(*layers)
    size = 64
    with trace_cells(network, (size, 1)) as trace, torch.no_grad():
        output = network(torch.zeros(1, 1, size, 1))
    cells = trace.at(tuple(output.shape[2:]))
    measured = measured_centres(network, size)
    for n in range(3, len(measured) - 3):  # away from the edges, where padding cuts fields off
        assert measured[n] == pytest.approx(cells.start[0] + n * cells.step[0])


@pytest.mark.parametrize(("stem", "step"), [("standard", 32.0), ("small", 8.0)])
@pytest.mark.parametrize("dims", [2, 3])
def test_resnets_first_cell_is_centred_on_the_first_voxel(dims, stem, step):
    spec = NetworkSpec(name="resnet10", spatial_dims=dims, in_channels=1, label_count=2, width=0.05, stem=stem)
    network = build_network(spec).eval()
    size = (40, 48, 64)[:dims]
    with trace_cells(network, size) as trace, torch.no_grad():
        shape = tuple(network.features(torch.zeros(1, 1, *size)).shape[2:])
    assert trace.at(shape) == Cells((0.0,) * dims, (step,) * dims)


def test_padding_by_name_is_followed():
    start = Cells((0.0, 0.0), (1.0, 1.0))
    assert after(start, nn.Conv2d(1, 1, 5, padding="same")).start == (0.0, 0.0)
    assert after(start, nn.Conv2d(1, 1, 5, padding="valid")).start == (2.0, 2.0)


def test_a_map_that_was_not_followed_divides_the_input_evenly():
    network = nn.Sequential(nn.Upsample(scale_factor=0.25))
    with trace_cells(network, (16, 16)) as trace, torch.no_grad():
        network(torch.zeros(1, 1, 16, 16))
    assert trace.at((4, 4)) == Cells((1.5, 1.5), (4.0, 4.0))


def test_no_hook_is_left_behind():
    network = nn.Sequential(nn.Conv2d(1, 1, 3))
    with trace_cells(network, (8, 8)):
        assert network[0]._forward_hooks
    assert not network[0]._forward_hooks
