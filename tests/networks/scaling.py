"""Channels that are normalised, and scales and shifts that meet them one by one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import IMAGE, TOKENS, Pooled, case, conv


@case(IMAGE, share=0.81)
class GroupNorm(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two, self.norm = conv(8, 8), nn.GroupNorm(4, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.two(x)))


@case(IMAGE, share=0.85)
class InstanceNorm(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two, self.norm = conv(8, 8), nn.InstanceNorm2d(8, affine=True)
        self.three = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return self.three(F.relu(self.norm(self.two(x))))


@case(IMAGE, share=0.85)
class InstanceNormWrittenOver(InstanceNorm):
    def body(self, x: Tensor) -> Tensor:
        return self.three(F.leaky_relu_(self.norm(self.two(x)), 0.1))


@case(IMAGE, share=0.85)
class InstanceNormWithStatistics(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)
        self.norm = nn.InstanceNorm2d(8, affine=True, track_running_stats=True)
        self.three = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return self.three(F.relu(self.norm(self.two(x))))


@case(IMAGE, share=0.85)
class GroupNormWithoutWeights(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two, self.norm = conv(8, 8), nn.GroupNorm(4, 8, affine=False)
        self.three = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return self.three(F.relu(self.norm(self.two(x))))


@case(IMAGE, share=0.8)
class GroupsOfOwnNumber(Pooled):
    """A group norm by function, whose number of groups is an attribute of the network."""

    def __init__(self) -> None:
        super().__init__(8)
        self.two, self.three, self.num_groups = conv(8, 8), conv(8, 8), 2
        self.gain, self.shift = nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8))

    def body(self, x: Tensor) -> Tensor:
        x = F.group_norm(self.two(x), self.num_groups, self.gain, self.shift)
        return self.three(F.relu(x))


class FrozenNorm(nn.Module):
    """Batch norm of buffers that never change, as in detectors."""

    def __init__(self, width: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "mean", "var"):
            self.register_buffer(name, torch.rand(width) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias, mean, var = (one.reshape(1, -1, 1, 1) for one in self.buffers())
        scale = weight * (var + 1e-5).rsqrt()
        return x * scale + (bias - mean * scale)


@case(IMAGE, share=0.95)
class Frozen(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two, self.norm, self.three = conv(8, 8), FrozenNorm(8), conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return self.three(F.relu(self.norm(self.two(x))))


@case(IMAGE, share=0.6)
class GlobalResponse(Pooled):
    """What ConvNeXt-V2 normalises by a mean over channels."""

    def __init__(self) -> None:
        super().__init__(8)
        self.two, self.three = conv(8, 8), conv(8, 8)
        self.gain, self.shift = (
            nn.Parameter(torch.ones(8, 1, 1)),
            nn.Parameter(torch.zeros(8, 1, 1)),
        )

    def body(self, x: Tensor) -> Tensor:
        x = self.two(x)
        norm = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        norm = norm / (norm.mean(1, keepdim=True) + 1e-6)
        return self.three(self.gain * (x * norm) + self.shift + x)


@case(IMAGE, share=0.45)
class LayerNormOverChannels(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.norm, self.wide, self.narrow = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 8)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))

    def body(self, x: Tensor) -> Tensor:
        y = self.narrow(F.gelu(self.wide(self.norm(x.permute(0, 2, 3, 1)))))
        return x + self.scale * y.permute(0, 3, 1, 2)


@case(TOKENS, share=0.63)
class RmsNormByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.head = nn.Linear(6, 8), nn.Linear(8, 12), nn.Linear(12, 4)
        self.gain = nn.Parameter(torch.ones(8))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.gain
        return self.head(F.silu(self.one(x)))


@case(IMAGE, share=0.81)
class SharedBatchNorm(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 16)
        self.one, self.two, self.norm = conv(8, 8), conv(8, 8), nn.BatchNorm2d(8)

    def body(self, x: Tensor) -> Tensor:
        return torch.cat([F.relu(self.norm(way(x))) for way in (self.one, self.two)], 1)


@case(IMAGE, share=0.94)
class NormAfterConcat(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 12)
        self.one, self.two, self.norm = conv(8, 4), conv(8, 8), nn.BatchNorm2d(12)

    def body(self, x: Tensor) -> Tensor:
        return F.elu(self.norm(torch.cat([self.one(x), self.two(x)], 1)))


@case(IMAGE, share=0.63)
class LocalResponse(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(F.local_response_norm(x, 3)))


@case(IMAGE, share=0.95)
class SlopeForEachChannel(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.two, self.act = conv(8, 10), nn.PReLU(10)

    def body(self, x: Tensor) -> Tensor:
        return self.act(self.two(x))


@case(IMAGE, share=0.81)
class ScaleAndShift(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.two = conv(8, 10)
        self.scale = nn.Parameter(torch.ones(1, 10, 1, 1))
        self.register_buffer("mean", torch.zeros(1, 10, 1, 1))

    def body(self, x: Tensor) -> Tensor:
        return F.relu((self.two(x) - self.mean) * self.scale)


@case(IMAGE, share=0.97)
class BufferForEachChannel(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.two, self.three = conv(8, 10), conv(10, 10)
        self.register_buffer("scale", torch.ones(10), persistent=False)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.three(F.relu(self.two(x)) * self.scale[:, None, None]))
