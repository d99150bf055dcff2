"""Synthesis: from a DNA to the settled genotype of an offspring."""

from __future__ import annotations

import math

from evoframe.errors import StillbornError
from evoframe.evolution.birth import EXTINCT
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.drawing.bounded import held
from evoframe.kernel.drawing.ceilings import under_ceilings
from evoframe.kernel.drawing.purse import Purse
from evoframe.kernel.drawing.synthesis import draw, furnished
from evoframe.kernel.drawing.turns import Turns
from evoframe.kernel.genotype import Genotype, Masks, State
from evoframe.kernel.settling import is_extinct, revive, settle


def synthesise(
    dna: DNA,
    inheritance: Inheritance,
    context: Context,
    most: float = math.inf,
    order: Turns | None = None,
) -> Genotype:
    """Return the genotype that is drawn from a DNA, settled, with revived neurons furnished.

    Args:
        dna: what is drawn from; where it has ceilings, they hold.
        inheritance: whose state the offspring has.
        context: with the key of the draw.
        most: synapses up to which what ceilings leave may be spent.
        order: in which clusters, or else synapses, come to live until nothing more fits, in place
            of the draw; all in a row.

    Raises:
        StillbornError: nothing that was drawn reaches the output of the network, or nothing is
            under its ceilings.
    """
    state = furnished(inheritance, dna.weights)
    masks = drawn(dna, state, context, most, order)
    return settled(masks, state, inheritance.eligible, context)


def drawn(
    dna: DNA, state: State, context: Context, most: float, order: Turns | None = None
) -> Masks:
    """Return the masks that are drawn from a DNA for an offspring that has this state."""
    if dna.ceilings or order is not None:
        return under_ceilings(Purse(dna, context.key, state, context.anatomy, most, order)).masks
    return held(draw(dna, context.key), dna, context.key, state, context.anatomy)


def settled(masks: Masks, state: State, before: Masks, context: Context) -> Genotype:
    """Return the settled genotype of masks that were drawn, with revived neurons furnished.

    Args:
        masks: as they were drawn.
        state: of the offspring.
        before: what heredity made eligible.
        context: whose offspring it is.

    Raises:
        StillbornError: nothing that was drawn reaches the output of the network.
    """
    wiring, whole = context.anatomy.wiring, context.ancestor.state
    genotype = settle(Genotype(masks, state), wiring)
    if is_extinct(genotype.masks):
        empty = [name for name, mask in genotype.masks.items() if not mask.any()]
        raise StillbornError(f"{EXTINCT}: no synapse left in {', '.join(empty)}")
    return revive(genotype, before=before, ancestor_state=whole, wiring=wiring)
