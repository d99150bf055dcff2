"""What ATen operations do to channels: one rule an operation, a barrier for all others.

A rule gets the call and returns the signal of its (first) output; a list of signals for an
operation with several outputs; None when the output carries no channel. It raises
:class:`Unknown` with a reason when it cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.channels import Channels, Grid, narrowed, varying


class Unknown(Exception):  # noqa: N818  it is a finding rather than an error
    """What an operation does to channels is not known; the message says why."""


@attrs.frozen(eq=False)
class Call:
    """One dispatched operation.

    Attributes:
        func: the operation's overload.
        name: its name without overload and trailing underscore.
        args: positional arguments.
        kwargs: the others.
        out: what it returned.
    """

    func: Any
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    out: Any

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """Return an argument given by position or by name."""
        return self.args[index] if len(self.args) > index else self.kwargs.get(name, default)


class Scene(Protocol):
    """What rules may ask of the survey and tell it."""

    channels: Channels
    approximate: bool

    def follow(self, entry: str, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of an entry's module follow an axis; tell whether it has it."""

    def signal(self, value: Any) -> Tensor | None:
        """Return the signal of a tensor; None if it carries no channel."""

    def entry(self, value: Any) -> tuple[str, tuple[int, ...]] | None:
        """Return which state entry a tensor is, and where its axes come from."""

    def slices(self, value: Any) -> tuple[str, tuple[int | None, ...]] | None:
        """Return which state entry a tensor was made of slice by slice, and its axes."""

    def layer(self, call: Call, inputs: Tensor, weight: Tensor, bias: Any) -> Tensor | None:
        """Return the output channels of a layer with synapses."""


Signal = Tensor | list[Tensor | None] | None
Rule = Callable[[Scene, Call], Signal]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule of operations."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


# --- each element alone -----------------------------------------------------------------------


@rule(
    "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish", "hardswish",
    "tanh", "abs", "neg", "sign", "sqrt", "square", "sin", "asin", "atan", "sinh", "erf", "floor",
    "ceil", "round", "trunc", "hardshrink", "softshrink", "clone", "alias", "detach", "_to_copy",
    "contiguous", "lift_fresh", "expm1", "log1p",
)  # fmt: skip
def keeps_zero(scene: Scene, call: Call) -> Signal:
    """An operation on each element that maps zero to zero: the channels are the same."""
    return scene.signal(call.args[0])


@rule(
    "sigmoid", "exp", "cos", "softplus", "hardsigmoid", "rsqrt", "reciprocal", "log",
    "log_sigmoid_forward", "masked_fill", "eq", "ne", "gt", "lt", "ge", "le", "bitwise_not",
    "logical_not", "clamp", "clamp_min", "clamp_max", "hardtanh", "threshold", "pow", "cosh",
)  # fmt: skip
def lifts_zero(scene: Scene, call: Call) -> Signal:
    """An operation on each element that may map zero elsewhere: a dead channel becomes constant."""
    signal = scene.signal(call.args[0])
    if signal is None:
        raise Unknown("a channel enters as a parameter of the operation")
    others = [value for value in call.args[1:] if isinstance(value, Tensor)]
    if any(scene.signal(value) is not None for value in others):
        raise Unknown("channels meet in an operation that is not a sum or a product")
    for value in others:
        _fits(value, signal)
    if _keeps_zero_here(call):
        return signal
    return scene.channels.derive([signal], fed=True)


def _keeps_zero_here(call: Call) -> bool:
    if call.name == "pow" and isinstance(call.args[1], int | float):
        return bool(call.args[1] > 0)
    if call.name in ("clamp", "hardtanh"):
        defaults = (-1.0, 1.0) if call.name == "hardtanh" else (None, None)
        low = call.argument(1, "min" if call.name == "clamp" else "min_val", defaults[0])
        high = call.argument(2, "max" if call.name == "clamp" else "max_val", defaults[1])
        if isinstance(low, Tensor) or isinstance(high, Tensor):
            return False
        return (low is None or low <= 0) and (high is None or high >= 0)
    if call.name == "clamp_min" and not isinstance(call.args[1], Tensor):
        return bool(call.args[1] <= 0)
    return False


