"""Strategy: what every strategy of every role has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs

if TYPE_CHECKING:
    from evoframe.kernel.context import Context
    from evoframe.kernel.population import Population


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


@attrs.frozen
class Learning(Strategy):
    """A strategy that may keep state from one generation to the next: all but those of one life.

    It stays a frozen value. What :meth:`begin` and :meth:`learned` return is kept by the run: it
    is on record before anybody of the generation is born, the same after a kill, and given to
    every call of the strategy, in every process, as ``context.state``.

    State is a number, text, bool, None, array or tensor, or lists and tables of those. Calls get
    copies of what was recorded: tuples come as lists, tensors on the CPU, and
    those without a dimension as numbers.
    """

    def begin(self, context: Context) -> Any:
        """Return the state for the first offspring; None, as here, if there is nothing to keep.

        Args:
            context: the ancestor, its anatomy and the task, and the key of this call.
        """
        return None

    def learned(self, state: Any, population: Population) -> Any:
        """Return the state for the next generation; as here, the same.

        Called once a generation, before parents are selected from it. It follows from the
        arguments alone: whoever needs chance keeps a seed in the state.

        Args:
            state: that of the generation that is over; a copy, which may be changed.
            population: what selection sees, with the notes of everybody.
        """
        return state


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
