"""What one tree of evoframe does: runs and surveys, as facts that two trees can be compared by.

    python tests/replay/driver.py --tree FOLDER --out FACTS.json [--integers]

Imports ``evoframe`` from FOLDER and everything else from here, so both trees are asked the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

HERE = Path(__file__).resolve().parent
SEEDS = range(3)
RUNS: dict[str, dict[str, Any]] = {
    "demo": {
        "recipe": "demo",
        "generations": 2,
        "options": ["ancestor.epochs=2", "training.epochs=1", "executor.use=serial"],
    },
    "mating": {
        "recipe": "mating-1709",
        "generations": 3,
        "population": 2,
        "options": ["task.train_size=500", "ancestor.epochs=2", "training.epochs=1"],
    },
    "residual": {
        "task": f"{HERE / 'residual.py'}:Residual",
        "encoding": "cluster",
        "environment": ["budget"],
        "generations": 3,
        "population": 2,
        "options": [
            "encoding.of=bundle",
            "environment.cost=flops",
            "training.epochs=1",
        ],
    },
}
"""Small runs, each by the arguments of ``evoframe.evolve``: bundles, mating, two-level budgets."""


def digest(values: Iterable[Any]) -> str:
    """Return a digest of tensors, texts and numbers in their order."""
    state = hashlib.blake2b(digest_size=12)
    for value in values:
        if isinstance(value, Tensor):
            # A single entry counts as contiguous whatever its step is, which a view as bytes minds.
            kept = value.detach().clone(memory_format=torch.contiguous_format)
            state.update(f"{kept.dtype}{tuple(kept.shape)}".encode())
            state.update(kept.reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            state.update(f"|{value!r}".encode())
    return state.hexdigest()


def run_facts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the digest of a run, and what each of its individuals became."""
    import evoframe

    with tempfile.TemporaryDirectory() as folder:
        run = evoframe.evolve(out=Path(folder) / "run", device="cpu", observer=[], **settings)
        found = {
            one.id: [one.synapses, entry.digest]
            for one, entry in zip(run.individuals, run.entries, strict=True)
        }
        return {"digest": run.digest(), "individuals": found}


def network_facts(network: nn.Module, inputs: tuple[Any, ...], *, integers: bool) -> dict[str, Any]:
    """Return what a survey says of a network, and which networks grow from it."""
    from evoframe import anatomy
    from evoframe.errors import EvoframeError
    from evoframe.roles.task import WITH_SYNAPSES

    names = [n for n, one in network.named_modules() if isinstance(one, WITH_SYNAPSES)]
    weights = [f"{name}.weight" if name else "weight" for name in names][:-1]
    existing = dict(network.named_parameters())
    try:
        plan = anatomy.survey(network, inputs, [name for name in weights if name in existing])
    except EvoframeError as error:
        return {"refused": str(error)}
    except Exception as error:  # noqa: BLE001  a crash is a fact as well
        return {"crashed": f"{type(error).__name__}: {error}"}
    view = adapted(plan)
    facts: dict[str, Any] = {
        "bundles": digest(view["bundles"]),
        "wiring": digest(view["wiring"]),
        "followers": view["followers"],
        "barriers": [[one.operation, one.reason] for one in plan.barriers],
    }
    for seed in SEEDS:
        facts[f"grown {seed}"] = _grown(plan, view, seed, integers=integers)
    return facts


def _grown(plan: Any, view: Mapping[str, Any], seed: int, *, integers: bool) -> dict[str, Any]:
    """Return the facts of a network from whose ancestor random channels and synapses are gone."""
    from evoframe.kernel.genotype import Genotype
    from evoframe.kernel.key import Key
    from evoframe.plugin import settle

    key, whole, masks = Key(seed), plan.genotype(), {}
    doomed = torch.from_numpy(key.at("channels").words(len(view["classes"])) < (2**32 // 3))
    doomed = doomed[view["classes"]]
    for name, mask in whole.masks.items():
        words = torch.from_numpy(key.at(name).words(mask.numel()).astype("int64"))
        kept = (words < int(0.8 * 2**32)).reshape(mask.shape)
        masks[name] = kept & ~doomed[plan.wiring.targets[name]]
    settled = settle(Genotype(masks, whole.state), plan.wiring)
    grown = plan.develop(settled)
    values = {**dict(grown.network.named_parameters()), **dict(grown.network.named_buffers())}
    facts = {
        "masks": digest(part for item in sorted(settled.masks.items()) for part in item),
        "inside": digest(part for item in sorted(grown.masks.items()) for part in item),
        "shapes": digest((name, tuple(value.shape)) for name, value in values.items()),
        "costs": plan.costs(settled),
    }
    if not integers:
        facts["weights"] = digest(part for item in values.items() for part in item)
        facts["home"] = plan.absorb(grown).digest()
    return facts


def adapted(plan: Any) -> dict[str, Any]:
    """Return the parts of a survey under one name each, whichever tree made it."""
    bundles, wiring = plan.bundles, plan.wiring
    parts: list[Any] = [bundles.classes, bundles.kept, *bundles.layers, *bundles.others]
    parts += [bundles.at_least, bundles.multiple]
    for grid in bundles.grids:
        parts += [grid.channels, tuple(grid.fixed), tuple(grid.parts), grid.bound]
    wired: list[Any] = [part for item in wiring.sources.items() for part in item]
    wired += [part for item in wiring.targets.items() for part in item]
    wired += [wiring.fed, wiring.read]
    for step in wiring.steps:
        wired += [step] if isinstance(step, str) else [step.channels, *step.parts, step.every]
    for holding in wiring.holdings:
        wired += [holding.entry, holding.axis, holding.channels]
    counted = plan.proved.plan.size_attributes if hasattr(plan, "proved") else plan.followers
    followers = [[*one.key, one.axis, digest([one.signal])] for one in counted]
    return {"bundles": parts, "wiring": wired, "followers": followers, "classes": bundles.classes}


def facts(*, integers: bool) -> dict[str, Any]:
    """Return all facts of the tree that ``evoframe`` is imported from.

    Args:
        integers: only those that do not hang on a CPU's arithmetic, and no runs.
    """
    from networks import NETWORKS

    found: dict[str, Any] = {"networks": {}, "runs": {}}
    for name, case in NETWORKS.items():
        torch.manual_seed(0)
        network = case.make().double().eval()
        torch.manual_seed(1)
        found["networks"][name] = network_facts(network, case.example(), integers=integers)
    if not integers:
        found["runs"] = {name: run_facts(settings) for name, settings in RUNS.items()}
    return found


def main() -> None:
    """Write the facts of one tree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--integers", action="store_true")
    given = parser.parse_args()
    sys.path[:0] = [str(given.tree.resolve()), str(HERE.parent)]
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    import evoframe

    assert Path(evoframe.__file__).is_relative_to(given.tree.resolve()), evoframe.__file__
    given.out.write_text(json.dumps(facts(integers=given.integers), indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
