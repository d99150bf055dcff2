"""One operation between two layers, through which channels go one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import register

Step = Callable[[Tensor], Tensor]


class Between(nn.Module):
    """A layer, an operation on what it gives, and a reader of that."""

    def __init__(self, step: Step, wide: int = 8, *, images: bool = False) -> None:
        super().__init__()
        self.step = step
        if images:
            self.one, self.two = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(wide, 6, 3, padding=1)
        else:
            self.one, self.two = nn.Linear(6, 8), nn.Linear(wide, 6)
        self.images, self.head = images, nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.two(self.step(self.one(x))))
        return self.head(x.mean((2, 3)) if self.images else x)


def repeated(numbers: Tensor, x: Tensor) -> Tensor:
    """Row numbers, the same for every channel."""
    return numbers[:, None].expand(-1, x.shape[1])


TO, FROM = torch.tensor([1, 2, 3, 0, 2]), torch.tensor([3, 1, 0, 2, 2])
EDGES = torch.tensor([[0, 1, 2, 3, 0], [1, 2, 3, 0, 2]])


def moved(numbers: Tensor, x: Tensor) -> Tensor:
    """Numbers on the device of a tensor."""
    return numbers.to(x.device)


def messages(x: Tensor) -> Tensor:
    """Zeros of one's own sizes, to which rows are added."""
    return torch.zeros(5, x.size(1)).to(x).index_add_(0, moved(TO, x), x[moved(FROM, x)])


def scattered(x: Tensor) -> Tensor:
    """Rows that are added up where a repeated index says."""
    index = moved(TO, x).view(-1, 1).repeat(1, x.size(1))
    return x.new_zeros(6, x.size(1)).scatter_add_(0, index, x[moved(FROM, x)])


def written(x: Tensor) -> Tensor:
    """Rows that are written over, some by number and some by a slice."""
    out = torch.zeros_like(x)
    out[moved(TO, x)[:3]] = x[:3]
    out[1:3] = x[2:] * 2
    return out


def stepped(x: Tensor) -> Tensor:
    """Step after step, written into a place that was made before."""
    out = x.new_empty(4, *x.shape)
    for step in range(4):
        out[step] = x * (step + 1)
    return out.sum(0)


def sparse_product(x: Tensor) -> Tensor:
    """A sparse adjacency by rows of channels."""
    near = torch.sparse_coo_tensor(
        moved(EDGES, x), torch.arange(5.0).to(x), (4, 4), check_invariants=False
    )
    return torch.sparse.mm(near, x)


ROWS: Mapping[str, tuple[Step, float]] = {
    "addcmul": (lambda x: torch.addcmul(x, x.tanh(), x, value=0.5), 0.87),
    "addcdiv": (lambda x: torch.addcdiv(x, x.tanh(), 1 + x.abs(), value=0.5), 0.87),
    "lerp": (lambda x: torch.lerp(x.tanh(), x, 0.3), 0.87),
    "lerp by channels": (lambda x: torch.lerp(x.tanh(), x, x.sigmoid()), 0.87),
    "softsign": (F.softsign, 0.87),
    "own softsign": (lambda x: x / (x.abs() + 1), 0.87),
    "maximum": (lambda x: torch.maximum(x, 0.1 * x), 0.87),
    "minimum": (lambda x: torch.minimum(x, x.tanh()), 0.87),
    "maximum with zeros": (lambda x: torch.maximum(x, torch.zeros_like(x)), 0.87),
    "maximum with one": (lambda x: torch.maximum(x, x.new_ones(())), 0.47),
    "hypot": (lambda x: torch.hypot(x, x.sin()), 0.87),
    "atan2": (lambda x: torch.atan2(x, x.tanh()), 0.87),
    "logaddexp": (lambda x: torch.logaddexp(x, x.tanh()), 0.47),
    "where channels decide": (lambda x: torch.where(x > 0, x, 0.1 * x), 0.87),
    "clamp by channels": (lambda x: torch.clamp(x, min=x.tanh(), max=x.sinh()), 0.87),
    "masked by channels": (lambda x: x.masked_fill(x < 0.1, 0.0), 0.87),
    "put zeros": (lambda x: x.clone().index_put_((x < 0,), x.new_zeros(())), 0.87),
    "put ones": (lambda x: x.clone().index_put_((x < 0,), x.new_ones(())), 0.47),
    "compared": (lambda x: x * (x > x.tanh()) + (x <= x.tanh()).to(x), 0.5),
    "gather": (lambda x: x.gather(0, repeated(moved(TO, x), x)), 0.87),
    "take along": (lambda x: torch.take_along_dim(x, moved(TO, x)[:, None], 0), 0.87),
    "gather by channels": (lambda x: x.gather(0, x.argsort(0)), 0.87),
    "index add": (messages, 0.87),
    "index copy": (lambda x: torch.zeros_like(x).index_copy(0, moved(TO, x)[:4], x), 0.87),
    "scatter add": (scattered, 0.87),
    "scatter": (lambda x: x.scatter(0, repeated(moved(TO, x), x), 2.0), 0.47),
    "scatter largest": (
        lambda x: x.scatter_reduce(0, repeated(moved(TO, x)[:4], x), x.tanh(), "amax"),
        0.87,
    ),
    "index select": (lambda x: x.index_select(0, moved(TO, x)), 0.87),
    "written rows": (written, 0.87),
    "written steps": (stepped, 0.87),
    "sparse product": (sparse_product, 0.87),
    "distances": (
        lambda x: torch.cat([x, x * torch.cdist(x, x.tanh()).sum(1, keepdim=True)]),
        0.87,
    ),
    "unit length over channels": (lambda x: F.normalize(x, dim=1), 0.87),
    "cosines": (lambda x: x * F.cosine_similarity(x, x.tanh(), 1)[:, None], 0.87),
    "diff of rows": (lambda x: x.diff(dim=0), 0.87),
    "every second": (lambda x: torch.cat([x[:, ::2], x[:, 1::2].tanh()], 1), 0.81),
    "noise": (lambda x: x * torch.ones(x.shape[0], x.shape[1]).to(x), 0.87),
    "complex": (
        lambda x: torch.view_as_real(torch.view_as_complex(torch.stack([x, x.tanh()], -1)).exp())[
            ..., 1
        ],
        0.47,
    ),
}
"""Steps over rows of channels, each with the part of all parameters that can leave."""

