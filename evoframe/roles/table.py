"""The table of roles: each is named once, here; recipes, hooks, flags and pages follow from it."""

from __future__ import annotations

from importlib import import_module

import attrs

from evoframe.roles.base import Strategy


@attrs.frozen
class Role:
    """A part that strategies play in an evolution.

    Attributes:
        name: of the role, of its flag, and of its table in a recipe.
        plural: what the hook that offers its strategies is called by.
        several: whether a recipe may name any number of them, or one at most.
        default: name of the strategy that a recipe means which names none; empty for none.
        also: a second table of a recipe for a strategy of this role, if there is one.
    """

    name: str
    plural: str
    several: bool = attrs.field(default=False, kw_only=True)
    default: str = attrs.field(default="", kw_only=True)
    also: str = attrs.field(default="", kw_only=True)

    @property
    def hook(self) -> str:
        """The hook that offers strategies of this role."""
        return f"evoframe_{self.plural}"

    @property
    def module(self) -> str:
        """Where its abstract class is."""
        return f"evoframe.roles.{self.name}"

    @property
    def class_name(self) -> str:
        """What its abstract class is called."""
        return self.name.capitalize()

    @property
    def base(self) -> type[Strategy]:
        """Its abstract class, which is imported only now."""
        found: type[Strategy] = getattr(import_module(self.module), self.class_name)
        return found

    @property
    def built_in(self) -> str:
        """The module of the strategies that come with evoframe."""
        return f"evoframe.strategies.{self.name}"

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of a recipe that hold strategies of this role."""
        return (self.name, self.also) if self.also else (self.name,)


ROLES = {
    role.name: role
    for role in (
        Role("task", "tasks"),
        Role("heredity", "heredities", default="asexual"),
        Role("encoding", "encodings", default="synaptic"),
        Role("mutation", "mutations", several=True),
        Role("environment", "environments", several=True, default="retention"),
        Role("litter", "litters"),
        Role("training", "trainings", default="gradient", also="ancestor"),
        Role("nurture", "nurtures", several=True),
        Role("selection", "selections", default="random-pairs"),
        Role("executor", "executors", default="serial"),
        Role("observer", "observers", several=True),
    )
}
"""Every role by its name, in the order of a life."""

ROLE_TABLES = {table: role for role in ROLES.values() for table in role.tables}
"""The tables of a recipe that hold strategies, each with the role that these play."""
