"""The registry of test networks: every way in which channels meet, by name.

Tests find it on their path (``pythonpath`` in ``pyproject.toml``); scripts outside of pytest put
the folder ``tests`` on theirs. A network is added by a class in the file of its kind, or in a file
of its own that is named here, and ``tests/replay/replay.py --write-reference``.
"""

from networks import (  # each registers its networks
    again as again,
    attention as attention,
    blocks as blocks,
    counting as counting,
    endings as endings,
    heads as heads,
    joining as joining,
    mixing as mixing,
    moving as moving,
    operations as operations,
    outputs as outputs,
    products as products,
    recurrent as recurrent,
    scaling as scaling,
    shapes as shapes,
    slices as slices,
    values as values,
    weights as weights,
    zeros as zeros,
)
from networks.registry import NETWORKS as NETWORKS, Case as Case

__all__ = ["NETWORKS", "Case"]
