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
    """Return a smaller network, from which the least important channels have been removed.

    It is an ordinary module in evaluation mode, on the device of the network, which is not
    changed. Unless ``repair`` or ``statistics`` are given, it computes exactly what the network
    computes with those channels at zero. Nothing is trained. :func:`evoframe.shrunk` describes the
    cut. Several limits hold together; each is a factor (``"4x"``), a share (``0.25``), or a number
    above 1.

    Args:
        network: a trained network; a result of ``shrink`` may be shrunk again.
        example_inputs: inputs for one forward pass, a tuple, a mapping of keywords, or both as
            ``evoframe.Arguments``; those of the first example of the data if not given.
        flops: limit for a forward pass on the example inputs.
        parameters: limit for their number.
        bytes: limit for all parameters, and the buffers that are saved with the network.
        activations: limit for the peak bytes of a forward pass.
        latency: limit for the time of a forward pass, by the table; also ``"10ms"``, and no
            other number above 1.
        latency_table: the file that :func:`evoframe.latency_table` or ``evoframe latency`` wrote.
        data: a loader, a data set, or tensors in memory, as of ``evoframe.task``.
        loss: takes outputs and targets; without, the network computes it.
        importance: ``fisher`` (the default with data), ``magnitude`` (the default without),
            ``taylor`` (for loaders that only provide batches), ``hessian-vector``, ``activation``,
            ``batch-norm``, ``geometric-median``.
        scope: ``network`` ranks all channels together, ``alike`` and ``layer`` remove the same
            share of all layers of the same kind, or of each.
        normalise: statistic over the channels of the same layers by which importances are
            divided: ``mean``, ``max``, ``sum``, or ``none``.
        steps: number of pruning steps; importances are recomputed before each.
        batches: batches of data for measuring an importance.
        examples: the same for ``fisher``, which processes them one by one.
        repair: batches of data for refitting, by least squares and without training, the layers
            that read removed channels (as the nurture ``repair``); 0 keeps all weights.
        statistics: batches of data for re-estimating the running statistics of batch norms after
            the cut; 0 keeps them.
        depth: allow removal of whole residual blocks: ``x + branch(x)`` becomes ``x``.
        keep: names of layers that keep all their output channels.
        at_least: minimum number of output channels per layer, or below 1 a share; if not given,
            a tenth where the limits allow it.
        multiple: multiple to which the number of a layer's output channels is rounded up, where
            possible.
        layers: widths of single layers, by name or pattern: ``share`` of their channels,
            ``at_least``, ``at_most`` (each a number or below 1 a share) and ``multiple``, as in
            ``{"layer1.*": {"at_least": 0.5, "multiple": 8}}``; all that match a layer hold.
        evolvable: names of the parameters that may lose channels; all weights of convolutions,
            linear and recurrent layers but the last if not given.
        forward: how a batch is passed to the network, as in ``evoframe.task``.
        targets: what of a batch is compared with the outputs, as in ``evoframe.task``.
        seed: random seed of the order of batches.

    Raises:
        ConfigError: a limit that cannot be understood or met, or an importance without its data.
        TaskError: the network cannot be surveyed, or the data cannot be read.

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
