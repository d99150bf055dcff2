"""A network of one map (saliency, segmentation of one class) that learns from its ancestor.

Right: maps are compared by their values (or a sigmoid); or one line that says that nothing would be
taught.
"""

from __future__ import annotations

import torch
from torch import nn

EXPECT = "exact"


def check() -> None:
    from evoframe.plugin import Distillation

    torch.manual_seed(0)
    one, other = nn.Conv2d(3, 1, 3), nn.Conv2d(3, 1, 3)
    images = torch.randn(4, 3, 8, 8)
    apart = float(Distillation().distance(one(images), other(images)))
    assert apart > 1e-6, (
        f"two unlike networks of one map are {apart:g} apart, so imitation teaches nothing"
    )
