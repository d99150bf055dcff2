"""Parameters that code views, looks up or computes with before channels meet them."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from networks.registry import register

IMAGE = ((2, 3, 4, 4),)


class Scaled(nn.Module):
    """Eight channels that meet a parameter on their way from one convolution to the next."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.one, self.two = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)
        self.gamma = nn.Parameter(torch.rand(8) + 0.5)
        self.table = nn.Parameter(torch.rand(5, 8) + 0.5)
        self.register_buffer("places", torch.tensor([[4, 0], [2, 1]]))
        self.register_buffer("fixed", torch.rand(8) + 0.5, persistent=False)
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        return self.head(self.two(self.met(torch.relu(self.one(x)))))

    def met(self, x):
        if self.way == "view":
            return x * self.gamma.view(1, -1, 1, 1)
        if self.way == "unsqueeze":
            return x * self.gamma.unsqueeze(1).unsqueeze(2).squeeze()[:, None, None].expand(8, 4, 4)
        if self.way == "function":
            return x * (1 + self.gamma.reshape(-1, 1, 1).exp() * 2)
        if self.way == "passing buffer":
            return x * self.fixed[:, None, None]
        if self.way == "bias":
            return x + self.gamma.view(1, -1, 1, 1).tanh()
        bias = self.table[self.places.view(-1)].view(2, 2, -1).permute(2, 0, 1).contiguous()
        return x + torch.cat([bias, bias], 1).repeat(1, 1, 2).unsqueeze(0)[:, :, :4, :4]


class HardCoded(Scaled):
    """The number of channels stands in the code."""

    def met(self, x):
        return x * self.gamma.view(1, 8, 1, 1)


SHARES = {
    "view": 0.85, "unsqueeze": 0.39, "function": 0.85, "passing buffer": 0.84, "bias": 0.39,
    "table": 0.39,
}  # fmt: skip
"""For each way, the part of all parameters that can leave."""

for way, share in SHARES.items():
    register(f"met by a parameter: {way}", partial(Scaled, way), IMAGE, share=share)
register("met by a parameter: hard coded", partial(HardCoded, "view"), IMAGE, share=0.39)
