"""Networks with branches that are added to what goes around them, as people write them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

IMAGE, TOKENS = (2, 3, 8, 8), (2, 5, 8)


class Basic(nn.Module):
    """Two convolutions, added in place; where sizes change, the way around is a layer too."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.down = None
        if stride > 1:
            self.down = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.down is None else self.down(x)
        return self.relu(out)


class PreActivated(nn.Module):
    """Norm and activation come first, and the activation works in place on what it is given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(width), nn.BatchNorm2d(2 * width)
        self.conv1 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.conv2, self.drop = nn.Conv2d(2 * width, width, 1), nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        inside = self.conv1(F.relu(self.norm1(x), inplace=True))
        return x + self.drop(self.conv2(F.relu(self.norm2(inside))))


class Inverted(nn.Module):
    """Wide and depthwise inside, with a gate that looks at all of the map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        wide = 3 * width
        self.expand = nn.Sequential(nn.Conv2d(width, wide, 1), nn.BatchNorm2d(wide), nn.ReLU6())
        self.depth = nn.Sequential(nn.Conv2d(wide, wide, 3, 1, 1, groups=wide), nn.Hardswish())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, wide, 1), nn.Sigmoid())
        self.project = nn.Sequential(nn.Conv2d(wide, width, 1), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        inside = self.depth(self.expand(x))
        return x + self.project(inside * self.gate(inside))


class Next(nn.Module):
    """A wide kernel, layers on the last axis, and a scale for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm, self.gamma = nn.LayerNorm(width), nn.Parameter(torch.ones(width))
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        inside = self.mlp(self.norm(self.wide(x).permute(0, 2, 3, 1)))
        return x + (self.gamma * inside).permute(0, 3, 1, 2)


class Nested(nn.Module):
    """Blocks inside a block, as networks for super-resolution have."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = Basic(width, width), PreActivated(width)
        self.last = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.last(self.second(self.first(x)))


class Sublayers(nn.Module):
    """Attention and a perceptron, each with its norm before it and a scale behind it."""

    def __init__(self, width: int, heads: int = 2) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.fc1, self.fc2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.scale * self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Inside(nn.Module):
    """A branch with names of its own for what it has."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.several, self.last = nn.Conv2d(width, 9, 1), nn.Conv2d(9, width, 1)
        self.shape, self.idle = (width, width), {"kind": "none"}

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return self.last(F.relu(self.several(x))), None


class Named(nn.Module):
    """Adds the first of what a branch gives."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inside = Inside(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inside(x)[0]


class Images(nn.Module):
    """A stem, blocks, and a head for images."""

    def __init__(self, *blocks: nn.Module, width: int = 6, last: int | None = None) -> None:
        super().__init__()
        self.stem, self.blocks = nn.Conv2d(3, width, 3, padding=1), nn.Sequential(*blocks)
        self.head = nn.Linear(last or width, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x).relu()).mean((2, 3)))


class Sequences(nn.Module):
    """Blocks and a head for sequences, of which the first block sees the very inputs."""

    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(x).mean(1))


def encoder(*, norm_first: bool) -> nn.Module:
    """Torch's own encoder."""
    layer = nn.TransformerEncoderLayer(8, 2, 12, 0.1, batch_first=True, norm_first=norm_first)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


BRANCHING = {
    "basic": (lambda: Images(Basic(6, 6), Basic(6, 8, 2), Basic(8, 8), last=8), IMAGE, 3),
    "pre-activated": (lambda: Images(PreActivated(6), PreActivated(6)), IMAGE, 2),
    "inverted": (lambda: Images(Inverted(6), Inverted(6)), IMAGE, 2),
    "next": (lambda: Images(Next(6), Next(6)), IMAGE, 2),
    "named": (lambda: Images(Named(6), Named(6)), IMAGE, 2),
    "nested": (lambda: Images(Nested(6), Basic(6, 6)), IMAGE, 4),
    "sublayers": (lambda: Sequences(Sublayers(8), Sublayers(8)), TOKENS, 4),
    "encoder": (lambda: Sequences(encoder(norm_first=True)), TOKENS, 4),
    "norms behind": (lambda: Sequences(encoder(norm_first=False)), TOKENS, 4),
}
"""Makers of networks by name, the shapes of their inputs, and how many blocks can leave."""


class Branched(Images):
    """One branch, of which a subclass says how it is used."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 1)

    def branch(self, x: Tensor) -> Tensor:
        return self.two(F.relu(self.one(x)))

    def met(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.met(self.stem(x).relu()).mean((2, 3)))


class ReadTwice(Branched):
    def met(self, x: Tensor) -> Tensor:
        inside = self.branch(x)
        return (x + inside) * inside


class Lifted(Branched):
    def met(self, x: Tensor) -> Tensor:
        return x + torch.sigmoid(self.branch(x))


class Shifted(Branched):
    def met(self, x: Tensor) -> Tensor:
        return x + (self.branch(x) + 1.0)


class Functional(Branched):
    def branch(self, x: Tensor) -> Tensor:
        inside = F.relu(F.conv2d(x, self.one.weight, padding=1))
        return F.conv2d(inside, self.two.weight)

    def met(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


class Subtracted(Branched):
    """Zero less something is another thing than something."""

    def met(self, x: Tensor) -> Tensor:
        return self.branch(x) - x


class Crossing(Branched):
    """Two branches with one layer in common."""

    def __init__(self) -> None:
        super().__init__()
        self.three = nn.Conv2d(6, 6, 1)

    def met(self, x: Tensor) -> Tensor:
        x = x + self.two(F.relu(self.one(x)))
        return x + self.three(F.relu(self.one(x)))


STAYING = {
    "read by somebody else": ReadTwice,
    "something else than zero.*sigmoid": Lifted,
    "something else than zero.*add": Shifted,
    "no module of it": Functional,
}
"""What is said of the branch of each."""
