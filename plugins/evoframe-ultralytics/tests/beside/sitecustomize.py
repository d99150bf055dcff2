"""Torchvision beside a torch that its compiled operators were not built for: one of them is called.

A wheel of torchvision for CUDA does not load beside a torch for CPUs, and cannot be imported then
because the schemas of its operators are missing. They are declared here, and of overlapping boxes
the best are found by Ultralytics' own function, which it takes where torchvision is not imported.
"""

import importlib.util
from pathlib import Path

import torch

MISSING = ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a) -> Tensor")
found = importlib.util.find_spec("torchvision")
DECLARED = torch.library.Library("torchvision", "FRAGMENT")


def loads(folder: Path) -> bool:
    try:
        for one in folder.glob("_C*.so"):
            torch.ops.load_library(str(one))
    except OSError:
        return False
    return True


def best(boxes: torch.Tensor, scores: torch.Tensor, overlap: float) -> torch.Tensor:
    from ultralytics.utils.nms import TorchNMS

    return TorchNMS.nms(boxes, scores, overlap)


if found is not None and not loads(Path(found.origin).parent):
    for schema in MISSING:
        DECLARED.define(schema)
    DECLARED.impl("nms", best, "CPU")
    import torchvision.extension

    torchvision.extension._has_ops = lambda: True  # noqa: SLF001  so that it may be called
