"""Labels: which of them a loss takes, and a refusal of those that are out of range."""

from __future__ import annotations

from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, default_collate

from evoframe.errors import TaskError
from evoframe.kernel.key import untouched
from evoframe.kernel.modules.arguments import Arguments, Inputs
from evoframe.kernel.modules.duplicate import duplicate

OVER_LABELS = (nn.functional.cross_entropy, nn.functional.nll_loss)
"""Losses whose targets of whole numbers are labels, from 0 on."""

IGNORED = -100
"""The label that torch's losses leave out, unless they are told another."""


@attrs.frozen
class Classes:
    """Which labels a loss takes: from 0 to below ``count``, and one that it leaves out."""

    count: int
    ignored: int = IGNORED


def classes_of(network: nn.Module, inputs: Inputs, loss: Any) -> Classes | None:
    """The classes of a loss over labels: the second axis of outputs; None if they are not known."""
    if loss not in OVER_LABELS and not isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss):
        return None
    try:
        twin = duplicate(network).cpu().eval()
        with untouched(), torch.no_grad():
            outputs = Arguments.of(inputs).to(torch.device("cpu")).call(twin)
    except Exception:  # noqa: BLE001  whatever stands in the way is told where it is surveyed
        return None
    if not isinstance(outputs, Tensor) or outputs.ndim < 2:
        return None
    return Classes(outputs.shape[1], getattr(loss, "ignore_index", IGNORED))


def require_labels(loader: DataLoader[Any], split: str, classes: Classes) -> None:
    """Refuse labels out of range where all of them lie in memory.

    Raises:
        TaskError: the first that is.
    """
    dataset = loader.dataset
    if not isinstance(dataset, TensorDataset) or loader.collate_fn is not default_collate:
        return
    if len(dataset.tensors) == 2:
        require_range(dataset.tensors[1], split, classes)


def require_range(labels: Any, split: str, classes: Classes) -> None:
    """Refuse labels that are no class.

    Args:
        labels: whole numbers; anything else is let pass, as losses take it for other things.
        split: where they are from.
        classes: which there are.

    Raises:
        TaskError: the first label that is out of range.
    """
    if not isinstance(labels, Tensor) or labels.is_floating_point() or labels.dtype == torch.bool:
        return
    wrong = ((labels < 0) | (labels >= classes.count)) & (labels != classes.ignored)
    if bool(wrong.any()):
        raise TaskError(
            f"the {split} loader gives the label {int(labels[wrong][0])}, and the network has "
            f"{classes.count} outputs; wanted labels from 0 to {classes.count - 1}."
        )
