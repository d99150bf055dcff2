"""What ten more lives cost a resumed run, by the number of individuals on record.

Right: ten more lives cost about the same with 450 on record as with 100 (at most 1 CPU s more).
"""

from __future__ import annotations

from common import cpu, evoframe, evolve, finished, verdict

FEW = ["--training", "none", "--encoding", "uniform", "-o", "environment.retention=0.9999"]
costs = {}
for generations in (22, 92):
    words = [*FEW, "--population", 5, "--generations", generations]
    run = evolve(f"run{generations}", *words, TINY_STOP_AFTER=str(generations - 2))
    before = cpu()
    evoframe("resume", run)
    costs[5 * (generations - 3) + 6] = cpu() - before
    assert finished(run) != "not finished"
few, many = costs.values()
text = ", ".join(f"{count} on record: {seconds:.1f} CPU s" for count, seconds in costs.items())
print(f"resume with ten more lives; {text}")
verdict([f"ten more lives cost {many - few:.1f} CPU s more"] if many - few > 1 else [], text)
