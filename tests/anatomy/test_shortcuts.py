"""Shortcuts must give what torch gives on the meta device, or leave the call to it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st

from evoframe.anatomy.trace.shortcuts import asked, run

ATEN = torch.ops.aten

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
kinds = st.sampled_from([torch.float32, torch.float64, torch.int64])


@st.composite
def tensors(draw, shape=shapes):
    """Meta tensors, contiguous, with axes moved, or spread along an axis."""
    sizes = draw(shape) if not isinstance(shape, tuple) else shape
    value = torch.empty(sizes, dtype=draw(kinds), device="meta")
    way = draw(st.sampled_from(["plain", "plain", "moved", "spread"]))
    if way == "moved":
        return value.permute(draw(st.permutations(range(value.ndim))))
    return value[..., :1].expand(sizes) if way == "spread" else value


@st.composite
def recurrent_calls(draw):
    """Layers of units, mostly with weights and states that fit."""
    name, gates = draw(st.sampled_from([("lstm", 4), ("gru", 3), ("rnn_tanh", 1), ("rnn_relu", 1)]))
    batch, steps, into, units, outs = (draw(st.integers(1, 3)) for _ in range(5))
    outs = outs if name == "lstm" and draw(st.booleans()) else units
    biased, both, first = (draw(st.booleans()) for _ in range(3))
    count, spoilt = draw(st.integers(1, 2)), draw(st.sampled_from([0, 0, 0, 1, 2, 3]))
    many = count * (1 + both)
    weights = []
    for layer in range(count):
        across = outs * (1 + both) if layer else into
        shapes = [(gates * units, across), (gates * units, outs + (spoilt == 1))]
        shapes += [(gates * units,)] * 2 * biased + [(outs, units)] * (outs != units)
        weights += shapes * (1 + both)
    states = [torch.empty(many, batch, outs + (spoilt == 2), device="meta")]
    states += [torch.empty(many, batch, units, device="meta")] * (name == "lstm")
    inputs = torch.empty([batch, steps, into] if first else [steps, batch, into], device="meta")
    weights = [
        torch.empty(shape, device="meta") for shape in weights[: -1 if spoilt == 3 else None]
    ]
    held = states if name == "lstm" else states[0]
    return getattr(ATEN, name).input, (inputs, held, weights, biased, count, 0.1, True, both, first)


@st.composite
def calls(draw):
    """Calls of operations with shortcuts, fitting ones and others."""
    one, other = draw(tensors()), draw(tensors())
    same = draw(tensors(tuple(one.shape)))
    number = draw(st.sampled_from([2, 0.5, True]))
    axis = draw(st.integers(-5, 4))
    axes = draw(st.lists(st.integers(-2, 3), max_size=3))
    kind = draw(
        st.sampled_from(
            ["add", "numbers", "sub", "mul", "div", "mean", "all", "cat", "softmax", "linear",
             "norm", "relu", "sigmoid", "batch", "conv", "conv", "recurrent", "recurrent"]
        )
    )  # fmt: skip
    size = tuple(one.shape[-1:])
    held = [draw(st.one_of(st.none(), tensors(size), tensors())) for _ in range(4)]
    small = st.integers(0, 3)
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    dims = draw(st.integers(1, 3))
    image = torch.empty([2, draw(st.sampled_from([2, 6, 5])), *[draw(st.integers(1, 6))] * dims],
                        device="meta")  # fmt: skip
    weight = torch.empty(
        [draw(st.sampled_from([1, 2, 6])), max(1, image.shape[1] // groups)]
        + [draw(st.integers(1, 3)) for _ in range(draw(st.sampled_from([dims, dims, 2])))],
        device="meta",
    )
    steps = [[draw(small) for _ in range(dims)] for _ in range(3)]
    bias = draw(st.sampled_from([None, weight.new_empty(weight.shape[0]), weight.new_empty(3)]))
    if kind == "recurrent":
        return draw(recurrent_calls())
    return {
        "conv": (
            ATEN.convolution.default,
            (image, weight, bias, *steps, draw(st.booleans()), [0] * dims, groups),
        ),
        "add": (ATEN.add.Tensor, (one, draw(st.sampled_from([same, other])))),
        "numbers": (ATEN.mul.Scalar, (one, number)),
        "sub": (ATEN.sub.Tensor, (one, same)),
        "mul": (ATEN.mul.Tensor, (one, draw(st.sampled_from([same, other])))),
        "div": (ATEN.div.Tensor, (one, same)),
        "mean": (ATEN.mean.dim, (one, axes, draw(st.booleans()))),
        "all": (ATEN.mean.default, (one,)),
        "cat": (ATEN.cat.default, ([one, same, other][: draw(st.integers(1, 3))], axis)),
        "softmax": (ATEN._softmax.default, (one, axis, False)),
        "linear": (ATEN.addmm.default, (held[0], one, other)),
        "norm": (ATEN.native_layer_norm.default, (one, list(size), held[0], held[1], 1e-5)),
        "relu": (ATEN.relu.default, (one,)),
        "sigmoid": (ATEN.sigmoid.default, (one,)),
        "batch": (ATEN.native_batch_norm.default, (one, *held, draw(st.booleans()), 0.1, 1e-5)),
    }[kind]


def outcome(call, func, args):
    """Return shapes, types and layouts of what a call gives, or that it is refused."""
    try:
        found = call(func, args, None)
    except Exception:  # noqa: BLE001  torch refuses in many ways
        return "refused"
    several = found if isinstance(found, tuple) else (found,)
    if func is ATEN.native_batch_norm.default:
        several = several[:1]  # statistics are nobody's concern
    return [(tuple(v.shape), v.dtype, v.stride(), v.device.type) for v in several]


@given(calls())
def test_a_shortcut_gives_what_torch_gives(call) -> None:
    """A proof rests on these shapes, so a shortcut may be quicker, and nothing else."""
    func, args = call

    assert outcome(asked, func, args) == outcome(run, func, args)


@pytest.mark.parametrize("sizes", [(2, 3), (3, 4)])
def test_what_does_not_fit_is_refused_by_torch_itself(sizes) -> None:
    bias, left, right = (torch.empty(n, device="meta") for n in ((4,), (2, 2), sizes))

    with pytest.raises(RuntimeError):
        run(ATEN.addmm.default, (bias, left, right), None)
