"""Tracing: which channel each synapse reads and writes, from one forward pass without arithmetic.

The ancestor runs once on the meta device while every dispatched ATen call is seen. A tensor whose
channels are known carries their ids along one axis; convolutions and linear layers turn ids into
wiring, and operations that work on each channel alone pass them on. Anything else is a barrier:
the channels that enter it stay alive, and so do the ones that leave it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.kernel.wiring import Wiring


@attrs.frozen
class Barrier:
    """Where channels are kept because what happens to them is not understood.

    Attributes:
        operation: the ATen operation, or what stopped the survey.
        reason: what it does to channels.
    """

    operation: str
    reason: str


@attrs.frozen(eq=False)
class Signal:
    """What is known of a tensor: channel ids along one axis, the same at all other indices."""

    axis: int
    channels: Tensor


CHANNELWISE = frozenset(
    {
        "relu", "relu_", "leaky_relu", "leaky_relu_", "elu", "elu_", "gelu", "silu", "silu_",
        "sigmoid", "sigmoid_", "tanh", "tanh_", "hardtanh", "hardtanh_", "hardswish",
        "hardswish_", "hardsigmoid", "hardsigmoid_", "softplus", "mish", "mish_", "clone",
        "alias", "detach", "max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool2d",
        "avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "constant_pad_nd",
        "upsample_nearest2d", "upsample_bilinear2d", "native_dropout", "_to_copy",
    }
)  # fmt: skip
"""Operations that keep the shape's channel axis and treat every channel alone."""

NORMALISATIONS = frozenset(
    {"native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training"}
)


def trace(
    network: nn.Module, example_inputs: tuple[Tensor, ...], evolvable: tuple[str, ...]
) -> tuple[Wiring, tuple[Barrier, ...]]:
    """Return the wiring of the evolvable parameters, and the barriers that were met."""
    twin = copy.deepcopy(network).to("meta").eval()
    tracer = _Tracer(twin, evolvable)
    try:
        with torch.no_grad(), tracer:
            outputs = twin(*(value.to("meta") for value in example_inputs))
        tracer.read_all(outputs)
    except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
        # A network that computes on values cannot run on meta: nothing is known, all is kept.
        tracer = _Tracer(twin, evolvable)
        tracer.barriers.append(Barrier("forward pass on the meta device", str(error)))
    return tracer.wiring(), tuple(dict.fromkeys(tracer.barriers))


