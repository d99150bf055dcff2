"""The width of a transformer's residual stream as clusters, where norms compute only nearly."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from evoframe import anatomy
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.drawing.synthesis import draw
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.settling import settle
from evoframe.roles.task import Task
from evoframe.strategies.encoding.cluster import Cluster

WIDTH = 12


class Block(nn.Module):
    """Attention and a feed-forward part, each behind a norm and beside the stream."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, 8) for _ in range(3))
        self.out = nn.Linear(8, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 20), nn.Linear(20, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        y = self.before(x)
        parts = (layer(y).unflatten(-1, (2, -1)).transpose(1, 2) for layer in self.layers)
        query, key, value = parts
        scores = (query @ key.mT / 2).softmax(-1) @ value
        x = x + self.out(scores.transpose(1, 2).flatten(2))
        return x + self.down(torch.relu(self.up(self.between(x))))

    @property
    def layers(self) -> tuple[nn.Module, ...]:
        """What makes queries, keys and values."""
        return self.query, self.key, self.value


class Transformer(nn.Module):
    """Places are learned, and a token of its own is read at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.blocks = nn.Linear(6, WIDTH), nn.Sequential(Block(), Block())
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.places = nn.Parameter(torch.randn(1, 6, WIDTH))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.token.expand(len(x), -1, -1), self.patches(x)], 1) + self.places
        return self.head(self.norm(self.blocks(x))[:, 0])


def test_the_stream_narrows_and_the_change_is_measured() -> None:
    torch.manual_seed(0)
    network, inputs = Transformer().eval(), (torch.randn(2, 5, 6),)
    names = Task.evolvable(SimpleNamespace(example_inputs=lambda: inputs), network)
    plan = anatomy.survey(network, inputs, names, approximate=True)
    assert plan.error > 0

    found = plan.clusters("stream")
    free = {name for name in names if not bool(found.fixed[found.members[name]].all())}
    assert free == {"patches.weight"} | {
        f"blocks.{at}.{name}.weight" for at in (0, 1) for name in ("out", "down")
    }
    assert bool(anatomy.survey(network, inputs, names).clusters("stream").fixed.all())

    whole = plan.genotype()
    strengths = {name: whole.state[name] for name in names}
    inheritance = Inheritance(whole.masks, strengths, whole.state)
    encoding = Cluster(of="stream", temperature=1e6, cluster_temperature=0.5)
    dna = encoding.encode(inheritance, Asked(plan), None)
    genotype = settle(Genotype(draw(dna, Key(3)), whole.state), plan.wiring)
    small = plan.develop(genotype).network
    width = small.patches.out_features
    assert 1 < width < WIDTH
    for block in small.blocks:
        assert block.out.out_features == block.down.out_features == width
        assert block.up.in_features == block.query.in_features == width
        assert (block.up.out_features, block.query.out_features) == (20, 8)
        assert block.before.normalized_shape == block.between.normalized_shape == (width,)
    assert small(*inputs).shape == (2, 3)


class Asked:
    """Evidence that knows an anatomy."""

    def __init__(self, plan) -> None:
        self.clusters = plan.clusters
