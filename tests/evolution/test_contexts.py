"""What every call of a life is told: of which run it is part, whose birth it is, and its key."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import pytest
import torch

from evoframe.errors import TaskError
from evoframe.evolution.generation import births, live, raise_ancestor
from evoframe.evolution.strategies import Strategies
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.events import Silence
from evoframe.kernel.key import Key
from evoframe.kernel.life import NoCheckpoint
from evoframe.kernel.population import Population
from evoframe.roles import Nurture
from evoframe.strategies.encoding import Synaptic
from evoframe.strategies.environment import Retention
from evoframe.strategies.heredity import Asexual
from evoframe.strategies.mutation import Noise
from evoframe.strategies.selection import RandomPairs
from evoframe.strategies.training import Gradient
from evoframe.testing import Case, Specimen
from evoframe.testing.case import an_individual
from support.contexts import keyed

CASE = Case(Specimen(width=4))
HEARD: list[tuple[str, Context]] = []


def hear(role: str, arguments: tuple[Any, ...]) -> None:
    (context,) = [one for one in arguments if isinstance(one, Context)]
    HEARD.append((role, context))


def listening(kind: type, method: str) -> type:
    """Return a strategy class whose calls are written down."""

    def heard(self, *arguments):
        hear(kind.role, arguments)
        return getattr(kind, method)(self, *arguments)

    return attrs.frozen(type(kind.__name__, (kind,), {method: heard}))


@attrs.frozen
class Witness(Nurture):
    """Writes down who lives."""

    name: ClassVar[str] = "witness"

    def before_epoch(self, phenotype, context, epoch):
        hear("nurture", (context,))


STRATEGIES = Strategies(
    encoding=listening(Synaptic, "encode")(),
    environment=(listening(Retention, "press")(), listening(Retention, "press")(0.9)),
    heredity=listening(Asexual, "inherit")(),
    mutation=(listening(Noise, "mutate")(), listening(Noise, "mutate")()),
    training=listening(Gradient, "train")(epochs=1),
    nurture=(Witness(),),
    selection=listening(RandomPairs, "select")(),
)


def test_every_call_is_told_of_its_run_and_its_birth_and_has_a_key_of_its_own() -> None:
    """By the same paths as ever: they are what a digest hangs on."""
    HEARD.clear()
    run = attrs.evolve(CASE.context(parents=0), generation=7, key=Key(3).at("generation", 7))
    mother = an_individual(4, 0.5)
    population = Population((mother,), (mother,), 2, 1, CASE.specimen.primary)

    _, second = births(population, STRATEGIES.selection, run)
    live(second, STRATEGIES, run, lambda _: Parent(mother, CASE.genotype()))

    root = "3/generation/7"
    assert [(role, str(context.key)) for role, context in HEARD] == [
        ("selection", f"{root}/selection"),
        ("heredity", f"{root}/slot/1/heredity"),
        ("encoding", f"{root}/slot/1/encoding"),
        ("mutation", f"{root}/slot/1/mutation/0"),
        ("mutation", f"{root}/slot/1/mutation/1"),
        ("environment", f"{root}/slot/1/environment/0"),
        ("environment", f"{root}/slot/1/environment/1"),
        ("training", f"{root}/slot/1"),
        ("nurture", f"{root}/slot/1"),
    ]
    for role, context in HEARD:
        assert context.ancestor is run.ancestor
        assert (context.task, context.generation) == (CASE.specimen, 7)
        born = role != "selection"
        assert (context.id, context.place) == (("g7s1", 1) if born else ("", 0))
        assert context.family.parents == (("g2s4",) if born else ())
        assert [one.individual.id for one in context.parents] == ([mother.id] if born else [])
        assert context.life.companions == ((Witness(),) if born else ())


def test_the_ancestor_is_born_of_nobody_and_raised_alone() -> None:
    """Nurture is for offspring."""
    HEARD.clear()
    run = attrs.evolve(CASE.context(parents=0), generation=1, key=Key(3).at("generation", 1))

    born = raise_ancestor(run.ancestor, STRATEGIES.training, run)

    ((role, context),) = HEARD
    assert (role, str(context.key), context.id) == ("training", "3/generation/1/slot/0", "g1s0")
    assert (context.parents, context.life.companions) == ((), ())
    assert (born.individual.id, born.individual.parents) == ("g1s0", ())


def test_a_context_for_another_call_differs_in_its_key_alone() -> None:
    """Whatever else a call may see is the same value, not a copy."""
    context = CASE.context()

    narrower = context.at("mutation", 1)

    assert narrower.key == CASE.key.at("mutation", 1)
    for field in attrs.fields(Context):
        if field.name != "key":
            assert getattr(narrower, field.name) is getattr(context, field.name)


def test_a_life_is_silent_and_lonely_unless_something_is_said() -> None:
    """Nobody has to ask whether there is an announcer or a checkpoint."""
    life = keyed(Key(0)).life

    assert life.companions == ()
    assert isinstance(life.announcer, Silence)
    assert isinstance(life.checkpoint, NoCheckpoint)
    assert life.checkpoint.load() is None


def test_first_weights_are_known_unless_the_ancestor_came_trained() -> None:
    """And the message says what to do instead."""
    context = CASE.context()

    assert context.initial_state() is context.initial
    with pytest.raises(TaskError, match="'specimen' brings an ancestor that is already trained"):
        attrs.evolve(context, initial=None).initial_state()


def test_fresh_weights_hang_on_the_key_alone() -> None:
    """Whatever was drawn before."""
    context, first = CASE.context(), CASE.context().newborn_state(Key(1))
    torch.rand(3)

    again, other = context.newborn_state(Key(1)), context.newborn_state(Key(2))

    assert all(torch.equal(first[name], value) for name, value in again.items())
    assert not torch.equal(first["0.weight"], other["0.weight"])
