"""An environment keeps to its budget, and is the milder the larger its budget is."""

from __future__ import annotations

from typing import Any

import attrs

from evoframe.kernel.dna import DNA, Inheritance
from evoframe.testing.case import Case
from evoframe.testing.catalogue import broken, for_all, law
from evoframe.testing.prepared import prepared, stages

ROUNDING = 1e-6


def _is_number(environment: Any) -> bool:
    value = getattr(environment, environment.dial) if environment.dial else None
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


@law("environment", when=lambda environment: _allowed(environment) is not None)
def check_keeps_to_its_allowance(environment: Any) -> None:
    """No more synapses are expected than its ``allowance()``, caps included.

    The budget is the contract with whoever runs it: met on average, never exceeded by design.
    """

    def attempt(case: Case) -> None:
        inheritance, context = case.inheritance(), case.context()
        limit = environment.allowance(inheritance, context)
        found = expected_at_most(environment.press(case.dna(), inheritance, context))
        if found > limit * (1 + ROUNDING) + ROUNDING:
            broken(f"{found:g} synapses are expected; allowed are {limit:g}")

    for_all(stages(environment), attempt)


@law("environment", when=_is_number)
def check_more_of_its_dial_is_milder(environment: Any) -> None:
    """With a larger value of the option that its ``dial`` names, no synapse is less likely to live.

    Tried at the value that it has and at half of it.
    """
    value = getattr(environment, environment.dial)
    lower = attrs.evolve(environment, **{environment.dial: type(value)(value / 2)})

    def attempt(case: Case) -> None:
        mild, harsh = (prepared(one, case).call() for one in (environment, lower))
        for name in mild.synapses:
            worse = harsh.probabilities(name) > mild.probabilities(name) + ROUNDING
            if bool(worse.any()):
                broken(
                    f"{int(worse.sum())} synapses of {name!r} are likelier with "
                    f"{environment.dial} = {value / 2:g} than with {value:g}"
                )
        if _limit(harsh) > _limit(mild):
            broken(f"its caps allow {_limit(harsh):g} synapses, and {_limit(mild):g} with more")

    for_all(stages(environment), attempt)


def expected_at_most(dna: DNA) -> float:
    """Return the expected number of synapses, or what caps leave of it."""
    expected = {name: float(dna.probabilities(name).sum()) for name in dna.synapses}
    # Caps bound the draw from above, each by itself; if they share no parameter, also together.
    least = sum(expected.values())
    for cap in dna.caps:
        rest = sum(value for name, value in expected.items() if name not in cap.names)
        least = min(least, rest + cap.limit)
    disjoint = len({n for cap in dna.caps for n in cap.names}) == sum(
        len(c.names) for c in dna.caps
    )
    if dna.caps and disjoint:
        capped = {name for cap in dna.caps for name in cap.names}
        rest = sum(value for name, value in expected.items() if name not in capped)
        held = sum(min(c.limit, sum(expected[name] for name in c.names)) for c in dna.caps)
        least = min(least, rest + held)
    return least


def _limit(dna: DNA) -> float:
    return min((cap.limit for cap in dna.caps), default=float("inf"))


def _allowed(environment: Any) -> float | None:
    case = Case()
    inheritance: Inheritance = case.inheritance()
    allowed: float | None = environment.allowance(inheritance, case.context())
    return allowed
