"""Options from TOML values and back, strictly: no "false" that turns into True."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn

from evoframe.errors import ConfigError, close_match
from evoframe.registry.checking import is_role, is_table
from evoframe.roles import Strategy
from evoframe.roles.frozen_dict import FrozenDict

T = TypeVar("T")

LARGEST = 3.4e38
"""What tensors of float32 can hold; larger steps, rates and temperatures are slips of the pen."""

LARGEST_WHOLE = 2**63 - 1
"""What TOML, SQLite and torch can hold."""


def structure(table: Mapping[str, Any], kind: type[T], where: str) -> T:
    """Return a value of an attrs class from a TOML table.

    Args:
        table: the options that are given.
        kind: the class.
        where: the table's name, for messages.

    Raises:
        ConfigError: every option that is unknown, missing or of the wrong type.
    """
    try:
        return _CONVERTER.structure(dict(table), kind)
    # A handler is missing where a class that nobody checked has an option of a type of its own.
    except (cattrs.BaseValidationError, cattrs.StructureHandlerNotFoundError) as error:
        problems = "; ".join(_problems(error, where, kind)).rstrip(".")
        raise ConfigError(problems if problems.endswith("?") else f"{problems}.") from error


Describe = Callable[[Strategy, str], Any]
"""Returns the table of a strategy; the second argument is its entry's name."""


def _as_it_is(strategy: Strategy, _entry: str) -> Strategy:
    return strategy


def unstructure(value: Any, entry: str = "", describe: Describe = _as_it_is) -> dict[str, Any]:
    """Return an attrs value's options as a TOML table.

    What is None is left out, and so is an empty table, where it is empty if it is not given.

    Args:
        value: the value.
        entry: what its own entry is called.
        describe: gives the tables of the strategies among its options; they stay as they are if
            it is not given.
    """
    return {
        field.name: _plain(given, f"{entry}.{field.name}", describe)
        for field in attrs.fields(type(value))
        # TOML has no null.
        if field.init
        and (given := getattr(value, field.name)) is not None
        and not (given == {} and _is_empty_by_default(field))
    }


def _is_empty_by_default(field: Any) -> bool:
    default = field.default
    if isinstance(default, attrs.Factory) and not default.takes_self:  # type: ignore[arg-type]
        default = default.factory()
    return bool(default == {})


def _plain(value: Any, entry: str, describe: Describe) -> Any:
    if isinstance(value, Strategy):
        return describe(value, entry)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item, f"{entry}[{i}]", describe) for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {name: _plain(item, f"{entry}.{name}", describe) for name, item in value.items()}
    return unstructure(value, entry, describe) if attrs.has(type(value)) else value


def _exactly(kind: type, words: str) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:
        # Not ``isinstance``: True is an int, and would pass for 1.
        if type(value) is not kind:
            raise TypeError(f"wanted {words}, found {value!r}")
        return value

    return hook


def _whole(value: Any, _: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"wanted a whole number, found {value!r}")
    if abs(value) > LARGEST_WHOLE:
        raise ValueError(f"wanted a whole number of 63 bits at most, found {_short(value)}")
    return value


def _number(value: Any, _: Any) -> float:
    # ``learning_rate = 1`` is an integer in TOML, and means 1.0.
    if type(value) not in (int, float):
        raise TypeError(f"wanted a number, found {value!r}")
    if abs(value) > LARGEST and value not in (math.inf, -math.inf):
        raise ValueError(f"wanted a number that float32 can hold, found {_short(value)}")
    return float(value)


def _short(value: float) -> str:
    """Return a number of any length in a few characters."""
    digits = value.bit_length() if isinstance(value, int) else 0
    return f"one of {digits} bits" if digits > 100 else repr(value)


def _path(value: Any, _: Any) -> Path:
    if not isinstance(value, str | Path):
        raise TypeError(f"wanted a path, found {value!r}")
    return Path(value).expanduser()


def _strategy(value: Any, kind: type[Strategy]) -> Strategy:
    # Tables have become strategies before, where it is known who offers which.
    if not isinstance(value, kind):
        raise TypeError(f"wanted a {kind.role}, found {value!r}")
    return value


