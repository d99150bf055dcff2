"""Prune a pretrained timm network in one cut, and fine-tune it with your own loop.

Needs ``pip install timm``. Pictures of two kinds are drawn here; put a loader of yours there.
"""

import argparse

import timm
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import evoframe


def pictures(count: int) -> TensorDataset:
    """Return pictures (N, 3, 64, 64) whose upper or lower half is darker, and which it is."""
    kinds = torch.arange(count) % 2
    upper = torch.linspace(-1, 1, 64).sign()[:, None].expand(64, 64)
    return TensorDataset(
        torch.randn(count, 3, 64, 64) + upper * (kinds * 2 - 1)[:, None, None, None], kinds
    )


def train(network: nn.Module, loader: DataLoader, epochs: int) -> None:
    """Train with a plain loop."""
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.001)
    for _ in range(epochs):
        for x, y in loader:
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(x), y).backward()
            optimiser.step()
    network.eval()


def accuracy(network: nn.Module, data: TensorDataset) -> Tensor:
    """Return the accuracy."""
    x, y = data.tensors
    with torch.no_grad():
        return (network(x).argmax(1) == y).float().mean()


def main(name: str, *, pretrained: bool) -> None:
    """Train a network on the data, remove three quarters of its FLOPs, and fine-tune it."""
    torch.manual_seed(0)
    loader = DataLoader(pictures(160), batch_size=16, shuffle=True)
    test = pictures(100)
    network = timm.create_model(name, pretrained=pretrained, num_classes=2)
    train(network, loader, epochs=1)
    smaller = evoframe.shrink(
        network, flops="4x", data=loader, loss=nn.functional.cross_entropy, multiple=8
    )
    print(evoframe.shrunk(smaller))
    cut = accuracy(smaller, test)
    train(smaller, loader, epochs=1)
    print(f"accuracy: {accuracy(network, test):.2f} before, {cut:.2f} once it is cut,", end=" ")
    print(f"{accuracy(smaller, test):.2f} after training")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="resnet18", help="name of a timm network")
    parser.add_argument("--random", action="store_true", help="download no weights")
    said = parser.parse_args()
    main(said.name, pretrained=not said.random)
