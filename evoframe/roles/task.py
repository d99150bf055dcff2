"""Task: what the networks are for, and the ancestor they descend from."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import torch
from torch import Tensor, nn

from evoframe.kernel import splits
from evoframe.kernel.individual import Measurement, Metric
from evoframe.kernel.life import Batch, Split
from evoframe.kernel.modules import duplicate
from evoframe.kernel.modules.arguments import Inputs
from evoframe.roles.base import Strategy
from evoframe.roles.matrices import read_by_products
from evoframe.roles.measuring import examples_in, means, totals
from evoframe.roles.over_data_set import Kept

if TYPE_CHECKING:
    from evoframe.kernel.key import Key

WITH_SYNAPSES = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
"""The layers whose weight evolves unless a task says otherwise."""

RECURRENT = (nn.RNNBase, nn.RNNCellBase)
"""The layers with several weights that do."""

WEIGHT = re.compile(r"weight(_(ih|hh|hr)(_l\d+(_reverse)?)?)?")
"""How such weights are called; a recurrent layer has two or three for each layer inside."""

READING = frozenset({"batches", "evaluate"})
"""The methods of a task that read a split."""

OF_ATTENTION = re.compile(r"(in|q|k|v)_proj_weight")
"""Those by which torch's attention makes queries, keys and values."""


@attrs.frozen
class Task(Strategy, ABC):
    """An ancestor network, data in three splits, a loss and metrics.

    Selection sees the validation split; the test split is reported and never decided on.

    Traits:
        ``trained``: the ancestor comes with trained weights, so the run does not train it.
    """

    role: ClassVar[str] = "task"

    @property
    @abstractmethod
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured; the first is the primary metric."""

    @abstractmethod
    def ancestor(self, key: Key) -> nn.Module:
        """Return the network that everything descends from; called in a sealed block.

        Random initial weights must come from the global torch generator or from ``key``.
        """

    @abstractmethod
    def example_inputs(self) -> Inputs:
        """Return inputs for one forward pass of the ancestor, on the CPU; the smallest will do.

        A tuple for arguments by position, a mapping for arguments by keyword, or both as
        ``Arguments(args, kwargs)``.
        """

    def training_inputs(self) -> Inputs | None:
        """Return inputs as training gives them, if they are others than the example inputs.

        Such as labels, of which a network computes its loss. A survey tries removals on them too.
        """
        return None

    @abstractmethod
    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Iterable[Batch]:
        """Return one pass over a split, as batches on any device.

        Args:
            split: which examples; ``test`` may be empty.
            shuffle: the order to draw them in; None for the natural order, every example once.
            batch_size: examples in a batch; None for the task's own choice.
        """

    @abstractmethod
    def step(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of one batch, a scalar with its graph."""

    @abstractmethod
    def measure(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor | Kept]:
        """Return each metric for each example of a batch (one axis), without gradients.

        A number (or a tensor without an axis) counts as the mean of the batch, and then no sampling
        error can be told. Of a metric over a data set, of ``over_data_set``, return what it gives
        when it is called with the outputs and targets of the batch.
        """

    @property
    def is_trained(self) -> bool:
        """Whether the ancestor comes with trained weights."""
        return "trained" in self.traits

    @property
    def primary(self) -> Metric:
        """The metric that selection and the stop and pick rules look at."""
        return self.metrics[0]

    def newborn(self, key: Key) -> nn.Module:
        """Return a network of the ancestor's architecture with fresh weights; called sealed."""
        # A copy: a task may hand out the same network every time.
        network = duplicate.duplicate(self.ancestor(key))
        for module in network.modules():
            if callable(reset := getattr(module, "reset_parameters", None)):
                reset()
        return network

    def evolvable(self, network: nn.Module) -> tuple[str, ...]:
        """Return the names of the parameters whose synapses may evolve.

        By default every weight of a convolution (transposed ones too), a linear or a recurrent
        layer, those by which attention makes queries, keys and values, and every matrix of a layer
        of one's own by which a product multiplies, except the last of them: the one that is used
        last where a pass tells, else the one that stands last. Biases and normalisation never hold
        synapses, and no more does what weights are computed from, as under weight norm.
        """
        layers = [
            (f"{name}." if name else "", module)
            for name, module in network.named_modules()
            if isinstance(module, (*WITH_SYNAPSES, *RECURRENT, nn.MultiheadAttention))
        ]
        own, read = read_by_products(network, lambda: self.example_inputs())  # noqa: PLW0108
        names = _names(layers)
        if own:
            known = dict(network.named_parameters())
            several = {*own, *names} - {read[-1]}
            return tuple(name for name in known if name in several)
        computed = any(not weights_of(module) for _, module in layers)
        if not read or computed or not set(names) <= set(read):  # some of them are not seen
            return _names(layers[:-1])
        last = read[-1].rpartition(".")[0]
        return tuple(name for name in names if name.rpartition(".")[0] != last)

    def examples_in(self, batch: Batch) -> int | None:
        """How many examples a batch holds; None where that cannot be told.

        Only metrics that are the mean of a batch need it. By default the length of the targets,
        which are the second part of a pair: the first axis of inputs may be time. Override it for
        batches of other kinds.
        """
        return examples_in(batch)

    def fit(self, network: nn.Module, key: Key, device: torch.device) -> None:
        """Train a network in place, by whatever means; used by the training strategy ``fit``."""
        raise NotImplementedError

    def evaluate(
        self, network: nn.Module, split: Split, device: torch.device
    ) -> Mapping[str, Measurement]:
        """Return every metric over a split, most of them means, with its standard error.

        Args:
            network: in evaluation mode, on ``device``; called without gradients.
            split: ``validation`` or ``test``; an empty split gives an empty mapping.
            device: where batches must go.
        """
        return means(totals(self, network, split, device))

    if not TYPE_CHECKING:  # a type checker would believe that a task has whatever it is asked for

        def __getattribute__(self, name: str) -> Any:
            """Return an attribute; while a strategy acts, data come through a gate.

            Here and not in what strategies are handed: a task's own methods, and whoever reached
            it otherwise, meet the same gate, and it stays the object that its author made.
            """
            found = object.__getattribute__(self, name)
            return splits.gated(found) if name in READING else found


def _names(layers: Iterable[tuple[str, nn.Module]]) -> tuple[str, ...]:
    """Return the weights with synapses of layers, which are given with their prefixes."""
    return tuple(f"{prefix}{name}" for prefix, module in layers for name in weights_of(module))


def weights_of(module: nn.Module) -> list[str]:
    """Return the names of a layer's own weights with synapses, in order."""
    pattern = OF_ATTENTION if isinstance(module, nn.MultiheadAttention) else WEIGHT
    return [name for name, _ in _parameters_of(module) if pattern.fullmatch(name)]


def _parameters_of(module: nn.Module) -> Iterable[tuple[str, nn.Parameter]]:
    """Return the parameters of a module itself, by each of their names."""
    return module.named_parameters(recurse=False, remove_duplicate=False)
