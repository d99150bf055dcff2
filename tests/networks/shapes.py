"""Sizes that are written into code, flattening, and one or three dimensions of space."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import IMAGE, Pooled, case, conv


@case(IMAGE, share=0.96)
class FlattenedWithSpace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.hidden, self.head = conv(3, 8), nn.Linear(8 * 16, 10), nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.stem(x)), 2)
        return self.head(F.relu(self.hidden(x.flatten(1))))


@case(IMAGE, share=0.86)
class HardCodedView(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.hidden, self.head = conv(3, 8), nn.Linear(8 * 64, 10), nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.hidden(F.relu(self.stem(x)).view(-1, 512))))


@case(IMAGE, share=0.89)
class SizeKeptInAttribute(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.width = 8
        self.stem, self.hidden, self.head = conv(3, 8), nn.Linear(8, 10), nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x)).view(x.shape[0], self.width, -1).mean(2)
        return self.head(F.relu(self.hidden(x)))


@case(IMAGE, share=0.63)
class DividedByItsWidth(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(x / x.shape[1] ** 0.5))


@case(((2, 4, 16),), share=0.92)
class CausalConv1d(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv1d(4, 8, 3), nn.Conv1d(8, 8, 3, dilation=2)
        self.way, self.head = nn.Conv1d(4, 8, 1), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.two(F.pad(F.relu(self.one(F.pad(x, (2, 0)))), (4, 0))))
        return self.head((y + self.way(x))[:, :, -1])


@case(((2, 2, 4, 6, 6),), share=0.93)
class Conv3d(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm = nn.Conv3d(2, 8, 3, padding=1), nn.BatchNorm3d(8)
        self.two, self.head = nn.Conv3d(8, 8, (1, 3, 3)), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool3d(F.relu(self.norm(self.one(x))), 2)
        return self.head(
            F.adaptive_avg_pool3d(F.relu(self.two(F.pad(x, (1, 1, 1, 1)))), 1).flatten(1)
        )


@case(IMAGE, share=0.98, heads=("head",))
class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = conv(3, 8), conv(8, 12), conv(12, 16)
        self.up, self.four = nn.ConvTranspose2d(16, 12, 2, 2), conv(24, 8)
        self.five, self.head = conv(16, 8), nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(self.one(x))
        b = F.relu(self.two(F.max_pool2d(a, 2)))
        c = F.relu(self.three(F.max_pool2d(b, 2)))
        d = F.relu(self.four(torch.cat([self.up(c), b], 1)))
        d = F.interpolate(d, size=a.shape[2:], mode="bilinear", align_corners=False)
        return self.head(F.relu(self.five(torch.cat([d, a], 1))))


@case(IMAGE, share=0.97)
class TransposedGrouped(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 12)
        self.up, self.two = nn.ConvTranspose2d(8, 16, 2, 2, groups=2), conv(16, 12)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(F.relu(self.up(x))))


@case(IMAGE, share=0.97)
class PyramidOfUpsampled(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 8)
        self.down, self.side, self.out = conv(8, 12, stride=2), nn.Conv2d(12, 8, 1), conv(20, 8)

    def body(self, x: Tensor) -> Tensor:
        low = F.relu(self.down(x))
        x = x + F.interpolate(self.side(low), scale_factor=2.0, mode="nearest")
        return F.relu(self.out(torch.cat([x, F.interpolate(low, scale_factor=2.0)], 1)))


@case(IMAGE, share=0.8)
class Unfolded(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 8)
        self.two = nn.Linear(8 * 4, 8)

    def body(self, x: Tensor) -> Tensor:
        patches = F.unfold(x, 2, stride=2).transpose(1, 2)
        return F.relu(self.two(patches)).transpose(1, 2).unsqueeze(-1)


@case(IMAGE, share=0.63)
class BlurWithBuffer(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)
        self.register_buffer("kernel", torch.ones(1, 1, 3, 3))

    def body(self, x: Tensor) -> Tensor:
        kernel = self.kernel.expand(x.shape[1], 1, 3, 3)
        return F.relu(self.two(F.conv2d(x, kernel, padding=1, groups=x.shape[1])))
