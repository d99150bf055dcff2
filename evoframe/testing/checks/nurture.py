"""Nurture: what it borrows for a life, it hands back."""

from __future__ import annotations

from typing import Any

from evoframe.kernel.phenotype import Phenotype
from evoframe.testing.case import Case
from evoframe.testing.catalogue import law
from evoframe.testing.prepared import on_cases, prepared
from evoframe.testing.trying import broken


@law("training", "nurture")
def check_leaves_parameters_able_to_learn(strategy: Any) -> None:
    """After a life, every parameter requires a gradient if it did before, and only then.

    Whoever freezes a layer for an epoch thaws it in ``after_epoch``: what comes later in the life
    of the network would learn less, and nobody would see why.
    """

    def attempt(case: Case) -> None:
        before, after = _able(case.phenotype()), _able(prepared(strategy, case).call().phenotype)
        for name in before.keys() & after.keys():
            if before[name] != after[name]:
                state = "requires a gradient" if after[name] else "requires no gradient"
                broken(f"{name!r} {state} after a life, and it was otherwise before")

    on_cases(strategy, attempt, share=0.25)


def _able(phenotype: Phenotype) -> dict[str, bool]:
    return {name: one.requires_grad for name, one in phenotype.network.named_parameters()}
