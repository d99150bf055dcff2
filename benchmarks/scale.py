"""Ten thousand lives on a thousand nodes: what is measured here, and what follows from it.

    python benchmarks/scale.py [--lives 10000] [--nodes 1000] [--median 600] [--seed 1]
    python benchmarks/scale.py --measure [--count 10000]

Without ``--measure`` it is arithmetic, the same for everybody. Lives have log-normal lengths, with
the given median in seconds, and a start in front of each; nodes take whoever is next; the driver
puts one outcome after another on record; the next generation begins when the last outcome is there.
Prints how long a run takes, which share of the nodes' time is spent living, and what it would be if
there were no generations, for spreads of lengths and sizes of populations.

With ``--measure``: what a row of the journal takes with so many on record, the journal's copy for
other machines, files of genotypes, what one look at a thousand jobs of submitit takes the driver,
and how many calls of Ray come home in a second, each where it is installed.
"""

from __future__ import annotations

import argparse
import heapq
import operator
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import attrs
import numpy as np
import torch

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent))

from population import POPULATION, Bench, longer  # noqa: E402

from evoframe.kernel.genotype import Genotype  # noqa: E402
from evoframe.run.disk.journal import Journal  # noqa: E402
from evoframe.run.disk.weights import save_genotype  # noqa: E402

START, RECORD = 20.0, 0.010
"""Seconds before a life begins on a node, and for which the driver is busy with its outcome."""

SPREADS = (0.1, 0.25, 0.5, 1.0)
"""Standard deviations of the logarithm of how long lives take."""


@attrs.frozen
class Took:
    """What a run took.

    Attributes:
        seconds: from its begin to its end.
        living: of all nodes, in lives.
    """

    seconds: float
    living: float


def main() -> None:
    """Measure or simulate, and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lives", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, default=1_000)
    parser.add_argument("--median", type=float, default=600.0)
    parser.add_argument("--start", type=float, default=START)
    parser.add_argument("--record", type=float, default=RECORD)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--count", type=int, default=10_000)
    given = parser.parse_args()
    for line in measured(given.count) if given.measure else simulated(given):
        print(line, flush=True)


# --- simulated ----------------------------------------------------------------------------------


def simulated(given: argparse.Namespace) -> Iterator[str]:
    """Yield a table of runs with as many lives."""
    heads = ("spread", "population", "generations", "nodes", "hours", "node-hours", "living")
    yield f"| {' | '.join((*heads, 'living, without generations'))} |"
    yield f"|{'---|' * 8}"
    shapes = [(1, 1), (1, 2), (1, 4), (2, 1), (5, 1)]
    for spread in SPREADS:
        for more, fewer in shapes:
            population, nodes = given.nodes * more, given.nodes // fewer
            generations = given.lives // population
            lengths = np.random.default_rng(given.seed).lognormal(
                np.log(given.median), spread, (generations, population)
            )
            took = run(lengths, nodes, given.start, given.record)
            free = run(lengths.reshape(1, -1), nodes, given.start, given.record)
            yield (
                f"| {spread:g} | {population:,} | {generations} | {nodes:,} | "
                f"{took.seconds / 3600:.1f} | {nodes * took.seconds / 3600:,.0f} | "
                f"{share(took, nodes):.0%} | {share(free, nodes):.0%} |"
            )


def share(took: Took, nodes: int) -> float:
    """Return the share of the nodes' time that was spent living."""
    return took.living / (nodes * took.seconds)


def run(lengths: np.ndarray, nodes: int, start: float, record: float) -> Took:
    """Return what it takes to live generations one after another."""
    now = 0.0
    for generation in lengths:
        home = sorted(ends(generation + start, nodes))
        free = 0.0
        for end in home:
            free = max(end, free) + record
        now += free
    return Took(now, float(lengths.sum()))


def ends(lengths: Sequence[float], nodes: int) -> list[float]:
    """Return when each life ends, if whoever is next goes to the node that is free first."""
    free, found = [0.0] * nodes, []
    for one in lengths:
        end = heapq.heappop(free) + float(one)
        heapq.heappush(free, end)
        found.append(end)
    return found


# --- measured -----------------------------------------------------------------------------------


