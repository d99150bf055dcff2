"""Calling: what a network asks of torch in a forward pass, as latency is measured."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.plan.plan import Plan
from evoframe.anatomy.replacements import restore
from evoframe.anatomy.trace.shortcuts import run
from evoframe.anatomy.trace.values import Answer, answered
from evoframe.costs.calls import Recorder
from evoframe.costs.latency import batched
from evoframe.kernel.modules.arguments import Arguments


def calls_of(plan: Plan, network: nn.Module, batch: int | None = None) -> Recorder | None:
    """Return the calls of a pass on the example inputs; None if it does not run on meta.

    Args:
        plan: of the ancestor.
        network: that :meth:`Plan.build` made; torch's own modules come back into it.
        batch: examples, the first one as often as asked for; as they are if not given.
    """
    if not plan.trace.passes:
        return None
    first = plan.trace.passes[0]
    inputs = first.inputs if batch is None else batched(first.inputs, batch)
    try:
        return recorded(restore(network).train(first.training), inputs, first.answers)
    except Exception:  # noqa: BLE001  a network may do anything, on inputs of another batch too
        return None


def recorded(network: nn.Module, inputs: Arguments, answers: Sequence[Answer] = ()) -> Recorder:
    """Return the calls of a forward pass without gradients.

    Args:
        network: on the meta device, in evaluation mode.
        inputs: its inputs, there too.
        answers: what its questions for values are answered.
    """
    recorder, quick = Recorder(), _Shortcuts()  # type: ignore[no-untyped-call]
    with torch.no_grad(), warnings.catch_warnings(), recorder.inside(network):
        warnings.simplefilter("ignore")
        with recorder, quick, answered(answers):
            inputs.call(network)
    return recorder


class _Shortcuts(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Takes what torch works out step by step on the meta device in one step."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return run(func, args, kwargs)
