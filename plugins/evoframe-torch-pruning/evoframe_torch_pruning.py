"""Torch-Pruning's importances as an encoding, after DepGraph (Fang et al., arXiv 2301.12900).

Torch-Pruning finds *groups* of channels that must be pruned together, and scores their channels,
on a network that it can trace: here on the developed inheritance. A channel's score is taken for
all synapses that write to it, brought home to the ancestor's coordinates, and becomes the gene of
their cluster: of a filter, or of a bundle, which has the best score among its channels.

Only scores come from Torch-Pruning. What is cut, and how, is a matter of evoframe's anatomy.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, cast

import attrs
import torch
from torch import Tensor, nn

from evoframe.plugin import (
    DNA,
    LEVELS,
    WITH_SYNAPSES,
    Arguments,
    Clusters,
    ConfigError,
    Context,
    Encoding,
    Evidence,
    Genes,
    Inheritance,
    Key,
    Magnitude,
    Masks,
    Partition,
    Phenotype,
    Task,
    TaskError,
    doc,
    hookimpl,
    ranked,
    relative_levels,
    sealed,
)

KINDS = {
    "magnitude": "GroupMagnitudeImportance",
    "bn-scale": "BNScaleImportance",
    "lamp": "LAMPImportance",
    "fpgm": "FPGMImportance",
    "taylor": "GroupTaylorImportance",
    "hessian": "GroupHessianImportance",
}
"""The classes of ``torch_pruning.importance`` that are offered."""

OF_GRADIENTS = ("taylor", "hessian")
"""Those that ask for gradients, which nobody has before a run."""


@attrs.frozen
class TorchPruning(Encoding):
    """Channels that Torch-Pruning finds important live, and in them the strongest synapses."""

    name: ClassVar[str] = "torch-pruning"
    traits: ClassVar[frozenset[str]] = frozenset({"ranks"})

    importance: Literal["magnitude", "bn-scale", "lamp", "fpgm", "taylor", "hessian"] = attrs.field(
        default="magnitude",
        validator=attrs.validators.in_(KINDS),
        metadata=doc("which of Torch-Pruning's importances scores channels"),
    )
    of: Literal["filter", "bundle"] = attrs.field(
        default="bundle",
        validator=attrs.validators.in_(("filter", "bundle")),
        metadata=doc("what a cluster is; only bundles always make tensors smaller"),
    )
    norm: int = attrs.field(
        default=2,
        validator=attrs.validators.ge(1),
        metadata=doc("degree of the norm that magnitude, lamp and fpgm take"),
    )
    reduction: Literal["mean", "max", "sum", "prod", "first"] = attrs.field(
        default="mean", metadata=doc("how the scores of a group's layers become one")
    )
    normalizer: Literal["none", "mean", "max", "sum"] = attrs.field(
        default="mean",
        metadata=doc("what scores are divided by, group by group; lamp has its own"),
    )
    batches: int = attrs.field(
        default=20,
        validator=attrs.validators.ge(1),
        metadata=doc("training batches to take the mean gradient of, for taylor"),
    )
    examples: int = attrs.field(
        default=200,
        validator=attrs.validators.ge(1),
        metadata=doc("training examples to take squared gradients of, one by one, for hessian"),
    )

    def check(self, task: Task) -> None:
        """Refuse an ancestor that Torch-Pruning cannot read, or of which it says nothing."""
        with sealed(Key(0)):
            network = copy.deepcopy(task.ancestor(Key(0))).requires_grad_(requires_grad=True)
        inputs = Arguments.of(task.example_inputs())
        asked = "magnitude" if self.importance in OF_GRADIENTS else self.importance
        if not attrs.evolve(self, importance=asked).read(network, inputs, task):
            raise TaskError(
                f"encoding.importance = {self.importance!r} says nothing of any channel of the "
                f"network of task {task.name!r}. Try 'magnitude'."
            )

    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return DNA that ranks clusters by their scores, and synapses by their magnitude.

        Raises:
            TaskError: Torch-Pruning cannot read the network.
        """
        partition = evidence.clusters(self.of)
        genes = by_score(self._scores(evidence, context), partition, inheritance.eligible)
        strongest = Magnitude().encode(inheritance, evidence, context)
        return attrs.evolve(strongest, clusters=Clusters(genes, partition.members))

    def _scores(self, evidence: Evidence, context: Context) -> dict[str, Tensor]:
        """Return the score of every synapse's channel, NaN where Torch-Pruning has none."""
        phenotype = evidence.phenotype()
        phenotype.network.requires_grad_(requires_grad=True)  # what is frozen has a score too
        if self.importance in OF_GRADIENTS:
            self.feel(phenotype, evidence)
        task = cast("Task", context.task)
        inputs = Arguments.of(task.example_inputs()).to(context.device)
        found = self.read(phenotype.network, inputs, task)
        values = {
            name: found.get(name, torch.full_like(value, torch.nan, requires_grad=False))
            for name, value in phenotype.network.named_parameters()
        }
        return context.anatomy.home(phenotype, values)

    def read(self, network: nn.Module, inputs: Arguments, task: Task) -> dict[str, Tensor]:
        """Return the scores of a network's channels, shaped like its weights."""
        try:
            return channel_scores(network, inputs, self.scorer())
        except ImportError as error:
            raise ConfigError(
                "encoding 'torch-pruning' needs the package torch-pruning. "
                "Try `pip install torch-pruning`."
            ) from error
        except Exception as error:
            raise TaskError(
                f"encoding 'torch-pruning' cannot read the network of task {task.name!r}: "
                f"{type(error).__name__}: {error}. Torch-Pruning traces fewer networks than "
                "evoframe does. Try encoding = 'cluster'."
            ) from error

    def feel(self, phenotype: Phenotype, evidence: Evidence) -> None:
        """Fill ``grad`` with what is read there: the mean gradient, or the mean of its square."""
        squared = self.importance == "hessian"
        parameters = list(phenotype.network.parameters())
        sums, seen = [torch.zeros_like(value) for value in parameters], 0
        for loss in evidence.losses(
            phenotype,
            batches=self.examples if squared else self.batches,
            batch_size=1 if squared else None,
        ):
            gradients = torch.autograd.grad(loss, parameters, materialize_grads=True)
            for total, gradient in zip(sums, gradients, strict=True):
                total.add_(gradient.square() if squared else gradient)
            seen += 1
        for value, total in zip(parameters, sums, strict=True):
            value.grad = total / max(seen, 1)

    def scorer(self) -> Callable[[Any], Tensor | None]:
        """Return Torch-Pruning's importance, made with the options."""
        import torch_pruning  # late: it takes a second

        options: dict[str, Any] = {"group_reduction": self.reduction}
        if self.importance != "lamp":
            options["normalizer"] = None if self.normalizer == "none" else self.normalizer
        if self.importance in ("magnitude", "lamp", "fpgm"):
            options["p"] = self.norm
        made: Callable[[Any], Tensor | None] = getattr(
            torch_pruning.importance, KINDS[self.importance]
        )(**options)
        return made