def measured(count: int) -> Iterator[str]:
    """Yield what was measured on this machine."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        yield timed("4 KB added to a file and synced", synced(place / "file"))
        bench = Bench(place, HERE.parents[1])
        begun = bench.begun()
        for many in sorted({min(1000, count), count}):
            yield from of_journal(longer(begun, place / "run", 1 + many // POPULATION))
        yield from of_genotypes(place)
        yield from of_looks(place)
    yield from of_ray()


def times(call: Callable[[], object], count: int) -> list[tuple[float, float]]:
    """Return wall and CPU seconds of calls."""
    found = []
    for _ in range(count):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    return found


def timed(what: str, found: list[tuple[float, float]]) -> str:
    """Return measured times in words."""
    wall = np.array([one for one, _ in found]) * 1000
    cpu = 1000 * sum(one for _, one in found) / len(found)
    return (
        f"{what}: median {np.median(wall):.2f} ms, 99 of 100 in {np.percentile(wall, 99):.2f} ms, "
        f"{cpu:.2f} ms CPU ({len(found)} times)"
    )


def synced(path: Path) -> list[tuple[float, float]]:
    """Add to a file, and have it on the disk each time."""
    with path.open("ab", buffering=0) as file:

        def add() -> None:
            file.write(bytes(4096))
            os.fsync(file.fileno())

        return times(add, 200)


def of_journal(folder: Path) -> Iterator[str]:
    """Yield what a journal weighs, and what a row and a copy of it take."""
    path = folder / "journal.sqlite"
    with closing(Journal(path, writable=True)) as journal:
        known = journal.known()
        entry = known.entries()[-1]
        one = entry.individual
        entry = attrs.evolve(entry, account=journal.account(one.id))
        numbers = iter(range(10**6))
        away = folder / "away.sqlite"
        copies = times(lambda: journal.copy_to(away), 5)
        size = away.stat().st_size
        yield timed(f"a copy of the journal, {len(known):,} on record, {size:,} bytes", copies)
        yield f"that is {size / len(known):,.0f} bytes a life"
        journal.back_up(folder / "backup.sqlite")

        def add() -> None:
            born, place = one.generation + 1, next(numbers)
            name = f"g{born}s{place}"
            who = attrs.evolve(one, id=name, generation=born, place=place, genotype_id=name)
            journal.add(attrs.evolve(entry, individual=who), seconds="1.0")

        yield timed(f"a life put on record, {len(known):,} there before", times(add, 500))
        bring = times(lambda: journal.back_up(folder / "backup.sqlite"), 1)
        yield timed("the backup brought up by 500 lives", bring)


def of_genotypes(place: Path) -> Iterator[str]:
    """Yield sizes of files of genotypes."""
    torch.manual_seed(1)
    for synapses in (10**5, 10**6, 10**7):
        state = {"weight": torch.randn(synapses // 1000, 1000)}
        sizes = []
        for kept in (1.0, 0.25, 0.05):
            masks = {"weight": torch.rand(state["weight"].shape) < kept}
            path = place / "genotype.safetensors"
            save_genotype(Genotype(masks, state), path)
            sizes.append(f"{path.stat().st_size:,} with {kept:.0%}")
        yield f"a genotype of {synapses:,} synapses, bytes: {'; '.join(sizes)}"


def of_looks(place: Path) -> Iterator[str]:
    """Yield what it takes to look at the events and the result of a thousand jobs."""
    try:
        from evoframe_submitit.mail import Reader, Sender
    except ImportError:
        yield "looks at jobs: skipped, without evoframe_submitit"
        return
    mail = place / "mail"
    mail.mkdir()
    readers = [Reader(mail, f"{number}.1") for number in range(1000)]
    for reader in readers:
        Sender(mail, reader.name)

    def look() -> None:
        there = frozenset(file.name for file in mail.iterdir())
        for reader in readers:
            list(reader.new(there))
            (place / f"{reader.name}.pkl").exists()

    yield timed("a look at 1,000 jobs of submitit, nothing new", times(look, 20))


def of_ray() -> Iterator[str]:
    """Yield how many calls that do nothing come home in a second, of those that wait at once."""
    try:
        import ray  # noqa: F401

        from evoframe_ray import Ray
    except ImportError:
        yield "calls of Ray: skipped, without ray and evoframe_ray"
        return
    with Ray(address="local", cpus=0.5).open() as opened:
        list(opened.map(operator.is_, range(20), operator.is_))  # workers begin
        for count in (100, 1000):
            begun, cpu = time.perf_counter(), time.process_time()
            list(opened.map(operator.is_, range(count), operator.is_))
            took, busy = time.perf_counter() - begun, time.process_time() - cpu
            yield (
                f"{count:,} calls of Ray at once: {count / took:.0f} a second; of the driver "
                f"{1000 * busy / count:.1f} ms CPU each"
            )


if __name__ == "__main__":
    main()
