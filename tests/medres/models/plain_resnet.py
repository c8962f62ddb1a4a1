"""The residual equations of He et al. 2016 written out plainly: state dict + input -> logits, torchvision's layout.

A second implementation for tests; it knows nothing of MONAI or of medres.
"""

from __future__ import annotations

import torch
from torch.nn import functional as f

SHAPES = {
    10: ("basic", (1, 1, 1, 1)),
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
}
PLANES = (64, 128, 256, 512)


def make_state_dict(
    depth: int, dims: int = 2, channels: int = 3, labels: int = 1000, shortcut: str = "B", groups: int = 1
) -> dict[str, torch.Tensor]:
    """Draw a state dict with torchvision's names and shapes, batch norms filled with numbers that matter."""
    g = torch.Generator().manual_seed(depth)
    kind, repeats = SHAPES[depth]
    found: dict[str, torch.Tensor] = {}

    def conv(name, out, into, k, parts=1):
        scale = (2.0 * parts / (into * k**dims)) ** 0.5
        found[f"{name}.weight"] = torch.randn(out, into // parts, *[k] * dims, generator=g) * scale

    def norm(name, n):
        found[f"{name}.weight"] = 1.0 + 0.1 * torch.randn(n, generator=g)
        found[f"{name}.bias"] = 0.1 * torch.randn(n, generator=g)
        found[f"{name}.running_mean"] = 0.1 * torch.randn(n, generator=g)
        found[f"{name}.running_var"] = 1.0 + 0.2 * torch.rand(n, generator=g)
        found[f"{name}.num_batches_tracked"] = torch.tensor(5)

    conv("conv1", 64, channels, 7)
    norm("bn1", 64)
    into = 64
    for stage, (planes, count) in enumerate(zip(PLANES, repeats, strict=True), start=1):
        out = planes * (4 if kind == "bottleneck" else 1)
        for block in range(count):
            at = f"layer{stage}.{block}"
            kernels = (1, 3, 1) if kind == "bottleneck" else (3, 3)
            inner = planes if groups == 1 else 2 * planes  # 32 groups of 4 at 64 planes: twice as wide
            widths = (inner, inner, out) if kind == "bottleneck" else (planes, planes)
            before = into
            for n, (k, w) in enumerate(zip(kernels, widths, strict=True), start=1):
                conv(f"{at}.conv{n}", w, before, k, parts=groups if k == 3 else 1)
                norm(f"{at}.bn{n}", w)
                before = w
            if shortcut == "B" and block == 0 and (stage > 1 or into != out):
                conv(f"{at}.downsample.0", out, into, 1)
                norm(f"{at}.downsample.1", out)
            into = out
    found["fc.weight"] = torch.randn(labels, into, generator=g) * 0.05
    found["fc.bias"] = torch.randn(labels, generator=g) * 0.05
    return found


def forward(state: dict[str, torch.Tensor], x: torch.Tensor, depth: int) -> torch.Tensor:
    """Give logits: (B, C, *spatial) -> (B, L)."""
    return f.linear(features(state, x, depth).flatten(2).mean(2), state["fc.weight"], state["fc.bias"])


def features(state: dict[str, torch.Tensor], x: torch.Tensor, depth: int) -> torch.Tensor:
    """Give the last map: (B, C, *spatial) -> (B, F, *spatial / 32); without shortcut weights, shortcuts of type A."""
    dims = x.ndim - 2
    convolve, pool = (f.conv2d, f.max_pool2d) if dims == 2 else (f.conv3d, f.max_pool3d)

    def norm(name, y):
        keys = ("running_mean", "running_var", "weight", "bias")
        return f.batch_norm(y, *(state[f"{name}.{key}"] for key in keys))

    kind, repeats = SHAPES[depth]
    x = f.relu(norm("bn1", convolve(x, state["conv1.weight"], stride=2, padding=3)))
    x = pool(x, 3, 2, 1)
    for stage, count in enumerate(repeats, start=1):
        for block in range(count):
            at, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = x
            strides = (1, stride, 1) if kind == "bottleneck" else (stride, 1)
            for n, step in enumerate(strides, start=1):
                weight = state[f"{at}.conv{n}.weight"]
                parts = y.shape[1] // weight.shape[1]
                y = norm(f"{at}.bn{n}", convolve(y, weight, stride=step, padding=weight.shape[-1] // 2, groups=parts))
                y = f.relu(y) if n < len(strides) else y
            if f"{at}.downsample.0.weight" in state:
                x = norm(f"{at}.downsample.1", convolve(x, state[f"{at}.downsample.0.weight"], stride=stride))
            elif x.shape != y.shape:  # type A: every second voxel, zeros in the new channels
                x = x[(..., *[slice(None, None, stride)] * dims)]
                x = torch.cat([x, x.new_zeros(x.shape[0], y.shape[1] - x.shape[1], *x.shape[2:])], dim=1)
            x = f.relu(x + y)
    return x
