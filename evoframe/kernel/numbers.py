"""Numbers of an ancestor's own: without them it is refused, in one line that says what to do."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from evoframe.errors import TaskError
from evoframe.kernel.modules.entries import attributes_of, tensors_of


def require_numbers(network: nn.Module) -> None:
    """Refuse a network with parameters or buffers on the meta device, where there are no numbers.

    Raises:
        TaskError: the entry, and what to do.
    """
    for name, value in tensors_of(network).items():
        if value.is_meta:
            raise TaskError(
                f"the ancestor's {name!r} is on the meta device and has no values. Build the "
                "network on the CPU, or use to_empty(device='cpu') and load its weights."
            )


def require_own_numbers(network: nn.Module) -> None:
    """Refuse a network with lazy parameters or buffers, or with some that share numbers unseen.

    And with compiled layers, whose parameters cannot be replaced.

    Raises:
        TaskError: the entry, and what to do.
    """
    for name, module in network.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            what = f"the ancestor's layer {name!r}" if name else "the ancestor"
            raise TaskError(
                f"{what} is a program of torch.jit, whose parameters cannot be made smaller. Pass "
                "the original module, and script or trace the result."
            )
    entries = tensors_of(network)
    for name, value in entries.items():
        if is_lazy(value):
            raise TaskError(
                f"the ancestor's {name!r} is uninitialised, as its lazy layer has not seen an "
                "input yet. Run the network once on example inputs before it is handed over."
            )
    held = {**entries, **dict(attributes_of(network, made_anew=False))}
    for one, other in _on_one_memory(held):
        if one in entries or other in entries:
            raise TaskError(
                f"the ancestor's {one!r} and {other!r} are two tensors over one memory, so each "
                "would change with the other unseen. Make them one, as in `b.weight = a.weight`, "
                "or give each its own by .clone()."
            )
    for name, parameter in network.named_parameters():
        _require_followable_hooks(name, parameter)


def _on_one_memory(entries: Mapping[str, Tensor]) -> Iterator[tuple[str, str]]:
    """Yield pairs of entries that share numbers, by names.

    Two buffers count only where they are the same numbers: views of a constant are harmless.
    """
    by_storage: dict[int, list[str]] = {}
    for name, value in entries.items():
        if value.layout == torch.strided and not value.is_meta and value.numel():
            by_storage.setdefault(value.untyped_storage().data_ptr(), []).append(name)
    for names in by_storage.values():
        for one, other in itertools.combinations(names, 2):
            pair = entries[one], entries[other]
            if any(isinstance(value, nn.Parameter) for value in pair):
                if _overlap(*pair):
                    yield one, other
            elif _place(pair[0]) == _place(pair[1]):
                yield one, other


def _place(value: Tensor) -> tuple[Any, ...]:
    return value.storage_offset(), value.shape, value.stride()


def _overlap(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors over one storage have an element in common."""
    numbers = torch.arange(one.untyped_storage().nbytes() // one.element_size())
    taken = torch.zeros(len(numbers), dtype=torch.bool)
    taken[_elements(numbers, one)] = True
    return bool(taken[_elements(numbers, other)].any())


def _elements(numbers: Tensor, value: Tensor) -> Tensor:
    return numbers.as_strided(value.shape, value.stride(), value.storage_offset()).reshape(-1)


# --- hooks on gradients ----------------------------------------------------------------------


def _require_followable_hooks(name: str, parameter: nn.Parameter) -> None:
    """Refuse hooks that a smaller network could not follow.

    Raises:
        TaskError: the parameter, and what to do.
    """
    if parameter._post_accumulate_grad_hooks:  # noqa: SLF001
        raise TaskError(
            f"the ancestor's parameter {name!r} has a hook that runs once its gradient is there "
            "(register_post_accumulate_grad_hook), which would act on the ancestor alone. Remove "
            "it, or use register_hook with a function of the gradient."
        )
    for hook in (parameter._backward_hooks or {}).values():  # noqa: SLF001
        if any(isinstance(held, nn.Module | nn.Parameter) for held in _captured(hook)):
            raise TaskError(
                f"a gradient hook on the ancestor's parameter {name!r} holds a module or parameter "
                "of the ancestor, which every offspring would share. Make it a function of the "
                "gradient alone."
            )


def _captured(hook: Callable[..., Any]) -> Iterator[Any]:
    """Yield what a function has in its hands besides its arguments."""
    if isinstance(hook, functools.partial):
        yield from (*hook.args, *hook.keywords.values(), *_captured(hook.func))
        return
    yield getattr(hook, "__self__", None)
    for cell in getattr(hook, "__closure__", None) or ():
        yield cell.cell_contents
