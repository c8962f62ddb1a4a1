"""NetworkSpec -> vision transformer in 2D or 3D, with a class token and a map of tokens for Grad-CAM.

Knows no weights and no scans. MONAI's ViT ends in Tanh, gives a tuple and never has the published count.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from medres.models.layers import CONVOLUTIONS
from medres.models.network import Network
from medres.models.spec import NetworkSpec

HEADS = {"vit_s16": 6, "vit_b16": 12}
HEAD_WIDTH = 64  # channels of one attention head
DEPTH = 12
BLOCKS_OF_STAGE = 3
PATCH = {"standard": 16, "small": 4}  # voxels along each axis
GRID = {2: (14, 14), 3: (6, 6, 6)}  # cells that positions are learnt for: 224 pixels, 96 voxels
INTERPOLATION = {2: "bilinear", 3: "trilinear"}
EPS = 1e-6  # of the layer norms
SPREAD = 0.02  # standard deviation of what is drawn
STAGES = ("stage1", "stage2", "stage3", "stage4")


class Attention(nn.Module):
    """Self-attention with several heads.

    Args:
        channels: of a token.
        heads: that share them.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(channels, 3 * channels)
        self.gather = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Let every token look at every other.

        Args:
            tokens: (B, N, D) float.

        Returns:
            (B, N, D).
        """
        split = self.queries_keys_values(tokens).unflatten(2, (3, self.heads, HEAD_WIDTH))  # (B, N, 3, heads, 64)
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, heads, N, 64)
        found = functional.scaled_dot_product_attention(queries, keys, values)
        return self.gather(found.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class TransformerBlock(nn.Module):
    """Attention and two dense layers, each with a shortcut and a norm before it.

    Args:
        channels: of a token.
        heads: of the attention.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=EPS)
        self.attention = Attention(channels, heads)
        self.norm2 = nn.LayerNorm(channels, eps=EPS)
        self.dense = nn.Sequential(nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels))

    def forward(self, tokens: Tensor) -> Tensor:
        """Run the block.

        Args:
            tokens: (B, N, D) float.

        Returns:
            (B, N, D).
        """
        tokens = tokens + self.attention(self.norm1(tokens))
        return tokens + self.dense(self.norm2(tokens))  # type: ignore[no-any-return]


class TokenMap(nn.Module):
    """Lay tokens out as the map that they were cut from; the layer that Grad-CAM looks at."""

    def forward(self, tokens: Tensor, grid: list[int]) -> Tensor:
        """Lay tokens out.

        Args:
            tokens: (B, N, D) float, without the class token.
            grid: cells along each axis, N in all.

        Returns:
            (B, D, *grid).
        """
        return lay_out(tokens, grid)


def lay_out(tokens: Tensor, grid: list[int]) -> Tensor:
    """Lay tokens out as the map that they were cut from.

    Args:
        tokens: (B, N, D) float, without the class token.
        grid: cells along each axis, N in all.

    Returns:
        (B, D, *grid).

    Example:
        >>> lay_out(torch.zeros(1, 6, 8), [2, 3]).shape
        torch.Size([1, 8, 2, 3])
    """
    return tokens.transpose(1, 2).unflatten(2, grid)  # type: ignore[no-any-return]


class VisionTransformer(Network):
    """A vision transformer; positions are interpolated to any grid of patches.

    Args:
        spec: size by name, dimensions, channels, width (of the heads' number), stem (patches of 16 or 4 voxels).

    Source:
        Dosovitskiy et al., An image is worth 16 x 16 words, ICLR 2021 (arXiv:2010.11929); the small one, Touvron et
        al., DeiT, ICML 2021 (arXiv:2012.12877).

    Example:
        >>> spec = NetworkSpec(name="vit_s16", spatial_dims=3, in_channels=1, label_count=2, width=0.2)
        >>> VisionTransformer(spec)(torch.zeros(2, 1, 32, 32, 48)).shape
        torch.Size([2, 2])
    """

    stages = STAGES
    cam_layer = "token_map"

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        heads, patch = max(1, round(HEADS[spec.name] * spec.width)), PATCH[spec.stem]
        channels = heads * HEAD_WIDTH
        self.learnt_grid = GRID[spec.spatial_dims]
        self.patches = CONVOLUTIONS[spec.spatial_dims](spec.in_channels, channels, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, channels))
        cells = torch.Size(self.learnt_grid).numel()
        self.positions = nn.Parameter(torch.zeros(1, 1 + cells, channels))
        self.token_map = TokenMap()
        for name in STAGES:
            blocks = [TransformerBlock(channels, heads) for _ in range(BLOCKS_OF_STAGE)]
            norm = [nn.LayerNorm(channels, eps=EPS)] if name == STAGES[-1] else []
            setattr(self, name, nn.Sequential(*blocks, *norm))
        self.finish(channels, spec.label_count, spec.dropout)
        _draw(self)

    def tokens(self, x: Tensor) -> tuple[Tensor, list[int]]:
        """Cut an input into tokens and run all blocks.

        The last block reads its patch tokens through `token_map`, where Grad-CAM finds them: after it the class token
        alone decides, and no other token has a gradient.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            Tokens (B, 1 + N, D), the class token first, and the grid of the others.
        """
        cut = self.patches(x)  # (B, D, *grid)
        grid = list(cut.shape[2:])
        tokens = torch.cat([self.class_token.expand(cut.shape[0], -1, -1), cut.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + self._positions_for(grid)
        for name in STAGES[:-1]:
            tokens = getattr(self, name)(tokens)
        *before, last, norm = self.stage4  # type: ignore[misc]
        for block in before:
            tokens = block(tokens)
        shown = self.token_map(tokens[:, 1:], grid)  # (B, D, *grid)
        tokens = torch.cat([tokens[:, :1], shown.flatten(2).transpose(1, 2)], dim=1)
        return norm(last(tokens)), grid

    def features(self, x: Tensor) -> Tensor:
        """Give the last tokens as a map, the class token left out.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, D, *grid), one cell of it for 16 input voxels (4 with the small stem).
        """
        tokens, grid = self.tokens(x)
        return lay_out(tokens[:, 1:], grid)

    def embed(self, x: Tensor) -> Tensor:
        """Give one vector for each input: the class token.

        Args:
            x: (B, C, *spatial) float.

        Returns:
            (B, D).
        """
        return self.tokens(x)[0][:, 0]

    def _positions_for(self, grid: list[int]) -> Tensor:
        """Interpolate what was learnt for one grid to another; for its own grid nothing changes."""
        learnt = lay_out(self.positions[:, 1:], list(self.learnt_grid))  # (1, D, *learnt_grid)
        fitted = functional.interpolate(learnt, grid, mode=INTERPOLATION[len(grid)], align_corners=False)
        return torch.cat([self.positions[:, :1], fitted.flatten(2).transpose(1, 2)], dim=1)  # (1, 1 + N, D)


def _draw(network: VisionTransformer) -> None:
    """Draw weights as the paper does: a narrow normal, biases nothing."""
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.Conv3d)):
            nn.init.trunc_normal_(module.weight, std=SPREAD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.normal_(network.class_token, std=SPREAD)
    nn.init.normal_(network.positions, std=SPREAD)


def smallest_input(spec: NetworkSpec) -> int:
    """Name the least number of voxels along each axis that the network takes.

    Args:
        spec: the stem decides.

    Returns:
        Voxels of two patches.
    """
    return 2 * PATCH[spec.stem]
