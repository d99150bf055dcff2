"""Outputs of every kind: with and without an axis of channels, numbers, indices, a loss."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import IMAGE, ROW, Pooled, case, conv, register

ENDINGS: dict[str, Callable[[Tensor], Any]] = {
    "softmax": lambda x: x.softmax(1),
    "log softmax": lambda x: F.log_softmax(x, 1),
    "log of a sigmoid": F.logsigmoid,
    "normalised": lambda x: F.normalize(x, dim=1),
    "norm over classes": lambda x: F.layer_norm(x, (5,)),
    "norm": lambda x: x.norm(dim=1),
    "smallest entry as a norm": lambda x: torch.linalg.vector_norm(x, -1.0, 1),
    "mean": lambda x: x.mean(),
    "sum": lambda x: x.sum(1),
    "largest, and where": lambda x: x.max(1),
    "where the largest is": lambda x: x.argmax(1),
    "best three": lambda x: x.topk(3, 1),
    "sorted": lambda x: x.sort(1),
    "running sum": lambda x: x.cumsum(1),
    "a loss": lambda x: F.cross_entropy(x, torch.arange(len(x), device=x.device)),
    "whether positive": lambda x: x > 0,
    "as whole numbers": lambda x: (10 * x).long(),
    "complex numbers": lambda x: torch.polar(x.abs(), x),
    "one hot": lambda x: F.one_hot(x.argmax(1), 5),
    "a mapping": lambda x: {"class": x.argmax(1), "scores": x.softmax(1)},
    "median and spread": lambda x: (x.median(1), x.std(1), x.logsumexp(1)),
    "in slots": lambda x: Slots(x.softmax(1)),
}
"""What is done to the scores of five classes."""


@attrs.define
class Slots:
    """An answer in an object without a dictionary."""

    scores: Tensor


class Ending(nn.Module):
    """Scores of a hidden layer, and what is done to them."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.hidden, self.scores = way, nn.Linear(6, 12), nn.Linear(12, 5)

    def forward(self, x):
        return ENDINGS[self.way](self.scores(F.relu(self.hidden(x))))


for way in ENDINGS:
    register(f"ends in: {way}", partial(Ending, way), ROW, share=0.88, heads=("scores",))


@case(IMAGE, share=0.65, heads=("two",))
class IndicesOfAPool(nn.Module):
    """Its only output says where in space each channel is largest."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = conv(3, 8), conv(8, 4)

    def forward(self, x):
        return F.max_pool2d(self.two(F.relu(self.one(x))), 2, return_indices=True)[1]


@case(IMAGE, share=0.0)
class WordsByChannels(Pooled):
    """Rows of a table are looked up by what channels say."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(9, 3)

    def body(self, x: Tensor) -> Tensor:
        return self.words(x.clamp(0, 8).round().long()).sum(-1)


@case(IMAGE, share=0.0)
class LargestByChannels(Pooled):
    """Positions that one map's largest entries name are taken from another, channel by channel."""

    def body(self, x: Tensor) -> Tensor:
        rows = x.flatten(2)
        return x * rows.gather(2, rows.max(2, keepdim=True).indices).unsqueeze(-1)
