"""Torchvision beside a torch that its compiled operators were not built for: timm calls none.

A wheel of torchvision for CUDA does not load beside a torch for CPUs, and cannot be imported then
because the schemas of its operators are missing. They are declared here.
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


if found is not None and not loads(Path(found.origin).parent):
    for schema in MISSING:
        DECLARED.define(schema)
