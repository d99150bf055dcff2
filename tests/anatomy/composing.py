"""Networks composed of many small steps: what each does to a tensor, and how steps are nested.

A tensor is (N, T, C) with its channels last, or (N, C, T) with its channels in the middle. Every
step takes such a tensor and gives one of the same sizes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

WIDTH, TIMES, BATCH = 6, 4, 3
PLAIN: dict[str, Callable[[Tensor, int, int], Tensor]] = {}
"""Steps without parameters: of a tensor, its axis of channels and the other one."""
OWNING: dict[str, type[Owning]] = {}
"""Steps with parameters of their own."""
JOINING: dict[str, Callable[[Tensor, Tensor, int, int], Tensor]] = {}
"""What puts two branches together."""


def plain(function):
    """Register a step without parameters."""
    PLAIN[function.__name__] = function
    return function


def joining(function):
    """Register what puts two branches together."""
    JOINING[function.__name__] = function
    return function


def owning(step):
    """Register a step with parameters."""
    OWNING[step.__name__] = step
    return step


POINTWISE = {
    "relu": F.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "cos": torch.cos,
    "softplus": F.softplus, "gelu": F.gelu, "square": torch.square, "negative": torch.neg,
    "exponential": lambda x: torch.exp(-x.abs()), "inverse": lambda x: 1 / (1 + x * x),
    "clamped": lambda x: x.clamp(0.1, 2.0), "log": lambda x: torch.log(x.abs() + 0.5),
    "power": lambda x: (x.abs() + 1) ** 0.5, "root": lambda x: torch.sqrt(x * x + 1e-3),
    "logical": lambda x: torch.where(x > 0, x, 0.2 * x), "shifted": lambda x: x + 1,
    "chosen": lambda x: torch.where(x >= 0, 0.3, x), "filled": lambda x: x.masked_fill(x < 0, 0.0),
    "filled with one": lambda x: x.masked_fill(x > 0.5, 1.0), "remainder": lambda x: x - x.trunc(),
    "angle": lambda x: torch.atan2(x, torch.ones_like(x)), "length": lambda x: torch.hypot(x, x),
    "double": lambda x: torch.add(x, x, alpha=2), "twice": lambda x: x * torch.full_like(x, 2.0),
    "less one": lambda x: torch.rsub(x, 1), "sign": lambda x: x * (x > 0),
    "not": lambda x: x * ~(x > 0), "threshold": lambda x: F.threshold(x, 0.1, 0.5),
    "by ones": lambda x: x.new_ones(x.shape) + x, "lerp": lambda x: torch.lerp(x, x * x, 0.3),
    "raw logarithm": lambda x: x.square().log().clamp(-5, 5), "raw inverse": lambda x: 1 / x,
    "and zeros": lambda x: x + torch.zeros_like(x), "logit": lambda x: torch.sigmoid(x).logit(),
}  # fmt: skip


def _on_each(function, x, c, t):
    return function(x)


for _name, _function in POINTWISE.items():
    PLAIN[_name] = functools.partial(_on_each, _function)


@plain
def softmax_over_times(x, c, t):
    return x.softmax(t)


@plain
def softmax_over_channels(x, c, t):
    return x.softmax(c)


@plain
def logsumexp(x, c, t):
    return x + x.logsumexp(t, keepdim=True)


@plain
def only_logsumexp(x, c, t):
    return x.logsumexp(t, keepdim=True).expand_as(x)


@plain
def centred(x, c, t):
    return x - x.mean(t, keepdim=True)


@plain
def by_largest(x, c, t):
    return x / (x.abs().amax(t, keepdim=True) + 1)


@plain
def standard(x, c, t):
    return (x - x.mean(t, keepdim=True)) / (x.var(t, keepdim=True) + 0.1).sqrt()


@plain
def normalised_over_times(x, c, t):
    return F.normalize(x, dim=t)


@plain
def normalised_over_channels(x, c, t):
    return F.normalize(x, dim=c)


@plain
def summed_over_channels(x, c, t):
    return x * torch.sigmoid(x.sum(c, keepdim=True))


@plain
def mean_over_channels(x, c, t):
    return x * x.mean(c, keepdim=True)


@plain
def largest_of_channels(x, c, t):
    return x * torch.sigmoid(x.amax(c, keepdim=True))


@plain
def maxout(x, c, t):
    pairs = x.unflatten(c, (-1, 2))
    return x + pairs.amax(pairs.ndim - 1 if c == x.ndim - 1 else c + 1).repeat_interleave(2, c)


@plain
def group_means(x, c, t):
    pairs = x.unflatten(c, (2, -1))
    return x * pairs.mean(c, keepdim=True).expand_as(pairs).flatten(c, c + 1)


@plain
def shuffled(x, c, t):
    return x.unflatten(c, (2, -1)).transpose(c, c + 1).flatten(c, c + 1)


@plain
def flipped(x, c, t):
    return x.flip(c)


@plain
def swapped_halves(x, c, t):
    one, other = x.chunk(2, c)
    return torch.cat([other, one], c)


@plain
def rotated(x, c, t):
    one, other = x.chunk(2, c)
    return x + torch.cat([-other, one], c)


@plain
def gated_halves(x, c, t):
    return torch.cat([F.glu(x, c), F.glu(-x, c)], c)


@plain
def unequal_parts(x, c, t):
    one, other = x.split([2, x.shape[c] - 2], c)
    return torch.cat([torch.tanh(one), other], c)


@plain
def by_position(x, c, t):
    return torch.cat([x.narrow(c, 0, 2).exp(), x.narrow(c, 2, x.shape[c] - 2)], c)


@plain
def first_gates(x, c, t):
    return x * torch.sigmoid(x.narrow(c, 0, 1))


@plain
def every_other(x, c, t):
    y = x.clone()
    (y[..., ::2] if c == x.ndim - 1 else y[:, ::2]).mul_(2)
    return y


@plain
def written_first_half(x, c, t):
    y, half = torch.zeros_like(x), x.shape[c] // 2
    y.narrow(c, 0, half).copy_(x.narrow(c, half, half))
    return y + x


@plain
def written_times(x, c, t):
    y = x.new_zeros(x.shape)
    y.narrow(t, 0, 2).copy_(x.narrow(t, 1, 2))
    y.narrow(t, 2, 1).fill_(1)
    return y


@plain
def written_all_but_one_time(x, c, t):
    y = torch.zeros(x.shape, dtype=x.dtype, device=x.device)
    y.narrow(t, 1, x.shape[t] - 1).add_(x.narrow(t, 0, x.shape[t] - 1))
    return y


@plain
def written_by_out(x, c, t):
    y = torch.zeros(x.shape, dtype=x.dtype, device=x.device)
    with torch.no_grad():
        torch.mul(x.detach(), 2, out=y)
    return x + y


@plain
def written_by_out_in_part(x, c, t):
    y = torch.zeros(x.shape, dtype=x.dtype, device=x.device)
    with torch.no_grad():
        torch.mul(x.detach().narrow(t, 0, 2), 2, out=y.narrow(t, 1, 2))
    return x + y


@plain
def constants_written_later(x, c, t):
    y = torch.ones(x.shape, dtype=x.dtype, device=x.device)
    y.narrow(c, 0, 2).fill_(3)
    return x * y


@plain
def constants_joined(x, c, t):
    half = list(x.shape)
    half[c] //= 2
    ones = torch.ones(half, dtype=x.dtype, device=x.device)
    return x * torch.cat([ones * 2, ones * 3], c)


@plain
def put_rows(x, c, t):
    y = x.transpose(0, t) if c == x.ndim - 1 else x.permute(2, 0, 1)
    places = torch.tensor([1, 2, 0, 0], device=x.device)
    y = y.new_zeros(5, *y.shape[1:]).index_put((places,), y, accumulate=True)[: x.shape[t]]
    return y.transpose(0, t) if c == x.ndim - 1 else y.permute(1, 2, 0)


@plain
def scattered(x, c, t):
    index = torch.tensor([1, 2, 0, 0], device=x.device)
    index = index.view(1, -1, 1) if t == 1 else index.view(1, 1, -1)
    return torch.zeros_like(x).scatter_add(t, index.expand(x.shape), x)


@plain
def negative_ones_set(x, c, t):
    y = x.clone()
    y[y < 0] = 0.5
    return y


@plain
def cumulative(x, c, t):
    return x.cumsum(t)


@plain
def cumulative_over_channels(x, c, t):
    return x.cumsum(c)


@plain
def sorted_times(x, c, t):
    return x.sort(t).values


@plain
def rolled(x, c, t):
    return x.roll(1, t)


@plain
def rolled_channels(x, c, t):
    return x.roll(1, c)


@plain
def padded(x, c, t):
    pads = [0, 0, 1, 0] if t == 1 else [1, 0]
    return F.pad(x, pads).narrow(t, 0, x.shape[t])


@plain
def padded_with_one(x, c, t):
    pads = [0, 0, 1, 0] if t == 1 else [1, 0]
    return F.pad(x, pads, value=1.0).narrow(t, 0, x.shape[t])


@plain
def by_width(x, c, t):
    return x / math.sqrt(x.shape[c])


@plain
def by_tensor_of_width(x, c, t):
    return x * torch.tensor(1.0 * x.shape[c], dtype=x.dtype)


@plain
def by_counted_ones(x, c, t):
    return x * torch.ones(x.shape[c], dtype=x.dtype, device=x.device).sum()


@plain
def by_new_tensor_of_width(x, c, t):
    return x * torch.tensor(1.0 * x.shape[c], device=x.device) + x.new_tensor(x.shape[c])


@plain
def by_norm_of_ones(x, c, t):
    return x / torch.ones(x.shape[c], dtype=x.dtype, device=x.device).norm()


@plain
def by_even_softmax(x, c, t):
    return x * torch.zeros(x.shape[c], dtype=x.dtype, device=x.device).softmax(0)[0]


@plain
def plus_zeros_summed(x, c, t):
    return x + torch.zeros_like(x).sum() + x.new_zeros(x.shape[c]).sum()


@plain
def by_positions(x, c, t):
    places = torch.linspace(0, 1, x.shape[c], dtype=x.dtype, device=x.device)
    return x + (places if c == x.ndim - 1 else places[:, None])


@plain
def self_attention(x, c, t):
    y = x if c == x.ndim - 1 else x.transpose(1, 2)
    y = F.scaled_dot_product_attention(y, y, y, scale=0.5)
    return y if c == x.ndim - 1 else y.transpose(1, 2)


@plain
def headed_attention(x, c, t):
    y = x if c == x.ndim - 1 else x.transpose(1, 2)
    heads = y.unflatten(-1, (2, -1)).transpose(1, 2)
    y = F.scaled_dot_product_attention(heads, heads, heads, scale=0.5).transpose(1, 2).flatten(2)
    return y if c == x.ndim - 1 else y.transpose(1, 2)


@plain
def causal_scores(x, c, t):
    y = x if c == x.ndim - 1 else x.transpose(1, 2)
    scores = y @ y.transpose(1, 2)
    ban = torch.ones(y.shape[1], y.shape[1], dtype=torch.bool, device=x.device).triu(1)
    y = scores.masked_fill(ban, -math.inf).softmax(-1) @ y
    return y if c == x.ndim - 1 else y.transpose(1, 2)


@plain
def gram(x, c, t):
    y = x if c == x.ndim - 1 else x.transpose(1, 2)
    y = y @ (y.transpose(1, 2) @ y)
    return y if c == x.ndim - 1 else y.transpose(1, 2)


@plain
def complexes(x, c, t):
    y = torch.fft.rfft(x, dim=t)
    return torch.fft.irfft(y * (1 + 0.5j), n=x.shape[t], dim=t)


@plain
def assigned_reals(x, c, t):
    y = torch.zeros(*x.shape, 2, dtype=x.dtype, device=x.device)
    z = torch.view_as_complex(y)
    y[..., 0] = x
    return z.real + x


@plain
def diagonal(x, c, t):
    return x + torch.diagonal(x, 0, 1, 2).sum(-1)[:, None, None]


@plain
def einsum_of_itself(x, c, t):
    rule = "ntc,nsc->nts" if c == x.ndim - 1 else "nct,ncs->nts"
    scores = torch.einsum(rule, x, x).softmax(-1)
    back = "nts,nsc->ntc" if c == x.ndim - 1 else "nts,ncs->nct"
    return torch.einsum(back, scores, x)


@plain
def unbound_times(x, c, t):
    state, out = torch.zeros_like(x.select(t, 0)), []
    for one in x.unbind(t):
        state = 0.5 * state + torch.tanh(one)
        out.append(state)
    return torch.stack(out, t)


@plain
def into_a_list(x, c, t):
    y = x.new_empty(x.shape)
    for at in range(x.shape[t]):
        y.select(t, at).copy_(x.select(t, -1 - at))
    return y


@joining
def added(a, b, c, t):
    return a + b


@joining
def multiplied(a, b, c, t):
    return a * b


@joining
def divided(a, b, c, t):
    return a / (b.abs() + 1)


@joining
def divided_by_exponential(a, b, c, t):
    return a / torch.exp(b.clamp(-1, 1))


@joining
def larger(a, b, c, t):
    return torch.maximum(a, b)


@joining
def angles(a, b, c, t):
    return torch.atan2(a, b + 3)


@joining
def hypotenuse(a, b, c, t):
    return torch.hypot(a, b + 2)


@joining
def chosen_by_other(a, b, c, t):
    return torch.where(b > 0, a, b)


@joining
def chosen_by_both(a, b, c, t):
    return torch.where(a > b, a, 1.0)


@joining
def bounded_by_other(a, b, c, t):
    return a.clamp(max=b)


@joining
def masked_by_other(a, b, c, t):
    return a.masked_fill(b > 0, 0.0)


@joining
def masked_with_one(a, b, c, t):
    return a.masked_fill(b > 0, 1.0)


@joining
def logged(a, b, c, t):
    return torch.logaddexp(a, b)


@joining
def raised(a, b, c, t):
    return (a.abs() + 1) ** b.clamp(-1, 1)


@joining
def multiplied_and_added(a, b, c, t):
    return torch.addcmul(a, a, b, value=0.5)


@joining
def mixed(a, b, c, t):
    return torch.lerp(a, b, torch.sigmoid(b))


@joining
def attended(a, b, c, t):
    y, z = (a, b) if c == a.ndim - 1 else (a.transpose(1, 2), b.transpose(1, 2))
    y = (y @ z.transpose(1, 2)).softmax(-1) @ z
    return y if c == a.ndim - 1 else y.transpose(1, 2)


@joining
def attended_by_heads(a, b, c, t):
    y, z = (a, b) if c == a.ndim - 1 else (a.transpose(1, 2), b.transpose(1, 2))
    q, k = (one.unflatten(-1, (2, -1)).transpose(1, 2) for one in (y, z))
    y = F.scaled_dot_product_attention(q, k, k, scale=0.5).transpose(1, 2).flatten(2)
    return y if c == a.ndim - 1 else y.transpose(1, 2)


@joining
def halves_of_both(a, b, c, t):
    half = a.shape[c] // 2
    return torch.cat([a.narrow(c, 0, half), b.narrow(c, half, half)], c)


@joining
def along_times(a, b, c, t):
    return torch.cat([a, b], t).narrow(t, 2, a.shape[t])


@joining
def stacked(a, b, c, t):
    return torch.stack([a, b]).amax(0)


@joining
def interleaved(a, b, c, t):
    half = a.shape[c] // 2
    pairs = torch.stack([a.narrow(c, 0, half), b.narrow(c, 0, half)], c + 1)
    return pairs.flatten(c, c + 1)


@joining
def written_into(a, b, c, t):
    y = a.clone()
    y.narrow(t, 0, 2).add_(b.narrow(t, 0, 2))
    return y


@joining
def scored(a, b, c, t):
    return a * torch.sigmoid((a * b).sum(c, keepdim=True))


@joining
def gated_by_mean(a, b, c, t):
    return a * torch.sigmoid(b.mean(t, keepdim=True))


@joining
def near(a, b, c, t):
    return a * torch.exp(-(a - b).square().sum(c, keepdim=True))


class Owning(nn.Module):
    """A step with parameters; it is told where its channels lie."""

    def __init__(self, *, last: bool) -> None:
        super().__init__()
        self.last = last
        self.c, self.t = (2, 1) if last else (1, 2)
        self.build()

    def build(self) -> None:
        """Make what it owns."""

    def rows(self, x: Tensor) -> Tensor:
        """The tensor with its channels last."""
        return x if self.last else x.transpose(1, 2)

    back = rows

    def line(self, value: Tensor) -> Tensor:
        """A parameter with an entry for each channel, shaped to meet a tensor."""
        return value if self.last else value[:, None]


@owning
class Layer(Owning):
    def build(self) -> None:
        self.layer = nn.Linear(WIDTH, WIDTH) if self.last else nn.Conv1d(WIDTH, WIDTH, 3, padding=1)

    def forward(self, x):
        return self.layer(x)


@owning
class NoBias(Owning):
    def build(self) -> None:
        self.layer = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x):
        return self.back(self.layer(self.rows(x)))


@owning
class Twice(Layer):
    def forward(self, x):
        return self.layer(F.relu(self.layer(x)))


@owning
class TwiceAdded(Layer):
    def forward(self, x):
        return self.layer(x) + self.layer(torch.cos(x))


@owning
class BatchNorm(Owning):
    def build(self) -> None:
        self.norm = nn.BatchNorm1d(WIDTH)

    def forward(self, x):
        return self.norm(x) if not self.last else self.norm(x.transpose(1, 2)).transpose(1, 2)


@owning
class BatchNormTwice(BatchNorm):
    def forward(self, x):
        return super().forward(F.relu(super().forward(x)))


@owning
class GroupNorm(Owning):
    def build(self) -> None:
        self.norm = nn.GroupNorm(3, WIDTH)

    def forward(self, x):
        return self.norm(x) if not self.last else self.norm(x.transpose(1, 2)).transpose(1, 2)


@owning
class InstanceNorm(GroupNorm):
    def build(self) -> None:
        self.norm = nn.InstanceNorm1d(WIDTH, affine=True, track_running_stats=True)


@owning
class LayerNorm(Owning):
    def build(self) -> None:
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x):
        return self.back(self.norm(self.rows(x)))


@owning
class RMSNorm(LayerNorm):
    def build(self) -> None:
        self.norm = nn.RMSNorm(WIDTH)


@owning
class Scale(Owning):
    def build(self) -> None:
        self.scale, self.shift = nn.Parameter(torch.randn(WIDTH)), nn.Parameter(torch.randn(WIDTH))

    def forward(self, x):
        return x * self.line(self.scale) + self.line(self.shift)


@owning
class Softened(Scale):
    def forward(self, x):
        return x * torch.exp(self.line(self.scale)) + F.softplus(self.line(self.shift))


@owning
class Divided(Scale):
    def forward(self, x):
        return x / (self.line(self.scale).abs() + 0.1)


@owning
class Bounded(Scale):
    def forward(self, x):
        return torch.where(x > self.line(self.scale), x, self.line(self.shift))


@owning
class Clamped(Scale):
    def forward(self, x):
        low, high = self.line(self.scale), self.line(self.scale) + self.line(self.shift).abs()
        return torch.clamp(x, low, high)


@owning
class Larger(Scale):
    def forward(self, x):
        return torch.maximum(x, self.line(self.shift))


@owning
class ScaleOnce(Scale):
    def forward(self, x):
        return torch.tanh(x * self.line(self.scale)) * self.line(self.scale)


@owning
class ScaleTotal(Scale):
    def forward(self, x):
        return x * self.scale.sum() + self.line(self.shift)


@owning
class ScaleNormed(Scale):
    def forward(self, x):
        return x * self.line(self.scale / self.scale.norm())


@owning
class ScaleQuotient(Scale):
    def forward(self, x):
        return x * self.line(self.scale / self.shift) + self.line(1 / self.shift)


@owning
class ScaleBelow(Scale):
    def forward(self, x):
        return (x - self.line(self.shift)) / self.line(self.scale)


@owning
class ScaleCentred(Scale):
    def forward(self, x):
        return x * self.line(self.scale - self.scale.mean())


@owning
class ScaleOfFirst(Scale):
    def forward(self, x):
        return x * self.line(self.scale) * self.scale[0]


@owning
class ScaleOverSum(Scale):
    def forward(self, x):
        return x * self.line(self.scale.exp()) / self.scale.exp().sum()


@owning
class ScaleOverLargest(Scale):
    def forward(self, x):
        return x * self.line(self.scale) / (self.scale.abs().amax() + 1)


@owning
class ScaleSoftmax(Scale):
    def forward(self, x):
        return x * self.line(self.scale.softmax(0))


@owning
class HalvedScale(Scale):
    def forward(self, x):
        one, other = self.scale.chunk(2)
        return x * self.line(torch.cat([other, one]))


@owning
class ScaleByGroups(Owning):
    def build(self) -> None:
        self.scale = nn.Parameter(torch.randn(2))

    def forward(self, x):
        scale = self.scale.repeat_interleave(x.shape[self.c] // 2)
        return x * self.line(scale)


@owning
class PReLU(Owning):
    def build(self) -> None:
        self.act = nn.PReLU(WIDTH)

    def forward(self, x):
        return self.act(x) if not self.last else self.act(x.transpose(1, 2)).transpose(1, 2)


@owning
class Depthwise(Owning):
    def build(self) -> None:
        self.layer = nn.Conv1d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH)

    def forward(self, x):
        return self.layer(x) if not self.last else self.layer(x.transpose(1, 2)).transpose(1, 2)


@owning
class Grouped(Depthwise):
    def build(self) -> None:
        self.layer = nn.Conv1d(WIDTH, WIDTH, 3, padding=1, groups=2)


@owning
class Transposed(Depthwise):
    def build(self) -> None:
        self.layer = nn.ConvTranspose1d(WIDTH, WIDTH, 3, padding=1)


@owning
class Squeezed(Owning):
    def build(self) -> None:
        self.one, self.two = nn.Linear(WIDTH, 3), nn.Linear(3, WIDTH)

    def forward(self, x):
        gate = torch.sigmoid(self.two(F.relu(self.one(x.mean(self.t)))))
        return x * gate.unsqueeze(self.t)


@owning
class Concatenated(Owning):
    def build(self) -> None:
        self.one, self.two = nn.Linear(WIDTH, WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.norm = nn.GroupNorm(4, 2 * WIDTH)

    def forward(self, x):
        x = self.rows(x)
        both = torch.cat([x, F.relu(self.one(x))], -1)
        both = self.norm(both.transpose(1, 2)).transpose(1, 2)
        return self.back(self.two(both))


@owning
class Attention(Owning):
    def build(self) -> None:
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, x):
        x = self.rows(x)
        return self.back(self.attention(x, x, x, need_weights=False)[0])


@owning
class Cross(Attention):
    def forward(self, x):
        x = self.rows(x)
        return self.back(self.attention(x, torch.sigmoid(x), F.relu(x))[0])


@owning
class Recurrent(Owning):
    def build(self) -> None:
        self.cell = nn.LSTM(WIDTH, WIDTH, batch_first=True)

    def forward(self, x):
        return self.back(self.cell(self.rows(x))[0])


@owning
class GatedRecurrent(Recurrent):
    def build(self) -> None:
        self.cell = nn.GRU(WIDTH, WIDTH // 2, batch_first=True, bidirectional=True)


@owning
class Started(Recurrent):
    def forward(self, x):
        x = self.rows(x)
        state = (torch.sigmoid(x.mean(1))[None], x.sum(1)[None])
        return self.back(self.cell(x, state)[0])


@owning
class OwnCell(Owning):
    def build(self) -> None:
        self.cell = nn.GRUCell(WIDTH, WIDTH)
        self.layer = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        x, out = self.rows(x), []
        state = x.new_zeros(len(x), self.cell.hidden_size)
        for one in x.unbind(1):
            state = self.cell(F.relu(self.layer(one)), state)
            out.append(self.layer(state))
        return self.back(torch.stack(out, 1))


@owning
class SharedInRecurrence(Owning):
    def build(self) -> None:
        self.layer = nn.Linear(WIDTH, WIDTH)
        self.norm = nn.BatchNorm1d(WIDTH)

    def forward(self, x):
        x, out = self.rows(x), []
        state = torch.zeros_like(x[:, 0])
        for one in x.unbind(1):
            state = torch.tanh(self.norm(self.layer(state + one)))
            out.append(state)
        return self.back(torch.stack(out, 1))


@owning
class Einsum(Owning):
    def build(self) -> None:
        self.one, self.two = nn.Linear(WIDTH, WIDTH), nn.Parameter(torch.randn(WIDTH, WIDTH))

    def forward(self, x):
        y = torch.relu(self.one(self.rows(x)))
        y = torch.einsum("ntc,cd->ntd", y, self.two)
        return self.back(torch.einsum("ntd,cd->ntc", torch.relu(y), self.two))


@owning
class Tied(Owning):
    def build(self) -> None:
        self.one = nn.Linear(WIDTH, 4)

    def forward(self, x):
        y = F.relu(self.one(self.rows(x)))
        return self.back(F.linear(y, self.one.weight.t()))


@owning
class Bilinear(Owning):
    def build(self) -> None:
        self.layer = nn.Bilinear(WIDTH, WIDTH, WIDTH)

    def forward(self, x):
        x = self.rows(x)
        return self.back(self.layer(x, F.relu(x)))


@owning
class Normed(Owning):
    def build(self) -> None:
        self.layer = nn.utils.parametrizations.weight_norm(nn.Linear(WIDTH, WIDTH))
        self.after = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return self.back(self.after(F.relu(self.layer(self.rows(x)))))


@owning
class SlicedWeight(Owning):
    def build(self) -> None:
        self.layer = nn.Linear(WIDTH, 2 * WIDTH)

    def forward(self, x):
        x = self.rows(x)
        ways = zip(self.layer.weight.chunk(2), self.layer.bias.chunk(2), strict=True)
        one, other = (F.linear(x, weight, bias) for weight, bias in ways)
        return self.back(one * torch.sigmoid(other))


@owning
class Table(Owning):
    def build(self) -> None:
        self.table = nn.Embedding(TIMES, WIDTH)

    def forward(self, x):
        places = torch.arange(TIMES, device=x.device)
        return self.back(self.rows(x) + self.table(places))


@owning
class TableTwice(Table):
    def forward(self, x):
        places = torch.arange(TIMES, device=x.device)
        scores = self.rows(x) @ self.table.weight.t()
        return self.back(
            self.rows(x) + scores.softmax(-1) @ self.table.weight * 0.5 + self.table(places)
        )


@owning
class Running(Owning):
    def build(self) -> None:
        self.register_buffer("mean", torch.zeros(WIDTH))

    def forward(self, x):
        if self.training:
            self.mean.mul_(0.9).add_(x.detach().mean((0, self.t)), alpha=0.1)
        return x - self.line(self.mean)


@owning
class RunningPower(Owning):
    def build(self) -> None:
        self.register_buffer("power", torch.ones(WIDTH))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.power.lerp_(x.square().mean((0, self.t)), 0.1)
        return x / (self.line(self.power).abs() + 0.1).sqrt()


@owning
class MaskOfHeads(Owning):
    def build(self) -> None:
        self.layer, self.table = (
            nn.Linear(WIDTH, 3 * WIDTH),
            nn.Parameter(torch.randn(2, TIMES, TIMES)),
        )

    def forward(self, x):
        x = self.rows(x)
        q, k, v = self.layer(x).unflatten(-1, (3, 2, -1)).permute(2, 0, 3, 1, 4)
        ban = torch.ones(TIMES, TIMES, dtype=torch.bool, device=x.device).triu(1)
        scores = q @ k.transpose(-2, -1) / 2 + self.table.masked_fill(ban, -math.inf)
        return self.back((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


class Composed(nn.Module):
    """Steps one after another; each by its name, with two branches where it joins any."""

    def __init__(self, steps: Any, *, last: bool) -> None:
        super().__init__()
        self.c, self.t = (2, 1) if last else (1, 2)
        self.names = [step[0] for step in steps]
        self.parts = nn.ModuleList()
        for name, *branches in steps:
            if name in OWNING:
                self.parts.append(OWNING[name](last=last))
            else:
                self.parts.append(nn.ModuleList(Composed(one, last=last) for one in branches))

    def forward(self, x: Tensor) -> Tensor:
        """What comes out of all steps."""
        for name, part in zip(self.names, self.parts, strict=True):
            if name in OWNING:
                x = part(x)
            elif name in PLAIN:
                x = PLAIN[name](x, self.c, self.t)
            else:
                one, other = (branch(x) for branch in part)
                x = JOINING[name](one, other, self.c, self.t)
        return x


class Whole(nn.Module):
    """A layer, steps, and a head that reads all channels."""

    def __init__(self, steps: Any, *, last: bool) -> None:
        super().__init__()
        self.last = last
        self.stem, self.body = nn.Linear(5, WIDTH), Composed(steps, last=last)
        self.head = nn.Linear(WIDTH, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Scores for each example and time."""
        x = self.stem(x)
        x = self.body(x) if self.last else self.body(x.transpose(1, 2)).transpose(1, 2)
        return self.head(x)
