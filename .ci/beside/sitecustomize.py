"""Torchvision beside a torch that its compiled operators were not built for, in every process.

A wheel of torchvision for CUDA does not load beside a torch for CPUs, and cannot be imported then
because the schemas of its operators are missing. They are declared here. timm calls none of them;
Ultralytics has the best of overlapping boxes found, which its own function does, as it would where
torchvision is not imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

MISSING = ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a) -> Tensor")
KEPT: list[Any] = []
"""What was declared, for as long as the process lives."""


def loads(folder: Path) -> bool:
    """Tell whether the compiled operators are of this torch."""
    import torch

    try:
        for one in folder.glob("_C*.so"):
            torch.ops.load_library(str(one))
    except OSError:
        return False
    return True


def best(boxes: Any, scores: Any, overlap: float) -> Any:
    """Return the best of overlapping boxes."""
    from ultralytics.utils.nms import TorchNMS

    return TorchNMS.nms(boxes, scores, overlap)


def declare() -> None:
    """Declare the operators, of which one may be called."""
    import torch

    KEPT.append(declared := torch.library.Library("torchvision", "FRAGMENT"))
    for schema in MISSING:
        declared.define(schema)
    if importlib.util.find_spec("ultralytics") is None:
        return
    declared.impl("nms", best, "CPU")
    import torchvision.extension

    torchvision.extension._has_ops = lambda: True  # noqa: SLF001  so that it may be called


found = importlib.util.find_spec("torchvision")
if found is not None and not loads(Path(found.origin or "").parent):
    declare()
