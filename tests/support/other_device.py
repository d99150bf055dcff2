"""Runs on a device that is not there, which torch takes for another one than the CPU.

    python tests/support/other_device.py FOLDER

builds it in the folder, calls it ``cuda``, and tells of every run as a line of JSON: its name,
whether it came to its end, and whether it does so when it is stopped and gone on with.
"""

from __future__ import annotations

import copy
import json
import sys
import types
from pathlib import Path
from tempfile import mkdtemp

import torch
from torch.utils.cpp_extension import load

sys.path.insert(0, str(Path(__file__).parents[1]))

import evoframe
from evoframe.kernel import device as devices
from support.cuda_runs import RECIPES, STOPPED, Interrupter, evolve

OTHER = "other"

OFTEN = ("training.epochs=4", "training.optimiser=adamw", "run.checkpoint=0")


def build(folder: str) -> None:
    """Make torch know the device."""
    source = Path(__file__).with_name("other_device.cpp")
    flags = ["-O0", "-w"]
    load("other_device", [str(source)], extra_cflags=flags, build_directory=folder)
    torch.utils.rename_privateuse1_backend(OTHER)
    module = types.ModuleType(f"torch.{OTHER}")
    module.is_available = module.is_initialized = lambda: True
    module._is_in_bad_fork = lambda: False
    module.current_device, module.device_count = (lambda: 0), (lambda: 1)
    module.manual_seed_all = lambda _seed: None
    module.get_rng_state = lambda _device=None: torch.get_rng_state()
    module.set_rng_state = lambda _state, _device=None: None
    torch._register_device_module(OTHER, module)
    here = {"cuda": torch.device(OTHER, 0), "cpu": torch.device("cpu")}
    devices.resolve = here.__getitem__
    devices.describe = lambda device: device.type


def whole(name: str) -> dict[str, object]:
    """Return whether everybody of a run lives, and where the delivered network is."""
    run = evolve(Path(mkdtemp(), "run"), **RECIPES[name])
    kinds = {one.device.type for one in run.network().parameters()}
    return {"alive": all(one.is_alive for one in run.individuals), "delivered": sorted(kinds)}


def stopped(name: str) -> dict[str, object]:
    """Return whether a run that is stopped in the middle of a life ends as one that is not."""
    chosen = copy.deepcopy(RECIPES[name])
    chosen["options"] = [*chosen.get("options", ()), *OFTEN]
    folder = Path(mkdtemp())
    unbroken = evolve(folder / "unbroken", **chosen)
    try:
        evolve(folder / "broken", **chosen, observer=[Interrupter()])
    except KeyboardInterrupt:
        broken = evoframe.resume(folder / "broken", observer=[])
        return {"same": broken.digest() == unbroken.digest()}
    return {"same": "was never stopped"}


if __name__ == "__main__":
    torch.set_num_threads(1)
    build(sys.argv[1])
    for name in RECIPES:
        print(json.dumps({"run": name, **whole(name)}), flush=True)  # noqa: T201
    for name in STOPPED:
        print(json.dumps({"run": name, **stopped(name)}), flush=True)  # noqa: T201
