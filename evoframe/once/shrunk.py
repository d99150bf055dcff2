"""Shrunk: what a cut has taken from a network, to be told."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

import attrs
import torch
from torch import nn

from evoframe.anatomy.remedies import remedy
from evoframe.errors import ConfigError
from evoframe.kernel.sizes import short
from evoframe.once.cutting import Cut
from evoframe.once.limits import COSTS


@attrs.frozen
class Shrunk:
    """What was cut of a network.

    Attributes:
        before: the costs of the original network, by name: ``parameters``, ``flops``, ``bytes``,
            ``activations``, and ``latency`` in seconds; a cost that cannot be computed is missing.
        after: the costs of the smaller network.
        channels: for each layer that may lose output channels, their number before and after.
        barriers: where channels are kept because no rule covers their treatment, with reasons;
            and, with ``depth``, which blocks cannot be removed.
        blocks: the residual blocks that were removed.
        remedies: for barriers, how to remove them.
        untried: why removals were not tried by numbers, in evaluation and in training; empty if
            they were. Code that only training runs may then no longer fit.
        lost: which of several outputs differed for several inputs and no longer do, in words;
            empty if all still do.
        unrepaired: layers that lost inputs and that ``repair`` did not change, as the batches have
            too few examples: how many inputs of how many, in words.
    """

    before: Mapping[str, float]
    after: Mapping[str, float]
    channels: Mapping[str, tuple[int, int]]
    barriers: tuple[str, ...]
    blocks: tuple[str, ...] = ()
    remedies: Mapping[str, str] = attrs.field(factory=dict)
    untried: str = ""
    lost: str = ""
    unrepaired: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def of(cls, cut: Cut) -> Shrunk:
        """Return the costs, channels and barriers of a cut."""
        anatomy = cut.anatomy
        staying, targets = anatomy.channels(cut.genotype).cpu(), anatomy.wiring.targets
        outputs = {name: torch.unique(targets[name].cpu()) for name in anatomy.evolvable}
        before, after = (
            {name: value for name, value in costs.items() if name in COSTS}
            for costs in (anatomy.costs_as_given(), anatomy.costs(cut.genotype))
        )
        left = anatomy.left(cut.genotype)
        empty = {name for one in left for name in one.inside}
        barriers = (*anatomy.barriers, *anatomy.block_barriers)
        return cls(
            before=before,
            after=after,
            channels={
                name: (len(own), 0 if name in empty else int(staying[own].sum()))
                for name, own in outputs.items()
            },
            barriers=tuple(dict.fromkeys(f"{one.what}: {one.reason}" for one in barriers)),
            blocks=tuple(one.name for one in left),
            remedies={f"{one.what}: {one.reason}": remedy(one) for one in anatomy.barriers},
            untried=anatomy.untried,
            lost=cut.lost,
            unrepaired=cut.unrepaired,
        )

    def factor(self, cost: str) -> float:
        """Return the factor by which the smaller network has less of a cost."""
        return self.before[cost] / self.after[cost]

    def __str__(self) -> str:
        """Return the factors, the layers that lost channels, barriers, and what was not tried."""
        sizes = [
            f"{what}: {_size(name, self.before)} -> {_size(name, self.after)}, "
            f"{self.factor(name):.2f}x {'less' if name == 'latency' else 'fewer'}"
            for name, what in (COSTS | {"latency": "latency by the table"}).items()
            if name in self.after
        ]
        lost = [
            f"{name}: {had} -> {has} channels"
            for name, (had, has) in self.channels.items()
            if 0 < has < had
        ]
        blocks = [f"{name}: left as a whole" for name in self.blocks]
        return "\n".join(
            [*sizes, *blocks, *lost, *self._kept(), *self._not_tried(), *self._doubtful()]
        )

    def _not_tried(self) -> list[str]:
        """Return lines on what was not tried by numbers, and what helps."""
        if not self.untried:
            return []
        return [
            f"not all was tried by numbers: {self.untried}",
            "    try: data=loader, and its inputs are tried as training gives them",
        ]

    def _doubtful(self) -> list[str]:
        """Return lines on layers that were not repaired and on lost outputs, with remedies."""
        lines = [
            f"not repaired: {name}, of which the batches have {seen} inputs"
            for name, seen in self.unrepaired.items()
        ]
        lines += ["    try: more batches, or larger ones"] if lines else []
        if self.lost:
            lines += [
                f"its {self.lost} the same for all inputs that were tried",
                "    try: a milder limit, at_least=, or keep= for the layers that it is made by",
            ]
        return lines

    def _kept(self) -> list[str]:
        """Return a line for each barrier, and each remedy once, behind the last that it is for."""
        last = {remedy: barrier for barrier, remedy in self.remedies.items()}
        lines = []
        for one in self.barriers:
            lines.append(f"kept at {one}")
            advice = self.remedies.get(one, "")
            if last.get(advice) == one:
                lines.append(f"    try: {advice}")
        return lines


def _size(cost: str, costs: Mapping[str, float]) -> str:
    return f"{1e3 * costs[cost]:.3g} ms" if cost == "latency" else short(costs[cost])


_TOLD: WeakKeyDictionary[nn.Module, Shrunk] = WeakKeyDictionary()


def told(network: nn.Module, what: Shrunk) -> nn.Module:
    """Return a network, of which :func:`shrunk` can tell what was cut while it is there."""
    _TOLD[network] = what
    return network


def shrunk(network: nn.Module) -> Shrunk:
    """Return all that :func:`evoframe.shrink` has cut of a network; copies do not carry this.

    Raises:
        ConfigError: the network is not a result of ``shrink``.

    >>> smaller = evoframe.shrink(factory(), (inputs[:1],), parameters=0.5)
    >>> evoframe.shrunk(smaller).channels
    {'0.weight': (16, 7)}
    """
    if network not in _TOLD:
        raise ConfigError(
            f"this {type(network).__name__} was not given by evoframe.shrink in this session, or "
            "is a copy. Ask before it is copied."
        )
    return _TOLD[network]
