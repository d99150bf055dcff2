"""Cutting: bundles leave a network by their importance until it costs no more than it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from evoframe.anatomy import Anatomy
from evoframe.errors import ConfigError, StillbornError
from evoframe.evolution.synthesis import synthesise
from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.genotype import Genotype, masked
from evoframe.kernel.key import sealed
from evoframe.kernel.limits import Ceiling
from evoframe.kernel.settling import settle
from evoframe.once.given import told_of_data
from evoframe.once.limits import COSTS, Limit
from evoframe.roles import Encoding
from evoframe.run.checks.shrinking import outputs, worst_of
from evoframe.strategies.environment.bundling import by_bundle

SOME = 0.01
"""From which share of a network on a barrier is told where a limit cannot be met."""


OF_LOSS = (
    ", and a loss that is one number with gradients, in evaluation mode too; "
    "importance='magnitude' asks for neither"
)
"""What importances of gradients need besides."""


@attrs.frozen(eq=False)
class Cut:
    """A network as it came, and what is left of it.

    Attributes:
        anatomy: of the network as it came.
        genotype: of the smaller one.
        lost: which of its outputs no longer depend on its inputs, in words.
        unrepaired: layers of which too little was seen to repair them: inputs of how many.
    """

    anatomy: Anatomy
    genotype: Genotype
    lost: str = ""
    unrepaired: Mapping[str, str] = attrs.field(factory=dict)


def cut_down(
    encoding: Encoding, limits: Sequence[Limit], context: Context, *, floor: float, steps: int
) -> Genotype:
    """Return the genotype of what is left of an ancestor, settled.

    Args:
        encoding: ranks the bundles.
        limits: what may be left; all of them hold.
        context: of the ancestor.
        floor: share of its channels that every layer keeps, as far as the limits allow.
        steps: in how many cuts; the encoding looks at what is left before each.

    Raises:
        ConfigError: whatever leaves, the network costs more.
    """
    genotype = context.ancestor
    for step in range(steps):
        here = context.at("cut", step)
        ceilings = tuple(
            Ceiling({one.cost: 1.0}, one.after((step + 1) / steps), floor, what=COSTS[one.cost])
            for one in limits
        )
        try:
            genotype = _cut_once(genotype, encoding, ceilings, here)
        except StillbornError as error:
            raise ConfigError(
                f"this network cannot be cut that far: {error}. "
                f"{''.join(one.hint for one in limits)}{_held(here)}Relax the limit, or allow more "
                "to be removed: `keep`, `at_least` and `multiple` also retain channels, and with "
                "`depth` whole blocks may be removed."
            ) from error
    return genotype


def _cut_once(
    genotype: Genotype, encoding: Encoding, ceilings: tuple[Ceiling, ...], context: Context
) -> Genotype:
    state = masked(genotype.state, genotype.masks)
    inheritance = Inheritance(genotype.masks, genotype.strengths(), state)
    with sealed(context.key.at("seal")):
        evidence = Evidence(inheritance, context.at("evidence"))
        with told_of_data("the importance", context.task, OF_LOSS):
            dna = encoding.encode(inheritance, evidence, context)
        dna = by_bundle(dna, context.anatomy.clusters("bundle"))
        dna = attrs.evolve(dna, ceilings=ceilings)
        return _with_something_everywhere(synthesise(dna, inheritance, context), context)


def _held(context: Context) -> str:
    """Return sentences on the operation that keeps most, and on outputs; empty if none keep any."""
    assert isinstance(context.anatomy, Anatomy)
    worst, given = worst_of(context.anatomy, SOME), outputs(context.anatomy)
    return (f"{worst}. " if worst else "") + (f"{given[0].upper()}{given[1:]} " if given else "")


def _with_something_everywhere(genotype: Genotype, context: Context) -> Genotype:
    """Return a genotype in which every layer that stays has synapses.

    Zeros around which a shortcut leads compute something, but no gradient ever reaches them.

    Raises:
        StillbornError: a layer is empty, and not because a block left.
    """
    assert isinstance(context.anatomy, Anatomy)
    left = {name for one in context.anatomy.left(genotype) for name in one.inside}
    empty = [n for n, mask in genotype.masks.items() if n not in left and not mask.any()]
    if empty:  # most cuts leave none, and to settle the ancestor costs more than to look
        before = settle(context.ancestor, context.anatomy.wiring).masks
        empty = [name for name in empty if before[name].any()]
    if empty:
        raise StillbornError(f"nothing would be left of {', '.join(empty[:3])}")
    return genotype
