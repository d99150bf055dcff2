"""Randomness is an argument, and arguments are only read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from evoframe.kernel.key import Key, Step, untouched
from evoframe.testing.case import Case, Choice
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.fingerprints import (
    disturb_global_randomness,
    fingerprint,
    global_randomness,
)
from evoframe.testing.prepared import Prepared, on_cases, prepared, with_option
from evoframe.testing.specimens import Specimen
from evoframe.testing.trying import broken

ON_DNA = ("heredity", "encoding", "mutation", "environment")
CALLED = (*ON_DNA, "selection", "litter", "training", "nurture")
KEYED = ("heredity", "mutation", "selection")

MANY_KEYS = 256
"""Keys that one which acts seldom is tried with."""


@law(*CALLED, "task", stage=Stage.CALL)
def check_is_a_function_of_its_arguments(strategy: Any) -> None:
    """Called again with the same key and the same arguments, it gives the same answer, bit for bit.

    Whatever ran in between: other calls, and draws from the global generators of Python, NumPy
    and torch. All randomness comes from the key: ``key.generator()``, ``key.words(n)``.
    """

    def attempt(case: Any) -> None:
        # What this check draws from global generators is no business of the test session.
        with untouched():
            first = fingerprint(prepared(strategy, case).call())
            disturb_global_randomness()
            prepared(strategy, attrs.evolve(case, key=case.key.at("another"))).call()
            disturb_global_randomness()
            second = fingerprint(prepared(strategy, case).call())
        if first != second:
            broken("the second answer differs from the first")

    on_cases(strategy, attempt)


@law(*CALLED, stage=Stage.CALL)
def check_leaves_global_randomness_alone(strategy: Any) -> None:
    """It draws nothing from the global generators of Python, NumPy and torch, and seeds none.

    A draw more or less there must not change what anybody else draws. Give torch's functions
    ``generator=key.generator()``.
    """

    def attempt(case: Any) -> None:
        ready = prepared(strategy, case)
        before = global_randomness()
        ready.call()
        if global_randomness() != before:
            broken("a global random generator is in another state afterwards")

    on_cases(strategy, attempt)


@law(*CALLED, stage=Stage.CALL)
def check_leaves_its_arguments_alone(strategy: Any) -> None:
    """What it was given is afterwards what it was before, bit for bit.

    Parents are shared between siblings. Use ``attrs.evolve`` and functions without an underscore
    at their end; a training may change the phenotype that it is given, and nothing else.
    """

    def attempt(case: Any) -> None:
        ready = prepared(strategy, case)
        before = {name: fingerprint(value) for name, value in ready.given.items()}
        ready.call()
        for name, value in ready.given.items():
            if fingerprint(value) != before[name]:
                broken(f"the {name} that it was given changed")

    on_cases(strategy, attempt)


@law(*ON_DNA, "training", "nurture")
def check_keeps_dtypes_and_devices(strategy: Any) -> None:
    """Weights keep their dtype and shape, levels are int32, tables float64, and nothing moves.

    Networks come in single and in double precision, and on accelerators where there are any.
    """

    def attempt(case: Case) -> None:
        wanted = _formats(case, strategy.role)
        for place, value in _tensors(prepared(strategy, case).call(), strategy.role):
            if value.device.type != case.device:
                broken(f"{place} is on {value.device}; wanted {case.device}")
            if place in wanted and wanted[place] != (value.dtype, value.shape):
                dtype, shape = wanted[place]
                broken(
                    f"{place} is {value.dtype} {tuple(value.shape)}; wanted {dtype} {tuple(shape)}"
                )

    on_cases(strategy, attempt)


@law(*KEYED, when=lambda strategy: "stochastic" in strategy.traits and _dial(strategy) != 0)
def check_other_keys_give_other_answers(strategy: Any) -> None:
    """With the trait ``stochastic``: of sixteen keys, at least two give different answers.

    Somebody who derives a generator from a constant makes all siblings alike. Whoever acts seldom
    is tried with more of its dial and with more keys, and is believed that it draws from its key.
    """
    if len(_answers(strategy, 16)) > 1 or any(len(_answers(o, 16)) > 1 for o in _more(strategy)):
        return
    told: list[str] = []
    if len(_answers(strategy, MANY_KEYS, told)) == 1 and not told:
        broken("sixteen keys gave one and the same answer, and nothing was drawn from any")


class Overheard(Key):
    """A key that notes whether anything is drawn from it, or from one further down its path."""

    _told: list[str]

    def __init__(self, key: Key, told: list[str]) -> None:
        super().__init__(key.seed, key.path)
        object.__setattr__(self, "_told", told)

    def at(self, *steps: Step) -> Key:
        """Return the key further down the path, that is overheard too."""
        return Overheard(super().at(*steps), self._told)

    def _digest(self, size: int) -> int:
        self._told.append(str(self))
        return super()._digest(size)


def _answers(strategy: Any, count: int, told: list[str] | None = None) -> set[str]:
    """Return the fingerprints of the answers to so many keys, noting what is drawn from them."""
    keys: Iterable[Key] = map(Key, range(count))
    heard = keys if told is None else (Overheard(key, told) for key in keys)
    return {fingerprint(one.call()) for one in _with_keys(strategy, heard)}


def _more(strategy: Any) -> list[Any]:
    """Return the strategy with more of its dial: one that acts seldom does so oftener."""
    value = _dial(strategy)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return []
    more = (with_option(strategy, strategy.dial, type(value)(factor * value)) for factor in (9, 99))
    return [one for one in more if one is not None]


@law(*KEYED, when=lambda strategy: "deterministic" in strategy.traits)
def check_ignores_its_key(strategy: Any) -> None:
    """With the trait ``deterministic``: the answer is the same for every key."""
    if len(answers := _answers(strategy, 16)) > 1:
        broken(f"sixteen keys gave {len(answers)} different answers")


def _with_keys(strategy: Any, keys: Iterable[Key]) -> Iterator[Prepared]:
    values = tuple(place / 10 for place in range(10))
    # So wide that sixteen honest draws agree by chance never; a narrow one has few answers.
    roomy = Case(Specimen("perceptron", 24), share=0.5)
    base = Choice(values, 10, 2) if strategy.role == "selection" else roomy
    for key in keys:
        yield prepared(strategy, attrs.evolve(base, key=key))


def _dial(strategy: Any) -> Any:
    return getattr(strategy, strategy.dial) if strategy.dial else None


def _tensors(answer: Any, role: str) -> list[tuple[str, Tensor]]:
    """Return the tensors of an answer, with what to call them."""
    if role == "heredity":
        parts = {"eligible": answer.eligible, "strengths": answer.strengths, "state": answer.state}
        return [(f"{part}[{n!r}]", v) for part, values in parts.items() for n, v in values.items()]
    if role in ("training", "nurture"):
        network: nn.Module = answer.phenotype.network
        return [(f"the network's {name}", v) for name, v in network.state_dict().items()]
    groups = dict(answer.synapses)
    if answer.clusters is not None:
        groups["clusters"] = answer.clusters.genes
    for name, genes in groups.items():
        if genes.log_survival.dtype != np.float64:
            broken(f"log_survival of {name!r} is {genes.log_survival.dtype}; wanted float64")
    return [
        (f"{part} of {name!r}", getattr(genes, part))
        for name, genes in groups.items()
        for part in ("levels", "eligible")
    ]


def _formats(case: Case, role: str) -> dict[str, tuple[torch.dtype, torch.Size]]:
    """Return dtype and shape of the tensors that an answer must hold, by what they are called."""
    genotype = case.genotype()
    masks = {name: (torch.bool, mask.shape) for name, mask in genotype.masks.items()}
    weights = {name: (value.dtype, value.shape) for name, value in genotype.state.items()}
    if role == "heredity":
        parts = {"eligible": masks, "state": weights, "strengths": {n: weights[n] for n in masks}}
        return {
            f"{part}[{n!r}]": form for part, forms in parts.items() for n, form in forms.items()
        }
    if role in ("training", "nurture"):
        newborn = case.phenotype().network.state_dict()
        return {f"the network's {n}": (v.dtype, v.shape) for n, v in newborn.items()}
    found = {f"eligible of {name!r}": form for name, form in masks.items()}
    return found | {f"levels of {n!r}": (torch.int32, form[1]) for n, form in masks.items()}
