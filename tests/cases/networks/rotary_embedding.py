"""Attention with rotary positions: each head is cut in halves along its axis and joined again.

Right: the feed-forward layers shrink, and whole heads can leave.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.7


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(16, 64), nn.Linear(64, 16)
        self.q, self.k, self.v, self.o = (
            nn.Linear(16, 32),
            nn.Linear(16, 32),
            nn.Linear(16, 32),
            nn.Linear(32, 16),
        )
        self.head = nn.Linear(16, 3)

    def turned(self, x):
        angles = torch.outer(torch.arange(x.shape[2]).float(), 100 ** (-torch.arange(0, 8, 2) / 8))
        angles = torch.cat((angles, angles), -1)
        return x * angles.cos() + torch.cat((-x[..., 4:], x[..., :4]), -1) * angles.sin()

    def forward(self, x):
        x = x + self.down(F.silu(self.up(x)))
        q, k, v = (
            layer(x).view(len(x), x.shape[1], -1, 8).transpose(1, 2)
            for layer in (self.q, self.k, self.v)
        )
        seen = F.scaled_dot_product_attention(self.turned(q), self.turned(k), v)
        return self.head((x + self.o(seen.transpose(1, 2).flatten(2))).mean(1))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return (torch.randn(2, 5, 16),)
