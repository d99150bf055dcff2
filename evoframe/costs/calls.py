"""Calls of torch's functions in a forward pass: what latency is made of, and how files say it.

A call is written as its function and its arguments; tensors by their sizes alone. All whole
numbers in them are its *sizes*, since any may follow the widths of a network: axes of tensors,
heads, groups. What is left when sizes are taken out is the *form* of the call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_leaves  # the documented way through what holds tensors

from evoframe.kernel.tensors.storage import storage_of

Code = Any
"""An argument as JSON: sizes as whole numbers, texts and others in a mapping that says what."""


@attrs.frozen
class Call:
    """One call of a function of torch.

    Attributes:
        layer: the module in whose forward pass it is.
        function: its name, as in ``torch.nn.functional.relu``.
        arguments: as JSON holds them.
        keywords: the same, by name.
    """

    layer: str
    function: str
    arguments: list[Code]
    keywords: dict[str, Code]

    @property
    def form(self) -> str:
        """What is left without the sizes."""
        return form_of(self.function, self.arguments, self.keywords)

    @property
    def sizes(self) -> tuple[Any, ...]:
        """All whole numbers in order; in a table also widths, as texts."""
        return tuple(sizes_in(_values(self.arguments, self.keywords)))

    def with_sizes(self, sizes: Iterator[Any]) -> Call:
        """Return the same call with other sizes in the places of its own."""
        arguments, *keywords = _filled(_values(self.arguments, self.keywords), sizes)
        named = dict(zip(sorted(self.keywords), keywords, strict=True))
        return attrs.evolve(self, arguments=arguments, keywords=named)

    def __str__(self) -> str:
        """Return the function and the shapes of its tensors."""
        shapes = _shapes(_values(self.arguments, self.keywords))
        return f"{self.function} of {', '.join(map(str, shapes))}"


def form_of(function: str, arguments: Code, keywords: Code) -> str:
    """Return the form of a call; how its tensors lie in memory is none of it."""
    blank = _filled(_values(arguments, keywords), iter(lambda: "#", None), laid_out=False)
    return json.dumps([function, sorted(keywords), blank])


def _values(arguments: Code, keywords: Mapping[str, Code]) -> list[Code]:
    return [arguments, *(keywords[name] for name in sorted(keywords))]


def is_size(value: Code) -> bool:
    """Tell whether a value is a whole number or a width; texts of other kinds are in mappings."""
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def sizes_in(value: Code) -> Iterator[Any]:
    """Yield the sizes in a value, in order."""
    if is_size(value):
        yield value
    for one in _inside(value):
        yield from sizes_in(one)


def _inside(value: Code) -> list[Code]:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        return [one for name, one in sorted(value.items()) if name not in _WORDS]
    return []


_WORDS = ("type", "text", "device", "ellipsis", "order")
"""Entries of mappings that say what a value is, and hold no size."""


def _filled(value: Code, sizes: Iterator[Any], *, laid_out: bool = True) -> Code:
    if is_size(value):
        return next(sizes)
    if isinstance(value, list):
        return [_filled(one, sizes, laid_out=laid_out) for one in value]
    if isinstance(value, Mapping):
        return {
            name: one if name in _WORDS else _filled(one, sizes, laid_out=laid_out)
            for name, one in sorted(value.items())
            if laid_out or name != "order"
        }
    return value


def _shapes(value: Code) -> Iterator[list[Any]]:
    if isinstance(value, Mapping) and "tensor" in value:
        yield value["tensor"]
        return
    for one in _inside(value):
        yield from _shapes(one)


# --- arguments as JSON ----------------------------------------------------------------------------


def encoded(value: Any) -> Code:
    """Return an argument as JSON.

    Raises:
        TypeError: it cannot be written.
    """
    for kind, code in CODES.items():
        if isinstance(value, kind):
            return code(value)
    raise TypeError(f"{value!r} cannot be written")


def _tensor(value: Tensor) -> Code:
    found: dict[str, Code] = {"tensor": list(value.shape), "type": _name(value.dtype)}
    strides = value.stride()
    order = sorted(range(value.ndim), key=lambda axis: -strides[axis])
    if order != list(range(value.ndim)) and not value.is_contiguous():
        found["order"] = order  # which axis is the outermost in memory, and so on
    return found


def _name(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


CODES: Mapping[type | tuple[type, ...], Callable[[Any], Code]] = {
    (bool, int, float, type(None)): lambda value: value,
    Tensor: _tensor,
    (list, tuple): lambda value: [encoded(one) for one in value],
    slice: lambda value: {"slice": encoded((value.start, value.stop, value.step))},
    type(...): lambda _: {"ellipsis": True},
    str: lambda value: {"text": value},
    torch.device: lambda _: {"device": True},
    torch.dtype: lambda value: {"type": _name(value)},
}
"""How arguments of each type are written."""


# --- calls of a network ---------------------------------------------------------------------------


class Recorder(TorchFunctionMode):
    """Writes down every call that computes tensors; views of what is there cost nothing.

    Attributes:
        calls: in their order.
        left_out: names of functions whose arguments cannot be written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.left_out: list[str] = []
        self.layers: list[str] = []

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        # Before the call, which may change sizes in place.
        said = self._said(func, args, kwargs)
        out = func(*args, **kwargs)
        if computes(out, (args, kwargs)):
            if isinstance(said, Call):
                self.calls.append(said)
            else:
                self.left_out.append(said)
        return out

    def _said(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call | str:
        name: str | None = resolve_name(func)
        if name is None or not name.startswith("torch."):
            return str(func)
        layer = self.layers[-1] if self.layers else ""
        try:
            arguments, keywords = encoded(args), {key: encoded(one) for key, one in kwargs.items()}
        except TypeError:
            return name
        return Call(layer, name, arguments, keywords)

    @contextmanager
    def inside(self, network: nn.Module) -> Iterator[None]:
        """Know which module of a network is at work, while the block runs."""

        def leave(*_: object) -> None:
            self.layers.pop()

        handles = []
        for name, module in network.named_modules():
            enter = partial(_push, self.layers, name)
            handles += [
                module.register_forward_pre_hook(enter),
                module.register_forward_hook(leave),
            ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _push(layers: list[str], name: str, *_: object) -> None:
    layers.append(name)


def computes(out: Any, given: Any) -> bool:
    """Tell whether what a call gives was computed, and is no view of what it was given."""
    results = [one for one in tree_leaves(out) if isinstance(one, Tensor)]
    held = [one for one in tree_leaves(given) if isinstance(one, Tensor)]
    there = {storage_of(one) for one in held}
    return any(
        # What is given back itself may have been changed in place.
        storage_of(one) not in there or any(one is other for other in held)
        for one in results
    )
