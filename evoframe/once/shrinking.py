"""Shrinking: the door to one cut, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from evoframe.anatomy import Anatomy, survey
from evoframe.anatomy.timing import timed_by
from evoframe.config.recipe import AnatomyOptions
from evoframe.config.values import structure
from evoframe.costs.table import LatencyTable
from evoframe.kernel import wanted
from evoframe.kernel.key import Key
from evoframe.kernel.lasting import plain
from evoframe.kernel.modules.arguments import Inputs
from evoframe.kernel.modules.entries import device_of
from evoframe.once.given import chosen, require_network, task_of
from evoframe.once.shrunk import Shrunk, told
from evoframe.once.wish import Wish, ranking
from evoframe.roles import Task
from evoframe.strategies.task.making import Data
from evoframe.strategies.task.reading import Forward, Targets


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
        bytes: of all parameters, and of the buffers that are saved with the network.
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
    require_network(network)
    keep = wanted.texts("keep", keep, "layer1.0.conv1")
    if evolvable is not None:
        evolvable = wanted.texts("evolvable", evolvable, "conv1.weight")
    key = Key(wanted.whole("seed", seed))
    importance = chosen(importance, data)
    task = task_of(network, example_inputs, data, loss, forward, targets, evolvable)
    anatomy = _surveyed(
        network, task, layers, latency_table, at_least, keep=keep, multiple=multiple, depth=depth
    )
    encoding = ranking(
        importance, scope=scope, normalise=normalise, batches=batches, examples=examples
    )
    asked = {
        "flops": flops,
        "parameters": parameters,
        "bytes": bytes,
        "activations": activations,
        "latency": latency,
    }
    wish = Wish(encoding, asked, at_least, steps, repair, statistics)
    cut, phenotype = wish.fulfilled(anatomy, task, key, device_of(network))
    return told(plain(phenotype.network), Shrunk.of(cut))


def _surveyed(
    network: nn.Module,
    task: Task,
    layers: Mapping[str, Mapping[str, float]] | None,
    latency_table: str | Path | None,
    at_least: float | None,
    **options: Any,
) -> Anatomy:
    """Return the anatomy of a network, with its times where there is a table of them."""
    options["keep"], least = list(options["keep"]), 1 if at_least is None else at_least
    table = {**options, "at_least": least, "layers": layers or {}}
    said = structure(table, AnatomyOptions, "shrink")
    anatomy = survey(
        network,
        task.example_inputs(),
        task.evolvable(network),
        keep=said.keep,
        at_least=said.at_least,
        multiple=said.multiple,
        depth=said.depth,
        layers=said.layers,
        training_inputs=task.training_inputs(),
    )
    if latency_table is None:
        return anatomy
    return timed_by(anatomy, LatencyTable.read(wanted.path("latency_table", latency_table)))
