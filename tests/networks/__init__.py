"""The registry of test networks: every way in which channels meet, by name.

Tests find it on their path (``pythonpath`` in ``pyproject.toml``); scripts outside of pytest put
the folder ``tests`` on theirs.
"""

from networks.meetings import CASES as NETWORKS, Case as Case

__all__ = ["NETWORKS", "Case"]
