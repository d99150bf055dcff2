"""Channels that are moved, split, repeated and shuffled."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import IMAGE, Pooled, case, conv


@case(IMAGE, share=0.28)
class ChannelShuffle(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.one, self.two = conv(8, 8, groups=2), conv(8, 8, groups=2)

    def body(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        x = F.relu(self.one(x)).view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return F.relu(self.two(x))


@case(IMAGE, share=0.75)
class ShuffleNetUnit(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.one, self.deep = nn.Conv2d(4, 4, 1), conv(4, 4, groups=4)

    def body(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=1)
        x = torch.cat([left, self.deep(F.relu(self.one(right)))], 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


@case(IMAGE, share=0.96)
class PixelShuffle(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 6)
        self.one, self.two = conv(8, 24), conv(6, 6)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(F.pixel_shuffle(F.relu(self.one(x)), 2)))


@case(IMAGE, share=0.97)
class SpaceToDepthBySlices(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 8)
        self.two = conv(32, 8)

    def body(self, x: Tensor) -> Tensor:
        corners = [x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]
        return F.relu(self.two(torch.cat(corners, 1)))


@case(IMAGE, share=0.97)
class ChunkInTwo(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 8)
        self.one, self.two, self.three = conv(8, 16), conv(8, 8), conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        left, right = F.relu(self.one(x)).chunk(2, 1)
        return self.two(left) + self.three(right)


@case(IMAGE, share=0.86)
class SplitUnequally(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 8)
        self.one, self.two, self.three = conv(8, 16), conv(4, 8), conv(12, 8)

    def body(self, x: Tensor) -> Tensor:
        left, right = torch.split(F.relu(self.one(x)), [4, 12], 1)
        return F.relu(self.two(left) + self.three(right))


@case(IMAGE, share=0.96)
class GatedLinearUnit(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 8)
        self.one = conv(8, 16)

    def body(self, x: Tensor) -> Tensor:
        return F.glu(self.one(x), 1)


@case(IMAGE, share=0.94)
class FlippedChannels(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(x.flip(1)))


@case(IMAGE, share=0.9)
class FlippedSum(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(x + x.flip(1)))


@case(IMAGE, share=0.63)
class IndexedByBuffer(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)
        self.register_buffer("order", torch.tensor([3, 1, 0, 2, 7, 5, 4, 6]))

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(x[:, self.order]))


@case(IMAGE, share=0.63)
class RolledChannels(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(torch.roll(x, 2, 1)))


@case(IMAGE, share=0.96)
class RepeatedChannels(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(16, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(x.repeat_interleave(2, 1)))


@case(IMAGE, share=0.0)
class FirstChannelsOnly(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(4, 8)

    def body(self, x: Tensor) -> Tensor:
        return x + F.relu(self.two(x[:, :4]))


@case(IMAGE, share=0.37)
class WrittenInPlace(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.one, self.two = conv(8, 8), conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        y = self.one(x)
        y[:, :2] += x[:, 2:4]
        y[:, 4] = 0.5
        return F.relu(self.two(F.relu(y)))


@case(IMAGE, share=0.96)
class StackedAndSummed(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.ways = nn.ModuleList(conv(8, 8) for _ in range(3))
        self.choice = nn.Parameter(torch.zeros(3))

    def body(self, x: Tensor) -> Tensor:
        ways = torch.stack([way(x) for way in self.ways])
        return F.relu((ways * self.choice.softmax(0).view(3, 1, 1, 1, 1)).sum(0))


@case(IMAGE, share=0.84)
class SelectiveKernel(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.ways = nn.ModuleList(conv(8, 8, size) for size in (3, 5))
        self.less, self.more = nn.Linear(8, 4), nn.Linear(4, 16)

    def body(self, x: Tensor) -> Tensor:
        ways = torch.stack([way(x) for way in self.ways], 1)
        gates = self.more(F.relu(self.less(ways.sum(1).mean((2, 3)))))
        gates = gates.view(x.shape[0], 2, -1).softmax(1)[..., None, None]
        return (ways * gates).sum(1)
