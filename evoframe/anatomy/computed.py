"""Computed weights: those that a layer makes of other parameters in every pass."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from evoframe.kernel.entries import own_of


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
