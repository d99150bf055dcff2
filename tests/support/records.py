"""Records of runs that nobody lived: written by the journal's own means, of any size.

Their task is in a file that is not there, so whoever reads them reads the record alone.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from evoframe.kernel.individual import Fitness, Individual, Measurement, Origin, identifier
from evoframe.run.disk import formats
from evoframe.run.disk.account import Account
from evoframe.run.disk.entry import Entry
from evoframe.run.disk.events import SESSION
from evoframe.run.disk.facts import ENDING, LATENCY, PICK, SECONDS, SURVEY
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal

RECIPE = """\
[run]
seed = 7
generations = {generations}
population = {population}

[task]
use = "nowhere/gone.py:Gone"

[record]
format = {format}
evoframe = "0.1.0"
torch = "2.13.0"
device = "cpu"

[record.strategies]
task = "nowhere/gone.py:Gone"
"""


def record(
    path: Path,
    count: int,
    *,
    population: int = 10,
    layers: int = 12,
    metric: str = "accuracy",
    reason: str = "extinct: no synapse left in {layer}",
    barriers: int = 3,
    old: bool = False,
    finished: bool = True,
    latency: bool = False,
) -> Path:
    """Write a run of so many individuals.

    Args:
        path: the folder to make.
        count: individuals, the ancestor included.
        population: of each generation.
        layers: how many layers the network has.
        metric: name of the primary metric.
        reason: why the stillborn died.
        barriers: how many the survey found.
        old: leave out what earlier versions did not put on record.
        finished: whether the run has an ending.
        latency: whether the run measured how fast the ancestor and the delivered network are.
    """
    folder, chance = RunFolder(path), random.Random(3)
    folder.create()
    text = RECIPE.format(
        generations=2 + count // population, population=population, format=formats.FORMAT
    )
    folder.recipe.write_text(text)
    journal = Journal(folder.journal, writable=True)
    survey = _survey(metric, layers, barriers)
    if not old:
        journal.tell(SESSION, {"evoframe": "0.1.0", "device": "cpu"})
        journal.note(**{SURVEY: json.dumps(survey)})
    journal.remark([f"a remark on {metric}"])
    entries = _entries(count, population, survey, metric, reason, chance)
    # One transaction, or a disk that syncs each of two thousand would be what is tested.
    journal._base.execute("PRAGMA synchronous=OFF")
    for entry in entries:
        journal.add(
            Entry(
                entry.individual,
                entry.digest,
                entry.seconds,
                account=None if old else entry.account,
            )
        )
    journal.note(**{SECONDS: repr(2.5 * count)})
    if finished and entries:
        alive = [entry.individual.id for entry in entries if entry.individual.is_alive]
        journal.note(**{ENDING: "the last generation was lived", PICK: alive[-1]})
        if latency:
            journal.note(**{LATENCY: json.dumps(_latency(alive[-1]))})
    journal.close()
    return path


def _latency(best: str) -> dict[str, object]:
    return {
        "device": "cpu (Model 7)",
        "threads": 1,
        "batches": [1, 64],
        "seconds": {
            "g1s0": {"1": [0.004, 0.0001], "64": [0.2, 0.003]},
            best: {"1": [0.0039, 0.0002], "64": [0.05, 0.001]},
        },
    }


def _survey(metric: str, layers: int, barriers: int) -> dict[str, object]:
    wide = [16 * 2 ** min(index // 4, 4) for index in range(layers)]
    return {
        "metrics": [{"name": metric, "maximise": True}, {"name": "loss", "maximise": False}],
        "layers": [
            {
                "name": f"stage{index // 4}.block{index % 4}.conv.weight",
                "shape": [width, width, 3, 3],
                "channels": width,
                "free": 0 if index in (0, layers - 1) else width,
                "given_out": index == layers - 1,
            }
            for index, width in enumerate(wide)
        ],
        "barriers": [
            {
                "what": f"aten.view in stage0.block{index} at network.py:{10 + index}",
                "reason": "channels are mixed with positions",
                "parameters": 0.1 / (index + 1),
                "flops": 0.2 / (index + 1),
                "remedy": "take sizes from tensors, as x.flatten(1) does",
            }
            for index in range(barriers)
        ],
        "seconds": 1.25,
    }


def _entries(count, population, survey, metric, reason, chance) -> list[Entry]:
    layers, found = survey["layers"], []
    widths: dict[str, list[int]] = {}
    for index in range(count):
        generation = 1 if index == 0 else 2 + (index - 1) // population
        name = identifier(generation, 0 if index == 0 else (index - 1) % population)
        before = [one for one in found if one.individual.generation == generation - 1]
        parents = [one.individual for one in before if one.individual.is_alive]
        family = tuple(one.id for one in chance.sample(parents, min(2, len(parents))))
        dead = index > 1 and chance.random() < 0.06 and name.endswith(tuple("3579"))
        if index == 0:
            widths[name] = [one["channels"] for one in layers]
        else:
            of = widths.get(family[0]) if family else widths["g1s0"]
            shrunk = [max(int(one * chance.uniform(0.85, 1.0)), 1) for one in of]
            widths[name] = [
                before if not told["free"] else after
                for before, after, told in zip(of, shrunk, layers, strict=True)
            ]
        one = _individual(name, generation, index, family, dead, widths, layers, metric, chance)
        if dead:
            one = Individual(
                id=name, generation=generation, place=one.place, parents=family,
                origin=Origin.OFFSPRING, key="0", stillborn=reason.format(layer=layers[1]["name"]),
            )  # fmt: skip
        account = Account(
            phases={"heredity": 0.01, "training": 2.0 + chance.random(), "evaluation": 0.2},
            channels=() if dead else tuple(widths[name]),
            synapses=() if dead else tuple(9 * width * width // 2 for width in widths[name]),
        )
        found.append(Entry(one, "" if dead else f"{index:032x}", 2.5, account=account))
    return found


def _individual(name, generation, index, family, dead, widths, layers, metric, chance):
    parameters = float(sum(9 * width * width for width in widths[name]))
    value = min(0.97, 0.95 - 0.004 * generation + chance.uniform(-0.02, 0.02))
    measured = {metric: Measurement(value, 0.004), "loss": Measurement(1.2 - value, None)}
    costs = {
        "synapses": parameters // 2, "bundles": float(sum(widths[name])), "parameters": parameters,
        "bytes": 4 * parameters, "flops": 30 * parameters, "activations": 4096.0,
    }  # fmt: skip
    return Individual(
        id=name,
        generation=generation,
        place=int(name.partition("s")[2]),
        parents=family,
        origin=Origin.OFFSPRING if index else Origin.ANCESTOR,
        key=f"0/generation/{generation}",
        genotype_id=name,
        fitness=Fitness(measured, {metric: Measurement(value - 0.01, 0.003)}, costs),
    )