def channel_scores(
    network: nn.Module, inputs: Any, importance: Callable[[Any], Tensor | None]
) -> dict[str, Tensor]:
    """Return the scores of a network's channels, as tensors shaped like the weights.

    Every entry of a weight has the score of the channel that it writes to. Weights of which
    Torch-Pruning says nothing are left out.

    Args:
        network: in training or not; its gradients are read where the importance asks for them.
        inputs: a tuple of arguments, a mapping of keywords, or both as ``Arguments``.
        importance: takes a group of Torch-Pruning's and returns a score for each channel.
    """
    import torch_pruning

    graph = torch_pruning.DependencyGraph().build_dependency(
        network, Arguments.of(inputs).simplest, verbose=False
    )
    weights = {
        module: f"{name}.weight".removeprefix(".")
        for name, module in network.named_modules()
        if isinstance(module, WITH_SYNAPSES)
    }
    found: dict[str, Tensor] = {}
    for group in graph.get_all_groups():
        parts = [(part.dep, list(part.idxs), list(part.root_idxs)) for part in group]
        scores = importance(group)  # which may sort the indices that it is given
        if scores is None:
            continue
        for dependency, channels, roots in parts:
            layer = dependency.target.module
            if layer in weights and graph.is_out_channel_pruning_fn(dependency.handler):
                row = torch.zeros(_channels(layer)).to(layer.weight)
                row[channels] = scores.nan_to_num()[roots].to(row)  # 0 / 0, if all are alike
                found[weights[layer]] = _spread(row, layer)
    return found


def by_score(scores: Mapping[str, Tensor], partition: Partition, eligible: Masks) -> Genes:
    """Return the genes of clusters, of which a higher score always outlives a lower one.

    Nothing speaks for the death of a cluster that has no score, or that cannot be cut.
    """
    count = len(partition.fixed)
    best = torch.zeros(count, device=partition.fixed.device)
    known, inhabited = torch.zeros_like(partition.fixed), torch.zeros_like(partition.fixed)
    for name, mask in eligible.items():
        members, values = partition.members[name].expand_as(mask)[mask], scores[name][mask]
        inhabited[members] = True
        known[members[~values.isnan()]] = True
        best.scatter_reduce_(0, members, values.nan_to_num().to(best), "amax")
    levels = relative_levels(best, float(best.max()))
    levels[partition.fixed | ~known] = LEVELS - 1
    return Genes(levels, ranked(), inhabited)


def _channels(layer: Any) -> int:
    """Return how many channels a layer writes."""
    return int(getattr(layer, "out_channels", 0) or layer.weight.shape[0])


def _spread(row: Tensor, layer: Any) -> Tensor:
    """Return a value for every channel that a layer writes as one for each of its weights."""
    weight: Tensor = layer.weight
    if not getattr(layer, "transposed", False):
        return row.reshape(-1, *[1] * (weight.ndim - 1)).expand_as(weight)
    by_group = row.reshape(layer.groups, 1, weight.shape[1])  # a weight is (in, out / groups, ...)
    wide = by_group.expand(-1, weight.shape[0] // layer.groups, -1).reshape(weight.shape[:2])
    return wide.reshape(*wide.shape, *[1] * (weight.ndim - 2)).expand_as(weight)


@hookimpl
def evoframe_encodings() -> list[type]:
    return [TorchPruning]
