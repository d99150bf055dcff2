"""What an offspring costs before it is grown: encode, press, draw and settle, on a device.

    python benchmarks/synthesis.py --device cuda

The full network of the saliency task (62.7 M synapses in 20 tensors) is encoded by the law of the
first paper, pressed on, drawn and settled; and one tensor of 60 M weights without a network around
it, as the first three steps are. Each step is timed from a device that is idle until it is idle
again, so launches and what the host does are in it, in milliseconds, median of all repeats; and
beside it in copies: what it takes to copy all weights on the device once, read and written.
Both with the kernels of ``evoframe.kernel.fused`` and without, to the same masks. The last table
has the kernels alone, by the device's own clock.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evoframe import anatomy
from evoframe.kernel import device as devices, fused
from evoframe.kernel.bits import Absent
from evoframe.kernel.dna import Genes, Inheritance
from evoframe.kernel.drawing.synthesis import draw, thresholds
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.settling import settle
from evoframe.strategies.encoding import Synaptic
from evoframe.strategies.environment import Retention
from evoframe.strategies.task.evonet import EvoNet

RETENTION = 0.2755


def main() -> None:
    """Print three tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--width", type=float, default=1.0, help="of the saliency network")
    parser.add_argument("--synapses", type=int, default=60_000_000, help="of the one tensor")
    settings = parser.parse_args()
    device = devices.resolve(settings.device)
    print(f"{devices.describe(device)}, torch {torch.__version__}, 1 CPU thread\n")
    torch.set_num_threads(1)
    for title, inheritance, wiring in (
        saliency(settings.width, device),
        one_tensor(settings.synapses, device),
    ):
        print_steps(title, inheritance, wiring, device, settings.repeats)
    if fused.kernels(torch.ones(1, device=device)) is not None:
        print_kernels(settings.synapses, device)


def saliency(width: float, device: torch.device) -> tuple[str, Inheritance, Any]:
    """Return the inheritance of the saliency network's first offspring, and its wiring."""
    torch.manual_seed(0)
    network = EvoNet(width)
    names = [f"{n}.weight" for n, m in network.named_modules() if hasattr(m, "kernel_size")]
    names = [n for n in names if "features.0." not in n and "out" not in n and "pool" not in n]
    names = [n for n in names if n in dict(network.named_parameters())]
    plan = anatomy.survey(network, (torch.zeros(1, 3, 64, 64),), names, numbers=False).to(device)
    whole = plan.genotype().to(device)
    title = f"saliency network, {whole.synapses:,} synapses in {len(names)} tensors"
    return title, Inheritance(whole.masks, whole.state, whole.state), plan.wiring


def one_tensor(count: int, device: torch.device) -> tuple[str, Inheritance, Any]:
    """Return the inheritance of one tensor of normal weights."""
    weights = torch.randn(count, generator=torch.Generator().manual_seed(0)).to(device)
    held = {"w": weights}
    eligible = {"w": torch.ones_like(weights, dtype=torch.bool)}
    return f"one tensor, {count:,} synapses", Inheritance(eligible, held, held), None


def print_steps(
    title: str, inheritance: Inheritance, wiring: Any, device: torch.device, repeats: int
) -> None:
    """Print the milliseconds of each step, with kernels and without."""
    weights = [inheritance.strengths[name] for name in inheritance.eligible]
    targets = [torch.empty_like(one) for one in weights]

    def copied() -> None:
        for target, one in zip(targets, weights, strict=True):
            target.copy_(one)

    copy = timed(copied, device, 3 * repeats)[0]
    columns, masks = {}, {}
    ways = ["kernels", "without"] if fused.kernels(weights[0]) is not None else ["without"]
    asked = fused.kernels
    for way in ways:
        if way == "without":
            fused.kernels = lambda _: None
        columns[way], masks[way] = steps_of(inheritance, wiring, device, repeats)
    fused.kernels = asked
    assert all(
        torch.equal(one, masks["without"][name]) for way in ways for name, one in masks[way].items()
    )
    print(f"**{title}**; a copy of the weights takes {copy:.3f} ms\n")
    print("| step | " + " | ".join(f"{way}, ms | in copies" for way in ways) + " |")
    print("|---" * (1 + 2 * len(ways)) + "|")
    for step in columns["without"]:
        cells = [f"{columns[way][step]:.3f} | {columns[way][step] / copy:.1f}" for way in ways]
        print(f"| {step} | " + " | ".join(cells) + " |")
    print()


