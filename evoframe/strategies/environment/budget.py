"""Budget: a network costs no more than it may, and as nearly that as can be.

What a network costs depends on which channels die, not on how many synapses do. So all that is
taken is whole bundles of channels, unless synapses are what is counted: an absent synapse inside
a tensor that stays costs as much as a present one. An encoding that reads single synapses, kernels
or filters is read by the bundle, as likely as its synapses are in the (geometric) mean.

The retention that meets a budget on average is searched for: a few trial offspring are drawn with
fixed random words, settled, and their costs found without growing them. With the same words more
retention only adds synapses, and bisection finds the largest retention whose trials keep the
budget on average. The offspring itself, which is drawn from another stream, is then held to it
exactly (:mod:`evoframe.kernel.ceilings`).

Latency is a measured number, and two measurements are never the same: were it measured inside a
decision, a run could not be repeated or resumed to the same bits. It enters as two rates that
were measured once and are options of the recipe, so they are on record with it:

    seconds = overhead + seconds_per_flop * flops + seconds_per_byte * activations
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import attrs
import torch

from evoframe.errors import ConfigError
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Ceiling, Inheritance
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.synthesis import draw
from evoframe.kernel.wiring import settle
from evoframe.roles import Encoding, Environment, doc
from evoframe.strategies.environment.bundling import by_bundle
from evoframe.strategies.environment.retention import Retention

_HALVINGS = 12
"""Retention is found to one part in 4,096."""


@attrs.frozen
class Budget(Environment):
    """Offspring may cost at most a share of what their parents' network costs."""

    name: ClassVar[str] = "budget"
    dial: ClassVar[str] = "share"

    cost: Literal["parameters", "flops", "bytes", "activations", "synapses", "latency"] = (
        attrs.field(default="parameters", metadata=doc("what is bounded"))
    )
    share: float = attrs.field(
        default=0.5,
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc("share of the inherited network's cost that an offspring may have"),
    )
    least: float = attrs.field(
        default=0.0,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("share of the ancestor's cost below which nothing more is asked"),
    )
    scope: Literal["network", "layer"] = attrs.field(
        default="network",
        metadata=doc("keep one share of the whole network, or the same share of every layer"),
    )
    alone: bool | None = attrs.field(
        default=None,
        metadata=doc(
            "press on clusters alone, so that those that live lose nothing inside; if not given, "
            "on bundles of channels alone where less inside would save nothing"
        ),
    )
    at_least: float = attrs.field(
        default=0.1,
        validator=[attrs.validators.ge(0), attrs.validators.lt(1)],
        metadata=doc(
            "share of its channels that every layer keeps, where bundles are drawn and unless the "
            "budget allows less; 0 for none"
        ),
    )
    trials: int = attrs.field(
        default=4,
        validator=attrs.validators.ge(1),
        metadata=doc("trial offspring whose mean cost has to meet the budget"),
    )
    overhead: float = attrs.field(
        default=0.0,
        validator=attrs.validators.ge(0),
        metadata=doc("latency of a network that does nothing, in seconds"),
    )
    seconds_per_flop: float = attrs.field(
        default=0.0,
        validator=attrs.validators.ge(0),
        metadata=doc("measured seconds for each FLOP of a forward pass; for latency"),
    )
    seconds_per_byte: float = attrs.field(
        default=0.0,
        validator=attrs.validators.ge(0),
        metadata=doc("measured seconds for each byte of activations; for latency"),
    )

    def check(self, encoding: Encoding) -> None:
        """Refuse a latency of which nobody has measured anything, and rates of nothing."""
        rates = self.overhead, self.seconds_per_flop, self.seconds_per_byte
        if self.cost == "latency" and not any(rates[1:]):
            raise ConfigError(
                "environment 'budget' with cost = 'latency' needs measured rates: latency is never "
                "measured inside a run, which could then not be repeated. Set "
                "environment.seconds_per_flop, environment.seconds_per_byte and "
                "environment.overhead to what was measured on the device, or use cost = 'flops'."
            )
        if self.cost != "latency" and any(rates):
            raise ConfigError(
                f"environment 'budget' has rates of a latency, which have no effect on cost = "
                f"{self.cost!r}. Set environment.cost = 'latency', or leave them out."
            )

    def check_ancestor(self, context: Context) -> None:
        """Refuse a budget that what stays in the ancestor makes unreachable from the start."""
        whole = self._cost(context.ancestor, context)
        least = self._cost(_nothing_of(context.ancestor), context)
        if max(self.share, self.least) * whole >= least:
            return
        reach = math.ceil(1000 * least / whole) / 1000
        raise ConfigError(
            f"environment 'budget' asks for {self.share:g} of the ancestor's {whole:,.4g} "
            f"{self.what}, and what cannot leave it costs {least:,.4g} at the least. Try "
            f"environment.share = {reach:g} or more, or lower anatomy.keep, anatomy.at_least and "
            "anatomy.multiple; `evoframe inspect` tells what stays and why."
        )

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA at the largest retention whose trial offspring keep the budget, and its limit.

        Raises:
            ConfigError: the cost of this network cannot be told.
        """
        inherited = Genotype(inheritance.eligible, inheritance.state)
        limit = max(
            self.share * self._cost(settle(inherited, context.anatomy.wiring), context),
            self.least * self._cost(context.ancestor, context),
        )
        if self.takes_bundles:
            dna = by_bundle(dna, context.anatomy.clusters("bundle"))
        # Fixed keys, not the call's own: the retention that is found is a function of the DNA.
        keys = [Key(0).at("budget", context.generation, trial) for trial in range(self.trials)]

        def is_within(retention: float) -> bool:
            pressed = self._pressed(retention, dna, inheritance, context)
            trials = (Genotype(draw(pressed, key), inheritance.state) for key in keys)
            spent = [self._cost(settle(one, context.anatomy.wiring), context) for one in trials]
            return sum(spent) <= limit * self.trials

        pressed = self._pressed(_largest(is_within), dna, inheritance, context)
        ceiling = Ceiling(
            rates=self.rates,
            limit=limit,
            floor=self.at_least,
            even=self.scope == "layer",
            what=self.what,
            constant=self.overhead,
        )
        return attrs.evolve(pressed, ceilings=(*dna.ceilings, ceiling))

    def latency(self, costs: Mapping[str, float]) -> float | None:
        """Return the seconds of a forward pass by the rates; None if there are none."""
        if self.cost != "latency" or any(name not in costs for name in self.rates):
            return None
        return self.overhead + sum(rate * costs[name] for name, rate in self.rates.items())

    @property
    def takes_bundles(self) -> bool:
        """Whether bundles of channels live or die as a whole, and nothing inside them does."""
        return self.cost != "synapses" and self.alone is not False

    @property
    def rates(self) -> Mapping[str, float]:
        """What one unit of each cost counts."""
        if self.cost != "latency":
            return {self.cost: 1.0}
        rates = {"flops": self.seconds_per_flop, "activations": self.seconds_per_byte}
        return {name: rate for name, rate in rates.items() if rate}

    @property
    def what(self) -> str:
        """What is bounded, for people."""
        return _IN_WORDS.get(self.cost, self.cost)

    def _pressed(
        self, retention: float, dna: DNA, inheritance: Inheritance, context: Context
    ) -> DNA:
        alone = self.takes_bundles or bool(self.alone)
        pressure = Retention(retention, scope=self.scope, clusters=retention if alone else None)
        pressed = pressure.press(dna, inheritance, context)
        return attrs.evolve(pressed, synapses=dna.synapses) if self.takes_bundles else pressed

    def _cost(self, genotype: Genotype, context: Context) -> float:
        costs = context.anatomy.costs(genotype)
        for name in self.rates:
            if name not in costs:
                raise ConfigError(
                    f"environment 'budget' cannot tell the {name} of task {context.task.name!r}: "
                    "its network does not run on torch's meta device. Use cost = 'parameters', "
                    "'bytes' or 'synapses'."
                )
        return self.overhead + sum(rate * costs[name] for name, rate in self.rates.items())


_IN_WORDS = {"flops": "FLOPs", "activations": "peak bytes of activations", "latency": "seconds"}


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
