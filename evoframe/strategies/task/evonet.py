"""The saliency network of Deep Learning with Darwin: a VGG16 trunk read at three depths.

arXiv 1606.04393, as we recall it: the convolutions c1 to c5 of VGG16; one convolution each on c3,
c4 and c5 (c6, c7, c8); deconvolutions d1 and d2 that bring c7 and c8 to the size of c6, where c9
joins the three; and a wide look at the whole picture, c10 with kernels of 11 x 11 on c5, and c11.
Kernels of deconvolutions, activations, and how c11 comes to the size of c9 are our choices: twice
the stride, ReLU, and bilinear interpolation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own convention

STACKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of the convolutions of VGG16, stack by stack; pooling halves the size between them."""

STRIDE = 2 ** (len(STACKS) - 1)
"""How many pixels one position of c5 stands for along each side: sizes are multiples of it."""

CLASSES = 2
"""Background and object."""


class EvoNet(nn.Module):
    """Maps images (N, 3, H, W) to logits (N, 2, H, W); H and W are multiples of 16.

    At width 1 it has 62,715,584 synapses before `out`, and the trunk is called as in torchvision's
    VGG16: ``features.0.weight`` to ``features.28.bias``.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        n256, n384, n512 = (scaled(channels, width) for channels in (256, 384, 512))
        self.features = nn.Sequential(*_trunk(width))
        self.c6 = nn.Conv2d(n256, n256, 3, padding=1)
        self.c7 = nn.Conv2d(n512, n512, 3, padding=1)
        self.c8 = nn.Conv2d(n512, n512, 3, padding=1)
        # A kernel of twice the stride, and half of it as padding: exactly 2 and 4 times the size.
        self.d1 = nn.ConvTranspose2d(n512, n256, 4, stride=2, padding=1)
        self.d2 = nn.ConvTranspose2d(n512, n256, 8, stride=4, padding=2)
        self.c9 = nn.Conv2d(3 * n256, n384, 1)
        self.c10 = nn.Conv2d(n512, n512, 11, padding=5)
        self.c11 = nn.Conv2d(n512, n384, 1)
        self.out = nn.Conv2d(2 * n384, CLASSES, 1)
        self.taps = tuple(_ends(self.features)[2:])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial weights from the global torch generator, after He et al., 1502.01852."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, std=math.sqrt(2 / _inputs_of(layer)))
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return two logits for every pixel."""
        c3, c4, c5 = self._stacks(images)
        c6, c7, c8 = F.relu(self.c6(c3)), F.relu(self.c7(c4)), F.relu(self.c8(c5))
        near = torch.cat([c6, F.relu(self.d1(c7)), F.relu(self.d2(c8))], 1)
        c9 = F.relu(self.c9(near))
        c11 = F.relu(self.c11(F.relu(self.c10(c5))))
        logits: Tensor = self.out(torch.cat([c9, _enlarged(c11, 4)], 1))
        return _enlarged(logits, 4)

    def _stacks(self, images: Tensor) -> list[Tensor]:
        """Return the outputs of c3, c4 and c5."""
        seen, x = [], images
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                seen.append(x)
        return seen


def scaled(channels: int, width: float) -> int:
    """Return a number of channels at a width: rounded, and at least 1."""
    return max(1, round(channels * width))


def _trunk(width: float) -> Iterator[nn.Module]:
    """Give the layers of VGG16 as torchvision numbers them, without the pooling after c5."""
    before = 3
    for number, stack in enumerate(STACKS):
        if number:
            yield nn.MaxPool2d(2)
        for channels in stack:
            after = scaled(channels, width)
            yield nn.Conv2d(before, after, 3, padding=1)
            yield nn.ReLU()
            before = after


def _ends(features: nn.Sequential) -> list[int]:
    """Return the index of the last layer of every stack."""
    pools = [at for at, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d)]
    return [at - 1 for at in (*pools, len(features))]


def _inputs_of(layer: nn.Conv2d | nn.ConvTranspose2d) -> float:
    """Return the synapses that enter a neuron; those of a deconvolution overlap by its stride."""
    positions = math.prod(layer.kernel_size)
    if isinstance(layer, nn.ConvTranspose2d):
        # Of a kernel's positions only one in stride x stride reaches the same pixel of the output.
        return layer.in_channels * positions / math.prod(layer.stride)
    return layer.in_channels * positions


def _enlarged(x: Tensor, times: int) -> Tensor:
    return F.interpolate(x, scale_factor=times, mode="bilinear", align_corners=False)
