"""Shrink a transformer made of torch's layers by removing heads and feed-forward units."""

import argparse
import tempfile

import torch
from torch import Tensor, nn

import evoframe
from evoframe.plugin import Budget, Cluster


class Reader(nn.Module):
    """Classifies whether the first word of a sentence is repeated."""

    def __init__(self, words: int = 12, width: int = 32) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.places = nn.Parameter(torch.randn(10, width) / 4)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 2)

    def forward(self, sentences: Tensor) -> Tensor:
        """Return scores (N, 2) of sentences (N, 10) of word numbers."""
        return self.head(self.encoder(self.words(sentences) + self.places)[:, 0])


def sentences(count: int) -> tuple[Tensor, Tensor]:
    """Return sentences (N, 10), and 1 where the first word is repeated."""
    words = torch.randint(12, (count, 10))
    return words, (words[:, 1:] == words[:, :1]).any(1).long()


def main(out: str) -> None:
    """Train, evolve to half of the parameters, and print the remaining sizes of each layer."""
    torch.manual_seed(0)
    task = evoframe.task(
        network=Reader(),
        train=sentences(1500),
        validation=sentences(500),
        loss=nn.functional.cross_entropy,
        metrics={"accuracy": lambda scores, truth: (scores.argmax(1) == truth).float()},
        trained=False,
    )
    run = evoframe.evolve(
        task,
        encoding=Cluster(of="bundle"),
        environment=Budget(cost="parameters", share=0.75),
        generations=4,
        until="parameters=2x",
        options=["ancestor.epochs=15", "training.epochs=5", "training.learning_rate=0.05"],
        out=out,
    )
    for name, one in (("ancestor", run.ancestor), ("best", run.best)):
        print(name, int(one.fitness.costs["parameters"]), one.fitness.validation["accuracy"])
    for number, layer in enumerate(run.network().encoder.layers):
        inside = layer.self_attn.out_proj.in_features, layer.linear1.out_features
        print(f"layer {number}: heads of {inside[0]} channels in all, {inside[1]} units")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=None, help="run folder")
    main(parser.parse_args().out or f"{tempfile.mkdtemp()}/run")