IMAGES: Mapping[str, tuple[Step, float]] = {
    "logsumexp over space": (lambda x: x.logsumexp(3, keepdim=True), 0.93),
    "largest over space": (lambda x: x.topk(2, 2).values, 0.93),
    "sorted over space": (lambda x: x.sort(3).values, 0.93),
    "median over space": (lambda x: x.median(3, keepdim=True).values, 0.93),
    "moments over space": (
        lambda x: torch.stack(torch.var_mean(x, (2, 3), keepdim=True)).sum(0),
        0.93,
    ),
    "cumulative in space": (lambda x: x.cummax(2).values + x.logcumsumexp(3), 0.93),
    "logsumexp over space and a norm": (
        lambda x: F.normalize(x.logsumexp(3, keepdim=True), dim=1),
        0.55,
    ),
    "channel shuffle": (lambda x: F.channel_shuffle(x, 4), 0.77),
    "circular padding": (lambda x: F.pad(x, (1, 1, 1, 1), mode="circular"), 0.93),
    "reflected padding": (lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"), 0.93),
    "grid sample": (
        lambda x: F.grid_sample(
            x,
            torch.linspace(-1, 1, 12).view(1, 2, 3, 2).expand(len(x), -1, -1, -1).to(x),
            align_corners=False,
        ),
        0.93,
    ),
    "max unpool": (lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), 0.93),
    "fractional max pool": (
        lambda x: F.fractional_max_pool2d(
            x, 2, output_size=3, _random_samples=x.new_full((len(x), x.shape[1], 2), 0.4)
        ),
        0.93,
    ),
    "randomised relu": (F.rrelu, 0.93),
    "frequencies": (lambda x: torch.fft.irfft2(torch.fft.rfft2(x) * 2), 0.93),
    "parts of frequencies": (
        lambda x: torch.fft.fft(x).real + torch.fft.rfft(x, dim=2, n=8).abs().amax(2, keepdim=True),
        0.93,
    ),
    "maxout": (lambda x: x.unflatten(1, (-1, 2)).amax(2).repeat(1, 2, 1, 1), 0.87),
    "windows": (lambda x: x.unfold(2, 2, 1).amax(-1), 0.93),
    "part in space": (lambda x: torch.slice_scatter(x, x[:, :, :2], 2, 3, 5), 0.93),
    "power average pool": (lambda x: F.lp_pool2d(x, 2, 2), 0.93),
    "stochastic depth": (lambda x: x * torch.ones(len(x), 1, 1, 1).to(x), 0.93),
    "turned": (lambda x: x.rot90(1, (2, 3)), 0.93),
}
"""Steps over maps."""

TAKEN: Mapping[str, tuple[Step, int, float]] = {
    "from the fourth": (lambda x: x[:, 3:], 5, 0.75),
    "up to the fourth": (lambda x: x[:, :4], 4, 0.57),
    "the last three": (lambda x: x[:, -3:], 3, 0.62),
    "but the last two": (lambda x: x[:, :-2], 6, 0.81),
    "in between": (lambda x: x[:, 2:-2], 4, 0.67),
    "listed": (lambda x: x[:, [1, 3]], 2, 0.34),
    "the second": (lambda x: x[:, 1, None], 1, 0.75),
    "one from the end": (lambda x: x[:, -1, None], 1, 0.82),
    "halves by size": (lambda x: x[:, : x.shape[1] // 2] * x[:, x.shape[1] // 2 :], 4, 0.39),
    "odd ones": (lambda x: x[:, 1::2], 4, 0.78),
}
"""Channels that are taken by their positions: the step, how many, and the part that can leave."""

for name, (step, share) in ROWS.items():
    register(f"operation: {name}", partial(Between, step), ((4, 6),), share=share)
for name, (step, share) in IMAGES.items():
    register(
        f"operation: {name}",
        partial(Between, step, images=True),
        ((2, 3, 6, 6),),
        share=share,
    )
for name, (step, wide, share) in TAKEN.items():
    register(f"taken: {name}", partial(Between, step, wide), ((4, 6),), share=share)