def steps_of(
    inheritance: Inheritance, wiring: Any, device: torch.device, repeats: int
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Return the milliseconds of each step, and the masks that are drawn."""
    law = Retention(retention=RETENTION, mode="multiplicative")
    calibrated = Retention(retention=RETENTION)
    taken = {}
    taken["encode"], dna = timed(
        lambda: Synaptic().encode(inheritance, None, None), device, repeats
    )
    taken["press, multiplied"] = timed(lambda: law.press(dna, inheritance, None), device, repeats)[
        0
    ]
    taken["press, calibrated"], evened = timed(
        lambda: calibrated.press(dna, inheritance, None), device, repeats
    )
    taken["draw"], masks = timed(lambda: draw(evened, Key(1)), device, repeats)

    def all_of_it(environment: Retention) -> Callable[[], Any]:
        return lambda: draw(
            environment.press(Synaptic().encode(inheritance, None, None), inheritance, None), Key(1)
        )

    taken["encode, multiply, draw"] = timed(all_of_it(law), device, repeats)[0]
    taken["encode, calibrate, draw"] = timed(all_of_it(calibrated), device, repeats)[0]
    if wiring is not None:
        born = Genotype(masks, inheritance.state)
        taken["settle"], settled = timed(lambda: settle(born, wiring), device, repeats)
        shapes = {name: mask.shape for name, mask in settled.masks.items()}
        taken["pack masks"], absent = timed(
            lambda: Absent.of(settled.masks, shapes), device, repeats
        )
        values = {name: inheritance.state[name].clone() for name in shapes}
        taken["apply masks, each step of training"] = timed(
            lambda: absent.clear(values), device, repeats
        )[0]
    return taken, dict(masks)


def print_kernels(count: int, device: torch.device) -> None:
    """Print the device's own time of each kernel over one tensor, for levels of both widths."""
    strengths = torch.randn(count, device=device)
    eligible = torch.ones_like(strengths, dtype=torch.bool)
    scale = float(fused.largest(strengths, eligible).max())
    wide = fused.levelled(strengths, scale, magnitudes=True)
    logs = np.arange(65_536) / 65_535 - 1 + np.log(RETENTION)
    living = torch.from_numpy(thresholds(logs)).to(device)
    limits = fused.Limits.of(living)
    target = torch.empty_like(strengths)
    kernels = {
        "copy of the weights": lambda: target.copy_(strengths),
        "largest magnitude": lambda: fused.largest(strengths, eligible),
        "levels": lambda: fused.levelled(strengths, scale, magnitudes=True),
        "histogram": lambda: fused.counted(wide, eligible, 65_536),
    }
    for bits, levels in (
        (32, wide),
        (16, wide.to(torch.uint16)),
        (8, (wide >> 8).to(torch.uint8)),
    ):
        table = limits if bits > 8 else fused.Limits.of(living[::256])
        for packed in (False, True):
            kernels[f"draw, levels of {bits} bits, {'a bit' if packed else 'a byte'} each"] = (
                lambda one=levels, t=table, p=packed: fused.drawn(
                    one, eligible, t, Key(1), packed=p
                )
            )
    packed = fused.drawn(wide, eligible, limits, Key(1), packed=True)
    clearing = fused.Clearing([target])
    kernels["apply masks in place"] = lambda: clearing([target], packed)
    print(f"kernels alone over {count:,} entries\n\n| kernel | ms | in copies |\n|---|---|---|")
    copy = None
    for name, kernel in kernels.items():
        taken = on_device(kernel)
        copy = copy or taken
        print(f"| {name} | {taken:.3f} | {taken / copy:.2f} |")
    genes = Genes(wide, np.zeros(65_536), eligible)
    assert int(genes.histogram().sum()) == count


def timed(work: Callable[[], Any], device: torch.device, repeats: int) -> tuple[float, Any]:
    """Return the median of milliseconds from an idle device to an idle device, and the result."""
    result = work()
    wait(device)
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        result = work()
        wait(device)
        taken.append(time.perf_counter() - begun)
    return 1e3 * statistics.median(taken), result


def on_device(work: Callable[[], Any], repeats: int = 15) -> float:
    """Return the median of milliseconds between two events of the device's stream."""
    taken = []
    for _ in range(3 + repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        # Work for the device while the host prepares the launch, which would be counted else.
        torch.cuda._sleep(2_000_000)
        begin.record()
        work()
        end.record()
        torch.cuda.synchronize()
        taken.append(begin.elapsed_time(end))
    return statistics.median(taken[3:])


def wait(device: torch.device) -> None:
    """Wait until a device is idle."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
