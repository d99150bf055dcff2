"""Recurrence: layers of torch's own, cells in a loop, states that one layer hands to another."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from networks.registry import TOKENS, case, register


class Sequences(nn.Module):
    """A stem, recurrent layers, and a head over all that they give and all their last states."""

    def __init__(self, kind: type[nn.RNNBase], **more: Any) -> None:
        super().__init__()
        self.stem, self.cells = nn.Linear(6, 8), kind(8, 10, batch_first=True, **more)
        directions = 2 if self.cells.bidirectional else 1
        outs = self.cells.proj_size or 10
        self.wide = nn.Linear(outs * directions, 12)
        self.last = nn.Linear(outs * directions * self.cells.num_layers, 12)
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        given, states = self.cells(F.relu(self.stem(x)))
        last = states[0] if isinstance(states, tuple) else states
        last = last.transpose(0, 1).reshape(len(x), -1)
        return self.head(F.relu(self.wide(given).mean(1) + self.last(last)))


for name, kind, more, share in (
    ("gated units", nn.GRU, {}, 0.87),
    ("units of tanh", nn.RNN, {}, 0.8),
    ("units of relu", nn.RNN, {"nonlinearity": "relu"}, 0.8),
    ("units without biases", nn.LSTM, {"bias": False}, 0.89),
    ("two layers of gated units", nn.GRU, {"num_layers": 2, "dropout": 0.3}, 0.9),
    ("memory in both directions", nn.LSTM, {"bidirectional": True}, 0.9),
    (
        "two layers in both directions",
        nn.LSTM,
        {"num_layers": 2, "bidirectional": True, "dropout": 0.3},
        0.95,
    ),
    ("projected memory", nn.LSTM, {"proj_size": 4}, 0.8),
    (
        "wide projections in both directions",
        nn.LSTM,
        {"proj_size": 9, "num_layers": 2, "bidirectional": True},
        0.9,
    ),
):
    register(name, partial(Sequences, kind, **more), TOKENS, share=share)


class PackedSequences(nn.Module):
    """Sequences of several lengths; those that are not in their order are put into it first."""

    def __init__(self, *lengths: int) -> None:
        super().__init__()
        self.lengths = lengths
        self.stem, self.wide, self.head = nn.Linear(6, 8), nn.Linear(20, 12), nn.Linear(12, 4)
        self.cells = nn.LSTM(8, 10, 2, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        lengths, ordered = list(self.lengths), self.lengths[0] > self.lengths[1]
        packed = pack_padded_sequence(
            self.stem(x), lengths, batch_first=True, enforce_sorted=ordered
        )
        given, (last, _) = self.cells(packed)
        padded, _ = pad_packed_sequence(given, batch_first=True)
        return self.head(F.relu(self.wide(padded.mean(1) + torch.cat([last[-2], last[-1]], 1))))


register("packed sequences", partial(PackedSequences, 5, 3), TOKENS, share=0.95)
register("values of an order of sequences", partial(PackedSequences, 3, 5), TOKENS, share=0.95)


class Loop(nn.Module):
    """Two cells, step by step; the second begins at zeros of its own."""

    def __init__(self, kind: type[nn.RNNCellBase]) -> None:
        super().__init__()
        self.stem, self.first, self.second = nn.Linear(6, 8), kind(8, 10), kind(10, 7)
        self.wide, self.head = nn.Linear(7, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        one, found = None, []
        other: Any = x.new_zeros(len(x), self.second.hidden_size)
        if isinstance(self.second, nn.LSTMCell):
            other = other, torch.zeros_like(other)
        for step in x.unbind(1):
            one = self.first(step, one)
            other = self.second(one[0] if isinstance(one, tuple) else one, other)
            found.append(other[0] if isinstance(other, tuple) else other)
        return self.head(F.relu(self.wide(torch.stack(found, 1))))


register("cells with memory in a loop", partial(Loop, nn.LSTMCell), TOKENS, share=0.9)
register("gated cells in a loop", partial(Loop, nn.GRUCell), TOKENS, share=0.9)
register("plain cells in a loop", partial(Loop, nn.RNNCell), TOKENS, share=0.9)


class Translation(nn.Module):
    """What one layer ends with, another begins with: state, and cells."""

    def __init__(self, **more: Any) -> None:
        super().__init__()
        self.stem = nn.Linear(6, 8)
        self.reads = nn.LSTM(8, 10, 2, batch_first=True, **more)
        self.writes = nn.LSTM(8, 10, 2, batch_first=True, **more)
        self.wide, self.head = nn.Linear(self.reads.proj_size or 10, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        given, states = self.reads(x)
        return self.head(F.relu(self.wide(given + self.writes(x.flip(1), states)[0])))


register("states handed on", Translation, TOKENS, share=0.9)
register("projected states handed on", partial(Translation, proj_size=4), TOKENS, share=0.8)


@case(TOKENS, share=0.6)
class StateFromALayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.bridge = nn.Linear(6, 8), nn.Linear(14, 10)
        self.reads = nn.GRU(8, 7, bidirectional=True, batch_first=True)
        self.writes, self.wide = nn.GRU(8, 10, batch_first=True), nn.Linear(10, 12)
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        last = self.reads(x)[1]
        begins = torch.sigmoid(self.bridge(torch.cat([last[0], last[1]], 1))).unsqueeze(0)
        return self.head(F.relu(self.wide(self.writes(x, begins)[0])))


class LearnedFirstStates(nn.Module):
    def __init__(self, layers: int) -> None:
        super().__init__()
        self.stem, self.cells = nn.Linear(6, 8), nn.LSTM(8, 10, layers, batch_first=True)
        self.state, self.memory = (nn.Parameter(torch.randn(layers, 1, 10)) for _ in range(2))
        self.wide, self.head = nn.Linear(10, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        begins = [one.expand(-1, len(x), -1).contiguous() for one in (self.state, self.memory)]
        return self.head(F.relu(self.wide(self.cells(self.stem(x), tuple(begins))[0])))


register("learned first state", partial(LearnedFirstStates, 1), TOKENS, share=0.2)
register("learned first states of two layers", partial(LearnedFirstStates, 2), TOKENS, share=0.1)


@case(TOKENS, share=0.9)
class AttentionOverStates(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.score = nn.Linear(6, 8), nn.Linear(20, 1)
        self.cells = nn.LSTM(8, 10, bidirectional=True, batch_first=True)
        self.wide, self.head = nn.Linear(20, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        states = self.cells(self.stem(x))[0]
        weights = torch.softmax(self.score(torch.tanh(states)), 1)
        return self.head(F.relu(self.wide((weights * states).sum(1))))


@case((TOKENS[0], (2, 3, 6)), share=0.9)
class SharedMemory(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(6, 8), nn.Linear(6, 8)
        self.cells = nn.LSTM(8, 10, batch_first=True)
        self.wide, self.head = nn.Linear(10, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        found = [self.cells(one)[0][:, -1] for one in (self.one(x), self.other(y))]
        return self.head(F.relu(self.wide((found[0] - found[1]).abs())))


@case(TOKENS, share=0.9)
class FeedsItself(nn.Module):
    """What a cell gives goes through a layer before it comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.cell = nn.Linear(6, 8), nn.GRUCell(8, 10)
        self.scale = nn.Parameter(torch.rand(10))
        self.wide, self.head = nn.Linear(10, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), self.cell.hidden_size)
        for step in self.stem(x).unbind(1):
            state = torch.tanh(self.cell(step, state) * self.scale)
        return self.head(F.relu(self.wide(state)))
