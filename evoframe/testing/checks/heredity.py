"""Heredity: whole inheritances, from what parents have."""

from __future__ import annotations

from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.kernel.dna import Inheritance
from evoframe.testing.case import Case
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.prepared import on_cases, prepared, with_state
from evoframe.testing.trying import broken


@law("heredity", stage=Stage.CALL)
def check_gives_a_whole_inheritance(heredity: Any) -> None:
    """Eligible synapses and strengths of every parameter that evolves, and the whole state.

    From as many parents as its property ``parents`` says.
    """

    def attempt(case: Case) -> None:
        found: Inheritance = prepared(heredity, case).call()
        parent = case.genotype()
        parts = (
            ("eligible", found.eligible, parent.masks),
            ("strengths", found.strengths, parent.masks),
            ("state", found.state, parent.state),
        )
        for part, given, wanted in parts:
            if missing := sorted(set(wanted) - set(given)):
                broken(f"{part} lacks {', '.join(missing)}")

    on_cases(heredity, attempt)


@law("heredity")
def check_offers_only_what_a_parent_has(heredity: Any) -> None:
    """A synapse is eligible only if one of the parents has it.

    That is what makes offspring descend: new synapses are offered by mutations alone.
    """

    def attempt(case: Case) -> None:
        found: Inheritance = prepared(heredity, case).call()
        parents = case.parents(heredity.parents)
        for name, eligible in found.eligible.items():
            had = torch.stack([one.genotype.masks[name] for one in parents]).any(0)
            if bool((eligible & ~had).any()):
                broken(f"{int((eligible & ~had).sum())} synapses of {name!r} were nobody's")

    on_cases(heredity, attempt)


@law("heredity", when=lambda heredity: "identity_on_clones" in heredity.traits)
def check_identical_parents_give_the_parent(heredity: Any) -> None:
    """With the trait ``identity_on_clones``: from identical parents comes the parent itself.

    The same synapses, strengths and state, up to rounding. Not a law for products of weights, or
    for what starts from first or fresh weights: leave the trait out there.
    """

    def attempt(case: Case) -> None:
        clones = case.clones(heredity.parents)
        parent = clones[0].genotype
        found: Inheritance = heredity.inherit(
            clones, with_state(heredity, attrs.evolve(case.context(), parents=clones))
        )
        for name, mask in parent.masks.items():
            if not torch.equal(found.eligible[name], mask):
                broken(f"other synapses of {name!r} are eligible than the parent's")
            # Times the mask: what is not eligible is read by nobody, and may be anything.
            _require_close(
                f"strengths of {name!r}", found.strengths[name] * mask, parent.state[name]
            )
        for name, value in parent.state.items():
            own = found.state[name]
            _require_close(f"state {name!r}", own * parent.masks.get(name, 1), value)

    on_cases(heredity, attempt)


def _require_close(what: str, found: Tensor, wanted: Tensor) -> None:
    near, far = found.double(), wanted.double()
    if not torch.allclose(near, far, rtol=1e-5, atol=1e-7):
        broken(f"{what} differ from the parent's by up to {float((near - far).abs().max()):g}")
