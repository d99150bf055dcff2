"""Every strategy is a value: named, described, written, sent and read again."""

from __future__ import annotations

import enum
import inspect
import math
import pathlib
import pickle
import sys
import tomllib
from collections.abc import Callable
from typing import Any

import attrs
import tomli_w

from evoframe.config.inner import inner
from evoframe.config.naming import made_by, options_from, told_by
from evoframe.config.values import unstructure
from evoframe.errors import EvoframeError, OfferError
from evoframe.registry import load_registry
from evoframe.registry.checking import check_name, check_observer, check_options, check_value
from evoframe.registry.describe import toml_snippet
from evoframe.registry.signatures import check_signatures
from evoframe.roles.frozen_dict import FrozenDict
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.fingerprints import fingerprint
from evoframe.testing.trying import broken, in_words

GIVEN_A_CONTEXT = (
    "heredity", "encoding", "mutation", "environment", "litter", "training", "nurture",
    "selection",
)  # fmt: skip
"""The roles whose methods are given one."""


@law(stage=Stage.FORM)
def check_is_a_frozen_value(strategy: Any) -> None:
    """It is an attrs class, frozen; strategies with equal options are equal and can be hashed.

    State is passed and returned, never kept: a strategy is used for many lives in any order, and
    in several processes. Decorate the class with ``@attrs.frozen``, and keep options that are
    tables in a ``FrozenDict``. (An observer, or a strategy that holds tensors, may say
    ``eq=False``.)
    """
    _offered(lambda: check_value(type(strategy)))
    for field in attrs.fields(type(strategy)):
        try:
            setattr(strategy, field.name, getattr(strategy, field.name))
        except attrs.exceptions.FrozenInstanceError:
            continue
        broken(f"its option {field.name!r} can be set")
    if "__eq__" not in vars(type(strategy)):  # eq=False
        return
    twin = attrs.evolve(strategy)
    if twin != strategy:
        broken("a strategy with the same options is not equal to it")
    try:
        other = hash(twin) != hash(strategy)
    except TypeError as error:
        broken(f"it cannot be hashed: {error}")
    if other:
        broken("a strategy with the same options has another hash")


@law(stage=Stage.FORM)
def check_has_a_name_and_a_summary(strategy: Any) -> None:
    """It has a name of lower-case words joined by hyphens, and a docstring that says what it does.

    People choose by name, and ``evoframe strategies`` shows the first line of the docstring.
    """
    _offered(lambda: check_name(type(strategy)))


@law(stage=Stage.FORM)
def check_options_have_help_and_a_type(strategy: Any) -> None:
    """Every option has a help text, and a type that recipes can hold; defaults are of that type.

    Give it ``metadata=doc("...")`` and one of bool, int, float, str, Path, Literal, an Enum, a
    tuple or a ``Mapping[str, ...]`` of those, the class of a role, or any of them or None.
    """
    _offered(lambda: check_options(type(strategy)))
    table = tomllib.loads(toml_snippet(type(strategy)))[strategy.role]
    # The snippet holds all defaults as people would copy them: read back
    # strictly, they show whether they are of the type that their options declare.
    given = dict(table[0] if isinstance(table, list) else table)
    given.pop("use")
    needed = {field.name for field in attrs.fields(type(strategy)) if field.init} - set(given)
    values = {name: value for name, value in unstructure(strategy).items() if name in needed}
    make = made_by(load_registry(entry_points=False))
    _offered(lambda: options_from(given | values, type(strategy), strategy.role, make))


@law("observer", stage=Stage.FORM)
def check_implements_hooks_as_they_are(strategy: Any) -> None:
    """Its methods named ``evoframe_...`` are hooks, are marked, and take what the hooks give.

    A misspelt hook would never be called, and nobody would notice.
    """
    _offered(lambda: check_observer(type(strategy)))


@law(*GIVEN_A_CONTEXT, stage=Stage.FORM)
def check_takes_what_its_role_gives(strategy: Any) -> None:
    """Its methods take the arguments that its role gives them, the context among them.

    A key, the ancestor and the task come in the context: ``context.key``, ``context.ancestor``,
    ``context.task``. Until contract 1 they were arguments of their own.
    """
    _offered(lambda: check_signatures(type(strategy)))


@law(stage=Stage.FORM)
def check_survives_toml(strategy: Any) -> None:
    """Written to a recipe and read again, it has the same options.

    The record of a run is TOML; what cannot be read from it cannot be resumed.
    """
    before, registry = unstructure(strategy), load_registry(entry_points=False)
    try:
        text = tomli_w.dumps(unstructure(strategy, strategy.role, told_by(registry)))
        table = tomllib.loads(text)
        after = options_from(table, type(strategy), strategy.role, made_by(registry))
    except Exception as error:  # noqa: BLE001  whatever it is, it has not survived
        broken(in_words(error))
    if not _agree(unstructure(after), before):
        broken(f"{before} became {unstructure(after)}")


@law(stage=Stage.FORM)
def check_survives_pickling(strategy: Any) -> None:
    """Pickled and unpickled, it has the same options.

    Strategies travel to the processes in which lives are lived; a lambda cannot.
    """
    try:
        after = pickle.loads(pickle.dumps(strategy))  # noqa: S301  it was made here
    except Exception as error:  # noqa: BLE001  whatever it is, it has not survived
        broken(in_words(error))
    before = unstructure(strategy)
    if type(after) is not type(strategy) or not _agree(unstructure(after), before):
        broken(f"{before} became {after!r}")


@law(
    when=lambda strategy: not any(isinstance(v, enum.Enum) for v in _options(strategy)),
    stage=Stage.FORM,
)
def check_repr_evaluates_back(strategy: Any) -> None:
    """Its repr, evaluated where its class is known, is the strategy again.

    Logs and messages show the repr; it should be something to copy from.
    """
    module = inspect.getmodule(type(strategy)) or sys.modules[__name__]
    # Paths have a repr of their own, and are the only options whose class a module may not import.
    # So it is with tables; and inf and nan are numbers that Python has no literal for.
    known = {"inf": math.inf, "nan": math.nan, "FrozenDict": FrozenDict}
    own = {type(one).__name__: type(one) for _, one in (("", strategy), *inner(strategy, ""))}
    names = {**vars(pathlib), **known, **vars(module), **own}
    try:
        after = eval(repr(strategy), names)  # noqa: S307  that is the promise
    except Exception as error:  # noqa: BLE001  whatever it is, it does not evaluate
        broken(f"{strategy!r}: {in_words(error)}")
    if not _agree(unstructure(after), unstructure(strategy)):
        broken(f"{strategy!r} became {after!r}")


def _agree(one: Any, other: Any) -> bool:
    """Tell whether options are the same; NaN is, although it equals nothing."""
    return fingerprint(one) == fingerprint(other)


def _options(strategy: Any) -> list[Any]:
    return [getattr(strategy, field.name) for field in attrs.fields(type(strategy))]


def _offered(attempt: Callable[[], Any]) -> None:
    try:
        attempt()
    except OfferError as error:
        broken(str(error))
    except EvoframeError as error:
        broken(f"the defaults are refused: {error}")