@rule("_prelu_kernel", "prelu")
def prelu(scene: Scene, call: Call) -> Signal:
    """A slope for each channel."""
    signal = _required(scene.signal(call.args[0]))
    _hold(scene, call.args[1], signal)
    return signal


# --- two operands -----------------------------------------------------------------------------


@rule("add", "sub", "rsub")
def sums(scene: Scene, call: Call) -> Signal:
    """A sum lives while any of its parts does."""
    return _meet(scene, call, call.args[0], call.args[1], product=False)


@rule("mul")
def products(scene: Scene, call: Call) -> Signal:
    """A product lives while all of its factors do."""
    return _meet(scene, call, call.args[0], call.args[1], product=True)


@rule("div")
def quotients(scene: Scene, call: Call) -> Signal:
    """A quotient by something that carries no channel."""
    if scene.signal(call.args[1]) is not None:
        raise Unknown("something is divided by channels")
    return _meet(scene, call, call.args[0], call.args[1], product=True)


def _meet(scene: Scene, call: Call, left: Any, right: Any, *, product: bool) -> Signal:
    one, other = scene.signal(left), scene.signal(right)
    if one is None or other is None:
        signal, constant = (one, right) if one is not None else (other, left)
        return _with_constant(scene, _required(signal), constant, product=product)
    rank = call.out.ndim
    one, other = _ranked(one, rank), _ranked(other, rank)
    for single, many in ((one, other), (other, one)):
        if single.numel() == 1 and many.numel() > 1:  # one channel spread over many
            scene.channels.keep(single)
            return many if product else scene.channels.derive([many], fed=True)
    if varying(one) != varying(other):
        raise Unknown("channels that lie along different axes meet")
    if one.shape != other.shape:
        raise Unknown("channels are broadcast against channels")
    return scene.channels.derive([one, other], every=product)


def _with_constant(scene: Scene, signal: Tensor, constant: Any, *, product: bool) -> Signal:
    if isinstance(constant, Tensor) and not _spreads(constant, signal):
        _hold(scene, constant, signal)
    elif not isinstance(constant, Tensor) and not product and constant == 0:
        return signal
    if isinstance(constant, Tensor) and constant.ndim > signal.ndim:
        signal = _ranked(signal, constant.ndim)
    return signal if product else scene.channels.derive([signal], fed=True)


def _spreads(constant: Tensor, signal: Tensor) -> bool:
    """Tell whether a tensor is the same along all axes where the signal varies."""
    shape = (1,) * (signal.ndim - constant.ndim) + tuple(constant.shape)
    offset = len(shape) - signal.ndim
    return all(shape[axis + offset] == 1 for axis in varying(signal))


def _fits(constant: Tensor, signal: Tensor) -> None:
    if not _spreads(constant, signal):
        raise Unknown("a computed tensor has one element for each channel")


def _hold(scene: Scene, value: Any, signal: Tensor) -> None:
    """Let a parameter or buffer with one slice for each channel follow the channels."""
    found = scene.slices(value)
    if found is None:
        raise Unknown("a computed tensor has one element for each channel")
    entry, axes = found
    aligned = _ranked(signal, signal.ndim)
    for axis in varying(signal):
        at = axis - (signal.ndim - value.ndim)
        if at < 0 or value.shape[at] == 1:
            continue
        if len(varying(signal)) > 1:
            raise Unknown("a parameter meets channels along several axes")
        if (own := axes[at]) is None:
            raise Unknown("a computed tensor has one element for each channel")
        scene.channels.hold(entry, own, aligned)


def _ranked(signal: Tensor, rank: int) -> Tensor:
    return signal.reshape((1,) * (rank - signal.ndim) + tuple(signal.shape))


def _required(signal: Tensor | None) -> Tensor:
    if signal is None:
        raise Unknown("a channel enters as a parameter of the operation")
    return signal


# --- layers with synapses ---------------------------------------------------------------------


@rule("convolution")
def convolution(scene: Scene, call: Call) -> Signal:
    """Synapses of a convolution, plain, grouped or transposed."""
    return scene.layer(call, call.args[0], call.args[1], call.args[2])


