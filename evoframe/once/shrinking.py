"""Shrinking: the door to one cut, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import isclass
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import nn

from evoframe.anatomy import Anatomy, survey
from evoframe.anatomy.timing import timed_by
from evoframe.config.recipe import AnatomyOptions
from evoframe.config.values import structure
from evoframe.costs.table import LatencyTable
from evoframe.errors import ConfigError
from evoframe.kernel.arguments import Arguments, Inputs
from evoframe.kernel.context import Context
from evoframe.kernel.entries import tensors_of
from evoframe.kernel.key import Key
from evoframe.kernel.lasting import plain
from evoframe.kernel.phenotype import Phenotype
from evoframe.once.cutting import Cut, cut_down
from evoframe.once.given import one_by_one, task_of
from evoframe.once.hearing import require_hearing
from evoframe.once.limits import limits_of
from evoframe.once.shrunk import Shrunk, told
from evoframe.roles import Task
from evoframe.strategies.encoding.cluster import Cluster
from evoframe.strategies.nurture.repair import Repair
from evoframe.strategies.task.making import Data
from evoframe.strategies.task.reading import Forward, Targets
from evoframe.strategies.training.untrained import Untrained

FLOOR = 0.1
"""Share of its channels that every layer keeps, as far as the limits allow."""


def shrink(
    network: nn.Module,
    example_inputs: Inputs | None = None,
    *,
    flops: str | float | None = None,
    parameters: str | float | None = None,
    bytes: str | float | None = None,  # noqa: A002  as everywhere else
    activations: str | float | None = None,
    latency: str | float | None = None,
    latency_table: str | Path | None = None,
    data: Data | None = None,
    loss: Any = None,
    importance: str | None = None,
    scope: str = "network",
    normalise: str = "mean",
    steps: int = 1,
    batches: int = 20,
    examples: int = 200,
    repair: int = 0,
    statistics: int = 0,
    depth: bool = False,
    keep: Sequence[str] = (),
    at_least: float | None = None,
    multiple: int = 1,
    layers: Mapping[str, Mapping[str, float]] | None = None,
    evolvable: tuple[str, ...] | None = None,
    forward: Forward | None = None,
    targets: Targets | None = None,
    seed: int = 0,
) -> nn.Module:
    """Return a smaller network: the least important channels cut out, everywhere, at once.

    It is an ordinary module in evaluation mode, on the device of the network, which is not
    changed. It computes exactly what the network would with those channels at zero; nothing is
    trained, which is left to you. :func:`evoframe.shrunk` tells what was cut. Several limits hold
    together; each is a factor as in ``"4x"``, a share as in ``0.25``, or a number above 1.

    Args:
        network: trained; a result of ``shrink`` may be shrunk on.
        example_inputs: inputs for one forward pass, a tuple, a mapping of keywords, or both as
            ``evoframe.Arguments``; those of the first example of the data if not given.
        flops: what a forward pass on the example inputs may cost.
        parameters: how many may be left.
        bytes: of weights and buffers on disk.
        activations: peak bytes of a forward pass.
        latency: time of a forward pass by the table; also ``"10ms"``, and no other number above 1.
        latency_table: the file that :func:`evoframe.latency_table` or ``evoframe latency`` wrote.
        data: a loader, a data set, or tensors in memory, as of ``evoframe.task``.
        loss: takes outputs and targets; without, the network computes it.
        importance: ``fisher`` (with data, if nothing is said), ``magnitude`` (without),
            ``taylor`` (for loaders that only give batches), ``hessian-vector``, ``activation``,
            ``batch-norm``, ``geometric-median``.
        scope: ``network`` compares all channels, ``alike`` and ``layer`` take the same share of all
            layers of the same kinds, or of each.
        normalise: what importances are divided by, of the channels of the same layers: their
            ``mean``, ``max`` or ``sum``, or ``none``.
        steps: in how many cuts; importances are made anew before each.
        batches: of data that an importance is measured on.
        examples: the same for ``fisher``, which takes them one by one.
        repair: batches of data on which what reads channels that left learns to make do with those
            that stay, without training (as the nurture ``repair``); it then no longer
            computes the same. 0 leaves all weights as they are.
        statistics: batches of data on which the running statistics of batch norms are estimated
            anew after the cut, which then no longer computes the same; 0 leaves them.
        depth: let whole residual blocks leave too: ``x + branch(x)`` becomes ``x``.
        keep: names of layers that keep all their output channels.
        at_least: output channels that every layer keeps, or below 1 the share of them; if not
            given, a tenth as far as the limits allow.
        multiple: what the number of a layer's output channels is rounded up to, where it can be.
        layers: how wide single layers may be, by name or pattern: ``share`` of their channels,
            ``at_least``, ``at_most`` (each a number or below 1 a share) and ``multiple``, as in
            ``{"layer1.*": {"at_least": 0.5, "multiple": 8}}``; all that match a layer hold.
        evolvable: names of the parameters that may lose channels; all weights of convolutions,
            linear and recurrent layers but the last if not given.
        forward: how a batch is given to the network, as of ``evoframe.task``.
        targets: what of a batch outputs are held to, as of ``evoframe.task``.
        seed: of the order of batches.

    Raises:
        ConfigError: a limit that cannot be understood or met, or an importance without its data.
        TaskError: the network cannot be surveyed, or the data not be read.

    >>> network = factory()
    >>> evoframe.shrink(network, (inputs[:1],), parameters="2x")
    Sequential(
      (0): Linear(in_features=8, out_features=7, bias=True)
      (1): ReLU()
      (2): Linear(in_features=7, out_features=2, bias=True)
    )
    """
    if not isinstance(network, nn.Module):
        found = f"the class {network.__name__}" if isclass(network) else type(network).__name__
        raise ConfigError(
            f"shrink(network) was given {found}; wanted a torch.nn.Module, built and with its "
            "weights loaded."
        )
    singles = one_by_one(data)
    if importance is None:
        importance = "magnitude" if data is None else "taylor" if singles is None else "fisher"
    if importance == "fisher" and data is not None:
        if singles is None:
            raise ConfigError(
                "importance='fisher' takes examples one by one, and this loader only gives "
                "batches. Hand over a data set or tensors in memory, or use importance='taylor'."
            )
        data = singles
    task = task_of(network, example_inputs, data, loss, forward, targets, evolvable)
    anatomy = survey(
        network,
        task.example_inputs(),
        task.evolvable(network),
        keep=keep,
        at_least=1 if at_least is None else at_least,
        multiple=multiple,
        depth=depth,
        layers=structure({"layers": layers or {}}, AnatomyOptions, "shrink").layers,
        training_inputs=task.training_inputs(),
    )
    if latency_table is not None:
        anatomy = timed_by(anatomy, LatencyTable.read(Path(latency_table)))
    encoding = ranking(
        importance,
        scope=scope,
        normalise=normalise,
        batches=batches,
        examples=examples,
    )
    asked = {
        "flops": flops,
        "parameters": parameters,
        "bytes": bytes,
        "activations": activations,
        "latency": latency,
    }
    wish = Wish(encoding, asked, at_least, steps, repair, statistics)
    device = next((one.device for one in tensors_of(network).values()), torch.device("cpu"))
    cut, phenotype = wish.fulfilled(anatomy, task, Key(seed), device)
    return told(plain(phenotype.network), Shrunk.of(cut))


def ranking(importance: str, **options: Any) -> Cluster:
    """Return the encoding that ranks bundles by an importance.

    Raises:
        ConfigError: there is no such importance or option.
    """
    table = {"of": "bundle", "draw": False, "importance": importance, **options}
    return structure(table, Cluster, "shrink")


@attrs.frozen(eq=False)
class Wish:
    """How a network is to become smaller.

    Attributes:
        encoding: ranks its bundles.
        asked: limits by cost, as people say them.
        at_least: channels or a share of them that every layer keeps; None for a tenth.
        steps: in how many cuts.
        repair: batches to repair what reads channels that left on; 0 for none.
        statistics: batches to estimate the statistics of batch norms on; 0 for none.
    """

    encoding: Cluster
    asked: Mapping[str, str | float | None]
    at_least: float | None = None
    steps: int = 1
    repair: int = 0
    statistics: int = 0

    def fulfilled(
        self, anatomy: Anatomy, task: Task, key: Key, device: torch.device
    ) -> tuple[Cut, Phenotype]:
        """Return a cut, and the smaller network, in evaluation mode.

        Raises:
            ConfigError: a limit cannot be understood or met, or what is left hears nothing.
        """
        if self.steps < 1:
            raise ConfigError(f"steps is {self.steps}; wanted at least one cut.")
        whole = anatomy.genotype().to(device)
        anatomy = anatomy.to(device)
        limits = limits_of(self.asked, anatomy.costs(whole), bounded=bool(anatomy.bounds))
        context = Context(whole, None, anatomy, task, device, 2, key)
        share = FLOOR if self.at_least is None or self.at_least >= 1 else self.at_least
        genotype = cut_down(self.encoding, limits, context, floor=share, steps=self.steps)
        phenotype = anatomy.develop(genotype)
        if self.repair:
            Repair(self.repair).before_epoch(phenotype, context, 0)
            genotype = anatomy.absorb(phenotype)
        if self.statistics:
            Untrained(batches=self.statistics).train(phenotype, context)
            genotype = anatomy.absorb(phenotype)
        phenotype.network.eval()
        if anatomy.left(genotype):
            inputs = Arguments.of(task.example_inputs())
            require_hearing(anatomy.network, phenotype.network, inputs, key.at("hearing"))
        return Cut(anatomy, whole, genotype), phenotype
