"""One nn.TransformerEncoderLayer as the whole network; it ends in a LayerNorm.

Right: the feed-forward width shrinks.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact"
SHARE = 0.3


def network() -> nn.Module:
    return nn.TransformerEncoderLayer(16, 4, 64, dropout=0.0, batch_first=True)


def inputs() -> tuple:
    return (torch.randn(2, 5, 16),)
