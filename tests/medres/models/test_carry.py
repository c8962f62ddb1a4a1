"""Weights of another shape answer as before."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from medres.models.carry import adapt_stem, inflate


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_adapted_stem_answers_grey_input_as_before(channels):
    weight, grey = torch.rand(4, 3, 3, 3), torch.rand(1, 1, 8, 8)
    found = functional.conv2d(grey.repeat(1, channels, 1, 1), adapt_stem(weight, channels))
    torch.testing.assert_close(found, functional.conv2d(grey.repeat(1, 3, 1, 1), weight))


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_inflated_kernel_sees_a_stack_of_one_picture_as_that_picture(depth):
    weight, picture = torch.rand(4, 2, 3, 3), torch.rand(1, 2, 8, 9)  # rows, columns
    stack = picture.transpose(2, 3)[..., None].repeat(1, 1, 1, 1, depth)  # (1, 2, i, j, k)
    found = functional.conv3d(stack, inflate(weight, depth))
    torch.testing.assert_close(found[..., 0].transpose(2, 3), functional.conv2d(picture, weight))
