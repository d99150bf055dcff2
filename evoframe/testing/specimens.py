"""Specimens: small networks with data, on which a strategy shows in milliseconds what it does."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, Literal

import attrs
import torch
from torch import Tensor, nn

from evoframe import anatomy
from evoframe.anatomy import Anatomy
from evoframe.kernel.individual import Metric
from evoframe.kernel.key import Key, sealed
from evoframe.roles import Split, Task, doc

Kind = Literal["perceptron", "normed", "convolutions", "residual", "shallow", "bias-free"]

SIZES: dict[Split, int] = {"train": 24, "validation": 12, "test": 6}
"""How many examples each split has."""

BATCH_SIZE = 8


@attrs.frozen
class Specimen(Task):
    """Points of three classes, and a small network to tell them apart."""

    name: ClassVar[str] = "specimen"

    kind: Kind = attrs.field(default="perceptron", metadata=doc("what the network is made of"))
    width: int = attrs.field(
        default=3,
        validator=attrs.validators.ge(1),
        metadata=doc("channels of every hidden layer"),
    )
    precision: Literal["float32", "float64"] = attrs.field(
        default="float32", metadata=doc("type of weights and data")
    )
    loss_scale: float = attrs.field(default=1.0, metadata=doc("factor of the loss"))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Accuracy first, then cross-entropy."""
        return (Metric("accuracy"), Metric("loss", maximise=False, share=False))

    @property
    def dtype(self) -> torch.dtype:
        """The type of weights and data."""
        return torch.float64 if self.precision == "float64" else torch.float32

    def ancestor(self, key: Key) -> nn.Module:
        """Return the network with weights from the global generator."""
        return _network(self.kind, self.width).to(self.dtype)

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Return one example: a point (1, 4), or an image (1, 2, 4, 4)."""
        return (_examples(self.kind, self.precision)["test"][0][:1],)

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        """Return batches of inputs and labels, on the CPU."""
        inputs, labels = _examples(self.kind, self.precision)[split]
        order = torch.arange(len(labels))
        if shuffle is not None:
            order = torch.from_numpy(shuffle.shuffled(len(labels)))
        size = batch_size or BATCH_SIZE
        starts = range(0, len(order), size)
        return [(inputs[order[n : n + size]], labels[order[n : n + size]]) for n in starts]

    def step(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the mean cross-entropy of a batch, times the scale."""
        inputs, labels = batch
        return self.loss_scale * nn.functional.cross_entropy(network(inputs), labels)

    def measure(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        """Return accuracy, 0 or 1, and cross-entropy of each example, (N,)."""
        inputs, labels = batch
        scores = network(inputs)
        return {
            "accuracy": (scores.argmax(1) == labels).float(),
            "loss": nn.functional.cross_entropy(scores, labels, reduction="none"),
        }

    def fit(self, network: nn.Module, key: Key, device: torch.device) -> None:
        """Train in place, as somebody's own loop would."""
        optimiser = torch.optim.Adam(network.parameters(), lr=0.05, weight_decay=0.1)
        network.train()
        for inputs, labels in self.batches("train", shuffle=key):
            optimiser.zero_grad()
            self.step(network, (inputs.to(device), labels.to(device))).backward()  # type: ignore[no-untyped-call]
            optimiser.step()


@lru_cache(maxsize=64)
def body_plan(specimen: Specimen, device: str) -> Anatomy:
    """Return the surveyed network of a specimen, with weights of its own."""
    # The same weights in every process and session: checks compare bits.
    with sealed(Key(0).at("specimen")):
        network = specimen.ancestor(Key(0))
    plan = anatomy.survey(network, specimen.example_inputs(), specimen.evolvable(network))
    return plan.to(torch.device(device))


class _Residual(nn.Module):
    """Two convolutions with a shortcut around the second, so that their channels are tied."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.head = nn.Linear(width, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return scores (N, 3) of images (N, 2, 4, 4)."""
        hidden = self.first(inputs).relu()
        scores: Tensor = self.head((hidden + self.second(hidden)).relu().mean((2, 3)))
        return scores


def _network(kind: Kind, width: int) -> nn.Module:
    if kind == "residual":
        return _Residual(width)
    if kind == "convolutions":
        return nn.Sequential(
            nn.Conv2d(2, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * width, 3),
        )
    if kind == "shallow":  # only one of its tensors evolves
        return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 3))
    norm = [nn.BatchNorm1d(width)] if kind == "normed" else []
    bias = kind != "bias-free"
    return nn.Sequential(
        nn.Linear(4, width, bias), *norm, nn.ReLU(), nn.Linear(width, width, bias), nn.ReLU(),
        nn.Linear(width, 3, bias),
    )  # fmt: skip


@lru_cache(maxsize=16)
def _examples(kind: Kind, precision: str) -> dict[Split, tuple[Tensor, Tensor]]:
    shape = (2, 4, 4) if kind in ("convolutions", "residual") else (4,)
    dtype = torch.float64 if precision == "float64" else torch.float32
    found: dict[Split, tuple[Tensor, Tensor]] = {}
    for split, count in SIZES.items():
        labels = torch.arange(count) % 3
        noise = torch.randn(count, *shape, generator=Key(0).at(split).generator())
        # Classes lie around -2, 0 and 2 along the first
        # input: a tiny network learns them in an epoch.
        noise[:, 0] += 2.0 * (labels - 1).reshape(-1, *[1] * (len(shape) - 1))
        found[split] = noise.to(dtype), labels
    return found
