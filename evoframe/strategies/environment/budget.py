"""Budget: press until a network costs no more than it may.

What a network costs depends on which channels die, not on how many synapses do, so the retention
that meets a budget is searched for: a few trial offspring are drawn with fixed random words,
settled, and their costs found without growing them. With the same words more retention only adds
synapses, and bisection finds the largest retention whose trials keep the budget on average. The
offspring itself is drawn from another stream and lands near it.

Latency is a measured number, and two measurements are never the same: were it measured inside a
decision, a run could not be repeated or resumed to the same bits. It enters as two rates that
were measured once and are options of the recipe, so they are on record with it:

    seconds = overhead + seconds_per_flop * flops + seconds_per_byte * activations
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import attrs

from evoframe.errors import ConfigError
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.synthesis import draw
from evoframe.kernel.wiring import settle
from evoframe.roles import Encoding, Environment, doc
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
    alone: bool = attrs.field(
        default=False,
        metadata=doc("press on clusters alone, so that those that live lose nothing inside"),
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
        """Refuse a latency of which nobody has measured anything."""
        if self.cost == "latency" and not (self.seconds_per_flop or self.seconds_per_byte):
            raise ConfigError(
                "environment 'budget' with cost = 'latency' needs measured rates: latency is never "
                "measured inside a run, which could then not be repeated. Set "
                "environment.seconds_per_flop, environment.seconds_per_byte and "
                "environment.overhead to what was measured on the device, or use cost = 'flops'."
            )

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA at the largest retention whose trial offspring keep the budget.

        Raises:
            ConfigError: the cost of this network cannot be told.
        """
        inherited = Genotype(inheritance.eligible, inheritance.state)
        limit = max(
            self.share * self._cost(settle(inherited, context.anatomy.wiring), context),
            self.least * self._cost(context.ancestor, context),
        )
        # Fixed keys, not the call's own: the retention that is found is a function of the DNA.
        keys = [Key(0).at("budget", context.generation, trial) for trial in range(self.trials)]

        def is_within(retention: float) -> bool:
            pressed = self._at(retention).press(dna, inheritance, context)
            trials = (Genotype(draw(pressed, key), inheritance.state) for key in keys)
            spent = [self._cost(settle(one, context.anatomy.wiring), context) for one in trials]
            return sum(spent) <= limit * self.trials

        return self._at(_largest(is_within)).press(dna, inheritance, context)

    def _at(self, retention: float) -> Retention:
        # All of the pressure on clusters leaves none for the synapses inside; 0 is no share of it.
        clusters = retention if self.alone and retention > 0 else None
        return Retention(retention=retention, scope=self.scope, clusters=clusters)

    def _cost(self, genotype: Genotype, context: Context) -> float:
        costs = context.anatomy.costs(genotype)
        needed = ("flops", "activations") if self.cost == "latency" else (self.cost,)
        for name in needed:
            if name not in costs:
                raise ConfigError(
                    f"environment 'budget' cannot tell the {name} of task {context.task.name!r}: "
                    "its network does not run on torch's meta device. Use cost = 'parameters', "
                    "'bytes' or 'synapses'."
                )
        if self.cost != "latency":
            return costs[self.cost]
        work = self.seconds_per_flop * costs["flops"]
        return self.overhead + work + self.seconds_per_byte * costs["activations"]


def _largest(is_within: Callable[[float], bool]) -> float:
    """Return the largest share that is within bounds, by halving; 0 if none is."""
    if is_within(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_within(middle) else (low, middle)
    return low
