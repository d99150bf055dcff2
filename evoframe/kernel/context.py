"""Context: what every call of a role is told of the run, and of whom the call is for."""

from __future__ import annotations

from typing import Any

import attrs
import torch

from evoframe.errors import TaskError
from evoframe.kernel.anatomy import Anatomy
from evoframe.kernel.genotype import Genotype, State
from evoframe.kernel.individual import Individual
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.life import Life, Task
from evoframe.kernel.modules.entries import state_of
from evoframe.kernel.notes import NONE, Notes
from evoframe.kernel.population import Family


@attrs.frozen(eq=False)
class Parent:
    """An individual with its genotype at hand."""

    individual: Individual
    genotype: Genotype


@attrs.frozen(eq=False)
class Context:
    """What surrounds a call and is no strategy: the run, whose birth it is, and the call's key.

    Attributes:
        ancestor: the trained ancestor's genotype.
        initial: the state the ancestor had before it was trained; None when it came trained.
        anatomy: how genotypes become networks, and come home.
        task: what the networks are for.
        device: where tensors of this run live, and where batches must go.
        generation: number of the generation being made; the ancestor's is 1.
        key: the only source of randomness of this call.
        id: the individual that is being made; empty while parents are selected.
        place: its place in its generation, from 0.
        family: the ids of its parents, as selection named them.
        parents: whom it descends from; empty for the ancestor, and while parents are selected.
        life: what its training is given on top.
        notes: what it carries so far: its first parent's, those that selection gave its family,
            and those of the strategies that acted before.
        state: what the strategy that is called keeps across generations, a copy; None if nothing.
    """

    ancestor: Genotype
    initial: State | None
    anatomy: Anatomy
    task: Task
    device: torch.device
    generation: int
    key: Key
    id: str = ""
    place: int = 0
    family: Family = attrs.field(default=Family(()))
    parents: tuple[Parent, ...] = ()
    life: Life = attrs.field(factory=Life)
    notes: Notes = NONE
    state: Any = None

    def at(self, *path: int | str) -> Context:
        """Return the same context with its key further down a path, for a call of its own."""
        return attrs.evolve(self, key=self.key.at(*path))

    def initial_state(self) -> State:
        """Return the weights that the ancestor was born with.

        Raises:
            TaskError: the ancestor came trained, so nobody knows them.
        """
        if self.initial is None:
            raise TaskError(
                f"task {self.task.name!r} brings an ancestor that is already trained, so its "
                "initial weights are not known. Try heredity.weights = 'clone' or "
                "'reinitialise' instead of 'rewind'."
            )
        return self.initial

    def newborn_state(self, key: Key) -> State:
        """Return freshly initialised weights for the ancestor's architecture."""
        with sealed(key):
            state = state_of(self.task.newborn(key))
        return {name: value.detach().to(self.device) for name, value in state.items()}
