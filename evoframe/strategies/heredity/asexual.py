"""Asexual heredity: one parent, cloned (1606.04393, 1609.01360).

"Offspring are synthesised by stochastically sparsifying a clone of their parent" (1709.02043, in
our words): only the parent's synapses are eligible, so nothing grows back by itself. Whether the
newborn starts from the parent's weights or from fresh ones is not said; here it is an option.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from evoframe.errors import TaskError
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.genotype import cleared
from evoframe.roles import Heredity, Task, doc
from evoframe.strategies.heredity.weights import begun_with


@attrs.frozen
class Asexual(Heredity):
    """One parent passes on its synapses, and optionally its weights."""

    name: ClassVar[str] = "asexual"

    weights: Literal["clone", "rewind", "reinitialise"] = attrs.field(
        default="clone",
        metadata=doc(
            "initial weights of the newborn: its parent's, the ancestor's initial ones, or "
            "fresh ones"
        ),
    )

    @property
    def traits(self) -> frozenset[str]:  # type: ignore[override]
        """A clone is its parent; what starts from other weights is not."""
        return frozenset({"identity_on_clones", "deterministic"} if self.weights == "clone" else ())

    def check(self, task: Task) -> None:
        """Refuse to rewind what came trained: nobody knows its first weights."""
        if self.weights == "rewind" and task.is_trained:
            raise TaskError(
                f"task {task.name!r} brings an ancestor that is already trained, so its initial "
                "weights are not known. Try heredity.weights = 'clone' or 'reinitialise'."
            )

    def inherit(self, parents: tuple[Parent, ...], context: Context) -> Inheritance:
        """Return the parent's synapses and strengths, with the state that the option names."""
        parent = parents[0].genotype
        state = cleared(begun_with(self.weights, parent.state, context), parent.masks)
        return Inheritance(parent.masks, parent.state, state)
