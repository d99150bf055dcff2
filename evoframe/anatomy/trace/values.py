"""Values: what a forward pass reads from the contents of its tensors, and how it is told again.

Code that asks whether a mask is all ones, takes rows by a condition or loops over a length needs
contents, which tensors on the meta device do not have. So the network runs once on real inputs
while every answer is written down; without contents the same questions get the same answers, in
their order, and the pass goes the way that the example inputs go.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class
from torch.utils._pytree import tree_map_only  # the documented way to map

from evoframe.anatomy.channels.calls import READS_VALUES, tensors_in

OURS = Path(__file__).resolve().parents[2], Path(torch.__file__).resolve().parent
"""Folders of code that is not the person's."""


PACKS = "_pack_padded_sequence"
"""Takes the lengths of sequences, whose values say how much of them is left."""

Told = Callable[[Any, tuple[Any, ...]], None]
"""Is told the operation and the arguments of a question."""


class Answer(NamedTuple):
    """What a question for values was answered.

    Attributes:
        operation: what asked, by its name.
        given: a number or tensors; for a condition among indices its positions along each axis.
        where: the line of code that asked.
    """

    operation: str
    given: Any
    where: str


def asking_line() -> str:
    """Return the file and line of the innermost code that is neither torch's nor ours."""
    frame = sys._getframe(1)  # noqa: SLF001  the documented way to a frame
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if file.is_absolute() and not any(file.is_relative_to(folder) for folder in OURS):
            return f"{file.name}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return "code of torch"


def conditions(name: str, args: Sequence[Any]) -> bool:
    """Tell whether a call takes positions by a condition."""
    return name == "index" and any(
        one is not None and one.dtype in (torch.bool, torch.uint8) for one in args[1]
    )


class Recording(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down what is answered while a network runs on real tensors."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.answers: list[Answer] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func.overloadpacket.__name__
        out = func(*args, **(kwargs or {}))
        if name in READS_VALUES:
            given = tree_map_only(Tensor, lambda one: one.clone(), out)
            self.answers.append(Answer(name, given, asking_line()))
        elif conditions(name, args):
            self.answers.append(Answer(name, _positions(args[1]), asking_line()))
        elif name == PACKS:
            self.answers.append(Answer(name, args[1].clone(), asking_line()))
        return out


def _positions(indices: Sequence[Tensor | None]) -> list[tuple[Tensor, ...]]:
    """Return the positions at which each condition among indices holds, along each axis."""
    return [
        one.nonzero().unbind(1)
        for one in indices
        if one is not None and one.dtype in (torch.bool, torch.uint8)
    ]


class Answering(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Gives the answers that were written down, in their order, whatever tensors hold now."""

    def __init__(self, answers: Sequence[Answer], told: Told) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.left, self.told = list(reversed(answers)), told

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name, more = func.overloadpacket.__name__, dict(kwargs or {})
        if name in READS_VALUES:
            self.told(func, args)
            return self._given(self._next(name), args)
        if conditions(name, args):
            self.told(func, args)
            found = iter(self._next(name).given)
            indices = [part for one in args[1] for part in _as_positions(one, found)]
            return func(args[0], indices)
        if name == PACKS:
            self.told(func, args[1:2])
            args = (args[0], self._next(name).given, *args[2:])
        # What is brought to the CPU for its values has none here, and stays.
        if name == "_to_copy" and args[0].is_meta and more.get("device") is not None:
            more["device"] = "meta"
        return func(*args, **more)

    def _next(self, name: str) -> Answer:
        if not self.left or self.left[-1].operation != name:
            raise RuntimeError(f"{name} reads values that the ancestor's forward pass does not")
        answer: Answer = self.left.pop()
        return answer

    def _given(self, answer: Answer, args: tuple[Any, ...]) -> Any:
        """Return an answer on the device of what is asked, and of its type."""
        asked = next(iter(tensors_in(args)))
        if answer.operation == "masked_select":
            return asked.new_zeros(answer.given.shape)
        return tree_map_only(Tensor, lambda one: one.to(asked.device), answer.given)


def _as_positions(index: Tensor | None, found: Iterator[tuple[Tensor, ...]]) -> list[Any]:
    """Return an index as positions: a condition becomes as many of them as it has axes."""
    if index is None or index.dtype not in (torch.bool, torch.uint8):
        return [index]
    return [one.to(index.device) for one in next(found)]


class OneByOne(TorchFunctionMode):
    """Lets lists and arrays be made of tensors number by number, so that each is a question."""

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is Tensor.tolist:
            return _listed(args[0])
        if func in (Tensor.numpy, Tensor.__array__):
            import numpy as np  # late: few networks ask for it

            kind = torch.empty((), dtype=args[0].dtype).numpy().dtype
            return np.asarray(_listed(args[0]), dtype=kind)
        return func(*args, **(kwargs or {}))


def _listed(value: Tensor) -> Any:
    return [_listed(one) for one in value.unbind(0)] if value.ndim else value.item()


@contextmanager
def answered(answers: Sequence[Answer], told: Told = lambda *_: None) -> Iterator[None]:
    """Run a block in which questions for values get these answers; without any, as it is.

    The innermost of modes, or what others compute for themselves would ask as well.

    Args:
        answers: in their order.
        told: is given the operation and arguments of each question.
    """
    if not answers:
        yield
        return
    with OneByOne(), Answering(answers, told):
        yield
