"""An environment keeps to its budget, and is the milder the larger its budget is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from hypothesis import strategies as st

from evoframe.kernel.dna import DNA, Inheritance
from evoframe.strategies.encoding.uniform import Uniform
from evoframe.testing.case import READERS, Case
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.prepared import on_cases, with_option, with_state
from evoframe.testing.trying import broken, for_all

ROUNDING = 1e-6

STEPS = 64
"""How many values over its range a dial is tried at."""

LEAST = 4
"""Synapses that must be expected to live where all are certain, to compare with."""

STARVED = 0.1
"""The share of them below which a ranking counts as starved."""


def _is_number(environment: Any) -> bool:
    value = getattr(environment, environment.dial) if environment.dial else None
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


@law("environment", when=lambda environment: _allowed(environment) is not None)
def check_keeps_to_its_allowance(environment: Any) -> None:
    """No more synapses are expected than its ``allowance()``, caps included.

    The budget is the contract with whoever runs it: met on average, never exceeded by design.
    """

    def attempt(case: Case) -> None:
        inheritance, context = case.inheritance(), with_state(environment, case.context())
        limit = environment.allowance(inheritance, context)
        found = expected_at_most(environment.press(case.dna(), inheritance, context))
        if found > limit * (1 + ROUNDING) + ROUNDING:
            broken(f"{found:g} synapses are expected; allowed are {limit:g}")

    on_cases(environment, attempt)


@law("environment", when=_is_number)
def check_more_of_its_dial_is_milder(environment: Any) -> None:
    """With a larger value of the option that its ``dial`` names, no synapse is less likely to live.

    Tried at the value that it has, at half of it, and step by step over its range: from 0 to 1 if
    it is a share, else up to twice its value.
    """
    settings = _settings(environment)
    chosen = [settings[0], settings[len(settings) // 2], environment]

    def attempt(case: Case) -> None:
        _require_milder(environment.dial, chosen, case)

    on_cases(environment, attempt)
    # Once, on one small network: a dial that is wrong somewhere is so on every network.
    for_all(st.just(Case()), lambda case: _require_milder(environment.dial, settings, case))


def _settings(environment: Any) -> list[Any]:
    """Return the environment with values over the range of its dial, from low to high."""
    value = getattr(environment, environment.dial)
    top = 1 if 0 < value < 1 else 2 * value
    values = {type(value)(top * step / STEPS) for step in range(1, STEPS)} | {value}
    settings = (with_option(environment, environment.dial, one) for one in sorted(values))
    return [one for one in settings if one is not None and getattr(one, environment.dial) > 0]


def _require_milder(dial: str, settings: list[Any], case: Case) -> None:
    """Press with one setting after the other, and compare what each and the next let live."""
    dna, inheritance, context = case.dna(), case.inheritance(), case.context()
    before, harsh = None, None
    for one in sorted(settings, key=lambda one: getattr(one, dial)):
        mild = one.press(dna, inheritance, with_state(one, context))
        chances = {name: mild.probabilities(name) for name in mild.synapses}
        if before is not None and harsh is not None:
            low, high = getattr(before, dial), getattr(one, dial)
            for name, least in harsh[1].items():
                worse = least > chances[name] + ROUNDING
                if bool(worse.any()):
                    count = int(worse.sum())
                    broken(
                        f"{count} synapse{'s' * (count > 1)} of {name!r} "
                        f"{'are' if count > 1 else 'is'} likelier to live with {dial} = {low:g} "
                        f"than with {high:g}"
                    )
            if _limit(harsh[0]) > _limit(mild):
                broken(f"its caps allow {_limit(harsh[0]):g} synapses, {_limit(mild):g} with more")
        before, harsh = one, (mild, chances)


def takes_rankings(environment: Any) -> bool:
    """Tell whether an environment presses on DNA that only ranks."""
    try:
        environment.check(READERS["ranked"])
    except Exception:  # noqa: BLE001  it may refuse with what it likes
        return False
    return True


@law("environment", when=takes_rankings, stage=Stage.COMPANY)
def check_leaves_rankings_alive(environment: Any) -> None:
    """Where DNA only ranks synapses, about as many live as where all of them are certain to.

    A ranking says which synapse outlives which, in probabilities that fall by whole powers: times
    a factor below 1 they leave nobody alive. Calibrate (``log_multiplier``), or refuse encodings
    with the trait ``ranks`` in ``check(encoding)``.
    """

    def attempt(case: Case) -> None:
        inheritance, context = case.inheritance(), case.context()
        evidence = case.evidence(inheritance)
        dna = [e.encode(inheritance, evidence, context) for e in (Uniform(), READERS["ranked"])]
        certain, ranked = (
            environment.press(one, inheritance, with_state(environment, context)) for one in dna
        )
        if certain.ceilings or ranked.ceilings:  # by which a draw is filled up afterwards
            return
        # A parameter on which it does not press is for another environment.
        pressed = [n for n in ranked.synapses if not _is_untouched(ranked, dna[1], n)]
        many, few = (expected_at_most(one, pressed) for one in (certain, ranked))
        if many >= LEAST and few < STARVED * many:
            broken(
                f"of a DNA that ranks, {few:g} synapses are expected to live; of one in which all "
                f"are certain, {many:g}"
            )

    on_cases(environment, attempt, share=0.5)


def _is_untouched(after: DNA, before: DNA, name: str) -> bool:
    one, other = after.synapses[name], before.synapses[name]
    same = one.log_survival is other.log_survival or (
        one.log_survival.shape == other.log_survival.shape
        and bool((one.log_survival == other.log_survival).all())
    )
    return same and torch.equal(one.levels, other.levels) and not after.caps


def expected_at_most(dna: DNA, names: Iterable[str] | None = None) -> float:
    """Return the expected number of synapses, or what caps leave of it."""
    chosen = dna.synapses if names is None else names
    expected = {name: float(dna.probabilities(name).sum()) for name in chosen}
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
        held = sum(min(c.limit, sum(expected.get(n, 0.0) for n in c.names)) for c in dna.caps)
        least = min(least, rest + held)
    return least


def _limit(dna: DNA) -> float:
    return min((cap.limit for cap in dna.caps), default=float("inf"))


def _allowed(environment: Any) -> float | None:
    case = Case()
    inheritance: Inheritance = case.inheritance()
    allowed: float | None = environment.allowance(
        inheritance, with_state(environment, case.context())
    )
    return allowed