def _is_literal(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _is_among(value: Any, choices: Iterable[Any]) -> bool:
    """Tell whether a value is one of the choices; True is not 1, and 1.0 is not either."""
    return any(type(value) is type(choice) and value == choice for choice in choices)


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _choice(value: Any, kind: Any) -> Any:
    choices = get_args(kind)
    if not _is_among(value, choices):
        near = close_match(str(value), map(str, choices))
        raise ValueError(f"wanted one of {', '.join(map(repr, choices))}, found {value!r}.{near}")
    return value


def _member(value: Any, kind: type[enum.Enum]) -> enum.Enum:
    choices = [member.value for member in kind]
    if not _is_among(value, choices):
        near = close_match(str(value), map(str, choices))
        raise ValueError(f"wanted one of {', '.join(map(repr, choices))}, found {value!r}.{near}")
    return kind(value)


def _items(converter: cattrs.Converter, value: Any, kind: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"wanted a list, found {value!r}")
    return tuple(converter.structure(item, get_args(kind)[0]) for item in value)


def _is_frozen_table(kind: Any) -> bool:
    return is_table(kind) and get_origin(kind) is not dict


def _table(converter: cattrs.Converter, value: Any, kind: Any) -> FrozenDict[Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"wanted a table, found {value!r}")
    # As a dict, so that messages name the entry that is wrong.
    entries: Any = dict[str, get_args(kind)[1]]  # type: ignore[misc]
    return FrozenDict(converter.structure(dict(value), entries))


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_structure_hook(bool, _exactly(bool, "true or false"))
    converter.register_structure_hook(int, _whole)
    converter.register_structure_hook(str, _exactly(str, "text"))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(Path, _path)
    converter.register_structure_hook_func(_is_literal, _choice)
    converter.register_structure_hook_func(_is_list, partial(_items, converter))
    converter.register_structure_hook_func(_is_frozen_table, partial(_table, converter))
    converter.register_structure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, enum.Enum), _member
    )
    converter.register_structure_hook_factory(
        attrs.has,
        lambda kind: _fields(converter, kind),
    )
    # Registered last, and so asked first: a strategy is an attrs class too.
    converter.register_structure_hook_func(is_role, _strategy)
    return converter


def _fields(converter: cattrs.Converter, kind: type) -> Callable[[Any, Any], Any]:
    # By default cattrs drops unknown keys in silence, and a misspelt option with them.
    made: Callable[[Any, Any], Any] = make_dict_structure_fn(
        kind, converter, _cattrs_forbid_extra_keys=True
    )

    def hook(value: Any, kind: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError(f"wanted a table, found {value!r}")
        return made(dict(value), kind)

    return hook


_CONVERTER = _converter()


def _problems(error: Exception, where: str, kind: type) -> list[str]:
    """Return one sentence for each thing that is wrong, with the option's name."""
    if not isinstance(error, cattrs.BaseValidationError):
        return [_sentence(error, where, kind)]
    found: list[str] = []
    for inner in error.exceptions:
        # cattrs says in which field or entry it was at work by a note that it adds.
        place, own = where, kind
        for note in (one for one in getattr(inner, "__notes__", ()) if hasattr(one, "type")):
            place += f".{note.name}" if hasattr(note, "name") else f"[{note.index!r}]"
            own = next((one for one in (note.type, *get_args(note.type)) if attrs.has(one)), own)
        found += _problems(inner, place, own)
    return found


def _sentence(error: Exception, where: str, kind: type) -> str:
    if isinstance(error, cattrs.ForbiddenExtraKeysError):
        names = [field.name for field in attrs.fields(kind) if field.init]
        return "; ".join(
            f"there is no option {where}.{extra}.{close_match(extra, names)} "
            f"Options: {', '.join(names) or 'none'}"
            for extra in sorted(error.extra_fields)
        )
    if isinstance(error, KeyError):
        return f"{where} needs the option {error.args[0]!r}"
    return f"{where}: {error}"
