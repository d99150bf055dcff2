"""Arguments: what a network is called with, by position and by keyword."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.errors import TaskError
from evoframe.kernel.modules.nested import mapped, tensors_within


@attrs.frozen(eq=False)
class Arguments:
    """What a network is called with: ``network(*args, **kwargs)``.

    Attributes:
        args: by position.
        kwargs: by keyword.

    >>> example_inputs = evoframe.Arguments((torch.zeros(1, 8),), {"scale": 2.0})
    """

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = attrs.field(factory=dict)

    @classmethod
    def of(cls, given: Inputs) -> Arguments:
        """Return the arguments that a tuple or a mapping of keywords stands for.

        Raises:
            TaskError: it is neither.
        """
        if isinstance(given, Arguments):
            return given
        if isinstance(given, Mapping) and all(isinstance(name, str) for name in given):
            return cls((), given)
        if isinstance(given, tuple):
            return cls(given)
        raise TaskError(
            f"the example inputs are a {type(given).__name__}; wanted a tuple with one entry for "
            "each argument of the network, as in (torch.zeros(1, 3, 32, 32),), a mapping of "
            "keyword arguments, or evoframe.Arguments(args, kwargs) for both."
        )

    def call(self, network: Callable[..., Any]) -> Any:
        """Return the outputs of a network that is called with them."""
        return network(*self.args, **self.kwargs)

    def mapped(self, function: Callable[[Tensor], Any]) -> Arguments:
        """Return them with each tensor replaced by what a function makes of it."""
        return Arguments(mapped(self.args, function), mapped(self.kwargs, function))

    def to(self, device: torch.device) -> Arguments:
        """Return them with all tensors on a device."""
        return self.mapped(lambda one: one.to(device))

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors inside of them, in order."""
        return tensors_within((self.args, self.kwargs))

    def is_like(self, other: Arguments) -> bool:
        """Tell whether both give the same arguments, whatever their values are."""
        ours, theirs = (
            (len(one.args), {name for name, value in one.kwargs.items() if value is not None})
            for one in (self, other)
        )
        return ours == theirs

    @property
    def simplest(self) -> Inputs:
        """The same as a tuple or a mapping, where that says all of it."""
        if not self.kwargs:
            return self.args
        return self if self.args else dict(self.kwargs)


Inputs = tuple[Any, ...] | Mapping[str, Any] | Arguments
"""What stands for arguments: a tuple of them, a mapping of keywords, or both."""