@rule("addmm", "mm", "linear")
def linear(scene: Scene, call: Call) -> Signal:
    """Synapses of a linear layer."""
    bias, inputs, weight = call.args if call.name == "addmm" else (None, *call.args[:2])
    if call.name == "linear":
        bias = call.argument(2, "bias")
    if scene.entry(weight) is not None:
        return scene.layer(call, inputs, weight, bias)
    if call.name != "mm":
        raise Unknown("channels are weighted by a computed tensor")
    one, other = scene.signal(inputs), scene.signal(weight)
    return _contract(scene, one, other, (1, 0))


@rule("bmm")
def batched_product(scene: Scene, call: Call) -> Signal:
    """A product of two batches of matrices, as in attention."""
    return _contract(scene, scene.signal(call.args[0]), scene.signal(call.args[1]), (2, 1))


@rule("baddbmm")
def batched_product_with_sum(scene: Scene, call: Call) -> Signal:
    """The same with something added that carries no channel."""
    if scene.signal(call.args[0]) is not None:
        raise Unknown("channels are added to a product of channels")
    product = _contract(scene, scene.signal(call.args[1]), scene.signal(call.args[2]), (2, 1))
    assert isinstance(product, Tensor)
    return scene.channels.derive([product], fed=True)


def _contract(
    scene: Scene, one: Tensor | None, other: Tensor | None, inner: tuple[int, int]
) -> Signal:
    channels, rank = scene.channels, inner[0] + 1
    if one is None or other is None:
        known, axis = (one, inner[0]) if one is not None else (other, inner[1])
        if known is None or known.shape[axis] > 1:
            raise Unknown("channels are weighted by a computed tensor")
        return known
    left, right = one.movedim(inner[0], -1), other.movedim(inner[1], -1)
    if left.shape[-1] > 1 or right.shape[-1] > 1:
        if left.shape[-1] != right.shape[-1] or one.shape[rank - 2] > 1 or other.shape[-1] > 1:
            raise Unknown("a product of channels that do not meet one to one")
        common = torch.broadcast_shapes(left.shape, right.shape)  # type: ignore[no-untyped-call]
        left, right = left.expand(common), right.expand(common)
        product = channels.derive([left, right], every=True)
        sums = _summed(scene, product)
        for part in (left, right):
            _align(scene, part, product, sums)
        return sums.unsqueeze(-1)
    if one.shape[rank - 2] > 1 and other.shape[-1] > 1:
        raise Unknown("a product of channels with channels has a channel for each pair")
    shape = torch.broadcast_shapes(one.shape, other.shape)  # type: ignore[no-untyped-call]
    met = channels.derive([one.expand(shape), other.expand(shape)], every=True)
    for spread, whole in ((one, other), (other, one)):
        if spread.shape != met.shape and spread.shape[0] > 1:  # rows take what is spread along
            rows = met.reshape(met.shape[0], -1), spread.reshape(met.shape[0], -1)
            channels.grids.append(Grid(torch.cat(rows, 1), bound=rows[1].shape[1]))
            if rows[1].shape[1] == 1:
                _align(scene, whole.expand(shape), met, spread)
    return met


def _align(scene: Scene, part: Tensor, product: Tensor, leaders: Tensor) -> None:
    """Let rows of a factor that several rows of a product share keep to them.

    As the keys of grouped queries do: what shares a row leaves with it, and every place along the
    other axis leaves in the factor and in the product at once.

    Args:
        scene: the survey.
        part: the factor, spread to the shape of the product.
        product: where the factors meet, a channel for each place.
        leaders: one channel for each row, which stands for all of it.
    """
    several, met = part.reshape(part.shape[0], -1), product.reshape(product.shape[0], -1)
    each = leaders.reshape(-1)
    unique, groups = torch.unique(several, dim=0, return_inverse=True)
    if len(unique) == len(several) or len(each) != len(several):
        return
    first = torch.stack([(groups == group).nonzero()[0, 0] for group in range(len(unique))])
    scene.channels.ties.append((each, each[first[groups]]))
    rows = (
        torch.cat([met, each.unsqueeze(1)], 1),
        torch.cat([unique, each[first].unsqueeze(1)], 1),
    )
    scene.channels.grids.append(Grid(torch.cat(rows), bound=1))


