"""Watch: what strategies are given and hand on in one life; what they only read stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import attrs

from evoframe.errors import ContractError, shortened
from evoframe.kernel.context import Context
from evoframe.kernel.notes import Notes
from evoframe.kernel.tensors.digests import Digests, changed, digests
from evoframe.kernel.texts import text_of, value_of

SEVERAL = 2
"""How many changed tensors a message names."""


class Noted(Protocol):
    """What a strategy returns, with notes."""

    @property
    def notes(self) -> Notes:
        """What is to be noted of the individual."""


Found = TypeVar("Found", bound=Noted)


class Watch:
    """Compares what the strategies of one life are given, before and after each of them.

    What one of them leaves is what the next one is given, so each digest is taken once.

    Attributes:
        notes: what the individual carries by now.
    """

    def __init__(self, context: Context, *, strict: bool) -> None:
        """Watch over what all calls of a life are given.

        Args:
            context: whose life it is.
            strict: whether anything is looked at; not in what is tried and dropped.
        """
        self.notes = context.notes
        self._strict = strict
        # Of all calls that are going on: a litter calls a training.
        self._lent: list[tuple[Any, str]] = []
        self._always: dict[str, Any] = {
            f"parent {one.individual.id}": one.genotype for one in context.parents
        }
        self._always |= {"the ancestor": context.ancestor, "first weights": context.initial}
        self._known: dict[str, tuple[Any, Digests]] = {}

    def informed(self, context: Context, state: str | None = None) -> Context:
        """Return the context of a call, with the notes of the life so far.

        Args:
            context: of the call.
            state: what the strategy keeps, as text; it is given a copy.
        """
        value = None if state is None else value_of(state)
        if state is not None:
            self._lent.append((value, state))
        return attrs.evolve(context, notes=self.notes, state=value)

    def noted(self, found: Found) -> Found:
        """Return an answer of a strategy with all notes of the life, to which its own are added."""
        if found.notes is self.notes:
            return found
        self.notes |= found.notes
        return attrs.evolve(found, notes=self.notes)  # type: ignore[misc]

    def forget(self, *names: str) -> None:
        """Let go of what nobody will be given any more, so that its memory is free."""
        for name in names:
            self._known.pop(name, None)

    def rest(self) -> None:
        """Let go of everything: no strategy of this life is called any more."""
        self._always.clear()
        self._known.clear()

    @contextmanager
    def unchanged(self, **given: Any) -> Iterator[None]:
        """Run a call that is given more than its context.

        Raises:
            ContractError: what is another than before.
        """
        if not self._strict:
            yield
            return
        given = {**self._always, **given}
        fresh = {name: one for name, one in given.items() if not self._has(name, one)}
        self._known |= {name: (fresh[name], found) for name, found in digests(fresh).items()}
        before = len(self._lent)
        yield
        self._require_states(before)
        after, lost = digests(given), list[str]()
        for name, found in after.items():
            lost += changed(self._known[name][1], found)
            self._known[name] = given[name], found
        if lost:
            raise ContractError(
                f"it changed {shortened(lost, SEVERAL, '; ')}, in place; wanted what it is given "
                "to be left as it is: work on a clone()"
            )

    def _require_states(self, before: int) -> None:
        """Refuse a state that was lent since and is another now: the change would be lost."""
        lent, self._lent[before:] = self._lent[before:], []
        if any(text_of(value, "its state") != text for value, text in lent):
            raise ContractError(
                "it changed context.state in place, which is lost; wanted it left as it is: "
                "learned() returns another, once a generation"
            )

    def _has(self, name: str, value: Any) -> bool:
        return name in self._known and self._known[name][0] is value
