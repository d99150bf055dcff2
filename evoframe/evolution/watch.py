"""Watch: in a strict run, whoever is given something to read leaves it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from evoframe.errors import ContractError
from evoframe.kernel.context import Context
from evoframe.kernel.digests import Digests, changed, digests

SEVERAL = 2
"""How many changed tensors a message names."""


class Watch:
    """Compares what the strategies of one life are given, before and after each of them.

    What one of them leaves is what the next one is given, so each digest is taken once.
    """

    def __init__(self, context: Context, *, strict: bool) -> None:
        """Watch over what all calls of a life are given, if it is a strict run.

        Args:
            context: whose life it is.
            strict: whether anything is looked at.
        """
        self._strict = strict
        self._always: dict[str, Any] = {
            f"parent {one.individual.id}": one.genotype for one in context.parents
        }
        self._always |= {"the ancestor": context.ancestor, "first weights": context.initial}
        self._known: dict[str, tuple[Any, Digests]] = {}

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
        yield
        after, lost = digests(given), list[str]()
        for name, found in after.items():
            lost += changed(self._known[name][1], found)
            self._known[name] = given[name], found
        if lost:
            more = f" and {len(lost) - SEVERAL} more" if len(lost) > SEVERAL else ""
            raise ContractError(
                f"it changed {'; '.join(lost[:SEVERAL])}{more}, in place; wanted what it is given "
                "to be left as it is: work on a clone()"
            )

    def _has(self, name: str, value: Any) -> bool:
        return name in self._known and self._known[name][0] is value
