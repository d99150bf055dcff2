"""The executor `processes` starts new interpreters in each generation.

Right: workers live as long as the run; a further generation costs at most 1 CPU second more.
"""

from __future__ import annotations

from common import cpu, evolve, verdict


def seconds(executor, generations):
    before = cpu()
    name = f"{executor[0]}{generations}"
    evolve(name, "--population", 2, "--generations", generations, "--executor", *executor)
    return cpu() - before


serial = [seconds(["serial"], count) for count in (3, 5)]
processes = [seconds(["processes", "-o", "executor.workers=2"], count) for count in (3, 5)]
further = [(pair[1] - pair[0]) / 2 for pair in (serial, processes)]
print(
    f"CPU s: serial {serial[0]:.1f} (3 generations), {serial[1]:.1f} (5); processes "
    f"{processes[0]:.1f}, {processes[1]:.1f}; a further generation "
    f"{further[0]:.2f}, {further[1]:.2f}"
)
extra = further[1] - further[0]
faults = [f"a further generation costs {extra:.1f} CPU s more with processes"] if extra > 1 else []
verdict(faults, f"a further generation costs {extra:.1f} CPU s more with processes")
