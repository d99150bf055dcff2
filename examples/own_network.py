"""Evolve your own small network: train it as usual, pass it on, get a smaller one back."""

import argparse
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import evoframe


def rings(count: int, seed: int) -> TensorDataset:
    """Return points of three noisy rings, and which ring each is on."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    angles = 6.2832 * torch.rand(count, generator=generator)
    radii = 1.0 + labels + 0.2 * torch.randn(count, generator=generator)
    return TensorDataset(torch.stack([radii * angles.cos(), radii * angles.sin()], 1), labels)


def main(out: str) -> None:
    """Train, evolve, and use what came out."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)
    )
    train = DataLoader(rings(900, seed=1), batch_size=50, shuffle=True)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(15):
        for points, labels in train:
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(points), labels).backward()
            optimiser.step()

    task = evoframe.task(
        network=network,
        train=train,
        validation=DataLoader(rings(600, seed=2), batch_size=600),
        test=DataLoader(rings(600, seed=3), batch_size=600),
        loss=nn.functional.cross_entropy,
        metrics={"accuracy": lambda outputs, labels: (outputs.argmax(1) == labels).float()},
    )
    run = evoframe.evolve(task, recipe="structured", until="parameters=4x", max_drop=2.0, out=out)
    before, after, smaller = run.ancestor.fitness, run.best.fitness, run.network()
    print(f"{before.value('parameters'):.0f} parameters became {after.value('parameters'):.0f}")
    print("accuracy", before.test["accuracy"].value, "->", after.test["accuracy"].value)
    print("the ring of (0, 2.9) is", smaller(torch.tensor([[0.0, 2.9]])).argmax().item())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=None, help="run folder")
    main(parser.parse_args().out or f"{tempfile.mkdtemp()}/run")
