"""What training together gives: small individuals trained at once, and one after the other.

    python benchmarks/batched.py                  # on a CPU, one thread
    python benchmarks/batched.py --device cuda

The individuals of a network have lost half of their synapses or half of their channels, each others
by chance. Alone each is grown as small as it can be, and trained by training ``gradient``. Together
they have the channels of any of them, and are trained with ``together`` as many as there are. Both
ways every individual takes the same steps on the same batches, so their weights must be equal but
for rounding; how far they are apart is told, as a share of the largest weight.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

import evoframe
from evoframe import anatomy as anatomies
from evoframe.anatomy import Anatomy
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.settling import settle
from evoframe.plugin import Gradient, Task

EXAMPLES, CLASSES = 640, 10


def perceptron() -> nn.Module:
    """Return two hidden layers for digits of 8x8 pixels."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)
    )


def lenet5() -> nn.Module:
    """Return a network like LeNet-5 for digits of 28x28 pixels."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, CLASSES),
    )  # fmt: skip


def normed() -> nn.Module:
    """Return three convolutions with batch norm for images of 16x16 pixels."""
    layers: list[nn.Module] = []
    for inner, outer in ((3, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(inner, outer, 3, padding=1, bias=False), nn.BatchNorm2d(outer)]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128, CLASSES))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "perceptron 64-64-32-10": (perceptron, (1, 8, 8)),
    "LeNet-5": (lenet5, (1, 28, 28)),
    "three convolutions, batch norm": (normed, (3, 16, 16)),
}


def task_of(network: nn.Module, shape: Sequence[int]) -> Task:
    """Return a task with noise of a shape to learn: what is learned takes no time."""
    generator = torch.Generator().manual_seed(0)
    dtype = next(network.parameters()).dtype
    inputs = torch.randn(EXAMPLES, *shape, generator=generator).to(dtype)
    targets = torch.randint(CLASSES, (EXAMPLES,), generator=generator)
    return evoframe.task(
        network=network,
        train=(inputs, targets),
        validation=(inputs[:64], targets[:64]),
        loss=nn.functional.cross_entropy,
        metrics={"accuracy": lambda outputs, targets: (outputs.argmax(1) == targets).float()},
        trained=True,
    )


def individual(anatomy: Anatomy, of: str, seed: int, device: torch.device) -> Genotype:
    """Return the settled genotype of somebody who has lost half of the synapses or channels."""
    generator, whole = torch.Generator().manual_seed(seed), anatomy.genotype()
    last, masks = list(whole.masks)[-1], {}
    for name, mask in whole.masks.items():
        shape = mask.shape if of == "synapses" else (len(mask), *[1] * (mask.ndim - 1))
        lives = torch.rand(shape, generator=generator) < 0.5
        masks[name] = mask & (lives if of == "synapses" or name != last else True)
    return settle(Genotype(masks, whole.state), anatomy.wiring).to(device)


def seconds(work: Callable[[], Any], device: torch.device) -> tuple[float, Any]:
    """Return the seconds of some work, and what it gives; on a CPU those that it computes."""
    if device.type == "cpu":
        begun = time.process_time()
        found = work()
        return time.process_time() - begun, found
    torch.cuda.synchronize(device)
    begun = time.perf_counter()
    found = work()
    torch.cuda.synchronize(device)
    return time.perf_counter() - begun, found


def apart(one: Genotype, other: Genotype) -> float:
    """Return the largest distance of two genotypes' weights, as a share of the largest weight."""
    found = 0.0
    for name, mask in one.masks.items():
        assert torch.equal(mask, other.masks[name]), name
        scale = float(one.state[name].abs().max()) or 1.0
        found = max(found, float((one.state[name] - other.state[name]).abs().max()) / scale)
    return found


def measured(name: str, of: str, lives: int, options: argparse.Namespace) -> str:
    """Return a row of the table."""
    torch.manual_seed(0)
    build, shape = NETWORKS[name]
    network, device = build(), devices.resolve(options.device)
    network = network.double() if options.double else network
    task = task_of(network, shape)
    surveyed = anatomies.survey(network, task.example_inputs(), task.evolvable(network))
    genotypes = [individual(surveyed, of, seed, device) for seed in range(lives)]
    anatomy = surveyed.to(device)
    context = Context(genotypes[0], None, anatomy, task, device, 2, Key(0))
    training = Gradient(
        epochs=options.epochs, learning_rate=0.01, batch_size=options.batch, together=lives
    )
    training.check(task)
    within = torch.stack([anatomy.channels(one) for one in genotypes]).any(0)

    def alone() -> list[Any]:
        return [training.train(anatomy.develop(one), context) for one in genotypes]

    def together() -> list[Any]:
        grown = [anatomy.develop(one, within) for one in genotypes]
        return training.train_together(grown, [context] * lives)

    best: dict[str, float] = {}
    for _ in range(options.rounds):  # the first warms up; the best of the others counts
        took, singles = seconds(alone, device)
        best["alone"] = min(took, best.get("alone", took))
        took, cohort = seconds(together, device)
        best["together"] = min(took, best.get("together", took))
    pairs = zip(singles, cohort, strict=True)
    far = max(apart(anatomy.absorb(a.phenotype), anatomy.absorb(b.phenotype)) for a, b in pairs)
    steps = options.epochs * -(-EXAMPLES // options.batch) * lives
    each = {way: 1e3 * took / steps for way, took in best.items()}
    return (
        f"| {name} | half of the {of} | {lives} | {each['alone']:.2f} | {each['together']:.2f} "
        f"| {each['alone'] / each['together']:.1f} | {far:.0e} |"
    )


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--lives", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--double", action="store_true", help="in 64 bits")
    parser.add_argument("--relaxed", action="store_true", help="without run.strict, on CUDA")
    options = parser.parse_args()
    device = devices.resolve(options.device)
    print(f"{devices.describe(device)}, torch {torch.__version__}, batches of {options.batch}\n")
    print(
        "| network | each has lost | lives | alone, ms a step | together, ms a step and life "
        "| ratio | weights apart |\n|---|---|---|---|---|---|---|"
    )
    with devices.arithmetic(device, threads=1, strict=not options.relaxed):
        for name in NETWORKS:
            for of in ("synapses", "channels"):
                print(measured(name, of, options.lives, options), flush=True)


if __name__ == "__main__":
    main()