def _summed(scene: Scene, product: Tensor) -> Tensor:
    """Return one channel for each different row of a signal, fed: it depends on all of the row."""
    channels = scene.channels
    rows, places = torch.unique(product.reshape(-1, product.shape[-1]), dim=0, return_inverse=True)
    channels.mark_read(rows)
    sums = channels.new(len(rows), fed=True)
    if len(rows) > 1:  # rows go only as a whole: the block has one more column, of the sums
        channels.grids.append(Grid(torch.cat([rows, sums[:, None]], 1), bound=1))
    return sums[places].reshape(product.shape[:-1])


# --- normalisation ----------------------------------------------------------------------------


@rule(
    "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
    "cudnn_batch_norm",
)  # fmt: skip
def batch_norm(scene: Scene, call: Call) -> Signal:
    """Each channel by itself; its parameters and statistics belong to it."""
    signal = _required(scene.signal(call.args[0]))
    if varying(signal) not in ((), (1,)):
        raise Unknown("batch norm over an axis that carries other channels")
    for value in call.args[1:5]:
        if isinstance(value, Tensor):
            _hold_all(scene, value, signal)
    return signal


@rule("native_group_norm")
def group_norm(scene: Scene, call: Call) -> Signal:
    """Like batch norm where every group is one channel; else it mixes those of a group."""
    signal, groups = _required(scene.signal(call.args[0])), call.args[6]
    if varying(signal) not in ((), (1,)):
        raise Unknown("group norm over an axis that carries other channels")
    alone = groups == call.args[0].shape[1]
    if not alone and not scene.approximate:
        raise Unknown("group norm mixes the channels of a group")
    for value in call.args[1:3]:
        if isinstance(value, Tensor):
            _hold_all(scene, value, signal)
    if not alone:
        scene.channels.grids.append(Grid(signal.reshape(groups, -1), fixed=(0,)))
    elif not _follows(scene, call.args[1], "num_groups", signal):
        scene.channels.keep(signal)  # their number is written somewhere in the code
    return signal


def _follows(scene: Scene, value: Any, attribute: str, signal: Tensor) -> bool:
    found = scene.entry(value)
    return found is not None and scene.follow(found[0], attribute, signal, 1)


@rule("native_layer_norm", "_fused_rms_norm")
def layer_norm(scene: Scene, call: Call) -> Signal:
    """Mixes what it normalises over; other axes pass."""
    signal = _required(scene.signal(call.args[0]))
    over = len(call.args[1])
    if not any(axis >= signal.ndim - over for axis in varying(signal)):
        return scene.channels.derive([signal], fed=True)
    if not scene.approximate:
        raise Unknown("a norm mixes the channels that it normalises over")
    if over > 1 or len(varying(signal)) > 1:
        raise Unknown("a norm mixes channels along several axes")
    for value in call.args[2:4]:
        if isinstance(value, Tensor):
            _hold_all(scene, value, signal)
    return signal


def _hold_all(scene: Scene, value: Tensor, signal: Tensor) -> None:
    found = scene.entry(value)
    if found is None:
        raise Unknown("a normalisation has computed parameters")
    scene.channels.hold(found[0], 0, signal.reshape(-1))


@rule("_softmax", "_safe_softmax", "_log_softmax")
def softmax(scene: Scene, call: Call) -> Signal:
    """Mixes along one axis; never zero."""
    signal = _required(scene.signal(call.args[0]))
    if call.args[1] % signal.ndim in varying(signal):
        raise Unknown("softmax mixes channels")
    return scene.channels.derive([signal], fed=True)


# --- space ------------------------------------------------------------------------------------


@rule(
    "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices",
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d",
    "adaptive_max_pool2d",
    "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_bilinear2d",
    "upsample_linear1d", "upsample_trilinear3d", "upsample_bicubic2d", "_upsample_nearest_exact2d",
    "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
    "reflection_pad1d", "reflection_pad2d", "replication_pad1d", "replication_pad2d",
)  # fmt: skip
def spatial(scene: Scene, call: Call) -> Signal:
    """Acts along the last axes of a batch, on each channel alone."""
    signal = _required(scene.signal(call.args[0]))
    dimensions = next(int(digit) for digit in call.name if digit.isdigit())
    if any(axis >= signal.ndim - dimensions for axis in varying(signal)):
        raise Unknown("space and channels are mixed")
    return signal


