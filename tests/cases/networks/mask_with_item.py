"""A text encoder that asks whether its attention mask is all ones, as those of transformers do.

Right: the path that the example inputs take is surveyed, and the feed-forward layers shrink.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

EXPECT = "exact"
SHARE = 0.3


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.norm = nn.Embedding(20, 16), nn.LayerNorm(16)
        self.q, self.k, self.v, self.o = (nn.Linear(16, 16) for _ in range(4))
        self.up, self.down, self.head = nn.Linear(16, 64), nn.Linear(64, 16), nn.Linear(16, 3)

    def forward(self, words, mask):
        x = self.embedding(words)
        hidden = None if mask.all().item() else (1 - mask[:, None].float()) * -1e9
        scores = self.q(x) @ self.k(x).transpose(1, 2) / 4
        scores = scores if hidden is None else scores + hidden
        x = self.norm(x + self.o(scores.softmax(-1) @ self.v(x)))
        return self.head((x + self.down(F.gelu(self.up(x)))).mean(1))


def network() -> nn.Module:
    return Net()


def inputs() -> tuple:
    return torch.randint(0, 20, (2, 5)), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
