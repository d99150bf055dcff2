"""Cores: how many CPU cores a process may use, which may be few of a machine's."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux says how much of each period a container may compute, as ``200000 100000``."""


def cores() -> int:
    """Return the number of CPU cores that this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    with suppress(OSError, ValueError):  # not Linux, or without a quota: "max 100000"
        quota, period = map(int, QUOTA.read_text().split())
        allowed = min(allowed, quota // period)
    return max(allowed, 1)
