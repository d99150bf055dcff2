"""Products with matrices of one's own, in every way in which they are written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import ROW, TOKENS, case, register


class Own(nn.Module):
    """Two matrices of one's own, and a head."""

    def __init__(self, product: Callable[[Tensor, Tensor], Tensor], *, turned: bool) -> None:
        super().__init__()
        self.product = product
        sizes = [(8, 6), (10, 8)] if turned else [(6, 8), (8, 10)]
        self.one, self.two = (nn.Parameter(0.3 * torch.randn(size)) for size in sizes)
        self.shift, self.head = nn.Parameter(torch.zeros(8)), nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.product(x, self.one) + self.shift)
        return self.head(self.product(x, self.two))


IN_OUT: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "matmul": torch.matmul,
    "einsum": lambda x, w: torch.einsum("btc,cd->btd", x, w),
    "einsum along the second": lambda x, w: torch.einsum("bct,cd->bdt", x.mT, w).mT,
    "tensordot": lambda x, w: torch.tensordot(x, w, dims=1),
    "batched": lambda x, w: torch.bmm(x, w.expand(len(x), -1, -1)),
}
OUT_IN: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear by function": F.linear,
    "einsum turned": lambda x, w: torch.einsum("dc,btc->btd", w, x),
    "from the left": lambda x, w: (w @ x.mT).mT,
    "as a convolution": lambda x, w: F.conv1d(x.mT, w[..., None]).mT,
}

for turned, ways in ((False, IN_OUT), (True, OUT_IN)):
    for name, product in ways.items():
        make = partial(Own, product, turned=turned)
        register(f"own matrix: {name}", make, TOKENS, share=0.83, matrices=("one", "two"))


@case(ROW, share=0.88)
class PairsOfChannels(nn.Module):
    """Two rows of channels and a weight for each pair of them."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(6, 8), nn.Linear(6, 7)
        self.both, self.head = nn.Bilinear(8, 7, 5), nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.both(F.relu(self.one(x)), torch.tanh(self.two(x))))


@case((("int", 4, 5),), share=0.87, matrices=("table.weight",))
class BagOfRows(nn.Module):
    """Rows of a table, added up."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(11, 8, mode="sum")
        self.one, self.head = nn.Linear(8, 6), nn.Linear(6, 4)

    def forward(self, words: Tensor) -> Tensor:
        return self.head(F.relu(self.one(self.table(words))))


@case(TOKENS, share=0.46)
class MixedTokens(nn.Module):
    """Layers over channels and over places, as in mixers."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 4)
        self.places = nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.one(x))
        x = x + self.places(x.mT).mT
        return self.head(F.relu(self.two(x)).mean(1))


@case(ROW, share=0.87)
class OneNumberEach(nn.Module):
    """Channels that are weighed by a vector and added up, beside others."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(6, 8), nn.Linear(8, 6), nn.Linear(6, 4)
        self.score = nn.Parameter(torch.randn(8))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.one(x))
        return self.head(F.relu(self.two(x)) * (x @ self.score).sigmoid()[:, None])
