"""Mutation: as much as its dial says, over the same parameters."""

from __future__ import annotations

from typing import Any

import attrs

from evoframe.kernel.dna import DNA
from evoframe.testing.case import Case
from evoframe.testing.catalogue import law
from evoframe.testing.fingerprints import fingerprint
from evoframe.testing.prepared import on_cases, prepared
from evoframe.testing.trying import broken


@law("mutation", when=lambda mutation: bool(mutation.dial))
def check_zero_of_its_dial_changes_nothing(mutation: Any) -> None:
    """With the option that its ``dial`` names at 0, the DNA is what it was, bit for bit.

    Whoever turns it down to nothing must be back at the run without it.
    """
    value = getattr(mutation, mutation.dial)
    none = attrs.evolve(mutation, **{mutation.dial: type(value)(0)})

    def attempt(case: Case) -> None:
        if fingerprint(prepared(none, case).call()) != fingerprint(case.dna()):
            broken(f"the DNA changes although {mutation.dial} is 0")

    on_cases(mutation, attempt)


@law("mutation")
def check_adds_synapses_only_if_it_grows(mutation: Any) -> None:
    """The same parameters and synapses stay eligible; more only with the trait ``grows``.

    To make a synapse unlikely, lower its level: what is not eligible is out of reach of whatever
    comes after.
    """

    def attempt(case: Case) -> None:
        before, after = case.dna(), prepared(mutation, case).call()
        _require_same(before, after, grows="grows" in mutation.traits)

    on_cases(mutation, attempt)


def _require_same(before: DNA, after: DNA, *, grows: bool) -> None:
    if set(after.synapses) != set(before.synapses):
        broken(f"there are genes for {sorted(after.synapses)}; wanted {sorted(before.synapses)}")
    for name, genes in before.synapses.items():
        old, new = genes.eligible, after.synapses[name].eligible
        if bool((old & ~new).any()):
            broken(f"{int((old & ~new).sum())} synapses of {name!r} are no longer eligible")
        if not grows and bool((new & ~old).any()):
            broken(f"{int((new & ~old).sum())} synapses of {name!r} are new, without trait 'grows'")
