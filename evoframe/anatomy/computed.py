"""Computed weights: those that a layer makes of other parameters in every pass."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from evoframe.kernel.modules.entries import own_of


def weights_computed_from(network: nn.Module) -> dict[str, str]:
    """Return the parameters from which weights are computed in every pass, with those weights.

    By ``torch.nn.utils.parametrize``, or by hooks before a pass, as older norms of weights and
    pruning do.
    """
    found: dict[str, str] = {}
    for prefix, module in network.named_modules():
        dot = f"{prefix}." if prefix else ""
        if is_parametrized(module):
            for weight, inside in module.parametrizations.items():
                for name, _ in inside.named_parameters():
                    found[f"{dot}parametrizations.{weight}.{name}"] = f"{dot}{weight}"
        own = own_of(module)
        for weight in vars(module):
            for suffix in ("_orig", "_v", "_g"):
                if weight + suffix in own and isinstance(vars(module)[weight], Tensor):
                    found[f"{dot}{weight}{suffix}"] = f"{dot}{weight}"
    return found


def instead_of_weights(network: nn.Module, computed: Mapping[str, str]) -> str:
    """Return in words what stands in the place of weights that may evolve, and what to do."""
    if computed:
        source, weight = next(iter(computed.items()))
        return (
            f"{weight!r} is computed from {source!r} in every pass. Remove the parametrisation, or "
            "what prunes it by torch.nn.utils.prune.remove, and the weight may evolve."
        )
    for name, module in network.named_modules():
        if ".quantized." in type(module).__module__:
            return (
                f"{name!r} is a quantised {type(module).__name__}, which holds packed integers. "
                "Cut the unquantised network, and quantise the result."
            )
    return "Name them with the task's `evolvable`."
