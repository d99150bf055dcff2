"""Calls: one dispatched ATen operation, its tensors and numbers, and sets of operations by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from torch import Tensor

from evoframe.costs.flops import RECURRENT


@attrs.frozen(eq=False)
class Call:
    """One dispatched operation.

    Attributes:
        func: the operation's overload.
        full_name: its name without overload.
        name: the same without the underscore of an operation that works in place.
        args: positional arguments.
        kwargs: the others.
        out: its result.
    """

    func: Any
    full_name: str
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    out: Any

    @classmethod
    def of(
        cls, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, out: Any
    ) -> Call:
        """Return the call of an overload that gave this result."""
        # ``relu_`` works in place on what ``relu`` does; ``__and__`` is no operation in place.
        full = func.overloadpacket.__name__
        name = full[:-1] if full[-1] == "_" and full[-2:] != "__" else full
        return cls(func, full, name, args, dict(kwargs or {}), out)

    @property
    def works_in_place(self) -> bool:
        """Whether it changed its first argument."""
        return self.name != self.full_name

    @property
    def counts(self) -> bool:
        """Whether a smaller network must make this call as well, see :data:`OF_LAYOUT`."""
        return self.full_name not in OF_LAYOUT

    @property
    def numbers(self) -> tuple[float, ...]:
        """The plain numbers that it computes with."""
        return numbers_in(self.full_name, self.args, self.kwargs)

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """Return an argument given by position or by name."""
        return self.args[index] if len(self.args) > index else self.kwargs.get(name, default)


def numbers_in(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None
) -> tuple[float, ...]:
    """Return the plain numbers that an operation computes with.

    All numbers of arithmetic; of other operations those that are no whole numbers, which are
    sizes, axes and positions there and may well change with the channels.
    """
    if name == "lift_fresh":  # a tensor that code makes of numbers
        value = args[0]
        return () if value.is_meta or value.numel() != 1 else (float(value.item()),)
    wanted = (int, float) if name.rstrip("_") in ARITHMETIC else (float,)
    given = (*args, *kwargs.values()) if kwargs else args
    return tuple([float(value) for value in given if isinstance(value, wanted)])


def lays_out_anew(func: Any, args: tuple[Any, ...]) -> bool:
    """Tell whether a call, before it is made, will only name other strides for the same elements.

    A pooling to one pixel does it to a tensor whose channels lie last in memory: strides along axes
    of size 1 say nothing.
    """
    if func.overloadpacket.__name__ != "as_strided_":
        return False
    value, size, strides, *offset = args
    pairs = zip(value.shape, value.stride(), strides, strict=False)
    return (
        list(size) == list(value.shape)
        and offset in ([], [None], [value.storage_offset()])
        and all(length == 1 or old == new for length, old, new in pairs)
    )


def tensors_in(value: Any) -> list[Tensor]:
    """Return every tensor inside tuples, lists and mappings, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in tensors_in(item)]
    return []


# --- operations by name, none of them twice for one purpose --------------------------------------

RESHAPES = frozenset({"view", "_unsafe_view", "reshape", "view_copy", "_reshape_alias"})
"""Only read the same elements in another shape."""

MOVES_AXES = frozenset({"permute", "transpose", "t", "unsqueeze"})
"""Do the same whatever the axes' sizes are."""

SHARES_MEMORY = frozenset(
    {
        "view", "_unsafe_view", "reshape", "permute", "transpose", "t", "expand", "unsqueeze",
        "squeeze", "slice", "select", "narrow", "unbind", "split", "split_with_sizes", "detach",
        "alias", "_reshape_alias", "as_strided", "unfold", "diagonal",
    }
)  # fmt: skip
"""Their results share memory with their argument, or may: what is written into one is in both."""

KEEPS_ENTRY = frozenset({"t", "permute", "transpose", "detach", "alias", "expand"})
"""A parameter is still itself afterwards, with its axes in another order."""

SLICE_BY_SLICE = frozenset(
    {
        "neg", "exp", "sigmoid", "tanh", "abs", "sqrt", "rsqrt", "reciprocal", "log", "relu",
        "softplus", "square", "clamp", "clamp_min", "clamp_max", "mul", "div", "add", "sub", "rsub",
        "pow", "silu", "gelu", "hardsigmoid", "hardtanh", "log1p", "expm1", "sin", "cos", "clone",
        "contiguous", "detach", "alias", "_to_copy", "lift_fresh",
    }
)  # fmt: skip
"""Work on each element alone, as long as no other tensor takes part."""

COPIES = frozenset({"clone", "contiguous", "detach", "alias", "_to_copy", "lift_fresh"})
"""Give the same values."""

JOINS_SLICES = frozenset({"mul", "div", "add", "sub", "rsub"})
"""Work on pairs of elements, and keep the slices of both."""

MADE_OF_PARAMETERS = frozenset(
    {
        "convolution", "addmm", "mm", "bmm", "linear", "embedding", "_embedding_bag",
        "_embedding_bag_forward_only", *RECURRENT,
    }
)  # fmt: skip
"""Give channels to what has none: their rules are asked even if no channel enters."""

OF_LAYOUT = frozenset({"clone", "alias", "detach", "contiguous", "empty"})
"""Come and go with the layout of memory, and change nothing: a smaller network need not make the
same ones."""

ARITHMETIC = frozenset(
    {
        "mul", "div", "add", "sub", "rsub", "pow", "addcmul", "baddbmm", "clamp", "clamp_min",
        "clamp_max", "hardtanh", "threshold", "fill", "full", "full_like", "new_full", "arange",
        "scalar_tensor", "linspace", "topk", "kthvalue", "masked_fill", "addcdiv", "lerp",
        "remainder", "fmod", "index_fill", "channel_shuffle",
    }
)  # fmt: skip
"""Compute with plain numbers, which must not depend on how many channels there are."""

READS_VALUES = frozenset(
    {
        "_local_scalar_dense", "is_nonzero", "equal", "nonzero", "masked_select", "unique_dim",
        "_unique2", "unique_consecutive", "repeat_interleave", "multinomial", "argwhere",
        "allclose",
    }
)  # fmt: skip
"""Bring values into Python, or make sizes of them: what comes after may be another path."""

LIKE_THEIR_INPUT = frozenset(
    {
        "relu", "relu6", "hardtanh", "silu", "gelu", "sigmoid", "hardswish", "hardsigmoid",
        "leaky_relu", "elu", "mish", "tanh", "softplus", "neg", "exp", "sqrt", "rsqrt", "abs",
    }
)  # fmt: skip
"""Take one tensor and give a tensor like it."""
