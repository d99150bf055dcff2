"""Paths and sizes that hang on values: of masks, lengths and positions, and of channels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import case, register

WORDS = (("int", 3, 6),)


def listed(network: Reader, x: Tensor, words: Tensor) -> Tensor:
    """The sums of rows up to a length each."""
    lengths = (words > 2).sum(1).tolist()
    return torch.stack([row[: 1 + n].sum(0) for row, n in zip(x, lengths, strict=True)])


def stepwise(network: Reader, x: Tensor, words: Tensor) -> Tensor:
    """The mean after as many steps as the input says."""
    left = int(words.max())
    while left > 6:
        x, left = x + F.relu(network.mix(x)), left - 1
    return x.mean(1)


def arrays(network: Reader, x: Tensor, words: Tensor) -> Tensor:
    """Rows in an order that was found outside of torch."""
    order = words[0].cpu().numpy().argsort().tolist()
    return x[:, order].cumsum(1)[:, 2]


WAYS: dict[str, Callable[[Reader, Tensor, Tensor], Tensor]] = {
    "whether a mask is full": lambda _, x, words: (
        x.mean(1) if (words > 4).all() else (x * (words > 4)[..., None]).sum(1)
    ),
    "rows by a condition": lambda _, x, words: x[words > 4] / 2,
    "rows of some examples by a condition": lambda _, x, words: x[words[:, 0] >= 0].sum(1),
    "rows where something is": lambda _, x, words: x[(words > 4).nonzero(as_tuple=True)],
    "positions by value": lambda _, x, words: x[:, torch.unique(words.clamp(0, 2))].sum(1),
    "as long as the longest": lambda _, x, words: x[:, : int((words > 4).sum(1).max())].sum(1),
    "repeated by counts": lambda _, x, words: torch.repeat_interleave(x[0], words[0] + 1, dim=0),
    "weights by a selection": lambda _, x, words: x.sum(1) * words.masked_select(words > 4).sum(),
    "lists of lengths": listed,
    "steps by value": stepwise,
    "arrays outside of torch": arrays,
}
"""What is done to tokens, (examples, positions, channels), by the words that they were."""


class Reader(nn.Module):
    """Words, a hidden layer, a way that hangs on the words, and a head."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.words = way, nn.Embedding(11, 6)
        self.hidden, self.mix, self.head = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, words):
        x = F.relu(self.hidden(self.words(words)))
        return self.head(WAYS[self.way](self, F.relu(self.mix(x)), words))


for way in WAYS:
    register(f"values: {way}", partial(Reader, way), WORDS, share=0.8)


@case(WORDS, share=0.75)
class PathByChannels(nn.Module):
    """Whether a layer is gone through hangs on the sum of the hidden channels, which stay."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.wide, self.hidden = nn.Embedding(11, 6), nn.Linear(6, 24), nn.Linear(24, 6)
        self.mix, self.head = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, words):
        x = F.relu(self.hidden(F.relu(self.wide(self.words(words)))))
        return self.head(F.relu(self.mix(x)) if x.sum(-1).max() > -9 else x).mean(1)


@case(WORDS, share=0.0)
class LayerOnTheOtherPath(nn.Module):
    """What a layer reads that is not met is not known, so that nothing of that width leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.one = nn.Embedding(11, 6), nn.Linear(6, 16)
        self.other, self.head = nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, words):
        x = F.relu(self.one(self.words(words)))
        return self.head(x if words.max() < 99 else F.relu(self.other(x)))


@case(WORDS, share=0.4)
class PathByWeights(nn.Module):
    """Whether the output is doubled hangs on a weight, whose channels stay."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.one = nn.Embedding(11, 6), nn.Linear(6, 12)
        self.two, self.head = nn.Linear(12, 16), nn.Linear(16, 3)

    def forward(self, words):
        x = self.head(F.relu(self.two(F.relu(self.one(self.words(words))))))
        return 2 * x if self.one.weight.abs().max() > 99 else x
