"""Strategy: what every strategy of every role has in common."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs


@attrs.frozen
class Strategy:
    """One way to play a role: a frozen attrs value whose fields are its options.

    The same object is used in Python, recipes, the command line, logs and the run record. State
    is passed and returned, never kept in it. Every option needs a help text (see :func:`doc`) and
    one of the accepted types: bool, int, float, str, Path, Literal, an Enum, a tuple or a table
    (``Mapping[str, float]``, see :class:`FrozenDict`; or a frozen attrs class) of those, or any of
    them or None. An option may be a strategy too, with options of its own: its type is the class
    of a role, as in ``arms: tuple[Mutation, ...]``.

    Attributes:
        name: what people write to choose it: lower case words joined by hyphens.
        traits: what it is able to do, as declared words; each role's docstring lists its own. A
            trait that depends on options is declared by a property of this name. Any strategy
            that is given a key may say ``stochastic``, other keys give other answers, or
            ``deterministic``, the key is never used.
        dial: name of the option that says how much of it there is, if there is such an option;
            what that means is said by the roles.
    """

    name: ClassVar[str] = ""
    role: ClassVar[str] = ""
    traits: ClassVar[frozenset[str]] = frozenset()
    dial: ClassVar[str] = ""


def doc(help_text: str, *, later: bool = False) -> dict[str, Any]:
    """Return the metadata that gives an option its help text.

    With ``later``, its default is what the strategy did before it had the option, so that runs
    from before can be gone on with.

    Write it for the person at the terminal: lower case, no full stop, unit included::

        rate: float = attrs.field(default=0.1, metadata=doc("share of absent synapses offered"))
    """
    return {"help": help_text, "later": True} if later else {"help": help_text}


def summary(strategy: type[Strategy]) -> str:
    """Return the first line of a strategy's docstring."""
    return (strategy.__doc__ or "").strip().partition("\n")[0]
