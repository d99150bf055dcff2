"""A comparison that nobody ran: two arms, of which the first is better in every seed."""

from __future__ import annotations

from evoframe.kernel.individual import Metric
from evoframe.report.comparison import Curves, Point


def two_arms(seeds: int, *, better: float = 0.05, flops: bool = True, metric: str = "accuracy"):
    """Two arms, the first better by so much in every seed, and slightly more in later ones."""
    points = []
    for arm, lead in (("mine", better), ("other", 0.0)):
        for seed in range(seeds):
            for number, fewer in enumerate((1.0, 4.0, 16.0), 1):
                value = 0.9 - 0.01 * number + lead * (1 + 0.1 * seed) + 0.001 * seed
                points.append(
                    Point(
                        arm=arm, seed=seed, generation=number, synapses=int(6400 / fewer),
                        efficiency=fewer, bytes=100, value=value, parameters=int(640 / fewer**0.5),
                        fewer_parameters=fewer**0.5, flops=100 if flops else None,
                        fewer_flops=fewer if flops else None,
                    )
                )  # fmt: skip
    return Curves(
        tuple(points), Metric(metric).beside(0.9), "test", {"mine": 8.0, "other": 8.0},
        tuple(0.9 + 0.001 * seed for seed in range(seeds)), {"mine": 3.0, "other": 2.0},
        {("mine", 0): ("a" * 32,)},
    )  # fmt: skip