class _Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every ATen call and follows channel ids through those it understands."""

    def __init__(self, network: nn.Module, evolvable: tuple[str, ...]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.parameters = dict(network.named_parameters())
        self.names = {id(value): name for name, value in self.parameters.items()}
        self.buffers = {id(value): name for name, value in network.named_buffers()}
        self.evolvable = evolvable
        self.signals: dict[int, Signal] = {}
        self.transposed: dict[int, str] = {}
        self.sources: dict[str, Tensor] = {}
        self.targets: dict[str, Tensor] = {}
        self.belongings: dict[str, str] = {}
        self.fed: list[bool] = []
        self.read: list[bool] = []
        self.barriers: list[Barrier] = []
        self.kept: list[Any] = []  # ids stay unique only while their objects live

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        self.kept.append((args, out))
        name = func.overloadpacket.__name__
        rule = self._rule(name)
        if rule is None or not rule(name, args, out):
            self._barrier(name, func, args)
        return out

    def _rule(self, name: str) -> Callable[[str, tuple[Any, ...], Any], bool] | None:
        if name in CHANNELWISE:
            return self._pass_on
        if name in NORMALISATIONS:
            return self._normalise
        return {
            "convolution": self._convolve,
            "addmm": self._linear,
            "mm": self._linear,
            "t": self._transpose,
            "view": self._reshape,
            "_unsafe_view": self._reshape,
            "reshape": self._reshape,
            "empty": self._ignore,
        }.get(name)

    # --- rules; each returns whether it understood the call ---------------------------------

    def _ignore(self, _name: str, _args: tuple[Any, ...], _out: Any) -> bool:
        return True

    def _pass_on(self, name: str, args: tuple[Any, ...], out: Any) -> bool:
        signal = self.signals.get(id(args[0]))
        first = out[0] if isinstance(out, tuple) else out
        if signal is None:
            return True
        if first.ndim != args[0].ndim or first.shape[signal.axis] != len(signal.channels):
            return False
        self.signals[id(first)] = signal
        return True

    def _normalise(self, _name: str, args: tuple[Any, ...], out: Any) -> bool:
        signal = self.signals.get(id(args[0]))
        if signal is None:
            return True
        if signal.axis != 1:
            return False
        owner = self._owner(signal.channels)
        if owner:
            for value in args[1:5]:
                if (entry := self.names.get(id(value)) or self.buffers.get(id(value))) is not None:
                    self.belongings[entry] = owner
        self.signals[id(out[0])] = signal
        return True

    def _convolve(self, _name: str, args: tuple[Any, ...], out: Any) -> bool:
        inputs, weight, bias, *_, is_transposed, _padding, groups = args
        name = self.names.get(id(weight), "")
        if name not in self.evolvable or is_transposed or name in self.sources:
            return self._opaque(name, inputs, out, axis=1)
        incoming = self._incoming(inputs, axis=1)
        rows, columns = weight.shape[:2]
        group = torch.arange(rows) // (rows // groups)
        grouped = incoming.reshape(groups, columns)[group]
        tail = (1,) * (weight.ndim - 2)
        sources = grouped if groups > 1 else grouped[:1]
        self.sources[name] = sources.reshape(*sources.shape, *tail)
        self._outgoing(name, bias, out, rows, tail, axis=1)
        return True

    def _linear(self, name: str, args: tuple[Any, ...], out: Any) -> bool:
        bias, inputs, weight = args if name == "addmm" else (None, *args)
        parameter = self.transposed.get(id(weight), "")
        if parameter not in self.evolvable or parameter in self.sources:
            return self._opaque(parameter, inputs, out, axis=1)
        self.sources[parameter] = self._incoming(inputs, axis=1).reshape(1, -1)
        self._outgoing(parameter, bias, out, out.shape[1], (1,), axis=1)
        return True

    def _transpose(self, _name: str, args: tuple[Any, ...], out: Any) -> bool:
        if (name := self.names.get(id(args[0]))) is not None:
            self.transposed[id(out)] = name
            return True
        return id(args[0]) not in self.signals

    def _reshape(self, _name: str, args: tuple[Any, ...], out: Any) -> bool:
        signal = self.signals.get(id(args[0]))
        if signal is None:
            return True
        before, after, axis = args[0].shape, out.shape, signal.axis
        if axis == args[0].ndim - 1 and after[-1] == before[-1]:  # leading axes folded or split
            self.signals[id(out)] = Signal(out.ndim - 1, signal.channels)
            return True
        if axis == 1 and out.ndim == 2 and after[0] == before[0]:  # flatten
            inner = math.prod(before[2:])
            self.signals[id(out)] = Signal(1, signal.channels.repeat_interleave(inner))
            return True
        return False

    # --- channels ---------------------------------------------------------------------------

    def _new(self, count: int, *, fed: bool, read: bool) -> Tensor:
        start = len(self.fed)
        self.fed += [fed] * count
        self.read += [read] * count
        return torch.arange(start, start + count)

    def _incoming(self, inputs: Tensor, *, axis: int) -> Tensor:
        signal = self.signals.get(id(inputs))
        if signal is not None and signal.axis == axis:
            return signal.channels
        self.read_all(inputs)
        return self._new(inputs.shape[axis], fed=True, read=True)

    def _outgoing(
        self, name: str, bias: Any, out: Tensor, rows: int, tail: tuple[int, ...], *, axis: int
    ) -> None:
        channels = self._new(rows, fed=False, read=False)
        self.targets[name] = channels.reshape(rows, 1, *tail[: self.parameters[name].ndim - 2])
        self.signals[id(out)] = Signal(axis, channels)
        if (entry := self.names.get(id(bias))) is not None:
            self.belongings[entry] = name

    def _opaque(self, name: str, inputs: Tensor, out: Tensor, *, axis: int) -> bool:
        """Take a layer that does not evolve, or is used again, as a reader and a feeder."""
        self.read_all(inputs)
        if name in self.sources:
            self._keep(self.sources[name], self.targets[name])
            self.sources[name] = self._new(1, fed=True, read=True).reshape(
                [1] * self.parameters[name].ndim
            )
            self.barriers.append(Barrier(name, "is used more than once"))
        self.signals[id(out)] = Signal(axis, self._new(out.shape[axis], fed=True, read=False))
        return True

    def _owner(self, channels: Tensor) -> str:
        """Return the layer whose output neurons are exactly these channels; "" for none."""
        for name, targets in self.targets.items():
            if torch.equal(targets.reshape(-1), channels):
                return name
        return ""

    def _barrier(self, name: str, func: Any, args: tuple[Any, ...]) -> None:
        if self.read_all(args):
            self.barriers.append(Barrier(str(func), f"what {name} does to channels is not known"))

    def _keep(self, *channels: Tensor) -> None:
        for channel in torch.cat([value.reshape(-1) for value in channels]).tolist():
            self.fed[channel] = self.read[channel] = True

    def read_all(self, value: Any) -> bool:
        """Mark the channels of every tensor inside a value as read; tell whether there were any."""
        if isinstance(value, Tensor):
            signal = self.signals.get(id(value))
            for channel in signal.channels.tolist() if signal else ():
                self.read[channel] = True
            return signal is not None
        if isinstance(value, Mapping):
            value = list(value.values())
        if isinstance(value, list | tuple):
            return any([self.read_all(item) for item in value])  # noqa: C419  all must be read
        return False

    def wiring(self) -> Wiring:
        """Return what was learned; parameters that were never used are left to themselves."""
        for name in self.evolvable:
            shape = [1] * self.parameters[name].ndim
            if name not in self.sources:
                self.sources[name] = self._new(1, fed=True, read=True).reshape(shape)
            if name not in self.targets:
                rows = self.parameters[name].shape[0]
                self.targets[name] = self._new(rows, fed=True, read=True).reshape(rows, *shape[1:])
        return Wiring(
            self.sources,
            self.targets,
            torch.tensor(self.fed, dtype=torch.bool),
            torch.tensor(self.read, dtype=torch.bool),
            self.belongings,
        )