@rule("constant_pad_nd")
def padding(scene: Scene, call: Call) -> Signal:
    """Padding with zeros along other axes; along the channels' axis it adds channels that stay."""
    signal, pads = _required(scene.signal(call.args[0])), list(call.args[1])
    rank = signal.ndim
    padded = [rank - 1 - index // 2 for index, size in enumerate(pads) if size]
    if any(size < 0 for size in pads):
        raise Unknown("padding crops")
    value = call.argument(2, "value", 0)
    if not set(padded) & set(varying(signal)):
        return signal if value == 0 else scene.channels.derive([signal], fed=True)
    if value != 0 or set(padded) != set(varying(signal)):
        raise Unknown("channels are padded with something")
    (axis,) = set(padded)
    before, after = pads[2 * (rank - 1 - axis)], pads[2 * (rank - 1 - axis) + 1]
    pieces = [_zeros(scene, before, signal, axis), signal, _zeros(scene, after, signal, axis)]
    return torch.cat(pieces, axis)


def _zeros(scene: Scene, count: int, signal: Tensor, axis: int) -> Tensor:
    """Return channels that are always zero and cannot be removed."""
    channels = scene.channels.new(count, fed=False)
    scene.channels.keep(channels)
    return channels.reshape([-1 if at == axis else 1 for at in range(signal.ndim)])


@rule(
    "mean", "sum", "amax", "amin", "max", "min", "var", "std", "linalg_vector_norm", "norm", "prod"
)
def reductions(scene: Scene, call: Call) -> Signal:
    """Reduces axes; along a channel's axis only a sum is the same without dead channels."""
    signal = _required(scene.signal(call.args[0]))
    place = 2 if call.name in ("linalg_vector_norm", "norm") else 1
    dims = call.argument(place, "dim")
    dims = [dims] if isinstance(dims, int) else list(dims or range(signal.ndim))
    dims = [dim % signal.ndim for dim in dims]
    if set(dims) & set(varying(signal)):
        averages = scene.approximate and call.name in ("mean", "var", "std")
        if call.name not in ("sum", "linalg_vector_norm") and not averages:
            raise Unknown(f"{call.name} mixes channels")
        if set(varying(signal)) - set(dims):
            raise Unknown(f"{call.name} mixes some of the channels' axes")
        scene.channels.mark_read(signal)
        return None
    out = call.out[0] if isinstance(call.out, tuple) else call.out
    if out.ndim == signal.ndim:
        return signal
    return signal.reshape([size for dim, size in enumerate(signal.shape) if dim not in dims])


# --- movement ---------------------------------------------------------------------------------


@rule(
    "view", "_unsafe_view", "reshape", "permute", "transpose", "t", "expand", "unsqueeze",
    "squeeze", "flip", "pixel_shuffle", "pixel_unshuffle", "view_copy", "_reshape_alias", "repeat",
)  # fmt: skip
def movement(scene: Scene, call: Call) -> Signal:
    """Moves elements: the same operation moves their channels."""
    return _moved(scene, call, call.out)


@rule("roll", "cumsum", "cumprod")
def along_others(scene: Scene, call: Call) -> Signal:
    """Follows positions of an axis; those of channels would be other ones with fewer of them."""
    signal = _required(scene.signal(call.args[0]))
    dims = call.argument(2, "dims", ()) if call.name == "roll" else call.argument(1, "dim")
    dims = [dims] if isinstance(dims, int) else list(dims) or list(range(signal.ndim))
    if {dim % signal.ndim for dim in dims} & set(varying(signal)):
        raise Unknown("what comes out depends on the positions of channels")
    return signal


@rule("index", "index_select")
def looked_up(scene: Scene, call: Call) -> Signal:
    """Takes positions along axes without channels."""
    signal = _required(scene.signal(call.args[0]))
    if call.name == "index_select":
        if call.args[1] % signal.ndim in varying(signal):
            raise Unknown("channels are taken by their positions")
        return signal
    indices = list(call.args[1])
    for axis, index in enumerate(indices):
        if index is not None and (axis in varying(signal) or index.dtype == torch.bool):
            raise Unknown("channels are taken by their positions, or by a condition")
    zeros = [None if one is None else torch.zeros(one.shape, dtype=torch.long) for one in indices]
    return narrowed(call.func(signal.expand(call.args[0].shape), zeros))


@rule("where")
def choice(scene: Scene, call: Call) -> Signal:
    """One of two tensors, by a condition that carries no channel: lives while any of them does."""
    condition, left, right = call.args
    if scene.signal(condition) is not None:
        raise Unknown("channels decide what is chosen")
    one, other = scene.signal(left), scene.signal(right)
    _fits(condition, _required(one if one is not None else other))
    return _meet(scene, call, left, right, product=False)


@rule("im2col")
def unfolded(scene: Scene, call: Call) -> Signal:
    """Neighbourhoods as columns: every channel becomes as many rows as the kernel has places."""
    signal = _required(scene.signal(call.args[0]))
    if varying(signal) not in ((), (1,)):
        raise Unknown("space and channels are mixed")
    rows = signal.reshape(-1).repeat_interleave(math.prod(call.args[1]))
    return rows.reshape(1, -1, 1) if signal.numel() > 1 else signal.reshape(1, 1, 1)


@rule("col2im")
def folded(scene: Scene, call: Call) -> Signal:
    """The reverse: the rows of one channel are added up in space."""
    signal, places = _required(scene.signal(call.args[0])), math.prod(call.args[2])
    if signal.numel() == 1:
        return signal.reshape(1, 1, 1, 1)
    if varying(signal) != (1,):
        raise Unknown("space and channels are mixed")
    rows = signal.reshape(-1, places)
    return scene.channels.derive(list(rows.unbind(1))).reshape(1, -1, 1, 1)


@rule("slice", "select", "narrow")
def part(scene: Scene, call: Call) -> Signal:
    """Takes a part by position; positions along a channel's axis must then not change."""
    signal = _required(scene.signal(call.args[0]))
    axis = call.argument(1, "dim", 0) % signal.ndim
    whole = call.name == "slice" and call.out.shape == call.args[0].shape
    if axis in varying(signal) and not whole:
        if len(varying(signal)) == 1:
            raise Unknown("channels are taken by their positions")
        scene.channels.grids.append(Grid(signal, fixed=(axis,)))
    return _moved(scene, call, call.out)


@rule("unbind")
def unbind(scene: Scene, call: Call) -> Signal:
    """Takes an axis apart; the axis must then not change."""
    signal = _required(scene.signal(call.args[0]))
    axis = call.argument(1, "dim", 0) % signal.ndim
    if axis not in varying(signal):
        index = signal.select(axis, 0)
        return [index] * len(call.out)
    if len(varying(signal)) == 1:
        raise Unknown("channels are taken by their positions")
    scene.channels.grids.append(Grid(signal, fixed=(axis,)))
    return [narrowed(piece) for piece in signal.unbind(axis)]


@rule("split", "split_with_sizes")
def split(scene: Scene, call: Call) -> Signal:
    """Takes parts; equal ones, as of chunk, lose the same positions.

    Where each part has as many channels as it should, each also has the right ones, since all
    of them stand in their order. So the proof tells whether unequal parts may lose any.
    """
    signal = _required(scene.signal(call.args[0]))
    axis = call.argument(2, "dim", 0) % signal.ndim
    if axis not in varying(signal):
        return [signal] * len(call.out)
    if len(varying(signal)) > 1:
        raise Unknown("channels are split along one of several axes")
    sizes = [piece.shape[axis] for piece in call.out]
    pieces = list(torch.split(signal, sizes, axis))
    if len(pieces) > 1 and len(set(sizes)) == 1:
        block = torch.stack([piece.reshape(-1) for piece in pieces])
        scene.channels.grids.append(Grid(block, fixed=(0,)))
    return list(pieces)


@rule("glu")
def gated_halves(scene: Scene, call: Call) -> Signal:
    """One half times the sigmoid of the other; both lose the same positions."""
    signal = _required(scene.signal(call.args[0]))
    axis = call.argument(1, "dim", -1) % signal.ndim
    if varying(signal) != (axis,):
        raise Unknown("halves are taken along an axis without channels")
    value, gate = signal.chunk(2, axis)
    pair = torch.stack([value.reshape(-1), gate.reshape(-1)])
    scene.channels.grids.append(Grid(pair, fixed=(0,)))
    gate = scene.channels.derive([gate], fed=True)
    return scene.channels.derive([value, gate], every=True)


VIEWS = frozenset({"view", "_unsafe_view", "reshape", "view_copy", "_reshape_alias"})
"""Operations that only read the same elements in another shape."""

OF_AXES = frozenset({"permute", "transpose", "t", "unsqueeze"})
"""Operations that do the same whatever the axes' sizes are."""


def _moved(scene: Scene, call: Call, out: Tensor) -> Tensor:
    signal = _required(scene.signal(call.args[0]))
    if signal.numel() == 1:
        return signal.reshape((1,) * out.ndim)
    if call.name in VIEWS and (row := _kept_axis(signal, call.args[0].shape, out.shape)):
        return signal.reshape(row)
    whole = signal if call.name in OF_AXES else signal.expand(call.args[0].shape)
    try:
        if call.name in VIEWS:
            moved = whole.reshape(out.shape)
        else:
            moved = call.func(whole, *call.args[1:], **call.kwargs)
    except (RuntimeError, NotImplementedError) as error:
        raise Unknown(f"channels cannot follow: {error}") from error
    signal = moved if call.name in OF_AXES else narrowed(moved)
    if len(varying(signal)) > 1:
        scene.channels.grids.append(Grid(signal))
    return signal


def _kept_axis(signal: Tensor, before: torch.Size, after: torch.Size) -> list[int]:
    """Return the shape of a signal along one axis that a view leaves whole; [] if it does not."""
    if len(varying(signal)) != 1:
        return []
    (axis,) = varying(signal)
    for at, size in enumerate(after):
        if size == before[axis] and math.prod(after[at + 1 :]) == math.prod(before[axis + 1 :]):
            return [-1 if other == at else 1 for other in range(len(after))]
    return []


@rule("cat", "concat")
def concatenation(scene: Scene, call: Call) -> Signal:
    """Channels side by side; along any other axis, channels that meet."""
    tensors = list(call.args[0])
    axis = call.argument(1, "dim", 0) % call.out.ndim
    signals = [scene.signal(value) for value in tensors]
    known = [signal for signal in signals if signal is not None]
    axes = {varying(signal) for signal in known if signal.numel() > 1}
    if axes <= {(axis,)} and (axes or (call.out.ndim > 1 and axis == 1)):
        return torch.cat(
            [
                _row(scene, value, signal, axis)
                for value, signal in zip(tensors, signals, strict=True)
            ],
            axis,
        )
    return _side_by_side(scene, tensors, signals)


@rule("stack")
def stacking(scene: Scene, call: Call) -> Signal:
    """The same on a new axis."""
    axis = call.argument(1, "dim", 0) % call.out.ndim
    tensors = list(call.args[0])
    met = _side_by_side(scene, tensors, [scene.signal(value) for value in tensors])
    return None if met is None else met.unsqueeze(axis)


def _row(scene: Scene, value: Tensor, signal: Tensor | None, axis: int) -> Tensor:
    if signal is None:
        channels = scene.channels.new(value.shape[axis], fed=True)
        scene.channels.keep(channels)
        return channels.reshape([-1 if at == axis else 1 for at in range(value.ndim)])
    if signal.shape[axis] != value.shape[axis]:
        raise Unknown("one channel is spread over several positions that are joined with others")
    return signal


def _side_by_side(
    scene: Scene, tensors: Sequence[Tensor], signals: Sequence[Tensor | None]
) -> Tensor | None:
    known = [signal for signal in signals if signal is not None]
    if any(signal.shape != known[0].shape for signal in known):
        raise Unknown("channels that lie along different axes are joined")
    fed = False
    for value, signal in zip(tensors, signals, strict=True):
        if signal is None:
            fed = True
            if not _spreads(value, known[0]):
                _hold(scene, value, known[0])
    return scene.channels.derive(known, fed=fed)


@rule("embedding")
def embedding(scene: Scene, call: Call) -> Signal:
    """Rows of a table: one channel for each column."""
    found = scene.entry(call.args[0])
    if found is None:
        raise Unknown("rows are looked up in a computed table")
    channels = scene.channels.new(call.args[0].shape[1], fed=True)
    scene.channels.hold(found[0], found[1][1], channels)
    return channels.reshape([1] * (call.out.ndim - 1) + [-1])
