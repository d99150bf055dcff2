"""Budget: a network costs no more than it may, and as nearly that as can be.

What a network costs depends on which channels die, not on how many synapses do. So all that is
taken is whole bundles of channels, unless synapses are what is counted: an absent synapse inside
a tensor that stays costs as much as a present one. An encoding that reads single synapses, kernels
or filters is read by the bundle, as likely as its synapses are in the (geometric) mean.

The retention that meets a budget on average is searched for: a few trial offspring are drawn with
fixed random words, settled, and their costs found without growing them. With the same words more
retention only adds synapses, and bisection finds the largest retention whose trials keep the
budget on average. The offspring itself, which is drawn from another stream, is then held to it
exactly (:mod:`evoframe.kernel.drawing.ceilings`).

Latency is a measured number, and two measurements are never the same: were it measured inside a
decision, a run could not be repeated or resumed to the same bits. It enters as a table of layers
that was measured before the run (`run.latency_table`), or as two rates, which are on record:

    seconds = overhead + seconds_per_flop * flops + seconds_per_byte * activations

Several costs may be bounded at once (`also`); then all bounds hold, and the retention is the
largest whose trials keep every one of them on average.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Literal

import attrs
import torch

from evoframe.errors import ConfigError
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.drawing.synthesis import draw
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.limits import Ceiling
from evoframe.kernel.settling import settle
from evoframe.roles import Encoding, Environment, doc
from evoframe.strategies.environment.also import Also
from evoframe.strategies.environment.bundling import by_bundle
from evoframe.strategies.environment.retention import Retention

_HALVINGS = 12
"""Retention is found to one part in 4,096."""


@attrs.frozen
class Budget(Environment):
    """Limits a cost of the offspring to a share of their parents'."""

    name: ClassVar[str] = "budget"
    dial: ClassVar[str] = "share"

    cost: Literal["parameters", "flops", "bytes", "activations", "synapses", "latency"] = (
        attrs.field(default="parameters", metadata=doc("cost to bound"))
    )
    share: float = attrs.field(
        default=0.5,
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc("maximum cost of an offspring, as a share of the inherited network's"),
    )
    least: float = attrs.field(
        default=0.0,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("share of the ancestor's cost below which no further reduction is required"),
    )
    also: Also | None = attrs.field(
        default=None,
        metadata=doc(
            "further costs that are bounded too, as in { latency = { share = 0.7, least = 0.4 } }",
            later=True,
        ),
    )
    scope: Literal["network", "layer"] = attrs.field(
        default="network",
        metadata=doc("one share for the whole network, or the same share for every layer"),
    )
    alone: bool | None = attrs.field(
        default=None,
        metadata=doc(
            "prune whole clusters only, never single synapses inside them; default: only "
            "for bundles of channels, where pruning inside would save nothing"
        ),
    )
    at_least: float = attrs.field(
        default=0.1,
        validator=[attrs.validators.ge(0), attrs.validators.lt(1)],
        metadata=doc(
            "minimum share of channels per layer when bundles are drawn, unless the budget "
            "allows less; 0 for none"
        ),
    )
    trials: int = attrs.field(
        default=4,
        validator=[attrs.validators.ge(1), attrs.validators.le(10_000)],
        metadata=doc("number of trial offspring whose mean cost must meet the budget"),
    )
    overhead: float = attrs.field(
        default=0.0,
        validator=attrs.validators.ge(0),
        metadata=doc("fixed latency, in seconds"),
    )
    seconds_per_flop: float = attrs.field(
        default=0.0,
        validator=attrs.validators.ge(0),
        metadata=doc("measured seconds per FLOP of a forward pass; for latency"),
    )
    seconds_per_byte: float = attrs.field(
        default=0.0,
        validator=attrs.validators.ge(0),
        metadata=doc("measured seconds per byte of activations; for latency"),
    )

    def check(self, encoding: Encoding) -> None:
        """Refuse rates that have no effect, and a cost that is bounded twice."""
        if self.cost != "latency" and any((*self._rates, self.overhead)):
            raise ConfigError(
                f"environment 'budget' has rates of a latency, which have no effect on cost = "
                f"{self.cost!r}. Set environment.cost = 'latency', or leave them out."
            )
        if self.also is not None and self.cost in self.also.shares:
            raise ConfigError(
                f"environment 'budget' bounds {self.cost} by cost and by also.{self.cost}. Leave "
                "one of them out."
            )

    def check_ancestor(self, context: Context) -> None:
        """Refuse a budget that what stays in the ancestor makes unreachable from the start."""
        costs = self._costs(context.ancestor, context)
        nothing = self._costs(_nothing_of(context.ancestor), context)
        if any((*self._rates, self.overhead)) and "latency" in costs:
            raise ConfigError(
                "environment 'budget' has rates of a latency beside the table of "
                "run.latency_table. Leave one of them out."
            )
        for option, one in self._bounds(costs, costs).items():
            whole, least = one.spent(costs), one.spent(nothing)
            if one.limit >= least:
                continue
            reach = math.ceil(1000 * least / whole) / 1000
            raise ConfigError(
                f"environment 'budget' asks for {one.limit / whole:g} of the ancestor's "
                f"{whole:,.4g} {one.what}, and what cannot be removed costs at least "
                f"{least:,.4g}. Try environment.{option} = {reach:g} or more, or lower "
                "anatomy.keep, "
                "anatomy.at_least and anatomy.multiple; `evoframe inspect` shows what cannot be "
                "removed and why."
            )

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA at the largest retention whose trial offspring keep the budget, and its limit.

        Raises:
            ConfigError: the cost of this network cannot be told.
        """
        inherited = Genotype(inheritance.eligible, inheritance.state)
        inherited = settle(inherited, context.anatomy.wiring)
        ceilings = tuple(
            self._bounds(
                self._costs(inherited, context), self._costs(context.ancestor, context)
            ).values()
        )
        if self.takes_bundles:
            dna = by_bundle(dna, context.anatomy.clusters("bundle"))
        # Fixed keys, not the call's own: the retention that is found is a function of the DNA.
        keys = [Key(0).at("budget", context.generation, trial) for trial in range(self.trials)]

        def is_within(retention: float) -> bool:
            pressed = self._pressed(retention, dna, inheritance, context)
            trials = (Genotype(draw(pressed, key), inheritance.state) for key in keys)
            settled = (settle(one, context.anatomy.wiring) for one in trials)
            # Others need not be told: of most, a network is grown to find them.
            costs = [context.anatomy.costs(one, self._bounded) for one in settled]
            return all(_are_within(one, costs) for one in ceilings)

        pressed = self._pressed(_largest(is_within), dna, inheritance, context)
        return attrs.evolve(pressed, ceilings=(*dna.ceilings, *ceilings))

    def latency(self, costs: Mapping[str, float]) -> float | None:
        """Return the seconds of a forward pass by the rates; None if there are none."""
        if not any(self._rates) or any(name not in costs for name in self.rates):
            return None
        return self.overhead + sum(rate * costs[name] for name, rate in self.rates.items())

    @property
    def takes_bundles(self) -> bool:
        """Whether bundles of channels live or die as a whole, and nothing inside them does."""
        return self.cost != "synapses" and self.alone is not False

    @property
    def rates(self) -> Mapping[str, float]:
        """What one unit of each cost counts."""
        if not any(self._rates):
            return {self.cost: 1.0}
        rates = {"flops": self.seconds_per_flop, "activations": self.seconds_per_byte}
        return {name: rate for name, rate in rates.items() if rate}

    @property
    def _bounded(self) -> tuple[str, ...]:
        """The costs that bounds are about."""
        return (*self.rates, *(() if self.also is None else self.also.shares))

    @property
    def _rates(self) -> tuple[float, float]:
        return self.seconds_per_flop, self.seconds_per_byte

    def _bounds(
        self, inherited: Mapping[str, float], ancestor: Mapping[str, float]
    ) -> dict[str, Ceiling]:
        """Return all limits of an offspring, each by the option that says it.

        Args:
            inherited: costs of the network that it inherits.
            ancestor: costs of the ancestor.
        """
        own = Ceiling(self.rates, self.share, what=what_of(self.cost), constant=self.overhead)
        shares = {"share": (own, self.least)}
        for cost, one in () if self.also is None else self.also.shares.items():
            ceiling = Ceiling({cost: 1.0}, one.share, what=what_of(cost))
            shares[f"also.{cost}.share"] = ceiling, one.least
        return {
            option: attrs.evolve(
                one,
                limit=max(one.limit * one.spent(inherited), least * one.spent(ancestor)),
                floor=self.at_least,
                even=self.scope == "layer",
            )
            for option, (one, least) in shares.items()
        }

    def _pressed(
        self, retention: float, dna: DNA, inheritance: Inheritance, context: Context
    ) -> DNA:
        alone = self.takes_bundles or bool(self.alone)
        pressure = Retention(retention, scope=self.scope, clusters=retention if alone else None)
        pressed = pressure.press(dna, inheritance, context)
        return attrs.evolve(pressed, synapses=dna.synapses) if self.takes_bundles else pressed

    def _costs(self, genotype: Genotype, context: Context) -> Mapping[str, float]:
        costs = context.anatomy.costs(genotype)
        for name in self._bounded:
            if name not in costs:
                raise ConfigError(_untold(name, context.task.name))
        return costs


def what_of(cost: str) -> str:
    """Return a cost in words."""
    return _IN_WORDS.get(cost, cost)


_IN_WORDS = {"flops": "FLOPs", "activations": "peak bytes of activations", "latency": "seconds"}


def _untold(cost: str, task: str) -> str:
    """Return words on a cost that cannot be told."""
    if cost == "latency":
        return (
            "environment 'budget' with cost = 'latency' needs a table of measured latencies: "
            "latency is never measured inside a run, which could then not be repeated. Set "
            "run.latency_table to one that `evoframe latency` made; or environment."
            "seconds_per_flop, environment.seconds_per_byte and environment.overhead to what was "
            "measured on the device; or use cost = 'flops'."
        )
    return (
        f"environment 'budget' cannot tell the {cost} of task {task!r}: its network does not run "
        "on torch's meta device. Use cost = 'parameters', 'bytes' or 'synapses'."
    )


def _are_within(one: Ceiling, trials: Sequence[Mapping[str, float]]) -> bool:
    """Tell whether trials keep a bound on average."""
    return sum(one.spent(costs) for costs in trials) <= one.limit * len(trials)


def _nothing_of(genotype: Genotype) -> Genotype:
    """Return a genotype without synapses: its network has what stays in any case."""
    masks = {name: torch.zeros_like(mask) for name, mask in genotype.masks.items()}
    return Genotype(masks, genotype.state)


def _largest(is_within: Callable[[float], bool]) -> float:
    """Return the largest share that is within bounds, by halving; a tiny one if none is."""
    if is_within(1.0):
        return 1.0
    low, high = 2.0**-_HALVINGS, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_within(middle) else (low, middle)
    return low
